//! JSON text made of JSON text: what is stored as such is not read only to be written again.

use serde_json::Value;

/// The text of an object with one more field, whose value is JSON text already.
pub(crate) fn with_field(object: &Value, name: &str, value: &str) -> String {
    let mut text = object.to_string();
    debug_assert!(text.len() > 2, "the object has a field, after which a comma may stand");
    text.pop();
    text.push_str(&format!(",\"{name}\":{value}}}"));
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_text_stays_as_it_was() {
        let text = with_field(&json!({"seq": 1}), "data", r#"{"operand": 5.0}"#);
        assert_eq!(text, r#"{"seq":1,"data":{"operand": 5.0}}"#);
    }
}
