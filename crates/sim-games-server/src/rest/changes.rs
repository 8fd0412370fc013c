//! The journal over HTTP: pages, long polls, and a stream of events.
//!
//! All of it is read from the journal, which alone knows the references; the live changes only tell
//! when it is worth reading again. They are listened to before the journal is first read, so that
//! nothing falls between the two.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;
use sim_games_types::{Change, GamePk, RunPk};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Instant, timeout_at};

use super::Rest;
use super::answer::{self, Refusal};
use super::request::{Call, bounded};
use crate::api::GamesApi;
use crate::error::{FieldErrors, StoreError};
use crate::json::with_field;
use crate::store::JournalQuery;

/// The most changes that are told at once.
pub(crate) const MOST: u64 = 5000;

/// How many are told when the client does not say.
pub(crate) const USUAL: u64 = 500;

/// The longest that a client can wait, in seconds.
pub(crate) const LONGEST_WAIT: u64 = 60;

/// The parameters that are understood.
const PARAMETERS: [&str; 5] = ["after", "limit", "wait", "game", "run"];

/// Tells how far the journal was looked at.
const LAST_SEQ: HeaderName = HeaderName::from_static("x-last-seq");

/// Where a client that lost its stream of events wants to go on.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The time after which a stream of events without events shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn answer(rest: &Rest, call: &Call) -> Result<Response, Refusal> {
    let (query, wait) = parameters(rest, call).await?;
    let reader = Reader::new(rest.api.clone(), query);
    if call.accepts_events() { Ok(events(reader)) } else { poll(reader, wait).await }
}

/// Reads the parameters; all that are wrong are told together.
async fn parameters(rest: &Rest, call: &Call) -> Result<(JournalQuery, Duration), Refusal> {
    let mut errors = FieldErrors::default();
    let strangers = call.parameters.iter().filter(|(name, _)| !PARAMETERS.contains(&name.as_str()));
    for (name, _) in strangers {
        errors.push(name, "This parameter is not known here.");
    }
    let mut number = |name: &str, range: RangeInclusive<u64>| {
        bounded(name, call.parameter(name)?, range, &mut errors)
    };
    let any = 0..=i64::MAX.unsigned_abs();
    let after = number("after", any.clone()).unwrap_or(0);
    let limit = number("limit", 1..=MOST).unwrap_or(USUAL);
    let wait = number("wait", 0..=LONGEST_WAIT).unwrap_or(0);
    let run = number("run", any.clone());
    let resumed = call.header(LAST_EVENT_ID).filter(|_| call.accepts_events());
    let resumed = resumed.and_then(|text| bounded("Last-Event-ID", text, any, &mut errors));
    let game = match call.parameter("game") {
        Some(key) => game(rest, key, &mut errors).await?,
        None => None,
    };
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let query = JournalQuery {
        after: resumed.unwrap_or(after),
        game,
        run: run.map(|pk| RunPk(pk.cast_signed())),
        limit: u32::try_from(limit).expect("the limit is at most 5000"),
    };
    Ok((query, Duration::from_secs(wait)))
}

/// The game with a key or slug. A key is not looked up: the journal knows games that are gone.
async fn game(rest: &Rest, key: &str, errors: &mut FieldErrors) -> Result<Option<GamePk>, Refusal> {
    if let Ok(pk) = key.trim().parse() {
        return Ok(Some(GamePk(pk)));
    }
    // Not every database understands a NUL character, and no slug has one.
    let found = if key.contains('\0') { None } else { rest.api.load_game(key).await? };
    if found.is_none() {
        errors.push("game", "No game has this key or slug.");
    }
    Ok(found.map(|snapshot| GamePk(snapshot.game.record.pk())))
}

/// Reads the journal on and on.
struct Reader {
    api: GamesApi,
    /// Rings when something was committed; none once the store is closed.
    live: Option<Receiver<Arc<[Change]>>>,
    query: JournalQuery,
}

impl Reader {
    fn new(api: GamesApi, query: JournalQuery) -> Self {
        Self { live: api.store().live(), api, query }
    }

    /// The next changes that match, as JSON with their numbers; none when there are none yet.
    async fn read(&mut self) -> Result<VecDeque<(u64, String)>, StoreError> {
        let page = self.api.store().journal_page(self.query.clone()).await?;
        self.query.after = page.last;
        Ok(page.entries.iter().map(|(change, id)| (change.seq, text(change, id))).collect())
    }

    /// Waits until reading is worth while, or tells that the store was closed. Nothing is lost when
    /// the future is dropped.
    async fn is_woken(&mut self) -> bool {
        let Some(live) = &mut self.live else { return false };
        loop {
            match live.recv().await {
                Ok(changes) => {
                    let query = &self.query;
                    if changes.iter().any(|change| is_wanted(query, change)) {
                        return true;
                    }
                    // All batches since the journal was read have come, so none is skipped.
                    let last = changes.last().map_or(0, |change| change.seq);
                    self.query.after = self.query.after.max(last);
                }
                Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    }
}

fn is_wanted(query: &JournalQuery, change: &Change) -> bool {
    change.seq > query.after
        && query.game.is_none_or(|game| change.game == Some(game))
        && query.run.is_none_or(|run| change.run == Some(run))
}

/// A change as readers outside get it. The text of the object exists already.
fn text(change: &Change, id: &str) -> String {
    let record = &change.object.record;
    let fields = json!({
        "seq": change.seq,
        "at": change.at,
        "game": change.game,
        "run": change.run,
        "resource": record.resource(),
        "pk": record.pk(),
        "action": change.action,
        "actor": change.actor,
        "cause": change.cause.as_deref(),
        "ref": id,
    });
    with_field(&fields, "data", &change.object.json)
}

/// Answers as soon as something matches, or with nothing when the time is up or the store closes.
async fn poll(mut reader: Reader, wait: Duration) -> Result<Response, Refusal> {
    let deadline = Instant::now() + wait;
    let mut found = reader.read().await?;
    while found.is_empty() && matches!(timeout_at(deadline, reader.is_woken()).await, Ok(true)) {
        found = reader.read().await?;
    }
    let changes: Vec<String> = found.into_iter().map(|(_, text)| text).collect();
    let mut response = answer::text(StatusCode::OK, format!("[{}]", changes.join(",")));
    response.headers_mut().insert(LAST_SEQ, HeaderValue::from(reader.query.after));
    Ok(response)
}

/// Every change as an event, until the client goes or the store closes.
///
/// When the journal cannot be read the stream ends too; the client comes back with its last number.
fn events(reader: Reader) -> Response {
    let start = (reader, VecDeque::<(u64, String)>::new());
    let events = stream::unfold(start, |(mut reader, mut waiting)| async move {
        loop {
            if let Some((seq, text)) = waiting.pop_front() {
                let event = Event::default().id(seq.to_string()).data(text);
                return Some((Ok::<_, std::convert::Infallible>(event), (reader, waiting)));
            }
            waiting = match reader.read().await {
                Ok(found) => found,
                Err(error) => {
                    tracing::debug!(error = %error, "a stream of events ends");
                    return None;
                }
            };
            if waiting.is_empty() && !reader.is_woken().await {
                return None;
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}
