//! From rows to typed objects, and from values to parameters.

use std::borrow::Cow;
use std::sync::Arc;

use rusqlite::types::{FromSql, ToSqlOutput, Type, Value as SqlValue, ValueRef};
use rusqlite::{Row, ToSql};
use serde_json::Value;
use sim_games_types::{
    Extra, Game, GamePk, Hook, Period, Phase, Record, Resource, Role, Run, RunPk, RunUser,
    Scenario, Stored, Timestamp, User, World,
};

use crate::model::{Cell, Kind};

/// A row as an object, and where it belongs.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) object: Arc<Stored>,
    pub(super) game: Option<GamePk>,
    pub(super) run: Option<RunPk>,
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(SqlValue::Null),
            Self::Bool(flag) => ToSqlOutput::Owned(SqlValue::Integer((*flag).into())),
            Self::Int(number) => ToSqlOutput::Owned(SqlValue::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// Reads a value of a field of this kind.
pub(super) fn cell(row: &Row<'_>, index: usize, kind: Kind) -> rusqlite::Result<Cell> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) if kind == Kind::Bool => Cell::Bool(number != 0),
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Text(text) => Cell::Text(Cow::Owned(String::from_utf8_lossy(text).into_owned())),
        other => {
            return Err(rusqlite::Error::InvalidColumnType(
                index,
                String::new(),
                other.data_type(),
            ));
        }
    })
}

/// Reads the fields one after the other.
struct Cursor<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl Cursor<'_> {
    fn get<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let value = self.row.get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn key<K: From<i64>>(&mut self) -> rusqlite::Result<K> {
        self.get().map(|number: i64| K::from(number))
    }

    fn link<K: From<i64>>(&mut self) -> rusqlite::Result<Option<K>> {
        Ok(self.get::<Option<i64>>()?.map(K::from))
    }

    fn json(&mut self) -> rusqlite::Result<Value> {
        let index = self.next;
        self.next += 1;
        let Some(text) = self.row.get_ref(index)?.as_str_or_null()? else {
            return Ok(Value::Null);
        };
        serde_json::from_str(text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
        })
    }
}

/// The position of the first field in the rows that the statements select.
const FIELDS: usize = 10;

/// Makes the object of a row. The fields are read in the order of the resource's description.
pub(super) fn entry(resource: Resource, row: &Row<'_>) -> rusqlite::Result<Entry> {
    let id: i64 = row.get(0)?;
    let created = Timestamp::from_micros(row.get(1)?);
    let updated = Timestamp::from_micros(row.get(2)?);
    let run_active: Option<bool> = row.get(5)?;
    let extra = Extra::new();
    let mut at = Cursor { row, next: FIELDS };
    macro_rules! leaf {
        ($kind:ident) => {{
            let (name, period, role, data) = (at.get()?, at.key()?, at.link()?, at.json()?);
            let id = id.into();
            sim_games_types::$kind {
                id,
                run_active,
                role,
                created,
                updated,
                name,
                data,
                period,
                extra,
            }
            .into()
        }};
    }
    let record: Record = match resource {
        Resource::Game => {
            let (name, slug, active, data) = (at.get()?, at.get()?, at.get()?, at.json()?);
            Game { id: id.into(), created, updated, name, slug, active, data, extra }.into()
        }
        Resource::Phase => {
            let (name, slug, game, order) = (at.get()?, at.get()?, at.key()?, at.get()?);
            Phase { id: id.into(), created, updated, name, slug, order, game, extra }.into()
        }
        Resource::Role => {
            let (name, slug, data, game) = (at.get()?, at.get()?, at.json()?, at.link()?);
            Role { id: id.into(), created, updated, name, slug, data, game, extra }.into()
        }
        Resource::Run => {
            let (name, active, data) = (at.get()?, at.get()?, at.json()?);
            let (game, phase) = (at.key()?, at.link()?);
            Run { id: id.into(), created, updated, name, active, data, game, phase, extra }.into()
        }
        Resource::World => {
            let (name, data, external_ids, run) = (at.get()?, at.json()?, at.json()?, at.key()?);
            let id = id.into();
            World { id, run_active, created, updated, name, data, external_ids, run, extra }.into()
        }
        Resource::RunUser => member(id, created, updated, run_active, &mut at)?.into(),
        Resource::Scenario => {
            let (name, data, runuser, world) = (at.get()?, at.json()?, at.link()?, at.link()?);
            let id = id.into();
            Scenario { id, run_active, created, updated, name, data, runuser, world, extra }.into()
        }
        Resource::Period => {
            let (order, data, scenario) = (at.get()?, at.json()?, at.key()?);
            let id = id.into();
            Period { id, run_active, created, updated, order, data, scenario, extra }.into()
        }
        Resource::Decision => leaf!(Decision),
        Resource::Result => leaf!(Result),
        Resource::User => user(id, &mut at)?.into(),
        Resource::Hook => hook(id, created, updated, &mut at)?.into(),
    };
    Ok(Entry {
        object: Arc::new(Stored::new(record)),
        game: row.get::<_, Option<i64>>(3)?.map(GamePk),
        run: row.get::<_, Option<i64>>(4)?.map(RunPk),
    })
}

fn member(
    id: i64,
    created: Timestamp,
    updated: Timestamp,
    run_active: Option<bool>,
    at: &mut Cursor<'_>,
) -> rusqlite::Result<RunUser> {
    Ok(RunUser {
        id: id.into(),
        run_active,
        email: at.row.get(6)?,
        first_name: at.row.get(7)?,
        last_name: at.row.get(8)?,
        role_name: at.row.get(9)?,
        role: at.link()?,
        created,
        updated,
        leader: at.get()?,
        active: at.get()?,
        data: at.json()?,
        user: at.key()?,
        run: at.key()?,
        world: at.link()?,
        extra: Extra::new(),
    })
}

fn user(id: i64, at: &mut Cursor<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: id.into(),
        first_name: at.get()?,
        last_name: at.get()?,
        external_id: at.get()?,
        email: at.get()?,
        is_active: at.get()?,
        is_staff: at.get()?,
        is_superuser: at.get()?,
        subscriber_code: at.get()?,
        data: at.json()?,
        extra: Extra::new(),
    })
}

fn hook(
    id: i64,
    created: Timestamp,
    modified: Timestamp,
    at: &mut Cursor<'_>,
) -> rusqlite::Result<Hook> {
    Ok(Hook {
        id: id.into(),
        event: at.get()?,
        url: at.get()?,
        user: at.key()?,
        connected: at.get()?,
        erroring: at.get()?,
        last_error: at.get::<Option<i64>>()?.map(Timestamp::from_micros),
        last_error_status: at.get()?,
        last_error_content: at.get()?,
        created,
        modified,
        extra: Extra::new(),
    })
}
