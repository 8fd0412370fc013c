//! Who calls: passwords, tokens, and the users as rows.

use std::collections::BTreeMap;

use axum::http::Method;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::exchange::{Answer, Asked};
use super::rows::{Row, Rows};
use super::schema::Kind;
use crate::rest::STAFF;

const CANNOT_LOG_IN: &str = "Unable to log in with provided credentials.";

/// The tokens that logins gave, with their users.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    tokens: BTreeMap<String, u64>,
}

/// The account that is there from the start.
pub(super) fn add_staff(rows: &mut Rows) {
    let fields = json!({
        "email": STAFF.0, "password": STAFF.1, "first_name": "", "last_name": "",
        "external_id": null, "is_active": true, "is_staff": true, "is_superuser": true,
        "subscriber_code": "", "data": null,
    });
    let Value::Object(fields) = fields else { unreachable!("an object is written here") };
    rows.insert(Kind::User, fields);
}

/// What the original keeps of a new user: a few of the fields, and it fails without the names.
pub(super) fn created_by_staff(body: &Value, checked: Row) -> Option<Row> {
    let (first, last) = (body.get("first_name")?, body.get("last_name")?);
    let mut fields = checked;
    for (name, value) in [
        ("first_name", first.clone()),
        ("last_name", last.clone()),
        ("password", body.get("password").cloned().unwrap_or_default()),
        ("external_id", Value::Null),
        ("is_active", true.into()),
        ("is_staff", false.into()),
        ("is_superuser", false.into()),
        ("subscriber_code", "".into()),
        ("data", Value::Null),
    ] {
        fields.insert(name.to_owned(), value);
    }
    Some(fields)
}

/// `POST /apis/authcheck/`.
pub(super) fn authcheck(rows: &Rows, asked: &Asked) -> Result<Answer, Answer> {
    if asked.method != Method::POST {
        return Err(Answer::not_allowed(&asked.method));
    }
    let body = asked.json()?;
    let mut errors = Map::new();
    let authid = match body.get("authid").filter(|it| !it.is_null()) {
        None => None,
        Some(authid) => {
            let number = authid.as_u64().or_else(|| authid.as_str()?.parse().ok());
            if number.is_none() {
                errors.insert("authid".to_owned(), json!(["A valid integer is required."]));
            }
            number
        }
    };
    let password = match body.get("password").map(|it| it.as_str().unwrap_or_default()) {
        Some("") => Err("This field may not be blank."),
        Some(password) => Ok(password),
        None => Err("This field is required."),
    };
    if let Err(text) = password {
        errors.insert("password".to_owned(), json!([text]));
    }
    let email = body.get("email").and_then(Value::as_str);
    if email.is_some_and(|email| !email.contains('@')) {
        errors.insert("email".to_owned(), json!(["Enter a valid email address."]));
    }
    if !errors.is_empty() {
        return Err(Answer::json(400, errors.into()));
    }
    let found = match (authid, email) {
        (Some(pk), _) => rows.get(Kind::User, pk),
        (None, Some(email)) => rows
            .all(Kind::User)
            .find(|user| user["email"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(email))),
        (None, None) => {
            let text = "'authid' or 'email' must be set";
            return Err(Answer::json(400, json!({"non_field_errors": [text]})));
        }
    };
    // Nobody of this name: the original fails.
    let user = found.ok_or_else(|| Answer::page(500))?;
    if password.is_ok_and(|password| user["password"] == *password) {
        return Ok(Answer::json(200, json!({"authid": user["id"], "email": user["email"]})));
    }
    Err(Answer::json(400, json!([CANNOT_LOG_IN])))
}

impl Accounts {
    /// `POST /rest-auth/login/`.
    pub(super) fn login(&mut self, rows: &Rows, asked: &Asked) -> Result<Answer, Answer> {
        if asked.method != Method::POST {
            return Err(Answer::not_allowed(&asked.method));
        }
        let body = asked.json()?;
        let refused = |text: &str| Answer::json(400, json!({"non_field_errors": [text]}));
        let (Some(email), Some(password)) = (body["username"].as_str(), body["password"].as_str())
        else {
            return Err(refused("Must include \"username\" and \"password\"."));
        };
        let user = found(rows, email, password).ok_or_else(|| refused(CANNOT_LOG_IN))?;
        let user = user["id"].as_u64().unwrap_or_default();
        let known = self.tokens.iter().find(|(_, owner)| **owner == user);
        let token = known.map_or_else(
            || format!("{:016x}{user:024x}", rand::random::<u64>()),
            |(token, _)| token.clone(),
        );
        self.tokens.insert(token.clone(), user);
        Ok(Answer::json(200, json!({ "key": token })))
    }

    /// Who asks.
    pub(super) fn caller<'a>(
        &self,
        rows: &'a Rows,
        asked: &Asked,
        scheme: &str,
    ) -> Result<&'a Row, Answer> {
        let refused = |text: &str| {
            let answer = Answer::json(401, json!({ "detail": text }));
            answer.with("www-authenticate", scheme.to_owned())
        };
        let given = asked.header("authorization").and_then(|it| it.split_once(' '));
        match given {
            Some(("Basic", encoded)) => {
                let pair = BASE64_STANDARD.decode(encoded).ok();
                let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
                let user = pair.as_deref().and_then(|pair| pair.split_once(':'));
                let user = user.and_then(|(email, password)| found(rows, email, password));
                user.ok_or_else(|| refused("Invalid username/password."))
            }
            Some(("Token", token)) => {
                let user = self.tokens.get(token).and_then(|pk| rows.get(Kind::User, *pk));
                user.ok_or_else(|| refused("Invalid token."))
            }
            _ => Err(refused("Authentication credentials were not provided.")),
        }
    }
}

/// The active user with this address, in just this spelling, and this password.
fn found<'a>(rows: &'a Rows, email: &str, password: &str) -> Option<&'a Row> {
    let user = rows.all(Kind::User).find(|user| user["email"] == *email)?;
    (user["is_active"] == true && user["password"] == *password).then_some(user)
}
