//! The passwords in a unit of work, which is stored with their hashes.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use sim_games_types::{Operation, Resource};

use super::hashes::{self, Cost};
use super::{AT_ONCE, Credentials};
use crate::error::StoreError;

/// Passwords of one unit that are hashed at full cost; when there are more, all are at less.
const FEW: usize = 16;

/// Passwords that are hashed in one turn: a login waits for one of these at most, some 20 ms.
const TURN: usize = 16;

impl Credentials {
    /// Puts hashes in the place of the passwords in a unit of work.
    ///
    /// Each password gets a salt and a hash of its own, also where several are equal: otherwise
    /// whoever reads the database would see who has the same. As many are computed at the same time
    /// as for logins, and logins get their turn in between.
    pub(crate) async fn hash_passwords(
        &self,
        operations: &mut [Operation],
    ) -> Result<(), StoreError> {
        let mut places: Vec<&mut String> = operations.iter_mut().filter_map(password_of).collect();
        let (cost, turn) = if places.len() > FEW { (Cost::Many, TURN) } else { (Cost::Full, 1) };
        let turns: Vec<Vec<String>> = places
            .chunks_mut(turn)
            .map(|places| places.iter_mut().map(|place| std::mem::take(*place)).collect())
            .collect();
        let hashed: Vec<Vec<String>> = stream::iter(turns)
            .map(|passwords| self.hash_all(passwords, cost))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        for (place, hash) in places.into_iter().zip(hashed.into_iter().flatten()) {
            *place = hash;
        }
        Ok(())
    }

    /// The hash of one password at full cost.
    pub(super) async fn hash(&self, password: String) -> Result<String, StoreError> {
        let hashed = self.hash_all(vec![password], Cost::Full).await?;
        Ok(hashed.into_iter().next().expect("there is a hash for every password"))
    }

    async fn hash_all(
        &self,
        passwords: Vec<String>,
        cost: Cost,
    ) -> Result<Vec<String>, StoreError> {
        let hash = move || passwords.iter().map(|it| hashes::make(it, cost)).collect();
        let hashed: Result<Vec<String>, _> = self.compute(hash).await?;
        hashed.map_err(StoreError::unavailable)
    }
}

/// The password that an operation gives a user. What is none stays, and is refused later.
fn password_of(operation: &mut Operation) -> Option<&mut String> {
    let (Operation::Create { resource: Resource::User, fields, .. }
    | Operation::GetOrCreate { resource: Resource::User, defaults: fields, .. }
    | Operation::Upsert { resource: Resource::User, fields, .. }
    | Operation::Change { resource: Resource::User, fields, .. }) = operation
    else {
        return None;
    };
    match fields.get_mut("password") {
        Some(Value::String(password)) if !password.is_empty() => Some(password),
        _ => None,
    }
}
