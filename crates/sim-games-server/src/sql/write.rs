//! Single rows of a unit of work: how they are made and changed, and how that is noted.

use std::sync::Arc;

use sim_games_types::{Action, Change, Fields, Resource, Stored, Timestamp};

use super::connection::Fault;
use super::row::{Entry, cell};
use super::unit::{Failure, Session};
use super::{conflict, read, statements, tokens};
use crate::error::StoreError;
use crate::model::{Cell, Kind, Presence, Table, apply_rules, check};

impl Session<'_> {
    /// Stores a new row.
    pub(super) fn create(
        &mut self,
        table: &Table,
        fields: &Fields,
        presence: Presence,
    ) -> Result<Arc<Stored>, Failure> {
        let checked = check(table, fields, presence, &self.references);
        let mut errors = checked.errors;
        let mut cells: Vec<Cell> =
            checked.cells.into_iter().map(|cell| cell.unwrap_or(Cell::Null)).collect();
        apply_rules(table, &mut cells, &mut errors);
        if !errors.is_empty() {
            conflict::explain(self.connection, table, &cells, None, &mut errors)?;
            return Err(errors.into());
        }
        let stored = self.connection.insert(table, &cells, self.at)?;
        let Some(entry) = stored else {
            return Err(conflict::refusal(self.connection, table, &cells, None));
        };
        self.record(Action::Created, entry)
    }

    /// Changes fields of a row, and with it when its parent changes the run of what is below.
    pub(super) fn change(
        &mut self,
        table: &Table,
        pk: i64,
        fields: &Fields,
        presence: Presence,
    ) -> Result<Arc<Stored>, Failure> {
        let Some((before, current)) = self.current(table, pk)? else {
            return Err(StoreError::NotFound { resource: table.resource, pk }.into());
        };
        let checked = check(table, fields, presence, &self.references);
        let mut errors = checked.errors;
        let mut cells: Vec<Cell> = checked
            .cells
            .into_iter()
            .zip(&current)
            .map(|(new, old)| new.unwrap_or_else(|| old.clone()))
            .collect();
        apply_rules(table, &mut cells, &mut errors);
        if !errors.is_empty() {
            conflict::explain(self.connection, table, &cells, Some(pk), &mut errors)?;
            return Err(errors.into());
        }
        let updated = self.at.max(Timestamp::from_micros(before.micros().saturating_add(1)));
        let changed = statements::positions(table, &current, &cells);
        if changed.iter().any(|index| matches!(table.fields[*index].kind, Kind::Key(_))) {
            conflict::check_keys(self.connection, table, &cells, &mut errors)?;
            if !errors.is_empty() {
                return Err(errors.into());
            }
        }
        let stored = self.connection.update(table, pk, (&changed, &cells), updated)?;
        let Some(entry) = stored else {
            return Err(conflict::refusal(self.connection, table, &cells, Some(pk)));
        };
        self.rehang(table, pk, &current, &cells)?;
        tokens::end_after(self.connection, (table, pk), (&changed, &cells), self.keep_token)?;
        self.record(Action::Changed, entry)
    }

    /// When a row was stored last, and its fields.
    fn current(&self, table: &Table, pk: i64) -> Result<Option<(Timestamp, Vec<Cell>)>, Fault> {
        self.reading().first(&statements::of(table.resource).current, &[pk.into()], |row| {
            let cells = table.fields.iter().enumerate();
            let cells = cells.map(|(index, field)| cell(row, index + 1, field.kind));
            Ok((Timestamp::from_micros(row.int(0)?), cells.collect::<Result<_, _>>()?))
        })
    }

    /// Repeats the run in everything below a row that was moved to another parent.
    fn rehang(&self, table: &Table, pk: i64, before: &[Cell], after: &[Cell]) -> Result<(), Fault> {
        let moved = |field: &str| {
            table.position(field).is_some_and(|position| before[position] != after[position])
        };
        let scenarios = match table.resource {
            Resource::World if moved("run") => "SELECT id FROM scenario WHERE world = ?1",
            Resource::RunUser if moved("run") => "SELECT id FROM scenario WHERE runuser = ?1",
            Resource::Scenario if moved("world") || moved("runuser") => "SELECT CAST(?1 AS BIGINT)",
            Resource::Period if moved("scenario") => "SELECT scenario FROM period WHERE id = ?1",
            _ => return Ok(()),
        };
        let periods = format!("SELECT id FROM period WHERE scenario IN ({scenarios})");
        for (table, parent, which) in [
            (
                "scenario",
                "coalesce((SELECT run FROM world WHERE id = scenario.world), \
              (SELECT run FROM runuser WHERE id = scenario.runuser))",
                format!("id IN ({scenarios})"),
            ),
            (
                "period",
                "(SELECT run FROM scenario WHERE id = period.scenario)",
                format!("scenario IN ({scenarios})"),
            ),
            (
                "decision",
                "(SELECT run FROM period WHERE id = decision.period)",
                format!("period IN ({periods})"),
            ),
            (
                "result",
                "(SELECT run FROM period WHERE id = result.period)",
                format!("period IN ({periods})"),
            ),
        ] {
            let sql = format!("UPDATE {table} SET run = {parent} WHERE {which}");
            self.connection.execute(&sql, &[pk.into()])?;
        }
        Ok(())
    }

    /// Reads a row that exists.
    pub(super) fn read(&self, resource: Resource, pk: i64) -> Result<Entry, Failure> {
        read::by_pk(self.connection, resource, pk)?
            .ok_or_else(|| StoreError::NotFound { resource, pk }.into())
    }

    /// Notes a change for the journal.
    pub(super) fn record(&mut self, action: Action, entry: Entry) -> Result<Arc<Stored>, Failure> {
        let Entry { object, game, run } = entry;
        self.seq += 1;
        if action == Action::Created && object.record.resource() == Resource::Hook {
            // A subscriber is told what happens after it has subscribed.
            let values = [self.seq.into(), object.record.pk().into()];
            self.connection.execute("UPDATE hook SET delivered = ?1 WHERE id = ?2", &values)?;
        }
        self.changes.push(Change {
            seq: self.seq,
            at: self.at,
            game,
            run,
            action,
            object: Arc::clone(&object),
            actor: self.actor,
            cause: self.cause.clone(),
        });
        Ok(object)
    }
}
