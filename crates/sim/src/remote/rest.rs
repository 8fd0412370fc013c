//! Requests on objects whose resource is known only at run time, and what their errors mean.

use std::error::Error as _;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use sim_engine::StoreError;
use sim_games_client::{Client, Error};
use sim_games_types::{Fields, GamePk, Lookup, Resource, Run, RunPk, Stored, UserPk};

/// How many lists are read at the same time.
const AT_ONCE: usize = 4;

/// How many objects are asked for at once; a server may give fewer.
const PAGE_SIZE: usize = 5000;

/// Does something with the endpoint of a resource.
macro_rules! at_endpoint {
    ($client:expr, $resource:expr, $endpoint:ident => $body:expr) => {
        match $resource {
            Resource::Game => {
                let $endpoint = $client.games();
                $body
            }
            Resource::Phase => {
                let $endpoint = $client.phases();
                $body
            }
            Resource::Role => {
                let $endpoint = $client.roles();
                $body
            }
            Resource::Run => {
                let $endpoint = $client.runs();
                $body
            }
            Resource::World => {
                let $endpoint = $client.worlds();
                $body
            }
            Resource::RunUser => {
                let $endpoint = $client.runusers();
                $body
            }
            Resource::Scenario => {
                let $endpoint = $client.scenarios();
                $body
            }
            Resource::Period => {
                let $endpoint = $client.periods();
                $body
            }
            Resource::Decision => {
                let $endpoint = $client.decisions();
                $body
            }
            Resource::Result => {
                let $endpoint = $client.results();
                $body
            }
            Resource::User => {
                let $endpoint = $client.users();
                $body
            }
            Resource::Hook => {
                let $endpoint = $client.hooks();
                $body
            }
        }
    };
}

/// All objects that match.
pub(super) async fn list(
    client: &Client,
    resource: Resource,
    lookup: &Lookup,
) -> Result<Vec<Arc<Stored>>, Error> {
    at_endpoint!(client, resource, endpoint => {
        let objects = endpoint.filter(lookup).await?;
        Ok(objects.into_iter().map(|object| Arc::new(Stored::new(object))).collect())
    })
}

/// The runs of a game that a user leads, by their keys.
pub(super) async fn led_runs(
    client: &Client,
    game: GamePk,
    user: UserPk,
) -> Result<Vec<Run>, StoreError> {
    let led = async {
        let leaders = Lookup::new().with("user", user).with("leader", true);
        let mut keys: Vec<RunPk> =
            client.runusers().filter(&leaders).await?.iter().map(|member| member.run).collect();
        keys.sort_unstable();
        let mut runs = Vec::new();
        for key in keys {
            match client.runs().get(key).await {
                Ok(run) => runs.push(run),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(runs)
    };
    let runs: Vec<Run> = led.await.map_err(|error| port_error(&error))?;
    Ok(runs.into_iter().filter(|run| run.game == game).collect())
}

/// Several lists, read a few at a time, one after the other in the order given.
pub(super) async fn lists(
    client: &Client,
    wanted: impl IntoIterator<Item = (Resource, Lookup)>,
) -> Result<Vec<Arc<Stored>>, Error> {
    let requests = wanted.into_iter().map(|(resource, lookup)| async move {
        list(client, resource, &lookup.with("page_size", PAGE_SIZE)).await
    });
    stream::iter(requests)
        .buffered(AT_ONCE)
        .try_fold(Vec::new(), |mut all, objects| async move {
            all.extend(objects);
            Ok(all)
        })
        .await
}

/// The resources below a run, parents before children.
pub(super) const BELOW_RUN: [Resource; 6] = [
    Resource::World,
    Resource::RunUser,
    Resource::Scenario,
    Resource::Period,
    Resource::Decision,
    Resource::Result,
];

/// The object with this key (of games: with this slug), if there is one.
pub(super) async fn get(
    client: &Client,
    resource: Resource,
    key: &str,
) -> Result<Option<Arc<Stored>>, Error> {
    at_endpoint!(client, resource, endpoint => match endpoint.get(key).await {
        Ok(object) => Ok(Some(Arc::new(Stored::new(object)))),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    })
}

/// Stores a new object.
pub(super) async fn create(
    client: &Client,
    resource: Resource,
    fields: &Fields,
) -> Result<Arc<Stored>, Error> {
    at_endpoint!(client, resource, endpoint => {
        endpoint.create(fields).await.map(|object| Arc::new(Stored::new(object)))
    })
}

/// Writes an object back; `key` is the slug of games.
pub(super) async fn replace(
    client: &Client,
    resource: Resource,
    key: &str,
    fields: &Fields,
) -> Result<Arc<Stored>, Error> {
    at_endpoint!(client, resource, endpoint => {
        endpoint.replace(key, fields).await.map(|object| Arc::new(Stored::new(object)))
    })
}

/// Deletes an object; one that is gone is no error.
pub(super) async fn delete(client: &Client, resource: Resource, key: &str) -> Result<(), Error> {
    at_endpoint!(client, resource, endpoint => endpoint.delete(key).await)
}

/// Whether the API did not answer, or not sensibly, so that it may do better later.
pub(super) fn is_outage(error: &Error) -> bool {
    match error {
        Error::Connect { .. }
        | Error::Certificate { .. }
        | Error::Timeout { .. }
        | Error::Transport { .. }
        | Error::Decode { .. } => true,
        Error::Refused { status, .. } => *status >= 500 || *status == 429,
        _ => false,
    }
}

/// What an error means for the engine.
pub(super) fn port_error(error: &Error) -> StoreError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    match error {
        Error::NotAllowed { .. } => StoreError::Refused(format!(
            "the service's account may not do this, check --games-user and --games-password: {text}"
        )),
        error if is_outage(error) => StoreError::Unavailable(text),
        _ => StoreError::Refused(text),
    }
}
