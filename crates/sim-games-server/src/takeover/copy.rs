//! Copies row by row, within the writer's transaction.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use serde_json::Value as Json;
use sim_games_types::{Action, Change, Fields, Resource, Timestamp};

use super::source::{SOURCES, Source};
use super::{Copied, TakenOver};
use crate::credentials::Digest;
use crate::error::FieldErrors;
use crate::model::{Cell, Presence, Table, apply_rules, check};
use crate::postgres::{Address, PgConnection};
use crate::sql::connection::{Birth, Connection, Fault, FaultKind, Value, Writing};
use crate::sql::{Entry, explain};

/// Rows that are read at once.
const PAGE: i64 = 2000;

/// The state of a copy.
pub(super) struct Copier<'c> {
    source: PgConnection,
    target: &'c dyn Writing,
    /// The journal's last number.
    seq: u64,
    at: Timestamp,
    /// Users that are left out because another one has their address, and that one.
    users: HashMap<i64, i64>,
    taken: TakenOver,
}

/// A row of the original.
struct Original {
    key: i64,
    created: Timestamp,
    updated: Timestamp,
    kept: Option<i64>,
    fields: String,
}

/// A failure that is no fault of the database.
pub(super) fn refusal(reason: &str) -> Fault {
    Fault::new(FaultKind::Other, io::Error::other(reason.to_owned()))
}

impl<'c> Copier<'c> {
    /// Copies all that there is at one moment.
    pub(super) fn copy_all(target: &'c dyn Writing, source: &Address) -> Result<TakenOver, Fault> {
        let unread = |fault: Fault| refusal(&format!("the original cannot be read: {fault}"));
        let source = PgConnection::open(source).map_err(unread)?;
        source.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").map_err(unread)?;
        let mut copier = Self {
            source,
            target,
            seq: 0,
            at: Timestamp::now(),
            users: HashMap::new(),
            taken: TakenOver::default(),
        };
        copier.clear()?;
        for source in &SOURCES {
            copier.copy(source)?;
        }
        copier.copy_tokens()?;
        copier.finish()?;
        Ok(copier.taken)
    }

