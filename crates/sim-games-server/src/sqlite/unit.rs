//! Carries out one unit of work inside the writer's transaction.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, params_from_iter};
use serde_json::Value;
use sim_games_types::{
    Action, Change, Fields, GamePk, Idempotency, Operation, Precondition, Reference, Resource,
    RunPk, Stored, Target, Timestamp, UserPk,
};
use uuid::Uuid;

use super::row::{Entry, cell};
use super::{conflict, read, statements};
use crate::error::{FieldErrors, StoreError};
use crate::model::{Cell, Kind, Presence, Table, apply_rules, check};
use crate::store::{Outcome, Report, Work};

/// Why a unit was not carried out.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request is at fault.
    Refused(StoreError),
    /// The database is at fault.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<FieldErrors> for Failure {
    fn from(errors: FieldErrors) -> Self {
        Self::Refused(StoreError::Invalid(errors))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error,
            Failure::Sql(error) => Self::unavailable(error),
        }
    }
}

type Row1 = (Timestamp, Vec<Cell>);

/// The state of one unit while it is carried out.
#[derive(Debug)]
pub(super) struct Session<'c> {
    pub(super) connection: &'c Connection,
    at: Timestamp,
    actor: Option<UserPk>,
    cause: Option<Arc<str>>,
    references: BTreeMap<Reference, i64>,
    changes: Vec<Change>,
}

