-- An installation of the original, with a few rows of each kind and every kind of row that breaks
-- our rules.
CREATE TABLE simpl_users_user (
  id serial PRIMARY KEY, password varchar(128) NOT NULL, last_login timestamptz,
  is_superuser boolean NOT NULL, email varchar(254) NOT NULL UNIQUE,
  first_name varchar(30) NOT NULL, last_name varchar(150) NOT NULL, is_staff boolean NOT NULL,
  is_active boolean NOT NULL, date_joined timestamptz NOT NULL, external_id varchar(50),
  data jsonb, subscriber_code varchar(255) NOT NULL, faculty boolean NOT NULL
);
CREATE TABLE authtoken_token (
  key varchar(40) PRIMARY KEY, created timestamptz NOT NULL,
  user_id integer NOT NULL REFERENCES simpl_users_user
);
CREATE TABLE webhook_subscriber (
  id serial PRIMARY KEY, event varchar(200) NOT NULL, url varchar(255) NOT NULL,
  connected boolean NOT NULL, erroring boolean NOT NULL, last_error timestamptz,
  last_error_status integer, last_error_content text, created timestamptz NOT NULL,
  modified timestamptz NOT NULL, user_id integer NOT NULL REFERENCES simpl_users_user
);
CREATE TABLE games_game (
  id serial PRIMARY KEY, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  name varchar(100) NOT NULL UNIQUE, slug varchar(250) NOT NULL UNIQUE, active boolean NOT NULL,
  data jsonb NOT NULL
);
CREATE TABLE games_phase (
  id serial PRIMARY KEY, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  name varchar(100) NOT NULL, "order" smallint, game_id integer NOT NULL REFERENCES games_game,
  slug varchar(50) NOT NULL
);
CREATE TABLE games_role (
  id serial PRIMARY KEY, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  name varchar(100) NOT NULL, data jsonb NOT NULL, game_id integer REFERENCES games_game,
  slug varchar(50) NOT NULL
);
CREATE TABLE games_run (
  id serial PRIMARY KEY, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  name varchar(100) NOT NULL, active boolean NOT NULL, data jsonb NOT NULL,
  game_id integer NOT NULL REFERENCES games_game, phase_id integer
);
CREATE TABLE games_world (
  id serial PRIMARY KEY, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  name varchar(100) NOT NULL, data jsonb NOT NULL, external_ids integer[][],
  run_id integer NOT NULL REFERENCES games_run
);
CREATE TABLE games_runuser (
  id serial PRIMARY KEY, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  leader boolean NOT NULL, active boolean NOT NULL, data jsonb NOT NULL,
  role_id integer REFERENCES games_role, run_id integer NOT NULL REFERENCES games_run,
  user_id integer NOT NULL REFERENCES simpl_users_user, world_id integer REFERENCES games_world
);
CREATE TABLE games_scenario (
  id serial PRIMARY KEY, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  name varchar(100) NOT NULL, runuser_id integer REFERENCES games_runuser, data jsonb NOT NULL,
  world_id integer REFERENCES games_world
);
CREATE TABLE games_period (
  id serial PRIMARY KEY, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  "order" integer NOT NULL, data jsonb NOT NULL, scenario_id integer NOT NULL REFERENCES games_scenario
);
CREATE TABLE games_decision (
  id serial PRIMARY KEY, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  name varchar(100) NOT NULL, data jsonb NOT NULL,
  period_id integer NOT NULL, role_id integer REFERENCES games_role
);
CREATE TABLE games_result (LIKE games_decision INCLUDING ALL);

-- The password is s1. User 4 differs from 5 by the case of a letter, and is older.
INSERT INTO simpl_users_user VALUES
  (1, '!unusable', NULL, true, 'simpl@simpl.world', '', '', true, true, '2026-01-01 00:00:00.000001+00', NULL, NULL, '', false),
  (4, '!', NULL, false, 'S1@div.edu', 'Old', 'User', false, true, '2026-01-02+00', NULL, '{}', '', false),
  (5, 'pbkdf2_sha256$1000$salt$LNn/+S7EkGDtmilhFAn10sxM13HttNYrT60Vi5dfuAk=', '2026-02-03 04:05:06.700008+00', false, 's1@div.edu', 'Student1', 'User', false, true, '2026-01-03+00', 'lms-1', '{"a": 1.50}', 'code', true),
  (9, '', NULL, false, 'no address', '', '', false, true, '2026-01-04+00', NULL, NULL, '', false);
INSERT INTO authtoken_token VALUES
  ('0123456789abcdef0123456789abcdef01234567', '2026-01-05 01:02:03.000004+00', 1),
  ('1123456789abcdef0123456789abcdef01234567', '2026-01-05+00', 4),
  ('2123456789abcdef0123456789abcdef01234567', '2026-01-05+00', 9),
  ('short', '2026-01-05+00', 5);
