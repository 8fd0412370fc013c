//! The journal of changes, an extension of our own server.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use sim_games_types::{
    Action, Change, GamePk, Lookup, Record, Resource, RunPk, Stored, Timestamp, UserPk,
};

use crate::request::Request;
use crate::{Client, Result};

/// The header that tells how far the journal was looked at.
const LAST_SEQ: &str = "x-last-seq";

/// A part of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// The changes, in commit order.
    pub changes: Vec<Change>,
    /// Up to where the journal was looked at: what to ask for next.
    pub last_seq: u64,
}

/// A change as the API writes it.
#[derive(Deserialize)]
struct Entry {
    seq: u64,
    at: Timestamp,
    game: Option<GamePk>,
    run: Option<RunPk>,
    resource: Resource,
    action: Action,
    actor: Option<UserPk>,
    cause: Option<Arc<str>>,
    data: Box<RawValue>,
}

impl Entry {
    fn into_change(self) -> serde_json::Result<Change> {
        let json = self.data.get();
        let object = Stored { record: Record::from_json(self.resource, json)?, json: json.into() };
        Ok(Change {
            seq: self.seq,
            at: self.at,
            game: self.game,
            run: self.run,
            action: self.action,
            object: Arc::new(object),
            actor: self.actor,
            cause: self.cause,
        })
    }
}

impl Client {
    /// The changes after a number, without a gap; not always all, so ask again from `last_seq`.
    ///
    /// When there are none yet the server waits for one, in whole seconds and at most 60; the time
    /// limit of the request is longer by as much. The original API cannot do this.
    ///
    /// # Errors
    /// When the request fails or the server does not know the journal.
    pub async fn changes(&self, after: u64, wait: Duration) -> Result<Changes> {
        let wait = Duration::from_secs(wait.as_secs());
        let lookup = Lookup::new().with("after", after).with("wait", wait.as_secs());
        let request = Request::get(self.url("changes/", &lookup)).patient(wait);
        let answer = self.send(request).await?;
        let entries = answer.json::<Vec<Entry>>()?.into_iter();
        let changes: Vec<Change> = entries
            .map(Entry::into_change)
            .collect::<serde_json::Result<_>>()
            .map_err(|source| answer.unexpected(source))?;
        let told = answer.headers.get(LAST_SEQ).and_then(|it| it.to_str().ok()?.parse().ok());
        let last_seq = told.unwrap_or_else(|| changes.last().map_or(after, |change| change.seq));
        Ok(Changes { changes, last_seq })
    }

    /// How far the journal has come. The nearer `after` is to it, the less the server has to look
    /// through. The original API cannot do this.
    ///
    /// # Errors
    /// When the request fails or the server does not know the journal.
    pub async fn last_seq(&self, after: u64) -> Result<u64> {
        // No game has this key: the journal is looked through and nothing of it is told.
        let lookup = Lookup::new().with("after", after).with("game", 0).with("limit", 1);
        let answer = self.send(Request::get(self.url("changes/", &lookup))).await?;
        let told = answer.headers.get(LAST_SEQ).and_then(|it| it.to_str().ok()?.parse().ok());
        told.ok_or_else(|| {
            let missing = serde::de::Error::custom("the header `x-last-seq` is missing");
            answer.unexpected(missing)
        })
    }
}
