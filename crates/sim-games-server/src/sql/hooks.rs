//! What the delivery of webhooks reads and notes.

use std::ops::ControlFlow;

use serde_json::{Map, Value as Json};
use sim_games_types::{Action, EventName, Resource, Webhook};

use super::connection::{Connection, Fault, Row};
use crate::store::{Event, Events, HookProgress, HookRow};
use crate::webhooks::is_wanted;

/// Rows of the journal that are looked through at once.
const ROWS: i64 = 512;

/// Events after which a page is full.
const EVENTS: usize = 64;

/// Bytes of bodies after which a page is full.
const BYTES: usize = 256 * 1024;

/// What of a user is told to subscribers.
const USER_FIELDS: [&str; 4] = ["id", "email", "first_name", "last_name"];

/// All subscriptions.
pub(super) fn all(connection: &dyn Connection) -> Result<Vec<HookRow>, Fault> {
    let sql = "SELECT id, event, url, secret, delivered, connected, erroring FROM hook ORDER BY id";
    connection.rows(sql, &[], |row| {
        Ok(HookRow {
            pk: row.int(0)?,
            event: row.text(1)?.to_owned(),
            url: row.text(2)?.to_owned(),
            secret: row.opt_text(3)?.map(str::to_owned),
            delivered: row.count(4)?,
            connected: row.flag(5)?,
            erroring: row.flag(6)?,
        })
    })
}

/// Notes a subscriber's progress. It is no change of the subscription and not journaled: otherwise
/// every delivery would be an event again.
pub(super) fn note(connection: &dyn Connection, progress: &HookProgress) -> Result<(), Fault> {
    let HookProgress { pk, delivered, connected, erroring, failure } = progress;
    connection.execute(
        // Another process may have come further since this one lost its turn.
        "UPDATE hook SET delivered = CASE WHEN delivered < ?1 THEN ?1 ELSE delivered END, \
         connected = ?2, erroring = ?3 WHERE id = ?4",
        &[(*delivered).into(), (*connected).into(), (*erroring).into(), (*pk).into()],
    )?;
    if let Some(failure) = failure {
        connection.execute(
            "UPDATE hook SET last_error = ?, last_error_status = ?, last_error_content = ? \
             WHERE id = ?",
            &[
                failure.at.micros().into(),
                failure.status.map(i64::from).into(),
                failure.content.as_str().into(),
                (*pk).into(),
            ],
        )?;
    }
    Ok(())
}

/// The next events after a number that fit a subscription, as many as make a page.
pub(super) fn events(
    connection: &dyn Connection,
    after: u64,
    wanted: &str,
) -> Result<Events, Fault> {
    // The slug is the one that the game had then: it may have been renamed or deleted since.
    let sql = format!(
        "SELECT j.seq, j.resource, j.action, \
           (SELECT {slug} FROM journal g \
            WHERE g.resource = 'game' AND g.pk = j.game AND g.seq <= j.seq \
            ORDER BY g.seq DESC LIMIT 1), \
           j.ref, j.payload \
         FROM journal j WHERE j.seq > ?1 ORDER BY j.seq LIMIT ?2",
        slug = connection.dialect().slug_of_game()
    );
    let mut page = Events { events: Vec::new(), reached: after };
    let mut bytes = 0;
    connection.each(&sql, &[after.into(), ROWS.into()], &mut |row| {
        page.reached = row.count(0)?;
        if let Some(name) = name(row)?.filter(|name| is_wanted(wanted, name)) {
            let body = body(row, name, page.reached)?;
            bytes += body.len();
            page.events.push(Event { seq: page.reached, body });
        }
        let is_full = page.events.len() >= EVENTS || bytes >= BYTES;
        Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(page)
}

/// The name of a change as an event; none for subscriptions, which are told to nobody.
fn name(row: &dyn Row) -> Result<Option<String>, Fault> {
    let (resource, action) = (row.text(1)?, row.text(2)?);
    let resource = Resource::from_name(resource).ok_or_else(|| Fault::unreadable(1, resource))?;
    let action = Action::from_name(action).ok_or_else(|| Fault::unreadable(2, action))?;
    let slug = row.opt_text(3)?.map(str::to_owned);
    let is_event = match resource {
        Resource::Hook => false,
        Resource::User => true,
        _ => slug.is_some(),
    };
    Ok(is_event.then(|| EventName { slug, resource, action }.to_string()))
}

fn body(row: &dyn Row, event: String, seq: u64) -> Result<Vec<u8>, Fault> {
    let unreadable = |error| Fault::unreadable(5, error);
    let mut data: Json = serde_json::from_str(row.text(5)?).map_err(unreadable)?;
    if row.text(1)? == Resource::User.name()
        && let Json::Object(user) = &mut data
    {
        let told = USER_FIELDS.iter().filter_map(|field| user.remove_entry(*field));
        *user = told.collect::<Map<_, _>>();
    }
    let reference = row.text(4)?.to_owned();
    let webhook = Webhook { event, reference, data, seq: Some(seq) };
    serde_json::to_vec(&webhook).map_err(unreadable)
}
