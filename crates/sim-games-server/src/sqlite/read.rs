//! What is read from the database.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params, Row, params, params_from_iter};
use sim_games_types::{Action, Change, GamePk, Record, Resource, RunPk, Stored, Timestamp, UserPk};

use super::Account;
use super::row::{Entry, entry};
use super::statements;
use crate::model::Cell;
use crate::store::{GameSnapshot, JournalPage, JournalQuery, Query, RunSnapshot};

/// The resources of a run below the run itself, parents first.
const BELOW_RUN: [Resource; 6] = [
    Resource::World,
    Resource::RunUser,
    Resource::Scenario,
    Resource::Period,
    Resource::Decision,
    Resource::Result,
];

/// The journal's last number.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM journal")?
        .query_row([], |row| count_at(row, 0))
}

/// Counts and sequence numbers are never negative, but SQLite knows only signed numbers.
pub(super) fn count_at(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::unsigned_abs)
}

/// A row by its key, and where it belongs.
pub(super) fn by_pk(
    connection: &Connection,
    resource: Resource,
    pk: i64,
) -> rusqlite::Result<Option<Entry>> {
    connection
        .prepare_cached(&statements::of(resource).by_pk)?
        .query_row([pk], |row| entry(resource, row))
        .optional()
}

pub(super) fn get(
    connection: &Connection,
    resource: Resource,
    pk: i64,
) -> rusqlite::Result<Option<Arc<Stored>>> {
    Ok(by_pk(connection, resource, pk)?.map(|entry| entry.object))
}

fn rows(
    connection: &Connection,
    resource: Resource,
    condition: &str,
    parameters: impl Params,
) -> rusqlite::Result<Vec<Arc<Stored>>> {
    let sql = format!("{} {condition}", statements::of(resource).select);
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(parameters, |row| Ok(entry(resource, row)?.object))?;
    found.collect()
}

pub(super) fn load_game(
    connection: &Connection,
    slug: &str,
) -> rusqlite::Result<Option<GameSnapshot>> {
    let snapshot = connection.unchecked_transaction()?;
    let seq = head(&snapshot)?;
    let Some(game) = rows(&snapshot, Resource::Game, "WHERE t.slug = ?1", [slug])?.pop() else {
        return Ok(None);
    };
    let below =
        |resource| rows(&snapshot, resource, "WHERE t.game = ?1 ORDER BY t.id", [game.record.pk()]);
    let (phases, roles) = (below(Resource::Phase)?, below(Resource::Role)?);
    Ok(Some(GameSnapshot { seq, phases, roles, game }))
}

pub(super) fn active_runs(connection: &Connection, game: GamePk) -> rusqlite::Result<Vec<RunPk>> {
    connection
        .prepare_cached("SELECT id FROM run WHERE game = ?1 AND active ORDER BY id")?
        .query_map([game.0], |row| row.get(0).map(RunPk))?
        .collect()
}

pub(super) fn load_run(
    connection: &Connection,
    run: RunPk,
) -> rusqlite::Result<Option<RunSnapshot>> {
    let snapshot = connection.unchecked_transaction()?;
    let seq = head(&snapshot)?;
    let mut objects = rows(&snapshot, Resource::Run, "WHERE t.id = ?1", [run.0])?;
    if objects.is_empty() {
        return Ok(None);
    }
    for resource in BELOW_RUN {
        objects.extend(rows(&snapshot, resource, "WHERE t.run = ?1 ORDER BY t.id", [run.0])?);
    }
    Ok(Some(RunSnapshot { seq, objects }))
}

pub(super) fn load_active_runs(
    connection: &Connection,
    game: GamePk,
) -> rusqlite::Result<RunSnapshot> {
    let snapshot = connection.unchecked_transaction()?;
    let seq = head(&snapshot)?;
    let of_game = "WHERE t.game = ?1 AND t.active ORDER BY t.id";
    let mut objects = rows(&snapshot, Resource::Run, of_game, [game.0])?;
    let below = "WHERE r.game = ?1 AND r.active ORDER BY t.id";
    for resource in BELOW_RUN {
        objects.extend(rows(&snapshot, resource, below, [game.0])?);
    }
    Ok(RunSnapshot { seq, objects })
}