-- Hook 1 is doubled, hook 4 becomes user 5's.
INSERT INTO webhook_subscriber VALUES
  (1, 'simpl-div.*', 'http://model.backend:8080/callback', true, true, '2026-03-01 10:00:00+00', 500, 'no', '2026-01-05+00', '2026-01-05+00', 1),
  (2, 'simpl-div.*', 'http://model.backend:8080/callback', true, true, '2026-03-01 10:00:00.25+00', 503, repeat('x', 20000), '2026-01-06+00', '2026-01-06 00:00:00.000001+00', 1),
  (3, 'user.*', 'http://169.254.169.254/x', false, false, NULL, NULL, NULL, '2026-01-06+00', '2026-01-06+00', 1),
  (4, 'user.*', 'http://127.0.0.1:8080/callback', false, false, NULL, NULL, NULL, '2026-01-06+00', '2026-01-06+00', 4);
INSERT INTO games_game VALUES
  (3, '2026-01-07 08:09:10.123456+00', '2026-01-08+00', 'Simpl Div', 'simpl-div', true, '{"deep": [1, 2.0, null]}'),
  (4, '2026-01-07+00', '2026-01-08+00', 'User', 'user', true, '{}'),
  (6, '2026-01-07+00', '2026-01-08+00', 'Nameless', '', true, '{}');
INSERT INTO games_phase VALUES
  (11, '2026-01-07+00', '2026-01-08+00', 'Play', 1, 3, ''),
  (12, '2026-01-07+00', '2026-01-08+00', 'Play', 1, 4, ''),
  (13, '2026-01-07+00', '2026-01-08+00', 'Before', -1, 3, 'before');
INSERT INTO games_role VALUES
  (21, '2026-01-07+00', '2026-01-08+00', 'Dividend', '{}', 3, ''),
  (22, '2026-01-07+00', '2026-01-08+00', 'Nowhere', '{}', NULL, '');
-- Run 6 stands in a phase that is left out.
INSERT INTO games_run VALUES
  (5, '2026-01-07+00', '2026-01-08+00', 'default', true, '{}', 3, 11),
  (6, '2026-01-07+00', '2026-01-08+00', 'other', false, '{"kept": true}', 3, 13);
INSERT INTO games_world VALUES
  (9, '2026-01-07+00', '2026-01-08+00', 'World 1', '{}', '{{1,2},{3,4}}', 5),
  (10, '2026-01-07+00', '2026-01-08+00', 'World 2', '{}', NULL, 5);
-- With users 4 and 5 one, so are their memberships 31 and 32 in run 5; 33 has a role of no game.
INSERT INTO games_runuser VALUES
  (30, '2026-01-07+00', '2026-01-08+00', true, true, '{}', NULL, 5, 1, NULL),
  (31, '2026-01-07+00', '2026-01-08+00', false, true, '{}', 21, 5, 4, 9),
  (32, '2026-01-07+00', '2026-01-08+00', false, true, '{"newer": 1}', 21, 5, 5, 9),
  (33, '2026-01-07+00', '2026-01-08+00', false, true, '{}', 22, 6, 1, NULL),
  (34, '2026-01-07+00', '2026-01-08+00', false, true, '{}', NULL, 6, 4, NULL);
-- Scenario 52 comes to hang from membership 32.
INSERT INTO games_scenario VALUES
  (51, '2026-01-07+00', '2026-01-08+00', 'World Scenario 1', NULL, '{}', 9),
  (52, '2026-01-07+00', '2026-01-08+00', 'Own', 31, '{}', NULL),
  (53, '2026-01-07+00', '2026-01-08+00', 'Nobody''s', NULL, '{}', NULL),
  (54, '2026-01-07+00', '2026-01-08+00', 'Both', 31, '{}', 9);
-- Period 64 is as 63, which was stored later though its key is lower.
INSERT INTO games_period VALUES
  (61, '2026-01-07+00', '2026-01-08+00', -1, '{}', 51),
  (62, '2026-01-07+00', '2026-01-08+00', 1, '{}', 53),
  (63, '2026-01-07+00', '2026-01-09+00', 2, '{"kept": true}', 51),
  (64, '2026-01-07+00', '2026-01-08+00', 2, '{}', 51);
-- Decision 74 comes to hang from period 63, and 75 as well, where it is as 76.
INSERT INTO games_decision VALUES
  (71, '2026-01-07+00', '2026-01-08+00', 'decision', '{"operand": 5.0}', 61, 21),
  (72, '2026-01-07+00', '2026-01-08+00', 'decision', '{"operand": 1e400}', 61, NULL),
  (73, '2026-01-07+00', '2026-01-08+00', 'decision', '{}', 62, 21),
  (74, '2026-01-07+00', '2026-01-08+00', 'moved', '{}', 64, 21),
  (75, '2026-01-07+00', '2026-01-08+00', 'decision', '{"operand": 1}', 64, 21),
  (76, '2026-01-07+00', '2026-01-08+00', 'decision', '{"operand": 2}', 63, 21),
  (77, '2026-01-07+00', '2026-01-08+00', 'decision', '{}', 999, 21),
  (78, '2026-01-07+00', '2026-01-08+00', 'none''s', '{}', 61, 22);
INSERT INTO games_result VALUES
  (81, '2026-01-07+00', '2026-01-08+00', 'result', '{"quotient": 1}', 61, NULL),
  (82, '2026-01-07+00', '2026-01-08+00', 'result', '{"quotient": 2}', 61, NULL),
  (83, '2026-01-07+00', '2026-01-07+00', 'result', '{"quotient": 3}', 61, NULL);
