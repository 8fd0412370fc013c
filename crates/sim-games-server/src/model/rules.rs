//! Rules that concern more than one field of a resource.

use sim_games_types::Resource;

use super::field::Cell;
use super::formats::slug_of;
use super::table::Table;
use crate::error::FieldErrors;

/// Completes the values of an object, and says what they contradict.
pub(crate) fn apply(table: &Table, cells: &mut [Cell], errors: &mut FieldErrors) {
    match table.resource {
        Resource::Game => derive_slug(table, cells, errors),
        Resource::Scenario => require_one_parent(table, cells, errors),
        _ => {}
    }
}

/// An empty slug is made from the name; `user` would collide with the events of users.
fn derive_slug(table: &Table, cells: &mut [Cell], errors: &mut FieldErrors) {
    let (Some(name), Some(slug)) = (table.position("name"), table.position("slug")) else { return };
    if cells[slug].text() == Some("") && !errors.has("name") {
        cells[slug] = Cell::Text(slug_of(cells[name].text().unwrap_or_default()).into());
    }
    match cells[slug].text() {
        Some("") if !errors.has("name") && !errors.has("slug") => {
            errors.push("slug", "This field may not be blank.");
        }
        Some("user") => errors.push("slug", "The slug \"user\" is reserved."),
        _ => {}
    }
}

fn require_one_parent(table: &Table, cells: &[Cell], errors: &mut FieldErrors) {
    let parents = ["world", "runuser"];
    if parents.iter().any(|field| errors.has(field)) || errors.has("name") {
        return;
    }
    let given = parents
        .iter()
        .filter_map(|field| table.position(field))
        .filter(|position| cells[*position] != Cell::Null)
        .count();
    if given != 1 {
        errors.push(FieldErrors::OBJECT, "Exactly one of world and runuser must be set.");
    }
}
