//! What is decided in a round, what comes out, and when it ends.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sim_games_types::{
    Decision, Fields, Object, Period, Pk, Result as Outcome, Role, RolePk, Stored,
};

use super::{ChildOf, HasData, Kind, Scope, as_fields};
use crate::error::CallResult;
use crate::stage::Making;
use crate::sync::{lock, read};

impl Scope<Period> {
    /// Whether the leader has closed the round: `closed` in the period's data.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.data.get("closed") == Some(&Value::Bool(true))
    }

    /// What a role decided under a name, if it did, and if the data is a `T`.
    pub fn decision<T: DeserializeOwned>(&self, role: &str, name: &str) -> Option<T> {
        let role = read(&self.call.model.game).role_named(role)?.pk();
        self.leaf::<Decision>(Some(role), name)?.data()
    }

    /// What was decided under a name without a role, as in games for one player.
    pub fn own_decision<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.leaf::<Decision>(None, name)?.data()
    }

    /// Stages a role's decision. Fields that the stored decision has and `data` lacks survive.
    ///
    /// # Errors
    /// When `data` is no JSON object, or when the call may not write here.
    pub fn save_decision(&self, role: &Role, name: &str, data: impl Serialize) -> CallResult<()> {
        self.save::<Decision>(Some(role.id), name, as_fields(data)?, true)
    }

    /// Stages a decision without a role. Fields that the stored decision has and `data` lacks survive.
    ///
    /// # Errors
    /// As [`Self::save_decision`].
    pub fn save_own_decision(&self, name: &str, data: impl Serialize) -> CallResult<()> {
        self.save::<Decision>(None, name, as_fields(data)?, true)
    }

    /// The result under a name, if there is one, and if its data is a `T`.
    pub fn result<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.leaf::<Outcome>(None, name)?.data()
    }

    /// A role's own result under a name, if there is one, and if its data is a `T`.
    pub fn result_for<T: DeserializeOwned>(&self, role: &str, name: &str) -> Option<T> {
        let role = read(&self.call.model.game).role_named(role)?.pk();
        self.leaf::<Outcome>(Some(role), name)?.data()
    }

    /// Stages the period's result, in place of an earlier one.
    ///
    /// # Errors
    /// When `data` is no JSON object, or when the call may not write here.
    pub fn save_result(&self, name: &str, data: impl Serialize) -> CallResult<()> {
        self.save::<Outcome>(None, name, as_fields(data)?, false)
    }

    /// Stages a role's own result, in place of an earlier one.
    ///
    /// # Errors
    /// As [`Self::save_result`].
    pub fn save_result_for(&self, role: &Role, name: &str, data: impl Serialize) -> CallResult<()> {
        self.save::<Outcome>(Some(role.id), name, as_fields(data)?, false)
    }

    /// The decision or result of a role under a name.
    ///
    /// The first of several counts: an original database may hold doubles.
    fn leaf<T: Leaf>(&self, role: Option<RolePk>, name: &str) -> Option<Scope<T>> {
        self.find_child(|child: &T| child.role_and_name() == (role, name)).ok().flatten()
    }

    fn save<T: Leaf>(
        &self,
        role: Option<RolePk>,
        name: &str,
        data: Fields,
        merge: bool,
    ) -> CallResult<()> {
        self.call.may_write(self.run.as_ref(), self.key())?;
        let key =
            [("period", json!(self.pk().number())), ("role", json!(role)), ("name", json!(name))];
        let key: Fields = key.into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
        let Some(found) = self.leaf::<T>(role, name) else {
            let fields =
                key.into_iter().chain([("data".to_owned(), Value::Object(data))]).collect();
            lock(&self.call.stage).make(T::RESOURCE, Making::Replace, fields)?;
            return Ok(());
        };
        let data = match found.data_field() {
            Value::Object(old) if merge => old.clone().into_iter().chain(data).collect(),
            _ => data,
        };
        let row: &Stored = found.object.stored();
        lock(&self.call.stage).replace_leaf(row, key, Value::Object(data)).map(drop)
    }
}

/// Decisions and results, which differ in little more than their names.
trait Leaf: Kind + HasData + ChildOf<Period> {
    fn role_and_name(&self) -> (Option<RolePk>, &str);
}

impl Leaf for Decision {
    fn role_and_name(&self) -> (Option<RolePk>, &str) {
        (self.role, &self.name)
    }
}

impl Leaf for Outcome {
    fn role_and_name(&self) -> (Option<RolePk>, &str) {
        (self.role, &self.name)
    }
}
