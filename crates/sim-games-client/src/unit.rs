//! Units of work, an extension of our own server.

use reqwest::Method;
use sim_games_types::{Committed, Lookup, UnitOfWork};

use crate::request::Request;
use crate::{Client, Result};

impl Client {
    /// Stores several changes together or not at all. The original API cannot do this.
    ///
    /// The server takes the owner of the client's credentials for the actor, and for the owner of
    /// the idempotency key. With such a key the request is repeated when its outcome is not known,
    /// and the answer to the repetition may be the first one's, in `replayed`. Without a key it is
    /// repeated only when nothing was sent.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) when a precondition failed or a row is still in
    /// use; [`Error::NotFound`](crate::Error::NotFound) when a row to change is gone;
    /// [`Error::Refused`](crate::Error::Refused) when an operation is wrong, which the message
    /// names by its position.
    pub async fn commit(&self, unit: &UnitOfWork) -> Result<Committed> {
        self.commit_for(unit, None).await
    }

    /// The same, with the name of what the unit belongs to, for the server's log (`X-Request-Id`).
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn commit_for(&self, unit: &UnitOfWork, request: Option<&str>) -> Result<Committed> {
        let body = serde_json::to_vec(unit)
            .expect("units of work consist of JSON values and string keys only");
        let request = Request::new(Method::POST, self.url("units/", &Lookup::new()))
            .body(body)
            .named(request)
            .repeatable(unit.idempotency.is_some());
        self.send(request).await?.json()
    }
}
