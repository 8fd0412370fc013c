-- From version 2 to 3. The column of addresses keeps its collation, which changes nothing: addresses
-- are compared and sorted in small letters.
DROP INDEX user_natural;
CREATE UNIQUE INDEX user_natural ON user (lower(email));
ALTER TABLE user ADD COLUMN faculty INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user ADD COLUMN last_login INTEGER;
CREATE TABLE token (
  digest TEXT PRIMARY KEY,
  user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX token_user ON token (user);
CREATE INDEX journal_run ON journal (run, seq) WHERE run IS NOT NULL;
DROP INDEX decision_role;
CREATE INDEX decision_role ON decision (role, period);
DROP INDEX result_role;
CREATE INDEX result_role ON result (role, period);