    fn reading(&self) -> &'c dyn Connection {
        self.target
    }

    /// Makes room for the users of the original: takes away the account of a new database.
    fn clear(&mut self) -> Result<(), Fault> {
        let head = "SELECT coalesce(max(seq), 0) FROM journal";
        self.seq = self.reading().first(head, &[], |row| row.count(0))?.unwrap_or(0);
        let keys = self.reading().keys("SELECT id FROM \"user\"", &[])?;
        for key in keys {
            if let Some(entry) = crate::sql::by_pk(self.target, Resource::User, key)? {
                let change = self.change(Action::Deleted, entry);
                self.target.record(&[change])?;
            }
        }
        self.target.execute("DELETE FROM token", &[])?;
        self.target.execute("DELETE FROM \"user\"", &[])?;
        Ok(())
    }

    fn change(&mut self, action: Action, entry: Entry) -> Change {
        self.seq += 1;
        Change {
            seq: self.seq,
            at: self.at,
            game: entry.game,
            run: entry.run,
            action,
            object: entry.object,
            actor: None,
            cause: Some(Arc::from("import")),
        }
    }

    /// Copies a table.
    fn copy(&mut self, source: &Source) -> Result<(), Fault> {
        let sql = source.select();
        let mut count = Copied { kind: source.resource.collection(), read: 0, copied: 0 };
        let mut last = i64::MIN;
        loop {
            let page = self.page(&sql, last)?;
            let Some(row) = page.last() else { break };
            last = row.key;
            let mut changes = Vec::with_capacity(page.len());
            for row in page {
                count.read += 1;
                match self.restore(source, &row)? {
                    Ok(entry) => {
                        count.copied += 1;
                        changes.push(self.change(Action::Created, entry));
                    }
                    Err(reason) => self.taken.leave_out(source.table, row.key, &reason),
                }
            }
            self.target.record(&changes)?;
        }
        self.taken.kinds.push(count);
        if let Some(sql) =
            self.target.dialect().follow_highest_key(Table::of(source.resource).name())
        {
            self.reading().first(&sql, &[], |_| Ok(()))?;
        }
        Ok(())
    }

    fn page(&self, sql: &str, after: i64) -> Result<Vec<Original>, Fault> {
        let source: &dyn Connection = &self.source;
        let page = source.rows(sql, &[Value::Int(after), Value::Int(PAGE)], |row| {
            Ok(Original {
                key: row.int(0)?,
                created: Timestamp::from_micros(row.int(1)?),
                updated: Timestamp::from_micros(row.int(2)?),
                kept: row.opt_int(3)?,
                fields: row.text(4)?.to_owned(),
            })
        });
        page.map_err(|fault| refusal(&format!("the original cannot be read: {fault}")))
    }

    /// Stores a row, or tells why it is left out.
    fn restore(&mut self, source: &Source, row: &Original) -> Result<Result<Entry, String>, Fault> {
        let table = Table::of(source.resource);
        if let Some(kept) = row.kept {
            if source.resource == Resource::User {
                self.users.insert(row.key, kept);
            }
            return Ok(Err(format!("it is doubled, {kept} is newer and kept")));
        }
        let mut fields: Fields = match serde_json::from_str(&row.fields) {
            Ok(fields) => fields,
            Err(error) => return Ok(Err(format!("its data cannot be kept: {error}"))),
        };
        self.adapt(source.resource, &mut fields);
        let checked = check(table, &fields, Presence::New, &BTreeMap::new());
        let mut errors = checked.errors;
        let mut cells: Vec<Cell> =
            checked.cells.into_iter().map(|cell| cell.unwrap_or(Cell::Null)).collect();
        apply_rules(table, &mut cells, &mut errors);
        if !errors.is_empty() {
            return Ok(Err(told(&errors)));
        }
        let birth = Birth { pk: Some(row.key), created: row.created, updated: row.updated };
        let Some(entry) = self.target.insert(table, &cells, birth)? else {
            explain(self.target, table, &cells, None, &mut errors)?;
            return Ok(Err(told(&errors)));
        };
        if source.resource == Resource::User {
            self.complete_user(row.key, &fields)?;
        }
        Ok(Ok(entry))
    }

    /// Makes of the original's fields what ours accept.
    fn adapt(&self, resource: Resource, fields: &mut Fields) {
        if resource == Resource::User {
            // Django's mark of an account that nobody can log in to.
            let unusable =
                |it: &Json| it.as_str().is_none_or(|it| it.is_empty() || it.starts_with('!'));
            if fields.get("password").is_some_and(unusable) {
                fields.remove("password");
            }
        }
        if let Some(user) = fields.get_mut("user")
            && let Some(kept) = user.as_i64().and_then(|key| self.users.get(&key))
        {
            *user = (*kept).into();
        }
    }

    /// What of a user no request can write.
    fn complete_user(&self, key: i64, fields: &Fields) -> Result<(), Fault> {
        let faculty = fields.get("faculty").and_then(Json::as_bool).unwrap_or_default();
        let last_login = fields.get("last_login").and_then(Json::as_str);
        let last_login = last_login.and_then(|text| text.parse::<Timestamp>().ok());
        self.target.execute(
            "UPDATE \"user\" SET faculty = ?, last_login = ? WHERE id = ?",
            &[faculty.into(), last_login.map(Timestamp::micros).into(), key.into()],
        )?;
        Ok(())
    }

    /// Copies the tokens, of which we keep only digests.
    fn copy_tokens(&mut self) -> Result<(), Fault> {
        let source: &dyn Connection = &self.source;
        let sql = "SELECT key, user_id, \
                   CAST(round(extract(epoch FROM created) * 1000000) AS BIGINT) \
                   FROM authtoken_token ORDER BY key";
        let tokens =
            source.rows(sql, &[], |row| Ok((row.text(0)?.to_owned(), row.int(1)?, row.int(2)?)))?;
        let mut count = Copied { kind: "tokens", read: 0, copied: 0 };
        for (token, user, created) in tokens {
            count.read += 1;
            let user = self.users.get(&user).copied().unwrap_or(user);
            let exists = "SELECT 1 FROM \"user\" WHERE id = ?";
            let reason = match Digest::of(&token) {
                None => "it has not 40 hexadecimal digits",
                Some(_) if !self.reading().exists(exists, &[user.into()])? => {
                    "the user was not copied"
                }
                Some(digest) => {
                    self.target.execute(
                        "INSERT INTO token (digest, \"user\", created) VALUES (?, ?, ?)",
                        &[digest.as_str().into(), user.into(), created.into()],
                    )?;
                    count.copied += 1;
                    continue;
                }
            };
            self.taken.leave_out("authtoken_token", format!("of user {user}"), reason);
        }
        self.taken.kinds.push(count);
        Ok(())
    }

    /// Subscribers begin with what happens from now on.
    fn finish(&self) -> Result<(), Fault> {
        self.target.execute("UPDATE hook SET delivered = ?", &[self.seq.into()])?;
        Ok(())
    }
}

/// Messages per field as one line.
fn told(errors: &FieldErrors) -> String {
    let told = errors.as_map().iter().map(|(field, messages)| match messages.as_array() {
        Some(messages) => {
            let messages: Vec<&str> = messages.iter().filter_map(Json::as_str).collect();
            format!("{field}: {}", messages.join(" "))
        }
        None => format!("{field}: {messages}"),
    });
    let told = told.collect::<Vec<_>>().join("; ");
    if told.is_empty() { "another row has its key".to_owned() } else { told }
}
