//! From rows to typed objects, and from values to parameters.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;
use sim_games_types::{
    Extra, Game, GamePk, Hook, Period, Phase, Record, Resource, Role, Run, RunPk, RunUser,
    Scenario, Stored, Timestamp, User, World,
};

use super::connection::{Fault, Row, Value};
use super::statements::FIELDS;
use crate::model::{Cell, Kind};

/// A row as an object, and where it belongs.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) object: Arc<Stored>,
    pub(crate) game: Option<GamePk>,
    pub(crate) run: Option<RunPk>,
}

/// Reads a value of a field of this kind.
pub(crate) fn cell(row: &dyn Row, index: usize, kind: Kind) -> Result<Cell, Fault> {
    Ok(match row.value(index)? {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Bool(flag),
        Value::Int(number) if kind == Kind::Bool => Cell::Bool(number != 0),
        Value::Int(number) => Cell::Int(number),
        Value::Text(text) => Cell::Text(Cow::Owned(text.to_owned())),
    })
}

/// What can be read from a column.
trait Readable: Sized {
    fn read(row: &dyn Row, column: usize) -> Result<Self, Fault>;
}

impl Readable for bool {
    fn read(row: &dyn Row, column: usize) -> Result<Self, Fault> {
        row.flag(column)
    }
}

impl Readable for i64 {
    fn read(row: &dyn Row, column: usize) -> Result<Self, Fault> {
        row.int(column)
    }
}

impl Readable for Option<i64> {
    fn read(row: &dyn Row, column: usize) -> Result<Self, Fault> {
        row.opt_int(column)
    }
}

impl Readable for String {
    fn read(row: &dyn Row, column: usize) -> Result<Self, Fault> {
        row.text(column).map(str::to_owned)
    }
}

impl Readable for Option<String> {
    fn read(row: &dyn Row, column: usize) -> Result<Self, Fault> {
        Ok(row.opt_text(column)?.map(str::to_owned))
    }
}

/// Reads the fields one after the other.
struct Cursor<'r> {
    row: &'r dyn Row,
    next: usize,
}

impl Cursor<'_> {
    fn get<T: Readable>(&mut self) -> Result<T, Fault> {
        let value = T::read(self.row, self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn key<K: From<i64>>(&mut self) -> Result<K, Fault> {
        self.get().map(|number: i64| K::from(number))
    }

    fn link<K: From<i64>>(&mut self) -> Result<Option<K>, Fault> {
        Ok(self.get::<Option<i64>>()?.map(K::from))
    }

    fn json(&mut self) -> Result<Json, Fault> {
        let column = self.next;
        self.next += 1;
        let Some(text) = self.row.opt_text(column)? else { return Ok(Json::Null) };
        serde_json::from_str(text).map_err(|error| Fault::unreadable(column, error))
    }
}

/// Makes the object of a row. The fields are read in the order of the resource's description.
pub(crate) fn entry(resource: Resource, row: &dyn Row) -> Result<Entry, Fault> {
    let id = row.int(0)?;
    let created = Timestamp::from_micros(row.int(1)?);
    let updated = Timestamp::from_micros(row.int(2)?);
    let run_active = row.opt_flag(5)?;
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
        game: row.opt_int(3)?.map(GamePk),
        run: row.opt_int(4)?.map(RunPk),
    })
}

fn member(
    id: i64,
    created: Timestamp,
    updated: Timestamp,
    run_active: Option<bool>,
    at: &mut Cursor<'_>,
) -> Result<RunUser, Fault> {
    Ok(RunUser {
        id: id.into(),
        run_active,
        email: at.row.text(6)?.to_owned(),
        first_name: at.row.text(7)?.to_owned(),
        last_name: at.row.text(8)?.to_owned(),
        role_name: at.row.opt_text(9)?.map(str::to_owned),
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

fn user(id: i64, at: &mut Cursor<'_>) -> Result<User, Fault> {
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
) -> Result<Hook, Fault> {
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
