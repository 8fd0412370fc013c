//! What the delivery of webhooks reads and notes.

use std::fmt;

use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value};
use sim_games_types::{Action, EventName, Resource, Timestamp, Webhook};

use super::read::{count_at, unreadable};
use crate::webhooks::is_wanted;

/// Rows of the journal that are looked through at once.
const ROWS: i64 = 512;

/// Events after which a page is full.
const EVENTS: usize = 64;

/// Bytes of bodies after which a page is full.
const BYTES: usize = 256 * 1024;

/// What of a user is told to subscribers.
const USER_FIELDS: [&str; 4] = ["id", "email", "first_name", "last_name"];

/// A subscription with all that its delivery needs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HookRow {
    pub(crate) pk: i64,
    pub(crate) event: String,
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) delivered: u64,
    pub(crate) connected: bool,
    pub(crate) erroring: bool,
}

impl fmt::Debug for HookRow {
    /// Shows neither the secret nor the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookRow").field("pk", &self.pk).finish_non_exhaustive()
    }
}

/// An event ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) body: Vec<u8>,
}

/// Some events, and the journal's number up to which there are no others.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    pub(crate) events: Vec<Event>,
    pub(crate) reached: u64,
}

/// A delivery that failed.
#[derive(Clone, Debug)]
pub(crate) struct HookFailure {
    pub(crate) at: Timestamp,
    pub(crate) status: Option<u16>,
    pub(crate) content: String,
}

/// How far a subscriber got and how it fares.
#[derive(Clone, Debug)]
pub(crate) struct HookProgress {
    pub(crate) pk: i64,
    pub(crate) delivered: u64,
    pub(crate) connected: bool,
    pub(crate) erroring: bool,
    /// The newest failure, when there was one since the last note.
    pub(crate) failure: Option<HookFailure>,
}

/// All subscriptions.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<HookRow>> {
    let sql = "SELECT id, event, url, secret, delivered, connected, erroring FROM hook ORDER BY id";
    let read = |row: &Row<'_>| {
        Ok(HookRow {
            pk: row.get(0)?,
            event: row.get(1)?,
            url: row.get(2)?,
            secret: row.get(3)?,
            delivered: count_at(row, 4)?,
            connected: row.get(5)?,
            erroring: row.get(6)?,
        })
    };
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}

/// Notes a subscriber's progress. It is no change of the subscription and not journaled: otherwise
/// every delivery would be an event again.
pub(super) fn note(connection: &Connection, progress: &HookProgress) -> rusqlite::Result<()> {
    let delivered = i64::try_from(progress.delivered).unwrap_or(i64::MAX);
    connection
        .prepare_cached("UPDATE hook SET delivered = ?, connected = ?, erroring = ? WHERE id = ?")?
        .execute(params![delivered, progress.connected, progress.erroring, progress.pk])?;
    if let Some(failure) = &progress.failure {
        connection
            .prepare_cached(
                "UPDATE hook SET last_error = ?, last_error_status = ?, last_error_content = ? \
                 WHERE id = ?",
            )?
            .execute(params![failure.at.micros(), failure.status, failure.content, progress.pk])?;
    }
    Ok(())
}

/// The next events after a number that fit a subscription, as many as make a page.
pub(super) fn events(
    connection: &Connection,
    after: u64,
    wanted: &str,
) -> rusqlite::Result<Events> {
    // The slug is the one that the game had then: it may have been renamed or deleted since.
    let mut statement = connection.prepare_cached(
        "SELECT j.seq, j.resource, j.action, \
           (SELECT g.payload ->> '$.slug' FROM journal g \
            WHERE g.resource = 'game' AND g.pk = j.game AND g.seq <= j.seq \
            ORDER BY g.seq DESC LIMIT 1), \
           j.ref, j.payload \
         FROM journal j WHERE j.seq > ?1 ORDER BY j.seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![i64::try_from(after).unwrap_or(i64::MAX), ROWS])?;
    let mut page = Events { events: Vec::new(), reached: after };
    let mut bytes = 0;
    while page.events.len() < EVENTS
        && bytes < BYTES
        && let Some(row) = rows.next()?
    {
        page.reached = count_at(row, 0)?;
        let Some(name) = name(row)?.filter(|name| is_wanted(wanted, name)) else { continue };
        let body = body(row, name, page.reached)?;
        bytes += body.len();
        page.events.push(Event { seq: page.reached, body });
    }
    Ok(page)
}

/// The name of a change as an event; none for subscriptions, which are told to nobody.
fn name(row: &Row<'_>) -> rusqlite::Result<Option<String>> {
    let resource = row.get_ref(1)?.as_str()?;
    let action = row.get_ref(2)?.as_str()?;
    let resource = Resource::from_name(resource).ok_or_else(|| unreadable(1, resource))?;
    let action = Action::from_name(action).ok_or_else(|| unreadable(2, action))?;
    let slug: Option<String> = row.get(3)?;
    let is_event = match resource {
        Resource::Hook => false,
        Resource::User => true,
        _ => slug.is_some(),
    };
    Ok(is_event.then(|| EventName { slug, resource, action }.to_string()))
}

fn body(row: &Row<'_>, event: String, seq: u64) -> rusqlite::Result<Vec<u8>> {
    let mut data: Value =
        serde_json::from_str(row.get_ref(5)?.as_str()?).map_err(|error| unreadable(5, error))?;
    if row.get_ref(1)?.as_str()? == Resource::User.name()
        && let Value::Object(user) = &mut data
    {
        let told = USER_FIELDS.iter().filter_map(|field| user.remove_entry(*field));
        *user = told.collect::<Map<_, _>>();
    }
    let webhook = Webhook { event, reference: row.get(4)?, data, seq: Some(seq) };
    serde_json::to_vec(&webhook).map_err(|error| unreadable(5, error))
}