pub(super) fn list(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Arc<Stored>>> {
    let mut order: Vec<String> = query
        .order
        .iter()
        .map(|(column, down)| format!("t.\"{column}\"{}", if *down { " DESC" } else { "" }))
        .collect();
    order.push(format!("t.\"{}\"", query.table.order));
    order.push("t.id".to_owned());
    let condition =
        format!("{} ORDER BY {} LIMIT ? OFFSET ?", where_clause(query), order.join(", "));
    let bound = |number| Cell::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let page = [bound(query.limit), bound(query.offset)];
    let values = query.conditions.iter().map(|condition| &condition.value).chain(&page);
    rows(connection, query.table.resource, &condition, params_from_iter(values))
}

pub(super) fn count(connection: &Connection, query: &Query) -> rusqlite::Result<u64> {
    let sql = format!("SELECT count(*) FROM \"{}\" t {}", query.table.name(), where_clause(query));
    let values = query.conditions.iter().map(|condition| &condition.value);
    connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| count_at(row, 0))
}

fn where_clause(query: &Query) -> String {
    if query.conditions.is_empty() {
        return String::new();
    }
    let conditions: Vec<&str> = query.conditions.iter().map(|it| it.sql).collect();
    format!("WHERE {}", conditions.join(" AND "))
}

pub(super) fn account(connection: &Connection, login: &str) -> rusqlite::Result<Option<Account>> {
    let by_key = login.parse::<i64>();
    let sql = match by_key {
        Ok(_) => "SELECT id, password FROM user WHERE id = ?1",
        Err(_) => "SELECT id, password FROM user WHERE email = ?1 COLLATE NOCASE",
    };
    let snapshot = connection.unchecked_transaction()?;
    let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut statement = snapshot.prepare_cached(sql)?;
    let found: Option<(i64, Option<String>)> = match by_key {
        Ok(pk) => statement.query_row([pk], columns).optional()?,
        Err(_) => statement.query_row([login], columns).optional()?,
    };
    let Some((pk, password)) = found else { return Ok(None) };
    Ok(get(&snapshot, Resource::User, pk)?.map(|user| Account { user, password }))
}

pub(super) fn answer(
    connection: &Connection,
    user: UserPk,
    scope: &str,
    key: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT answer FROM answer WHERE user = ?1 AND scope = ?2 AND key = ?3")?
        .query_row(params![user.0, scope, key], |row| row.get(0))
        .optional()
}

/// Changes after a number, in order.
pub(super) fn journal(
    connection: &Connection,
    after: u64,
    limit: u32,
) -> rusqlite::Result<Vec<Change>> {
    connection
        .prepare_cached(
            "SELECT seq, at, game, run, resource, action, actor, cause, payload FROM journal \
             WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?
        .query_map(params![i64::try_from(after).unwrap_or(i64::MAX), limit], change)?
        .collect()
}

/// Changes after a number that belong to a game or run, and how far was looked.
pub(super) fn journal_page(
    connection: &Connection,
    query: &JournalQuery,
) -> rusqlite::Result<JournalPage> {
    let snapshot = connection.unchecked_transaction()?;
    let head = head(&snapshot)?;
    let entries: Vec<(Change, String)> = snapshot
        .prepare_cached(
            "SELECT seq, at, game, run, resource, action, actor, cause, payload, ref FROM journal \
             WHERE seq > ?1 AND (?2 IS NULL OR game = ?2) AND (?3 IS NULL OR run = ?3) \
             ORDER BY seq LIMIT ?4",
        )?
        .query_map(
            params![
                i64::try_from(query.after).unwrap_or(i64::MAX),
                query.game.map(|GamePk(pk)| pk),
                query.run.map(|RunPk(pk)| pk),
                query.limit,
            ],
            |row| Ok((change(row)?, row.get(9)?)),
        )?
        .collect::<rusqlite::Result<_>>()?;
    let is_full = u32::try_from(entries.len()).is_ok_and(|count| count >= query.limit);
    let last = match entries.last() {
        Some((change, _)) if is_full => change.seq,
        _ => head.max(query.after),
    };
    Ok(JournalPage { entries, last })
}

fn change(row: &Row<'_>) -> rusqlite::Result<Change> {
    let resource: String = row.get(4)?;
    let action: String = row.get(5)?;
    let json: String = row.get(8)?;
    let resource = Resource::from_name(&resource).ok_or_else(|| unreadable(4, resource.clone()))?;
    let record = Record::from_json(resource, &json).map_err(|error| unreadable(8, error))?;
    Ok(Change {
        seq: count_at(row, 0)?,
        at: Timestamp::from_micros(row.get(1)?),
        game: row.get::<_, Option<i64>>(2)?.map(GamePk),
        run: row.get::<_, Option<i64>>(3)?.map(RunPk),
        action: Action::from_name(&action).ok_or_else(|| unreadable(5, action.clone()))?,
        object: Arc::new(Stored { record, json: json.into() }),
        actor: row.get::<_, Option<i64>>(6)?.map(UserPk),
        cause: row.get::<_, Option<String>>(7)?.map(Into::into),
    })
}

pub(super) fn unreadable(
    column: usize,
    reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, reason.into())
}
