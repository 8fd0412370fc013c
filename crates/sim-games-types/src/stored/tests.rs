//! Objects as JSON text and back, losing nothing.

use serde_json::json;

use super::*;

fn leader() -> Value {
    json!({
        "id": 30, "run_active": true, "role": null, "email": "leader@div.edu", "first_name": "Div",
        "last_name": "Leader", "created": "2026-03-02T14:05:07.123456Z",
        "updated": "2026-03-02T14:05:07.123499Z", "leader": true, "active": true, "data": {},
        "user": 40, "run": 5, "world": null
    })
}

#[test]
fn a_runuser_without_role_has_no_role_name() {
    let text = leader().to_string();
    let record = Record::from_json(Resource::RunUser, &text).unwrap();
    assert_eq!(&*Stored::new(record).json, text);
}

#[test]
fn unknown_fields_survive() {
    let mut body = leader();
    body["nickname"] = json!("chief");
    let record = Record::from_json(Resource::RunUser, &body.to_string()).unwrap();
    let again: Value = serde_json::from_str(&Stored::new(record).json).unwrap();
    assert_eq!(again, body);
}

#[test]
fn a_record_knows_its_resource_and_key() {
    let record = Record::from_json(Resource::RunUser, &leader().to_string()).unwrap();
    assert_eq!((record.resource(), record.pk()), (Resource::RunUser, 30));
    assert!(RunUser::from_record(&record).is_some());
    assert!(Run::from_record(&record).is_none());
}

#[test]
fn a_missing_required_field_is_an_error() {
    let error = Record::from_json(Resource::Game, r#"{"id": 1}"#).unwrap_err();
    assert!(error.to_string().contains("missing field `created`"), "{error}");
}

#[test]
fn a_float_is_read_as_it_was_written() {
    let quotient = 162.0 / 163.0_f64;
    let body = json!({
        "id": 1, "created": "2026-03-02T14:05:07.123456Z", "updated": "2026-03-02T14:05:07.123456Z",
        "name": "result", "period": 1, "data": {"quotient": quotient}
    });
    let record = Record::from_json(Resource::Result, &body.to_string()).unwrap();
    assert!(Stored::new(record).json.contains(r#"{"quotient":0.9938650306748467}"#));
}

#[test]
fn an_object_tells_what_it_hangs_from() {
    let scenario = |world: Value, owner: Value| {
        let fields = json!({
            "id": 5, "name": "S", "world": world, "runuser": owner,
            "created": "2026-03-02T14:05:07.000000Z", "updated": "2026-03-02T14:05:08.000000Z",
        });
        let Value::Object(fields) = fields else { panic!("fields are an object") };
        Record::from_fields(Resource::Scenario, fields).unwrap()
    };
    assert_eq!(scenario(json!(9), json!(31)).parent(), Some((Resource::World, 9)));
    assert_eq!(scenario(json!(null), json!(31)).parent(), Some((Resource::RunUser, 31)));
    assert_eq!(scenario(json!(null), json!(null)).parent(), None);
    let record = scenario(json!(9), json!(null));
    assert!(record.created() < record.updated());
}
