//! A unit of work as requests that can be repeated without harm.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use sim_engine::StoreError;
use sim_games_client::{Error, RewindOptions};
use sim_games_types::{
    Committed, Fields, Idempotency, Lookup, Operation, Record, Reference, Resource, RunPk,
    ScenarioPk, Stored, Target, UnitOfWork,
};
use tokio::time::Instant;

use super::Original;
use super::intents::Intent;
use super::ledger::{Key, Source, has_fields, key_of};
use crate::remote::rest::{self, is_outage, port_error};

/// How far a unit has come.
#[derive(Default)]
struct Progress {
    references: BTreeMap<Reference, i64>,
    /// Whether a part of it is stored, or may be.
    is_begun: bool,
    /// Whether it is carried out again: a part of it may be stored already.
    again: bool,
}

/// Why an operation came to nothing.
enum Failure {
    /// What the API says.
    Api(Error),
    /// A row that it names is not there.
    Gone(Key),
    /// It names a row that no earlier operation made.
    Reference,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Api(error)
    }
}

impl Original {
    /// Stores a unit of work. Commits of one run are carried out one after the other.
    pub(super) async fn commit(&self, unit: UnitOfWork) -> Result<Committed, StoreError> {
        let run = self.run_of(&unit);
        let lane = self.lane(run);
        let _turn = lane.lock().await;
        self.complete(run).await?;
        if let Some(Idempotency { user, scope, key, .. }) = &unit.idempotency {
            let key = (*user, scope.clone(), key.clone());
            let replayed = self.answers().answers.get(&key).cloned();
            if replayed.is_some() {
                let seq = self.ledger().seq();
                return Ok(Committed { seq, replayed, ..Committed::default() });
            }
        }
        {
            let ledger = self.ledger();
            if !unit.preconditions.iter().all(|it| ledger.holds(it)) {
                return Err(StoreError::Conflict { seq: ledger.seq() });
            }
        }
        let references = self.carry_out(run, &unit).await?;
        if let Some(Idempotency { user, scope, key, answer }) = unit.idempotency {
            self.answers().remember((user, scope, key), answer);
        }
        let seq = self.ledger().seq();
        Ok(Committed { seq, references, replayed: None })
    }

    /// Carries a unit out, remembered on disk while only a part of it may be stored.
    async fn carry_out(
        &self,
        run: Option<RunPk>,
        unit: &UnitOfWork,
    ) -> Result<BTreeMap<Reference, i64>, StoreError> {
        let intent = match unit.operations.len() {
            0 | 1 => None,
            _ => {
                // What was checked and what is remembered is no part of what is to be done.
                let (preconditions, idempotency) = (Vec::new(), None);
                let unit = UnitOfWork { preconditions, idempotency, ..unit.clone() };
                let written = self.intents.write(Intent { run, unit }).await;
                Some(written.map_err(|error| {
                    StoreError::Unavailable(format!("cannot remember what is to be saved: {error}"))
                })?)
            }
        };
        let mut progress = Progress::default();
        let outcome = self.perform_all(&unit.operations, &mut progress).await;
        match (outcome, intent) {
            (Ok(()), intent) => {
                if let Some(intent) = intent {
                    self.intents.finish(intent).await;
                }
                Ok(progress.references)
            }
            (Err(failure), intent) => Err(self.failed(failure, intent, progress.is_begun).await),
        }
    }

    /// Decides what becomes of a unit that failed, and what its caller is told.
    async fn failed(
        &self,
        failure: Failure,
        intent: Option<PathBuf>,
        is_begun: bool,
    ) -> StoreError {
        let error = self.told(&failure);
        if matches!(error, StoreError::Unavailable(_)) || is_begun {
            self.doubt();
        }
        match intent {
            Some(intent) if !is_begun => self.intents.finish(intent).await,
            Some(intent) if !matches!(error, StoreError::Unavailable(_)) => {
                tracing::error!("a unit of work was saved in part, the rest is refused: {error}");
                self.intents.give_up(intent).await;
            }
            // It is completed before anything else is saved.
            Some(_) | None => {}
        }
        error
    }

