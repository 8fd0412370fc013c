//! Tests of what only this database does: servers that go away, several processes, old tables.
