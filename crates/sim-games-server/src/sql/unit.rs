//! Carries out one unit of work inside the writer's transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sim_games_types::{
    Action, Change, Fields, Idempotency, Operation, Precondition, Reference, Resource, Stored,
    Target, Timestamp, UserPk,
};

use super::connection::{Connection, Fault, Writing};
use super::{conflict, read};
use crate::credentials::Digest;
use crate::error::{FieldErrors, StoreError};
use crate::model::{Presence, Table, check};
use crate::store::{Outcome, Report, Work};

/// Why a unit was not carried out.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request is at fault.
    Refused(StoreError),
    /// The database is at fault.
    Sql(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Sql(fault)
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
            Failure::Sql(fault) => fault.into(),
        }
    }
}

/// The state of one unit while it is carried out.
pub(super) struct Session<'c> {
    pub(super) connection: &'c dyn Writing,
    pub(super) at: Timestamp,
    pub(super) actor: Option<UserPk>,
    pub(super) cause: Option<Arc<str>>,
    pub(super) references: BTreeMap<Reference, i64>,
    /// The token that outlives a change of its user's password.
    pub(super) keep_token: Option<&'c Digest>,
    /// The journal's last number.
    pub(super) seq: u64,
    /// What was changed so far; the writer puts it into the journal.
    pub(super) changes: Vec<Change>,
}

/// Carries out a unit; `head` is the journal's last number before it.
pub(super) fn execute(
    connection: &dyn Writing,
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
        keep_token: work.keep_token.as_ref(),
        seq: head,
        changes: Vec::new(),
    };
    outcome.objects = session.apply_all(work, &mut outcome.created)?;
    if work.rows_at_end {
        for row in outcome.objects.iter_mut() {
            let Some(object) = row.take() else { continue };
            *row = read::get(connection, object.record.resource(), object.record.pk())?;
        }
    }
    if let Some(Idempotency { user, scope, key, answer }) = &unit.idempotency {
        let answer = Reference::fill_in(answer, &session.references);
        let texts = [scope, key, &*answer].map(Into::into);
        let [scope, key, answer] = texts;
        connection.execute(
            "INSERT INTO answer (\"user\", scope, key, answer, at) VALUES (?, ?, ?, ?, ?)",
            &[user.0.into(), scope, key, answer, session.at.micros().into()],
        )?;
    }
    outcome.committed.seq = session.seq;
    outcome.committed.references = session.references;
    Ok((outcome, session.changes))
}

/// Refuses the unit when what its author relied on no longer holds.
fn demand(connection: &dyn Writing, precondition: &Precondition) -> Result<(), Failure> {
    let (holds, resource, pk) = match precondition {
        Precondition::Unchanged { resource, pk, updated } => {
            let sql = format!("SELECT updated FROM \"{}\" WHERE id = ?1", resource.name());
            let connection: &dyn Connection = connection;
            let found = connection.first(&sql, &[(*pk).into()], |row| row.int(0))?;
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
            let connection: &dyn Connection = connection;
            let found = connection.keys(&sql, &[(*pk).into()])?;
            (found == *children, above, *pk)
        }
    };
    if holds { Ok(()) } else { Err(StoreError::PreconditionFailed { resource, pk }.into()) }
}

impl Session<'_> {
    /// The connection, for those who only read.
    pub(super) fn reading(&self) -> &dyn Connection {
        self.connection
    }

    /// Carries out the operations in order.
    fn apply_all(
        &mut self,
        work: &Work,
        created: &mut Vec<bool>,
    ) -> Result<Vec<Option<Arc<Stored>>>, Failure> {
        let mut objects = Vec::with_capacity(work.unit.operations.len());
        let mut refused: Vec<FieldErrors> = Vec::new();
        for operation in &work.unit.operations {
            let before = self.changes.len();
            match self.apply(operation, work) {
                Ok(object) => {
                    objects.push(object);
                    created
                        .push(self.changes[before..].iter().any(|it| it.action == Action::Created));
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
        let sql = "SELECT 1 FROM \"user\" WHERE id = ?1 AND is_superuser";
        if guarded && self.reading().exists(sql, &[pk.into()])? {
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
}

/// The fields of a new row: the key wins.
fn joined(fields: &Fields, key: &Fields) -> Fields {
    let mut all = fields.clone();
    all.extend(key.iter().map(|(name, value): (&String, &Value)| (name.clone(), value.clone())));
    all
}