/// Carries out a unit; `head` is the journal's last number before it.
pub(super) fn execute(
    connection: &Connection,
    work: &Work,
    head: u64,
) -> Result<(Outcome, Vec<Change>), Failure> {
    let unit = &work.unit;
    let mut outcome = Outcome::default();
    outcome.committed.seq = head;
    if let Some(Idempotency { user, scope, key, .. }) = &unit.idempotency
        && let Some(answer) = read::answer(connection, *user, scope, key)?
    {
        outcome.committed.replayed = Some(answer);
        return Ok((outcome, Vec::new()));
    }
    for precondition in &unit.preconditions {
        demand(connection, precondition)?;
    }
    let mut session = Session {
        connection,
        at: Timestamp::now(),
        actor: unit.actor,
        cause: unit.cause.as_deref().map(Into::into),
        references: BTreeMap::new(),
        changes: Vec::new(),
    };
    outcome.objects = session.apply_all(work)?;
    if work.rows_at_end {
        for row in outcome.objects.iter_mut() {
            let Some(object) = row.take() else { continue };
            *row = read::get(connection, object.record.resource(), object.record.pk())?;
        }
    }
    if let Some(Idempotency { user, scope, key, answer }) = &unit.idempotency {
        connection
            .prepare_cached(
                "INSERT INTO answer (user, scope, key, answer, at) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![user.0, scope, key, answer, session.at.micros()])?;
    }
    if let Some(last) = session.changes.last() {
        outcome.committed.seq = last.seq;
    }
    outcome.committed.references = session.references;
    Ok((outcome, session.changes))
}

/// Refuses the unit when what its author relied on no longer holds.
fn demand(connection: &Connection, precondition: &Precondition) -> Result<(), Failure> {
    let (holds, resource, pk) = match precondition {
        Precondition::Unchanged { resource, pk, updated } => {
            let sql = format!("SELECT updated FROM \"{}\" WHERE id = ?1", resource.name());
            let found: Option<i64> =
                connection.prepare_cached(&sql)?.query_row([pk], |row| row.get(0)).optional()?;
            (found == Some(updated.micros()), *resource, *pk)
        }
        Precondition::Children { resource, parent, pk, children } => {
            let Some((field, above)) = Table::of(*resource).key_field(parent) else {
                let message = format!("A {resource} has no parent of this kind.");
                return Err(FieldErrors::one(parent, message).into());
            };
            let sql = format!(
                "SELECT id FROM \"{}\" WHERE \"{}\" = ?1 ORDER BY id",
                resource.name(),
                field.name
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let found: Vec<i64> =
                statement.query_map([pk], |row| row.get(0))?.collect::<Result<_, _>>()?;
            (found == *children, above, *pk)
        }
    };
    if holds { Ok(()) } else { Err(StoreError::PreconditionFailed { resource, pk }.into()) }
}

impl Session<'_> {
    /// Carries out the operations in order.
    fn apply_all(&mut self, work: &Work) -> Result<Vec<Option<Arc<Stored>>>, Failure> {
        let mut objects = Vec::with_capacity(work.unit.operations.len());
        let mut refused: Vec<FieldErrors> = Vec::new();
        for operation in &work.unit.operations {
            match self.apply(operation, work) {
                Ok(object) => {
                    objects.push(object);
                    refused.push(FieldErrors::default());
                }
                Err(Failure::Refused(StoreError::Invalid(errors)))
                    if work.report != Report::Single =>
                {
                    refused.push(errors);
                    // It has written nothing, so the next one can still be checked.
                    if work.report == Report::Position {
                        break;
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
        if refused.iter().all(FieldErrors::is_empty) {
            Ok(objects)
        } else {
            Err(StoreError::InvalidItems(refused).into())
        }
    }

    fn apply(
        &mut self,
        operation: &Operation,
        work: &Work,
    ) -> Result<Option<Arc<Stored>>, Failure> {
        match operation {
            Operation::Create { resource, fields, reference } => {
                let object = self.create(Table::of(*resource), fields, work.creates)?;
                self.name(*reference, &object);
                Ok(Some(object))
            }
            Operation::GetOrCreate { resource, key, defaults, reference } => {
                let table = Table::of(*resource);
                let object = match self.find(table, key)? {
                    Some(pk) => self.read(*resource, pk)?.object,
                    None => self.create(table, &joined(defaults, key), work.creates)?,
                };
                self.name(*reference, &object);
                Ok(Some(object))
            }
            Operation::Upsert { resource, key, fields, reference } => {
                let table = Table::of(*resource);
                let object = match self.find(table, key)? {
                    Some(pk) => {
                        self.guard(work, *resource, pk)?;
                        self.change(table, pk, fields, Presence::Partial)?
                    }
                    None => self.create(table, &joined(fields, key), work.creates)?,
                };
                self.name(*reference, &object);
                Ok(Some(object))
            }
            Operation::Change { resource, pk, fields } => {
                let pk = self.target(*pk)?;
                self.guard(work, *resource, pk)?;
                self.change(Table::of(*resource), pk, fields, work.changes).map(Some)
            }
            Operation::Delete { resource, pk } => {
                let pk = self.target(*pk)?;
                self.guard(work, *resource, pk)?;
                self.delete(*resource, pk)
            }
            Operation::Rewind {
                scenario,
                last_period_order,
                delete_last_period_decisions,
                delete_last_period_results,
            } => self
                .rewind(
                    *scenario,
                    *last_period_order,
                    *delete_last_period_decisions,
                    *delete_last_period_results,
                )
                .map(Some),
        }
    }

    /// Refuses to touch a superuser's account where the unit must spare them.
    fn guard(&self, work: &Work, resource: Resource, pk: i64) -> Result<(), Failure> {
        let guarded = work.spare_superusers && resource == Resource::User;
        let sql = "SELECT 1 FROM user WHERE id = ?1 AND is_superuser";
        if guarded && self.connection.prepare_cached(sql)?.exists([pk])? {
            return Err(StoreError::Forbidden { resource, pk }.into());
        }
        Ok(())
    }

    fn name(&mut self, reference: Option<Reference>, object: &Stored) {
        if let Some(reference) = reference {
            self.references.insert(reference, object.record.pk());
        }
    }

    fn target(&self, target: Target) -> Result<i64, Failure> {
        match target {
            Target::Pk(pk) => Ok(pk),
            Target::Reference { reference } => {
                self.references.get(&reference).copied().ok_or_else(|| {
                    let message = format!(
                        "No earlier operation of this unit has the reference {}.",
                        reference.0
                    );
                    FieldErrors::one("pk", message).into()
                })
            }
        }
    }

    /// The newest row with a natural key; parts of the key that are not given have their default.
    fn find(&self, table: &Table, key: &Fields) -> Result<Option<i64>, Failure> {
        if let Some(stranger) = key.keys().find(|it| !table.natural_key.contains(&it.as_str())) {
            let message = format!("This does not identify a {}.", table.resource);
            return Err(FieldErrors::one(stranger, message).into());
        }
        let mut checked = check(table, key, Presence::Partial, &self.references);
        let mut values = Vec::with_capacity(table.natural_key.len());
        for name in table.natural_key {
            let position = table.position(name).expect("natural keys consist of fields");
            let field = &table.fields[position];
            match checked.cells[position].take() {
                Some(value) => values.push(value),
                None if field.required && !checked.errors.has(name) => {
                    checked.errors.push(name, "This field is required.");
                }
                None => values.push(field.default.clone()),
            }
        }
        if !checked.errors.is_empty() {
            return Err(checked.errors.into());
        }
        Ok(conflict::matching(self.connection, table, table.natural_key, &values)?)
    }

    fn create(
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
        let now = self.at.micros();
        let values = cells.iter().map(|cell| cell as &dyn ToSql).chain([&now as &dyn ToSql]);
        let stored = self
            .connection
            .prepare_cached(&statements::of(table.resource).insert)?
            .execute(params_from_iter(values));
        if let Err(error) = stored {
            return Err(conflict::refusal(self.connection, table, &cells, None, error));
        }
        let pk = self.connection.last_insert_rowid();
        let entry = self.read(table.resource, pk)?;
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
        if let Err(error) = self.update(table, pk, &current, &cells, updated) {
            return Err(conflict::refusal(self.connection, table, &cells, Some(pk), error));
        }
        self.rehang(table, pk, &current, &cells)?;
        let entry = self.read(table.resource, pk)?;
        self.record(Action::Changed, entry)
    }

    /// Writes what differs: a column that is not named costs no work on its indexes.
    fn update(
        &self,
        table: &Table,
        pk: i64,
        before: &[Cell],
        after: &[Cell],
        updated: Timestamp,
    ) -> rusqlite::Result<()> {
        let moved = |index: &usize| matches!(table.fields[*index].kind, Kind::Key(_));
        let mut changed: Vec<usize> =
            (0..after.len()).filter(|index| before[*index] != after[*index]).collect();
        let sql = if table.run_from.is_some() && changed.iter().any(moved) {
            changed = (0..after.len()).collect();
            Cow::Borrowed(statements::of(table.resource).update.as_str())
        } else {
            Cow::Owned(statements::update_of(table, &changed))
        };
        let updated = updated.micros();
        let values = changed.iter().map(|index| &after[*index] as &dyn ToSql);
        let values = values.chain([&updated as &dyn ToSql, &pk]);
        self.connection.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        Ok(())
    }

    fn current(&self, table: &Table, pk: i64) -> rusqlite::Result<Option<Row1>> {
        let read = |row: &Row<'_>| {
            let cells = table.fields.iter().enumerate();
            let cells = cells.map(|(index, field)| cell(row, index + 1, field.kind));
            Ok((Timestamp::from_micros(row.get(0)?), cells.collect::<Result<_, _>>()?))
        };
        self.connection
            .prepare_cached(&statements::of(table.resource).current)?
            .query_row([pk], read)
            .optional()
    }

    /// Repeats the run in everything below a row that was moved to another parent.
    fn rehang(
        &self,
        table: &Table,
        pk: i64,
        before: &[Cell],
        after: &[Cell],
    ) -> rusqlite::Result<()> {
        let moved = |field: &str| {
            table.position(field).is_some_and(|position| before[position] != after[position])
        };
        let scenarios = match table.resource {
            Resource::World if moved("run") => "SELECT id FROM scenario WHERE world = ?1",
            Resource::RunUser if moved("run") => "SELECT id FROM scenario WHERE runuser = ?1",
            Resource::Scenario if moved("world") || moved("runuser") => "SELECT ?1",
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
            self.connection.prepare_cached(&sql)?.execute([pk])?;
        }
        Ok(())
    }

    /// Reads a row that exists.
    pub(super) fn read(&self, resource: Resource, pk: i64) -> Result<Entry, Failure> {
        read::by_pk(self.connection, resource, pk)?
            .ok_or_else(|| StoreError::NotFound { resource, pk }.into())
    }

    /// Writes a change into the journal.
    pub(super) fn record(&mut self, action: Action, entry: Entry) -> Result<Arc<Stored>, Failure> {
        let Entry { object, game, run } = entry;
        self.connection
            .prepare_cached(
                "INSERT INTO journal (at, game, run, resource, pk, action, actor, cause, ref, payload) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.at.micros(),
                game.map(|GamePk(pk)| pk),
                run.map(|RunPk(pk)| pk),
                object.record.resource().name(),
                object.record.pk(),
                action.name(),
                self.actor.map(|UserPk(pk)| pk),
                self.cause.as_deref(),
                Uuid::new_v4().to_string(),
                &*object.json,
            ])?;
        let position = self.connection.last_insert_rowid();
        if action == Action::Created && object.record.resource() == Resource::Hook {
            // A subscriber is told what happens after it has subscribed.
            self.connection
                .prepare_cached("UPDATE hook SET delivered = ?1 WHERE id = ?2")?
                .execute([position, object.record.pk()])?;
        }
        let seq = position.unsigned_abs();
        self.changes.push(Change {
            seq,
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

/// The fields of a new row: the key wins.
fn joined(fields: &Fields, key: &Fields) -> Fields {
    let mut all = fields.clone();
    all.extend(key.iter().map(|(name, value): (&String, &Value)| (name.clone(), value.clone())));
    all
}
