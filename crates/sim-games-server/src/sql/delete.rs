//! Deletes rows with all that hangs from them, leaves first, and sets scenarios back.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use sim_games_types::{Action, Fields, Resource, Stored};

use super::connection::Fault;
use super::row::Entry;
use super::statements;
use super::unit::{Failure, Session};
use crate::error::{FieldErrors, StoreError};
use crate::model::{Presence, Table, children_of};

/// The order in which rows are deleted and their deletions told.
pub(crate) const LEAVES_FIRST: [Resource; 12] = [
    Resource::Decision,
    Resource::Result,
    Resource::Period,
    Resource::Scenario,
    Resource::RunUser,
    Resource::World,
    Resource::Run,
    Resource::Phase,
    Resource::Role,
    Resource::Game,
    Resource::Hook,
    Resource::User,
];

/// Rows to delete, sorted leaves first.
type Doomed = BTreeSet<(usize, i64)>;

impl Session<'_> {
    /// Deletes a row with all that hangs from it; none when it does not exist.
    pub(super) fn delete(
        &mut self,
        resource: Resource,
        pk: i64,
    ) -> Result<Option<Arc<Stored>>, Failure> {
        let row = match self.read(resource, pk) {
            Ok(row) => row,
            Err(Failure::Refused(StoreError::NotFound { .. })) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        self.delete_all([(resource, pk)])?;
        Ok(Some(row.object))
    }

    /// Sets a scenario back to the period with this order.
    pub(super) fn rewind(
        &mut self,
        scenario: i64,
        last_order: i64,
        decisions: bool,
        results: bool,
    ) -> Result<Arc<Stored>, Failure> {
        let row = self.read(Resource::Scenario, scenario)?;
        let key = [scenario.into(), last_order.into()];
        let sql = "SELECT id FROM period WHERE scenario = ?1 AND \"order\" = ?2";
        let Some(last) = self.reading().first(sql, &key, |row| row.int(0))? else {
            let message = "The scenario has no period with this order.";
            return Err(FieldErrors::one("last_period_order", message).into());
        };
        let later = "SELECT id FROM period WHERE scenario = ?1 AND \"order\" > ?2";
        let mut doomed: Vec<(Resource, i64)> =
            self.reading().rows(later, &key, |row| Ok((Resource::Period, row.int(0)?)))?;
        for (wanted, resource) in [(decisions, Resource::Decision), (results, Resource::Result)] {
            if wanted {
                let entered = self.children(resource, "period", last)?;
                doomed.extend(entered.into_iter().map(|pk| (resource, pk)));
            }
        }
        self.delete_all(doomed)?;
        Ok(row.object)
    }

    fn children(&self, resource: Resource, field: &str, pk: i64) -> Result<Vec<i64>, Fault> {
        let sql = format!("SELECT id FROM \"{}\" WHERE \"{field}\" = ?1", resource.name());
        self.reading().keys(&sql, &[pk.into()])
    }

    fn delete_all(
        &mut self,
        seeds: impl IntoIterator<Item = (Resource, i64)>,
    ) -> Result<(), Failure> {
        let doomed = self.collect(seeds)?;
        // All are read before the first is deleted: afterwards their run could not be told.
        let rows: Vec<Entry> = doomed
            .into_iter()
            .map(|(rank, pk)| self.read(LEAVES_FIRST[rank], pk))
            .collect::<Result<_, _>>()?;
        for row in rows {
            let (resource, pk) = (row.object.record.resource(), row.object.record.pk());
            match resource {
                Resource::Phase => self.leave_phase(pk)?,
                Resource::Role => self.refuse_role_in_use(pk)?,
                _ => {}
            }
            self.connection.execute(&statements::of(resource).delete, &[pk.into()])?;
            self.record(Action::Deleted, row)?;
        }
        Ok(())
    }

    fn collect(&self, seeds: impl IntoIterator<Item = (Resource, i64)>) -> Result<Doomed, Fault> {
        let mut doomed = Doomed::new();
        let mut open: Vec<(Resource, i64)> = seeds.into_iter().collect();
        while let Some((resource, pk)) = open.pop() {
            let rank = LEAVES_FIRST.iter().position(|it| *it == resource);
            if !doomed.insert((rank.expect("every resource has a rank"), pk)) {
                continue;
            }
            for relation in children_of(resource) {
                let below = self.children(relation.child, relation.field, pk)?;
                open.extend(below.into_iter().map(|pk| (relation.child, pk)));
            }
        }
        Ok(doomed)
    }

    /// Runs that stand in a phase lose it rather than being deleted with it.
    fn leave_phase(&mut self, phase: i64) -> Result<(), Failure> {
        let nowhere = Fields::from_iter([("phase".to_owned(), Value::Null)]);
        for run in self.children(Resource::Run, "phase", phase)? {
            self.change(Table::of(Resource::Run), run, &nowhere, Presence::Partial)?;
        }
        Ok(())
    }

    fn refuse_role_in_use(&self, role: i64) -> Result<(), Failure> {
        for resource in [Resource::RunUser, Resource::Decision, Resource::Result] {
            if !self.children(resource, "role", role)?.is_empty() {
                return Err(StoreError::InUse { resource: Resource::Role, pk: role }.into());
            }
        }
        Ok(())
    }
}
