//! Error bodies as the API writes them.

use super::*;

fn text(body: &str) -> String {
    Message::read(body.as_bytes()).text
}

#[test]
fn a_detail_speaks_for_itself() {
    assert_eq!(text(r#"{"detail":"Not found."}"#), "Not found.");
}

#[test]
fn fields_are_named() {
    assert_eq!(
        text(r#"{"name":["This field is required."],"game":["a","b"]}"#),
        "name: This field is required.; game: a; game: b"
    );
}

#[test]
fn items_of_a_bulk_request_are_counted_and_good_ones_left_out() {
    assert_eq!(
        text(r#"[{},{"name":["This field is required."]}]"#),
        "item 2 name: This field is required."
    );
}

#[test]
fn a_bare_list_is_read() {
    let message = Message::read(br#"["Unable to log in with provided credentials."]"#);
    assert!(is_failed_login(&message.text));
}

#[test]
fn both_forms_of_a_unique_conflict_are_recognized() {
    for body in [
        r#"{"non_field_errors":["The fields user, run must make a unique set."]}"#,
        r#"{"email":["A user with that email address already exists."]}"#,
        r#"[{},{"non_field_errors":["The fields name, run must make a unique set."]}]"#,
    ] {
        assert!(Message::read(body.as_bytes()).is_conflict(), "{body}");
    }
    for body in [
        r#"{"game":["Invalid pk \"999\" - object does not exist."]}"#,
        "<h1>The page already exists</h1>",
    ] {
        assert!(!Message::read(body.as_bytes()).is_conflict(), "{body}");
    }
}

#[test]
fn a_page_is_not_quoted() {
    assert_eq!(text("<!doctype html><title>Server Error</title>"), "an error page instead of JSON");
    assert_eq!(text(""), "an error without a message");
    assert_eq!(text("{}"), "an error without a message");
}

#[test]
fn a_long_message_is_cut_between_characters() {
    let body = format!(r#"{{"detail":"{}"}}"#, "é".repeat(2000));
    assert_eq!(text(&body).chars().count(), LONGEST + 1);
}
