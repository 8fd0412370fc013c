//! What the descriptions of the resources accept and refuse.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sim_games_types::{Fields, Reference, Resource};

use super::*;

fn errors(resource: Resource, body: Value, presence: Presence) -> Value {
    let Value::Object(fields) = body else { panic!("not an object") };
    check(Table::of(resource), &fields, presence, &BTreeMap::new()).errors.into_value()
}

fn created(resource: Resource, body: Value) -> Value {
    errors(resource, body, Presence::New)
}

#[test]
fn required_fields_are_asked_for() {
    let required = json!(["This field is required."]);
    assert_eq!(created(Resource::World, json!({})), json!({"name": required, "run": required}));
    assert_eq!(errors(Resource::World, json!({}), Presence::Partial), json!({}));
    assert_eq!(
        errors(Resource::Result, json!({"name": "r", "period": 1}), Presence::NewInBulk),
        json!({"role": required})
    );
}

#[test]
fn wrong_values_are_named_in_the_words_of_the_original() {
    for (field, value, message) in [
        ("name", json!(""), "This field may not be blank."),
        ("name", json!(null), "This field may not be null."),
        ("name", json!(true), "Not a valid string."),
        ("name", json!("a\u{0}b"), "Null characters are not allowed."),
        ("name", json!("x".repeat(101)), "Ensure this field has no more than 100 characters."),
        ("order", json!(-1), "Ensure this value is greater than or equal to 0."),
        ("order", json!(32_768), "Ensure this value is less than or equal to 32767."),
        ("order", json!("one"), "A valid integer is required."),
        ("order", json!(1e30), "A valid integer is required."),
        ("game", json!("abc"), "Incorrect type. Expected pk value, received str."),
        ("game", json!([1]), "Incorrect type. Expected pk value, received list."),
        ("game", json!(""), "This field may not be null."),
    ] {
        let body = json!({ field: value });
        let found = errors(Resource::Phase, body.clone(), Presence::Partial);
        assert_eq!(found, json!({ field: [message] }), "{body}");
    }
}

#[test]
fn arrays_of_keys_must_be_rectangular() {
    let ids = |ids: Value| errors(Resource::World, json!({"external_ids": ids}), Presence::Partial);
    assert_eq!(ids(json!([[1, 2], [3, 4]])), json!({}));
    assert_eq!(ids(json!(null)), json!({}));
    assert_eq!(
        ids(json!("x")),
        json!({"external_ids": ["Expected a list of items but got type \"str\"."]})
    );
    assert_eq!(
        ids(json!([["x"]])),
        json!({"external_ids": {"0": {"0": ["A valid integer is required."]}}})
    );
    assert_eq!(
        ids(json!([[1], [1, 2]])),
        json!({"external_ids": ["Nested arrays must have the same length."]})
    );
}

#[test]
fn lenient_forms_of_values_are_understood() {
    let Value::Object(fields) =
        json!({"name": 5, "game": "3", "active": "True", "data": [1], "phase": ""})
    else {
        panic!("not an object")
    };
    let checked = check(Table::of(Resource::Run), &fields, Presence::New, &BTreeMap::new());
    assert!(checked.errors.is_empty(), "{}", checked.errors);
    let cells: Vec<Cell> = checked.cells.into_iter().flatten().collect();
    assert_eq!(
        cells,
        [
            Cell::Text("5".into()),
            Cell::Bool(true),
            Cell::Text("[1]".into()),
            Cell::Int(3),
            Cell::Null
        ]
    );
}

#[test]
fn references_are_replaced_by_keys() {
    let mut fields = Fields::new();
    fields.insert("scenario".to_owned(), Reference(1).to_value());
    let table = Table::of(Resource::Period);
    let known = BTreeMap::from([(Reference(1), 17)]);
    let checked = check(table, &fields, Presence::New, &known);
    assert_eq!(checked.cells[2], Some(Cell::Int(17)));
    let unknown = check(table, &fields, Presence::New, &BTreeMap::new());
    assert!(unknown.errors.has("scenario"));
}

#[test]
fn unknown_filters_are_errors_only_where_something_is_deleted() {
    let table = Table::of(Resource::Decision);
    let bogus = [("bogus".to_owned(), "1".to_owned()), ("period".to_owned(), "7".to_owned())];
    assert_eq!(conditions(table, &bogus, Strictness::Lenient).unwrap().len(), 1);
    assert!(conditions(table, &bogus, Strictness::Strict).unwrap_err().has("bogus"));
    let empty = [("period".to_owned(), String::new())];
    assert_eq!(conditions(table, &empty, Strictness::Lenient).unwrap(), []);
    assert!(conditions(table, &empty, Strictness::Strict).is_err());
}

#[test]
fn the_last_of_equal_filters_counts() {
    let twice = [("order".to_owned(), "1".to_owned()), ("order".to_owned(), "2".to_owned())];
    let found = conditions(Table::of(Resource::Period), &twice, Strictness::Lenient).unwrap();
    assert_eq!(found.iter().map(|it| it.value.clone()).collect::<Vec<_>>(), [Cell::Int(2)]);
}
