-- The database of the Games API. Times are microseconds since 1970, JSON is text.
-- `run` in scenario, period, decision and result repeats the run of the parent, so that a run is
-- read by one index scan per table. AUTOINCREMENT: a key is never given to a second object.

CREATE TABLE user (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  external_id TEXT,
  email TEXT NOT NULL,
  is_active INTEGER NOT NULL,
  is_staff INTEGER NOT NULL,
  is_superuser INTEGER NOT NULL,
  subscriber_code TEXT NOT NULL,
  data TEXT NOT NULL,
  password TEXT,
  -- Kept for databases that were taken over; nothing tells them.
  faculty INTEGER NOT NULL DEFAULT 0,
  last_login INTEGER
);
CREATE UNIQUE INDEX user_natural ON user (lower(email));
CREATE INDEX user_external_id ON user (external_id);

-- Logins by token: the token itself is known to its owner alone.
CREATE TABLE token (
  digest TEXT PRIMARY KEY,
  user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX token_user ON token (user);

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
-- With the period, so that who looks for both does not go through all rows of the role.
CREATE INDEX decision_role ON decision (role, period);
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
CREATE INDEX result_role ON result (role, period);
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
  last_error_content TEXT,
  -- With what its deliveries are signed.
  secret TEXT,
  -- The journal's number up to which events were delivered.
  delivered INTEGER NOT NULL DEFAULT 0
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

-- Finds what happened in a run.
CREATE INDEX journal_run ON journal (run, seq) WHERE run IS NOT NULL;

-- Finds the slug that a game had when something happened in it.
CREATE INDEX journal_game ON journal (pk, seq) WHERE resource = 'game';

-- The first answers of calls that carried a key.
CREATE TABLE answer (
  user INTEGER NOT NULL,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  answer TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (user, scope, key)
) WITHOUT ROWID;