    fn told(&self, failure: &Failure) -> StoreError {
        match failure {
            Failure::Api(error) => port_error(error),
            Failure::Gone(key) => {
                let now = Instant::now();
                let seq = self.tell(|ledger| {
                    ledger.delete_key(*key, now);
                    ledger.seq()
                });
                StoreError::Conflict { seq }
            }
            Failure::Reference => {
                StoreError::Refused("a reference leads to no earlier operation".to_owned())
            }
        }
    }

    /// Completes what was left half done of a run.
    pub(super) async fn complete(&self, run: Option<RunPk>) -> Result<(), StoreError> {
        while let Some((path, intent)) = self.intents.first_of(run) {
            let mut progress = Progress { again: true, is_begun: true, ..Progress::default() };
            match self.perform_all(&intent.unit.operations, &mut progress).await {
                Ok(()) => {
                    tracing::info!(run.pk = run.map(|run| run.0), "completed what was half saved");
                    self.intents.finish(path).await;
                }
                Err(failure) => {
                    let error = self.failed(failure, Some(path), true).await;
                    if matches!(error, StoreError::Unavailable(_)) {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    async fn perform_all(
        &self,
        operations: &[Operation],
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        for operation in operations {
            self.perform(operation, progress).await?;
        }
        Ok(())
    }

    async fn perform(&self, operation: &Operation, progress: &mut Progress) -> Result<(), Failure> {
        match operation {
            Operation::Create { resource, fields, reference } => {
                let fields = resolved(fields, progress)?;
                let existing = match progress.again {
                    true => self.find(*resource, &natural_key(*resource, &fields)).await?,
                    false => None,
                };
                let stored = match existing {
                    Some(stored) => stored,
                    None => self.create(*resource, &fields, progress).await?,
                };
                progress.name(*reference, &stored);
            }
            Operation::GetOrCreate { resource, key, defaults, reference } => {
                let (key, defaults) = (resolved(key, progress)?, resolved(defaults, progress)?);
                let (stored, _) = self.ensure(*resource, &key, defaults, progress).await?;
                progress.name(*reference, &stored);
            }
            Operation::Upsert { resource, key, fields, reference } => {
                let (key, fields) = (resolved(key, progress)?, resolved(fields, progress)?);
                let (stored, is_new) =
                    self.ensure(*resource, &key, fields.clone(), progress).await?;
                progress.name(*reference, &stored);
                if !is_new {
                    self.replace(&stored, fields, progress).await?;
                }
            }
            Operation::Change { resource, pk, fields } => {
                let key = (*resource, target(*pk, progress)?);
                let fields = resolved(fields, progress)?;
                let stored = self.current(key).await?.ok_or(Failure::Gone(key))?;
                self.replace(&stored, fields, progress).await?;
            }
            Operation::Delete { resource, pk } => {
                let key = (*resource, target(*pk, progress)?);
                self.delete(key, progress).await?;
            }
            Operation::Rewind { .. } => self.rewind(operation, progress).await?,
        }
        Ok(())
    }

    /// The row with a natural key, made if there is none. The flag says whether it was made.
    async fn ensure(
        &self,
        resource: Resource,
        key: &Fields,
        others: Fields,
        progress: &mut Progress,
    ) -> Result<(Arc<Stored>, bool), Failure> {
        if let Some(stored) = self.find(resource, key).await? {
            return Ok((stored, false));
        }
        let fields = key.clone().into_iter().chain(others).collect();
        match self.create(resource, &fields, progress).await {
            Ok(stored) => Ok((stored, true)),
            Err(Failure::Api(conflict @ Error::Conflict { .. })) => {
                // Somebody else made it at the same moment.
                match self.find(resource, key).await? {
                    Some(stored) => Ok((stored, false)),
                    None => Err(conflict.into()),
                }
            }
            Err(failure) => Err(failure),
        }
    }

    /// The row with a natural key, from the ledger or else from the API.
    async fn find(&self, resource: Resource, key: &Fields) -> Result<Option<Arc<Stored>>, Failure> {
        let known = one_of(resource, self.ledger().matching(resource, key).cloned());
        if known.is_some() {
            return Ok(known);
        }
        if let (Resource::Game, Some(Value::String(slug))) = (resource, key.get("slug")) {
            return Ok(rest::get(&self.client, resource, slug).await?);
        }
        // The original cannot be asked for rows without a role: what it finds is looked through.
        let lookup = key.iter().fold(Lookup::new(), |lookup, (field, value)| match value {
            Value::Null => lookup,
            Value::String(text) => lookup.with(field, text),
            value => lookup.with(field, value),
        });
        let found = rest::list(&self.client, resource, &lookup).await?;
        let found = one_of(resource, found.into_iter().filter(|stored| has_fields(stored, key)));
        if let Some(stored) = &found {
            self.note(stored.clone());
        }
        Ok(found)
    }

    async fn current(&self, key: Key) -> Result<Option<Arc<Stored>>, Failure> {
        let known = self.ledger().get(key).cloned();
        match known {
            Some(stored) => Ok(Some(stored)),
            None => Ok(rest::get(&self.client, key.0, &key.1.to_string()).await?),
        }
    }

    async fn create(
        &self,
        resource: Resource,
        fields: &Fields,
        progress: &mut Progress,
    ) -> Result<Arc<Stored>, Failure> {
        let stored = progress.written(rest::create(&self.client, resource, fields).await)?;
        self.note(stored.clone());
        Ok(stored)
    }

    /// Writes a row back with other values. All of it is sent: the original clears what is left
    /// out here and there, and cannot change single fields.
    async fn replace(
        &self,
        stored: &Stored,
        changed: Fields,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let (resource, pk) = key_of(stored);
        let mut fields = match serde_json::to_value(&stored.record) {
            Ok(Value::Object(fields)) => fields,
            _ => Fields::new(),
        };
        fields.extend(changed);
        let key = match &stored.record {
            Record::Game(game) => game.slug.clone(),
            _ => pk.to_string(),
        };
        match progress.written(rest::replace(&self.client, resource, &key, &fields).await) {
            Ok(stored) => self.note(stored),
            Err(Error::NotFound { .. }) => return Err(Failure::Gone((resource, pk))),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn delete(&self, key: Key, progress: &mut Progress) -> Result<(), Failure> {
        let path_key = match self.current(key).await?.as_deref() {
            Some(Stored { record: Record::Game(game), .. }) => game.slug.clone(),
            Some(_) => key.1.to_string(),
            None => return Ok(()),
        };
        progress.written(rest::delete(&self.client, key.0, &path_key).await)?;
        self.tell(|ledger| ledger.delete_key(key, Instant::now()));
        Ok(())
    }

    async fn rewind(&self, operation: &Operation, progress: &mut Progress) -> Result<(), Failure> {
        let Operation::Rewind {
            scenario,
            last_period_order,
            delete_last_period_decisions,
            delete_last_period_results,
        } = *operation
        else {
            return Ok(());
        };
        let options = RewindOptions {
            last_period_order,
            delete_last_period_decisions,
            delete_last_period_results,
        };
        let rewound = self.client.scenarios().rewind(ScenarioPk(scenario), options).await;
        match progress.written(rewound) {
            Err(Error::NotFound { .. }) => {
                return Err(Failure::Gone((Resource::Scenario, scenario)));
            }
            rewound => rewound?,
        }
        let key = Fields::from_iter([("scenario".to_owned(), Value::from(scenario))]);
        let now = Instant::now();
        self.tell(|ledger| {
            let periods: Vec<_> = ledger.matching(Resource::Period, &key).cloned().collect();
            for period in periods {
                let Record::Period(it) = &period.record else { continue };
                if it.order > last_period_order {
                    ledger.delete(&period, now);
                }
                let key = Fields::from_iter([("period".to_owned(), Value::from(it.id.0))]);
                for (resource, is_deleted) in [
                    (Resource::Decision, delete_last_period_decisions),
                    (Resource::Result, delete_last_period_results),
                ] {
                    if it.order == last_period_order && is_deleted {
                        let below: Vec<_> = ledger.matching(resource, &key).cloned().collect();
                        below.iter().for_each(|stored| {
                            ledger.delete(stored, now);
                        });
                    }
                }
            }
        });
        Ok(())
    }

    /// Takes the API's answer into the ledger.
    fn note(&self, stored: Arc<Stored>) {
        self.tell(|ledger| ledger.put(stored, Source::Answer, Instant::now()));
    }

    /// The run that a unit is about, found by the first known row that it names.
    fn run_of(&self, unit: &UnitOfWork) -> Option<RunPk> {
        let ledger = self.ledger();
        let of_fields = |fields: &Fields| {
            fields.iter().find_map(|(field, value)| {
                let (resource, pk) = (Resource::from_name(field)?, value.as_i64()?);
                match resource {
                    Resource::Run => Some(RunPk(pk)),
                    Resource::Role | Resource::User => None,
                    resource => ledger.run_of_key((resource, pk)),
                }
            })
        };
        unit.operations.iter().find_map(|operation| match operation {
            Operation::Create { fields, .. } => of_fields(fields),
            Operation::GetOrCreate { key, .. } | Operation::Upsert { key, .. } => of_fields(key),
            Operation::Change { resource, pk: Target::Pk(pk), .. }
            | Operation::Delete { resource, pk: Target::Pk(pk) } => {
                ledger.run_of_key((*resource, *pk))
            }
            Operation::Rewind { scenario, .. } => {
                ledger.run_of_key((Resource::Scenario, *scenario))
            }
            Operation::Change { .. } | Operation::Delete { .. } => None,
        })
    }
}

impl Progress {
    /// Takes note of what came of a request that writes.
    fn written<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        let nothing = match &outcome {
            Ok(_) => false,
            Err(Error::Connect { .. } | Error::Certificate { .. }) => true,
            Err(error) => !is_outage(error),
        };
        self.is_begun |= !nothing;
        outcome
    }

    fn name(&mut self, reference: Option<Reference>, stored: &Stored) {
        if let Some(reference) = reference {
            self.references.insert(reference, stored.record.pk());
        }
    }
}

/// The one that counts of several rows with one natural key: of runs and scenarios, which may share
/// it, the newest; of others the oldest, since the original lets rows without a role double.
fn one_of(resource: Resource, found: impl IntoIterator<Item = Arc<Stored>>) -> Option<Arc<Stored>> {
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|stored| stored.record.pk());
    if matches!(resource, Resource::Run | Resource::Scenario) {
        return found.pop();
    }
    if found.len() > 1 {
        tracing::warn!("{} rows of a {resource} have one key, taking the oldest", found.len());
    }
    found.into_iter().next()
}

/// The fields that identify a row; what is left out is null.
fn natural_key(resource: Resource, fields: &Fields) -> Fields {
    let value = |name: &str| fields.get(name).cloned().unwrap_or_default();
    resource.natural_key().iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

fn resolved(fields: &Fields, progress: &Progress) -> Result<Fields, Failure> {
    let resolve = |value: &Value| match Reference::from_value(value) {
        Some(reference) => {
            progress.references.get(&reference).copied().map(Value::from).ok_or(Failure::Reference)
        }
        None => Ok(value.clone()),
    };
    fields.iter().map(|(field, value)| Ok((field.clone(), resolve(value)?))).collect()
}

fn target(target: Target, progress: &Progress) -> Result<i64, Failure> {
    match target {
        Target::Pk(pk) => Ok(pk),
        Target::Reference { reference } => {
            progress.references.get(&reference).copied().ok_or(Failure::Reference)
        }
    }
}
