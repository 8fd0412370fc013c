//! Values keep what serializations cannot tell apart.

use super::*;

fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn json_keeps_integers_and_floats_apart() {
    let value: Value = serde_json::from_str("[1, 1.0, 18446744073709551615, -1]").unwrap();
    let wanted = [Value::Int(1), Value::Float(1.0), Value::Uint(u64::MAX), Value::Int(-1)];
    assert_eq!(value, Value::List(wanted.to_vec()));
    assert_eq!(json(&value), "[1,1.0,18446744073709551615,-1]");
}

#[test]
fn bytes_are_base64_behind_a_nul_in_json() {
    let bytes = Value::Bytes(vec![0, 255, 7]);
    assert_eq!(json(&bytes), r#""\u0000AP8H""#);
    assert_eq!(serde_json::from_str::<Value>(r#""\u0000AP8H""#).unwrap(), bytes);
    let text: Value = serde_json::from_str(r#""\u0000 no base64""#).unwrap();
    assert_eq!(text, Value::Text("\0 no base64".to_owned()));
}

#[test]
fn later_of_two_equal_names_counts() {
    let dict: Dict = serde_json::from_str(r#"{"a":1,"b":2,"a":3}"#).unwrap();
    assert_eq!(dict.len(), 2);
    assert_eq!(dict.get("a"), Some(&Value::Int(3)));
}
