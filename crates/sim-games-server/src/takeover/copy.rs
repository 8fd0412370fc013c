//! Copies table by table, within the writer's transaction.

use std::collections::{BTreeSet, HashMap};

use sim_games_types::{Action, Resource, Timestamp};

use super::rows::Original;
use super::source::{self, SOURCES, Source};
use super::{Copied, TakenOver};
use crate::credentials::Digest;
use crate::model::{Cell, Kind, Table};
use crate::postgres::PgConnection;
use crate::sql::connection::{Connection, Fault, FaultKind, Value, Writing};
use crate::sql::restore::{self, Restored};

/// Rows that are read at once, so that memory stays flat however many there are.
const PAGE: i64 = 5000;

/// What the journal tells as the cause.
const CAUSE: &str = "import";

/// Which of the two databases is at fault.
#[derive(Debug)]
pub(super) enum Failure {
    Source(Fault),
    Target(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Target(fault)
    }
}

/// The state of a copy.
pub(super) struct Copier<'c> {
    source: &'c PgConnection,
    target: &'c dyn Writing,
    at: Timestamp,
    /// Rows that gave way to a newer one, and to which one.
    replaced: HashMap<(Resource, i64), i64>,
    taken: TakenOver,
}

/// Copies all that there is at one moment; `seq` is the journal's last number.
pub(super) fn copy_all(
    source: &PgConnection,
    target: &dyn Writing,
    mut seq: u64,
) -> Result<TakenOver, Failure> {
    source.batch(source.dialect().begin_reading()).map_err(Failure::Source)?;
    let (at, replaced, taken) = (Timestamp::now(), HashMap::new(), TakenOver::default());
    let mut copier = Copier { source, target, at, replaced, taken };
    // The account of a new database makes room for those of the original.
    seq = copier.record(Resource::User, Action::Deleted, seq)?;
    restore::remove_users(target)?;
    for source in &SOURCES {
        copier.copy(source)?;
        seq = copier.record(source.resource, Action::Created, seq)?;
    }
    copier.copy_tokens()?;
    // Subscribers begin with what happens from now on.
    restore::begin_hooks_after(target, seq)?;
    Ok(copier.taken)
}

