//! What is read from the database.

use std::sync::Arc;

use sim_games_types::{Action, Change, GamePk, Record, Resource, RunPk, Stored, Timestamp, UserPk};

use super::connection::{Connection, Fault, Row, Value};
use super::row::{Entry, entry};
use super::statements;
use crate::model::Kind;
use crate::store::{Account, GameSnapshot, JournalPage, JournalQuery, Query, RunSnapshot};

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
pub(crate) fn head(connection: &dyn Connection) -> Result<u64, Fault> {
    let sql = "SELECT coalesce(max(seq), 0) FROM journal";
    Ok(connection.first(sql, &[], |row| row.count(0))?.unwrap_or(0))
}

/// A row by its key, and where it belongs.
pub(crate) fn by_pk(
    connection: &dyn Connection,
    resource: Resource,
    pk: i64,
) -> Result<Option<Entry>, Fault> {
    connection.first(&statements::of(resource).by_pk, &[pk.into()], |row| entry(resource, row))
}

pub(super) fn get(
    connection: &dyn Connection,
    resource: Resource,
    pk: i64,
) -> Result<Option<Arc<Stored>>, Fault> {
    Ok(by_pk(connection, resource, pk)?.map(|entry| entry.object))
}

fn rows(
    connection: &dyn Connection,
    resource: Resource,
    condition: &str,
    values: &[Value<'_>],
) -> Result<Vec<Arc<Stored>>, Fault> {
    let sql = format!("{} {condition}", statements::of(resource).select);
    connection.rows(&sql, values, |row| Ok(entry(resource, row)?.object))
}

pub(super) fn load_game(
    connection: &dyn Connection,
    slug: &str,
) -> Result<Option<GameSnapshot>, Fault> {
    connection.at_once(|snapshot| {
        let seq = head(snapshot)?;
        let found = rows(snapshot, Resource::Game, "WHERE t.slug = ?1", &[slug.into()])?;
        let Some(game) = found.into_iter().next() else { return Ok(None) };
        let pk = game.record.pk();
        let below =
            |resource| rows(snapshot, resource, "WHERE t.game = ?1 ORDER BY t.id", &[pk.into()]);
        let (phases, roles) = (below(Resource::Phase)?, below(Resource::Role)?);
        Ok(Some(GameSnapshot { seq, phases, roles, game }))
    })
}

pub(super) fn active_runs(connection: &dyn Connection, game: GamePk) -> Result<Vec<RunPk>, Fault> {
    let sql = "SELECT id FROM run WHERE game = ?1 AND active ORDER BY id";
    Ok(connection.keys(sql, &[game.0.into()])?.into_iter().map(RunPk).collect())
}

pub(super) fn led_runs(
    connection: &dyn Connection,
    game: GamePk,
    user: UserPk,
) -> Result<Vec<Arc<Stored>>, Fault> {
    let led = "WHERE t.game = ?1 AND EXISTS (SELECT 1 FROM runuser m \
               WHERE m.run = t.id AND m.\"user\" = ?2 AND m.leader) ORDER BY t.id";
    rows(connection, Resource::Run, led, &[game.0.into(), user.0.into()])
}

pub(super) fn load_run(
    connection: &dyn Connection,
    run: RunPk,
) -> Result<Option<RunSnapshot>, Fault> {
    connection.at_once(|snapshot| {
        let seq = head(snapshot)?;
        let mut objects = rows(snapshot, Resource::Run, "WHERE t.id = ?1", &[run.0.into()])?;
        if objects.is_empty() {
            return Ok(None);
        }
        for resource in BELOW_RUN {
            let below = "WHERE t.run = ?1 ORDER BY t.id";
            objects.extend(rows(snapshot, resource, below, &[run.0.into()])?);
        }
        Ok(Some(RunSnapshot { seq, objects }))
    })
}

pub(super) fn load_runs(
    connection: &dyn Connection,
    game: GamePk,
    only_active: bool,
) -> Result<RunSnapshot, Fault> {
    let (of_game, below) = match only_active {
        true => (
            "WHERE t.game = ?1 AND t.active ORDER BY t.id",
            "WHERE r.game = ?1 AND r.active ORDER BY t.id",
        ),
        false => ("WHERE t.game = ?1 ORDER BY t.id", "WHERE r.game = ?1 ORDER BY t.id"),
    };
    connection.at_once(|snapshot| {
        let seq = head(snapshot)?;
        let mut objects = rows(snapshot, Resource::Run, of_game, &[game.0.into()])?;
        for resource in BELOW_RUN {
            objects.extend(rows(snapshot, resource, below, &[game.0.into()])?);
        }
        Ok(RunSnapshot { seq, objects })
    })
}

pub(super) fn list(connection: &dyn Connection, query: &Query) -> Result<Vec<Arc<Stored>>, Fault> {
    let own = [(query.table.order, false), ("id", false)];
    let order: Vec<String> =
        query.order.iter().chain(&own).map(|(column, down)| sorted(query, column, *down)).collect();
    let condition =
        format!("{} ORDER BY {} LIMIT ? OFFSET ?", where_clause(query), order.join(", "));
    let mut values = values(query);
    values.extend([Value::from(query.limit), Value::from(query.offset)]);
    rows(connection, query.table.resource, &condition, &values)
}

/// A column to sort by. Addresses are sorted regardless of case, and what has no number stands
/// before what has one, in every database.
fn sorted(query: &Query, column: &str, down: bool) -> String {
    let direction = if down { " DESC" } else { "" };
    let field = query.table.position(column).map(|position| &query.table.fields[position]);
    match field {
        Some(field) if field.kind == Kind::Email => format!("lower(t.\"{column}\"){direction}"),
        Some(field) if field.null => {
            let nulls = if down { "LAST" } else { "FIRST" };
            format!("t.\"{column}\"{direction} NULLS {nulls}")
        }
        _ => format!("t.\"{column}\"{direction}"),
    }
}

pub(super) fn count(connection: &dyn Connection, query: &Query) -> Result<u64, Fault> {
    let sql = format!("SELECT count(*) FROM \"{}\" t {}", query.table.name(), where_clause(query));
    Ok(connection.first(&sql, &values(query), |row| row.count(0))?.unwrap_or(0))
}

fn values(query: &Query) -> Vec<Value<'_>> {
    query.conditions.iter().map(|condition| Value::from(&condition.value)).collect()
}

