//! What an error answer of the API says.

use serde_json::Value;

/// Longer messages are cut: what follows is a stack trace, not a message.
const LONGEST: usize = 500;

const UNIQUE_SET: &str = "must make a unique set";
const EXISTS: &str = "already exists";
const NO_CHOICE: &str = "Select a valid choice.";
const NO_LOGIN: &str = "Unable to log in with provided credentials.";

/// The words of an error answer and what they mean.
#[derive(Debug)]
pub(crate) struct Message {
    /// In one line, for people.
    pub(crate) text: String,
    /// Whether the answer is the API's own, not a page of something before it.
    pub(crate) is_json: bool,
}

impl Message {
    pub(crate) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => {
                let mut parts = Vec::new();
                collect(&value, "", &mut parts);
                Self { text: cut(&parts.join("; ")), is_json: true }
            }
            Err(_) if body.is_empty() => {
                Self { text: "an error without a message".to_owned(), is_json: false }
            }
            Err(_) => Self { text: "an error page instead of JSON".to_owned(), is_json: false },
        }
    }

    /// Whether another object has the same unique fields.
    pub(crate) fn is_conflict(&self) -> bool {
        self.is_json && (self.text.contains(UNIQUE_SET) || self.text.contains(EXISTS))
    }
}

/// Whether a filter named a row that is not there; the original says so with an error.
pub(crate) fn is_missing_choice(message: &str) -> bool {
    message.contains(NO_CHOICE)
}

/// Whether a log-in failed for its password.
pub(crate) fn is_failed_login(message: &str) -> bool {
    message.contains(NO_LOGIN)
}

/// Walks through the forms that the API's errors have: `{"detail": …}`, `{field: [texts]}`, and
/// for bulk requests a list with one such object per item, empty where the item is right.
fn collect(value: &Value, place: &str, parts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let inner = match field.as_str() {
                    "detail" | "non_field_errors" => place.to_owned(),
                    field if place.is_empty() => field.to_owned(),
                    field => format!("{place} {field}"),
                };
                collect(value, &inner, parts);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let inner = match item {
                    Value::Object(_) => format!("item {}", index + 1),
                    _ => place.to_owned(),
                };
                collect(item, &inner, parts);
            }
        }
        Value::Null => {}
        value => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            parts.push(if place.is_empty() { text } else { format!("{place}: {text}") });
        }
    }
}

fn cut(text: &str) -> String {
    if text.is_empty() {
        return "an error without a message".to_owned();
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
