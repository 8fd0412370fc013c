//! The client and its endpoints.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use sim_games_types::{
    Decision, Game, Hook, Object, Period, Phase, Result as PeriodResult, Role, Run, RunUser,
    Scenario, User, World,
};
use url::Url;

use crate::credentials::Credentials;
use crate::{ClientBuilder, Endpoint, Retry};

/// A client of one Games API; clones share its connections.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Url,
    pub(crate) credentials: Credentials,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) timeout: Duration,
    pub(crate) retry: Retry,
}

macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident: $object:ty),+ $(,)?) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> Endpoint<$object> {
            self.endpoint()
        }
    )+};
}

impl Client {
    /// Starts to set up a client for the API at this address, with or without a final slash.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    /// The address of the API, with a final slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.0.base.as_str()
    }

    /// The endpoint of a resource that is known by its type.
    #[must_use]
    pub fn endpoint<T: Object>(&self) -> Endpoint<T> {
        Endpoint::new(self.clone())
    }

    endpoints! {
        /// The games.
        games: Game,
        /// The phases of games.
        phases: Phase,
        /// The roles of games.
        roles: Role,
        /// The runs.
        runs: Run,
        /// The worlds of runs.
        worlds: World,
        /// The members of runs.
        runusers: RunUser,
        /// The scenarios of worlds and members.
        scenarios: Scenario,
        /// The periods of scenarios.
        periods: Period,
        /// The decisions of periods.
        decisions: Decision,
        /// The results of periods.
        results: PeriodResult,
        /// The people who can log in.
        users: User,
        /// The webhook subscriptions.
        hooks: Hook,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.0.base.as_str())
            .field("credentials", &self.0.credentials)
            .field("timeout", &self.0.timeout)
            .field("retry", &self.0.retry)
            .finish_non_exhaustive()
    }
}