impl Copier<'_> {
    /// Tells the journal of all rows of a resource, once they are as they will be.
    fn record(&self, resource: Resource, action: Action, seq: u64) -> Result<u64, Fault> {
        restore::record(self.target, resource, action, (seq, self.at, CAUSE))
    }

    /// Copies a table whose parents are there.
    fn copy(&mut self, source: &Source) -> Result<(), Failure> {
        let table = Table::of(source.resource);
        let sql = source.select();
        let mut count = Copied { kind: source.resource.collection(), read: 0, copied: 0 };
        let mut last = i64::MIN;
        loop {
            let page = self.page(&sql, last).map_err(Failure::Source)?;
            let Some(row) = page.last() else { break };
            last = row.key;
            count.read += as_count(page.len());
            let rows = page.into_iter().filter_map(|row| self.checked(source, row)).collect();
            let rows = self.hung_up(source, table, rows)?;
            self.store(source, table, &rows, &mut count.copied)?;
        }
        if count.read > 0 {
            // Also after those that were left out: a key is never given to a second row.
            restore::give_keys_after(self.target, source.resource, last)?;
        }
        self.taken.kinds.push(count);
        Ok(())
    }

    fn page(&self, sql: &str, after: i64) -> Result<Vec<Original>, Fault> {
        let source: &dyn Connection = self.source;
        source.rows(sql, &[Value::Int(after), Value::Int(PAGE)], |row| {
            Ok(Original {
                key: row.int(0)?,
                created: row.int(1)?,
                updated: row.int(2)?,
                fields: row.text(3)?.to_owned(),
            })
        })
    }

    /// A row that a client could have sent, as far as that shows in itself.
    fn checked(&mut self, source: &Source, row: Original) -> Option<Restored> {
        let key = row.key;
        let checked = row.checked(source.resource);
        checked.map_err(|reason| self.taken.leave_out(source.table, key, &reason)).ok()
    }

    /// The rows whose parents are there, with the run that they have from them.
    fn hung_up(
        &mut self,
        source: &Source,
        table: &Table,
        mut rows: Vec<Restored>,
    ) -> Result<Vec<Restored>, Fault> {
        let mut links = Vec::new();
        for (position, field) in table.fields.iter().enumerate() {
            let Kind::Key(parent) = field.kind else { continue };
            let mut keys = BTreeSet::new();
            for cell in rows.iter_mut().map(|row| &mut row.cells[position]) {
                if let Cell::Int(pk) = cell {
                    *pk = self.kept(parent, *pk);
                    keys.insert(*pk);
                }
            }
            let keys: Vec<i64> = keys.into_iter().collect();
            links.push((position, field, restore::runs_of(self.target, parent, &keys)?));
        }
        rows.retain_mut(|row| {
            for (position, field, known) in &links {
                let Some(pk) = row.cells[*position].int() else { continue };
                let Some(run) = known.get(&pk) else {
                    let reason = format!("its {} {pk} does not exist or was left out", field.name);
                    // A run outlives the phase in which it stands.
                    if field.name == "phase" {
                        row.cells[*position] = Cell::Null;
                        self.taken.change(
                            source.table,
                            row.pk,
                            &format!("{reason}: it has none now"),
                        );
                        continue;
                    }
                    self.taken.leave_out(source.table, row.pk, &reason);
                    return false;
                };
                row.run = row.run.or(*run);
            }
            true
        });
        Ok(rows)
    }

    /// Stores rows: of those that are alike the one that was stored last, and of such that were
    /// stored at the same time the one with the highest key.
    fn store(
        &mut self,
        source: &Source,
        table: &Table,
        rows: &[Restored],
        copied: &mut u64,
    ) -> Result<(), Fault> {
        let stored = restore::insert(self.target, table, rows)?;
        *copied += as_count(stored.len());
        for row in rows.iter().filter(|row| !stored.contains(&row.pk)) {
            let others = restore::alike(self.target, table, &row.cells)?;
            if let Some((_, newest)) = others.last().filter(|it| **it > (row.updated, row.pk)) {
                self.give_way(source, row.pk, *newest);
                continue;
            }
            for (_, older) in others {
                // Nothing hangs from it yet: its children come later.
                restore::remove(self.target, table.resource, older)?;
                self.give_way(source, older, row.pk);
                *copied -= 1;
            }
            if restore::insert(self.target, table, std::slice::from_ref(row))?.is_empty() {
                let reason = format!("{} `{}` was refused", table.resource, row.pk);
                return Err(Fault::new(FaultKind::Other, reason));
            }
            *copied += 1;
        }
        Ok(())
    }

    /// Leaves a row out for a newer one, from which its children will hang.
    fn give_way(&mut self, source: &Source, older: i64, newer: i64) {
        self.replaced.insert((source.resource, older), newer);
        let reason = format!("it is doubled, {newer} is newer and kept");
        self.taken.leave_out(source.table, older, &reason);
    }

    /// The key of a row, or of the one to which it gave way.
    fn kept(&self, resource: Resource, mut pk: i64) -> i64 {
        while let Some(newer) = self.replaced.get(&(resource, pk)) {
            pk = *newer;
        }
        pk
    }

    /// Copies the tokens, of which we keep only digests. There are few: a user has one.
    fn copy_tokens(&mut self) -> Result<(), Failure> {
        let reading: &dyn Connection = self.source;
        let tokens = reading
            .rows(&source::tokens(), &[], |row| {
                Ok((row.text(0)?.to_owned(), row.int(1)?, row.int(2)?))
            })
            .map_err(Failure::Source)?;
        let users: BTreeSet<i64> =
            tokens.iter().map(|(_, user, _)| self.kept(Resource::User, *user)).collect();
        let users: Vec<i64> = users.into_iter().collect();
        let known = restore::runs_of(self.target, Resource::User, &users)?;
        let mut count = Copied { kind: "tokens", read: as_count(tokens.len()), copied: 0 };
        for (token, user, created) in tokens {
            let user = self.kept(Resource::User, user);
            let reason = match Digest::of(&token) {
                None => "it has not 40 hexadecimal digits",
                Some(_) if !known.contains_key(&user) => "the user was not copied",
                Some(digest) => {
                    restore::insert_token(self.target, &digest, user, created)?;
                    count.copied += 1;
                    continue;
                }
            };
            // The key itself is a secret.
            self.taken.leave_out(source::TOKENS, format!("of user {user}"), reason);
        }
        self.taken.kinds.push(count);
        Ok(())
    }
}

fn as_count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
