-- The tables of version 1, which no program writes any more, with a few rows.

CREATE TABLE user (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  external_id TEXT,
  email TEXT NOT NULL COLLATE NOCASE,
  is_active INTEGER NOT NULL,
  is_staff INTEGER NOT NULL,
  is_superuser INTEGER NOT NULL,
  subscriber_code TEXT NOT NULL,
  data TEXT NOT NULL,
  password TEXT
);
CREATE UNIQUE INDEX user_natural ON user (email COLLATE NOCASE);
CREATE INDEX user_external_id ON user (external_id);

CREATE TABLE game (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  name TEXT NOT NULL,
  slug TEXT NOT NULL CHECK (slug NOT IN ('', 'user')),
  active INTEGER NOT NULL,
  data TEXT NOT NULL
);
CREATE UNIQUE INDEX game_name ON game (name);
CREATE UNIQUE INDEX game_natural ON game (slug);

CREATE TABLE phase (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  name TEXT NOT NULL,
  slug TEXT NOT NULL,
  game INTEGER NOT NULL REFERENCES game (id),
  "order" INTEGER
);
CREATE UNIQUE INDEX phase_natural ON phase (game, name);

CREATE TABLE role (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  name TEXT NOT NULL,
  slug TEXT NOT NULL,
  data TEXT NOT NULL,
  game INTEGER NOT NULL REFERENCES game (id)
);
CREATE UNIQUE INDEX role_natural ON role (game, name);

CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  name TEXT NOT NULL,
  active INTEGER NOT NULL,
  data TEXT NOT NULL,
  game INTEGER NOT NULL REFERENCES game (id),
  phase INTEGER REFERENCES phase (id)
);
CREATE INDEX run_natural ON run (game, name);
CREATE INDEX run_phase ON run (phase);

CREATE TABLE world (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  name TEXT NOT NULL,
  data TEXT NOT NULL,
  external_ids TEXT,
  run INTEGER NOT NULL REFERENCES run (id)
);
CREATE UNIQUE INDEX world_natural ON world (run, name);

CREATE TABLE runuser (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  role INTEGER REFERENCES role (id),
  leader INTEGER NOT NULL,
  active INTEGER NOT NULL,
  data TEXT NOT NULL,
  user INTEGER NOT NULL REFERENCES user (id),
  run INTEGER NOT NULL REFERENCES run (id),
  world INTEGER REFERENCES world (id)
);
CREATE UNIQUE INDEX runuser_natural ON runuser (user, run);
CREATE INDEX runuser_run ON runuser (run);
CREATE INDEX runuser_world ON runuser (world);
CREATE INDEX runuser_role ON runuser (role);

CREATE TABLE scenario (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  name TEXT NOT NULL,
  data TEXT NOT NULL,
  runuser INTEGER REFERENCES runuser (id),
  world INTEGER REFERENCES world (id),
  run INTEGER NOT NULL REFERENCES run (id),
  CHECK ((runuser IS NULL) <> (world IS NULL))
);
CREATE INDEX scenario_natural ON scenario (ifnull(runuser, 0), ifnull(world, 0), name);
CREATE INDEX scenario_world ON scenario (world);
CREATE INDEX scenario_runuser ON scenario (runuser);
CREATE INDEX scenario_run ON scenario (run);

CREATE TABLE period (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  "order" INTEGER NOT NULL,
  data TEXT NOT NULL,
  scenario INTEGER NOT NULL REFERENCES scenario (id),
  run INTEGER NOT NULL REFERENCES run (id)
);
CREATE UNIQUE INDEX period_natural ON period (scenario, "order");
CREATE INDEX period_run ON period (run);

CREATE TABLE decision (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  name TEXT NOT NULL,
  period INTEGER NOT NULL REFERENCES period (id),
  role INTEGER REFERENCES role (id),
  data TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES run (id)
);
CREATE UNIQUE INDEX decision_natural ON decision (period, ifnull(role, 0), name);
CREATE INDEX decision_role ON decision (role);
CREATE INDEX decision_run ON decision (run);

CREATE TABLE result (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  name TEXT NOT NULL,
  period INTEGER NOT NULL REFERENCES period (id),
  role INTEGER REFERENCES role (id),
  data TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES run (id)
);
CREATE UNIQUE INDEX result_natural ON result (period, ifnull(role, 0), name);
CREATE INDEX result_role ON result (role);
CREATE INDEX result_run ON result (run);

CREATE TABLE hook (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  event TEXT NOT NULL,
  url TEXT NOT NULL,
  user INTEGER NOT NULL REFERENCES user (id),
  connected INTEGER NOT NULL,
  erroring INTEGER NOT NULL,
  last_error INTEGER,
  last_error_status INTEGER,
  last_error_content TEXT
);
CREATE UNIQUE INDEX hook_natural ON hook (user, event, url);

-- Every change, in commit order. It outlives the rows that it tells of: no foreign keys.
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  game INTEGER,
  run INTEGER,
  resource TEXT NOT NULL,
  pk INTEGER NOT NULL,
  action TEXT NOT NULL,
  actor INTEGER,
  cause TEXT,
  ref TEXT NOT NULL,
  payload TEXT NOT NULL
);

-- The first answers of calls that carried a key.
CREATE TABLE answer (
  user INTEGER NOT NULL,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  answer TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (user, scope, key)
) WITHOUT ROWID;

INSERT INTO user VALUES (1, 0, 0, '', '', NULL, 'Anna@b.c', 1, 1, 1, '', 'null', NULL);
INSERT INTO hook VALUES (1, 0, 0, 'div.*', 'http://a.b/', 1, 0, 0, NULL, NULL, NULL);
INSERT INTO journal VALUES (7, 0, NULL, NULL, 'user', 1, 'created', NULL, NULL, '', '{}');
PRAGMA application_id = 0x53494d47;
PRAGMA user_version = 1;
