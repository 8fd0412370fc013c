//! Many objects in one request.

use reqwest::Method;
use serde::Serialize;
use sim_games_types::{
    Decision, Lookup, Object, Period, Phase, Result as PeriodResult, Role, Run, RunUser, Scenario,
    World,
};
use url::Url;

use crate::request::Request;
use crate::{Endpoint, Error, Result};

/// A resource that the API creates and deletes in bulk: all but games, users and hooks.
pub trait BulkObject: Object {}

impl BulkObject for Decision {}
impl BulkObject for Period {}
impl BulkObject for Phase {}
impl BulkObject for PeriodResult {}
impl BulkObject for Role {}
impl BulkObject for Run {}
impl BulkObject for RunUser {}
impl BulkObject for Scenario {}
impl BulkObject for World {}

impl<T: BulkObject> Endpoint<T> {
    /// Stores new objects, in this order. Decisions and results must say their `role`, if only null.
    ///
    /// # Errors
    /// When any item is refused; our server then stores none of them.
    pub async fn bulk_create<B: Serialize>(&self, items: &[B]) -> Result<Vec<T>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let request = Request::new(Method::POST, self.bulk_url(&Lookup::new()));
        self.client.send(request.json(items, T::RESOURCE)?).await?.json()
    }

    /// Deletes all objects that match.
    ///
    /// Take care to filter by fields that the resource has: the original API ignores all others,
    /// and deletes everything.
    ///
    /// # Errors
    /// [`Error::EmptyLookup`], before anything is sent, when a filter is missing or empty.
    pub async fn bulk_delete(&self, lookup: &Lookup) -> Result<()> {
        // The API does not apply a filter without a value.
        if lookup.is_empty() || lookup.pairs().iter().any(|(_, value)| value.trim().is_empty()) {
            return Err(Error::EmptyLookup { resource: T::RESOURCE });
        }
        let request = Request::new(Method::DELETE, self.bulk_url(lookup));
        self.client.send(request).await.map(drop)
    }

    fn bulk_url(&self, lookup: &Lookup) -> Url {
        self.client.url(&format!("bulk/{}/", T::RESOURCE.collection()), lookup)
    }
}
