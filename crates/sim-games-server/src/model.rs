//! What the resources look like: one description each, from which checks, filters and SQL follow.
//!
//! It knows no database; the SQL fragments of the filters are plain enough for any.

mod check;
mod field;
mod filter;
mod formats;
mod rules;
mod table;
mod tables;

pub(crate) use check::{NO_NUL, Presence, check, flag, integer, must_be_there, type_name};
pub(crate) use field::{Cell, Field, Kind};
pub(crate) use filter::{Condition, Filter, FilterKind, Strictness, conditions};
pub(crate) use formats::{is_email, is_forbidden_address, names_forbidden_address};
pub(crate) use rules::apply as apply_rules;
pub(crate) use table::{Agreement, Table, children_of};

#[cfg(test)]
mod tests;
