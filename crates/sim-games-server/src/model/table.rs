//! The description of a resource.

use sim_games_types::Resource;

use super::field::{Field, Kind};
use super::filter::Filter;
use super::tables::TABLES;

/// All that is particular to one resource.
#[derive(Debug)]
pub(crate) struct Table {
    /// The resource; its name is the table's name.
    pub(crate) resource: Resource,
    /// The fields that can be written.
    pub(crate) fields: &'static [Field],
    /// The fields that identify a row for get-or-create.
    pub(crate) natural_key: &'static [&'static str],
    /// What no two rows may share.
    pub(crate) unique: &'static [Unique],
    /// Which of its keys must fit each other.
    pub(crate) agreements: &'static [Agreement],
    /// The query parameters of its list.
    pub(crate) filters: &'static [Filter],
    /// The column by which lists are sorted.
    pub(crate) order: &'static str,
    /// How a row below a world or a member finds its run: SQL with the fields as `:name`.
    pub(crate) run_from: Option<&'static str>,
}

/// A key that must belong to the same game or run as the rest of the row.
#[derive(Debug)]
pub(crate) struct Agreement {
    /// The field with the key; without one there is nothing to agree.
    pub(crate) field: &'static str,
    /// What is shared.
    pub(crate) whole: Resource,
    /// SQL that is true of rows that agree, with the fields as `:name`, each in parentheses.
    pub(crate) sql: &'static str,
}

/// Fields that no two rows share.
#[derive(Debug)]
pub(crate) struct Unique {
    /// The fields.
    pub(crate) fields: &'static [&'static str],
    /// What is said of a single field; sets of fields have a message of their own.
    pub(crate) message: Option<&'static str>,
}

/// A field by which rows of one resource hang from rows of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relation {
    /// The resource of the children.
    pub(crate) child: Resource,
    /// Their field with the parent's key.
    pub(crate) field: &'static str,
}

impl Table {
    /// The description of a resource.
    pub(crate) fn of(resource: Resource) -> &'static Self {
        let position = TABLES.iter().position(|table| table.resource == resource);
        &TABLES[position.expect("every resource has a description")]
    }

    /// The name of the database's table.
    pub(crate) const fn name(&self) -> &'static str {
        self.resource.name()
    }

    /// The position of a field.
    pub(crate) fn position(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|it| it.name == field)
    }

    /// The field with the key of a row of `parent`, if there is one of this name.
    pub(crate) fn key_field(&self, name: &str) -> Option<(&'static Field, Resource)> {
        let field = &self.fields[self.position(name)?];
        match field.kind {
            Kind::Key(parent) => Some((field, parent)),
            _ => None,
        }
    }
}

/// The relations by which rows are deleted with a row of this resource.
///
/// Not among them: a run's phase, which is set to null, and roles, which are refused while in use.
pub(crate) fn children_of(resource: Resource) -> &'static [Relation] {
    const fn by(child: Resource, field: &'static str) -> Relation {
        Relation { child, field }
    }
    match resource {
        Resource::Game => {
            const {
                &[
                    by(Resource::Phase, "game"),
                    by(Resource::Role, "game"),
                    by(Resource::Run, "game"),
                ]
            }
        }
        Resource::Run => const { &[by(Resource::World, "run"), by(Resource::RunUser, "run")] },
        Resource::World => {
            const { &[by(Resource::RunUser, "world"), by(Resource::Scenario, "world")] }
        }
        Resource::RunUser => const { &[by(Resource::Scenario, "runuser")] },
        Resource::Scenario => const { &[by(Resource::Period, "scenario")] },
        Resource::Period => {
            const { &[by(Resource::Decision, "period"), by(Resource::Result, "period")] }
        }
        Resource::User => const { &[by(Resource::RunUser, "user"), by(Resource::Hook, "user")] },
        Resource::Phase
        | Resource::Role
        | Resource::Decision
        | Resource::Result
        | Resource::Hook => &[],
    }
}