fn where_clause(query: &Query) -> String {
    if query.conditions.is_empty() {
        return String::new();
    }
    let conditions: Vec<&str> = query.conditions.iter().map(|it| it.sql).collect();
    format!("WHERE {}", conditions.join(" AND "))
}

pub(super) fn account(connection: &dyn Connection, login: &str) -> Result<Option<Account>, Fault> {
    connection.at_once(|snapshot| {
        let columns = |row: &dyn Row| Ok((row.int(0)?, row.opt_text(1)?.map(str::to_owned)));
        let found = match login.parse::<i64>() {
            Ok(pk) => {
                let sql = "SELECT id, password FROM \"user\" WHERE id = ?1";
                snapshot.first(sql, &[pk.into()], columns)?
            }
            Err(_) => {
                let sql = "SELECT id, password FROM \"user\" WHERE lower(email) = ?1";
                let address = login.to_ascii_lowercase();
                snapshot.first(sql, &[address.as_str().into()], columns)?
            }
        };
        let Some((pk, password)) = found else { return Ok(None) };
        Ok(get(snapshot, Resource::User, pk)?.map(|user| Account { user, password }))
    })
}

pub(super) fn answer(
    connection: &dyn Connection,
    user: UserPk,
    scope: &str,
    key: &str,
) -> Result<Option<String>, Fault> {
    let sql = "SELECT answer FROM answer WHERE \"user\" = ?1 AND scope = ?2 AND key = ?3";
    connection.first(sql, &[user.0.into(), scope.into(), key.into()], |row| {
        row.text(0).map(str::to_owned)
    })
}

/// Changes after a number, in order.
pub(super) fn journal(
    connection: &dyn Connection,
    after: u64,
    limit: u32,
) -> Result<Vec<Change>, Fault> {
    let sql = "SELECT seq, at, game, run, resource, action, actor, cause, payload FROM journal \
               WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    connection.rows(sql, &[after.into(), i64::from(limit).into()], change)
}

/// Changes after a number that belong to a game or run, and how far was looked.
pub(super) fn journal_page(
    connection: &dyn Connection,
    query: &JournalQuery,
) -> Result<JournalPage, Fault> {
    let mut sql = "SELECT seq, at, game, run, resource, action, actor, cause, payload, ref \
                   FROM journal WHERE seq > ?"
        .to_owned();
    let mut values = vec![Value::from(query.after)];
    let filters = [("game", query.game.map(|it| it.0)), ("run", query.run.map(|it| it.0))];
    for (column, key) in filters {
        if let Some(key) = key {
            sql.push_str(&format!(" AND {column} = ?"));
            values.push(key.into());
        }
    }
    sql.push_str(" ORDER BY seq LIMIT ?");
    values.push(i64::from(query.limit).into());
    connection.at_once(|snapshot| {
        let head = head(snapshot)?;
        let entries =
            snapshot.rows(&sql, &values, |row| Ok((change(row)?, row.text(9)?.to_owned())))?;
        let is_full = u32::try_from(entries.len()).is_ok_and(|count| count >= query.limit);
        let last = match entries.last() {
            Some((change, _)) if is_full => change.seq,
            _ => head.max(query.after),
        };
        Ok(JournalPage { entries, last })
    })
}

fn change(row: &dyn Row) -> Result<Change, Fault> {
    let (resource, action, json) = (row.text(4)?, row.text(5)?, row.text(8)?);
    let resource = Resource::from_name(resource).ok_or_else(|| Fault::unreadable(4, resource))?;
    let record = Record::from_json(resource, json).map_err(|error| Fault::unreadable(8, error))?;
    Ok(Change {
        seq: row.count(0)?,
        at: Timestamp::from_micros(row.int(1)?),
        game: row.opt_int(2)?.map(GamePk),
        run: row.opt_int(3)?.map(RunPk),
        action: Action::from_name(action).ok_or_else(|| Fault::unreadable(5, action))?,
        object: Arc::new(Stored { record, json: json.into() }),
        actor: row.opt_int(6)?.map(UserPk),
        cause: row.opt_text(7)?.map(Into::into),
    })
}
