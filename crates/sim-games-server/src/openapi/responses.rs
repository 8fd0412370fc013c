//! Refusals: what every operation may answer instead of what was asked for.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::Limits;
use super::schemas::reference;
use crate::rest::{ADDRESS_LIMIT, BODY_TIME, HEADER_LIMIT};

/// A refusal that operations share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Fields or parameters are wrong, or the body is no JSON.
    Fields,
    /// The same, where a body may have many objects.
    Items,
    /// A login is wrong or incomplete.
    Login,
    /// Nobody logged in, or not with success.
    Unauthenticated,
    /// The caller may not.
    Forbidden,
    /// There is no such object.
    Missing,
    /// There is no such page.
    MissingPage,
    /// The method is not known there.
    Method,
    /// The client takes no JSON.
    NotAcceptable,
    /// Others need what was to be deleted, or have changed what was relied on.
    Conflict,
    /// The object is not the version that `If-Match` names.
    VersionDiffers,
    /// The body is too large.
    TooLarge,
    /// The body is no JSON by its `Content-Type`.
    MediaType,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// Path and query are too long.
    AddressTooLong,
    /// The headers are too large.
    HeadersTooLarge,
    /// There were too many failed logins.
    Throttled,
    /// The database does not answer.
    Unavailable,
}

use Refused::{
    AddressTooLong, BodyTooSlow, Conflict, Fields, Forbidden, HeadersTooLarge, Items, Login,
    MediaType, Method, Missing, MissingPage, NotAcceptable, Throttled, TooLarge, Unauthenticated,
    Unavailable, VersionDiffers,
};

const ALL: [Refused; 18] = [
    Fields,
    Items,
    Login,
    Unauthenticated,
    Forbidden,
    Missing,
    MissingPage,
    Method,
    NotAcceptable,
    Conflict,
    VersionDiffers,
    TooLarge,
    MediaType,
    BodyTooSlow,
    AddressTooLong,
    HeadersTooLarge,
    Throttled,
    Unavailable,
];

/// All of them by name.
pub(super) fn all(limits: &Limits) -> Map<String, Value> {
    ALL.iter().map(|refused| (format!("{refused:?}"), refused.response(limits))).collect()
}

impl Refused {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Fields | Items | Login => StatusCode::BAD_REQUEST,
            Unauthenticated => StatusCode::UNAUTHORIZED,
            Forbidden => StatusCode::FORBIDDEN,
            Missing | MissingPage => StatusCode::NOT_FOUND,
            Method => StatusCode::METHOD_NOT_ALLOWED,
            NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Conflict => StatusCode::CONFLICT,
            VersionDiffers => StatusCode::PRECONDITION_FAILED,
            TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            AddressTooLong => StatusCode::URI_TOO_LONG,
            HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Throttled => StatusCode::TOO_MANY_REQUESTS,
            Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn reference(self) -> Value {
        json!({ "$ref": format!("#/components/responses/{self:?}") })
    }

    const fn description(self) -> &'static str {
        match self {
            Fields => {
                "Something is wrong with the fields or parameters, there are too many of them, or \
                 the body is no JSON."
            }
            Items => {
                "Something is wrong with the items, or the body is no JSON. Nothing is stored."
            }
            Login => "The login is wrong or incomplete, or the body is no JSON.",
            Unauthenticated => "Nobody logged in, or name, password or token are wrong.",
            Forbidden => "The caller is known, but may not do this.",
            Missing => "There is no such object, or it is not the caller's to see.",
            MissingPage => "There is no such page.",
            Method => "The path knows other methods; `Allow` names them.",
            NotAcceptable => "The `Accept` header allows nothing that could be answered.",
            Conflict => {
                "What was to be deleted is still in use, or what was relied on has changed."
            }
            VersionDiffers => "The object is not, or no longer, the version that `If-Match` names.",
            TooLarge => "The body is too large.",
            MediaType => "The body's `Content-Type` is not `application/json`.",
            BodyTooSlow => "The body did not arrive in time.",
            AddressTooLong => "Path and query are too long together.",
            HeadersTooLarge => "The headers are too large together.",
            Throttled => "There were too many failed logins of this account.",
            Unavailable => "The database does not answer. Nothing was saved.",
        }
    }

    fn response(self, limits: &Limits) -> Value {
        let mut content = json!({ "schema": self.schema(), "examples": self.examples(limits) });
        if self == Unavailable || self == Throttled {
            content["schema"] = reference("Detail");
        }
        let mut response = json!({
            "description": self.description(),
            "content": {"application/json": content},
        });
        let header = match self {
            Unauthenticated => Some("WWW-Authenticate"),
            Throttled | Unavailable => Some("Retry-After"),
            Method => Some("Allow"),
            _ => None,
        };
        if let Some(name) = header {
            response["headers"] = json!({ name: super::parameters::header(name) });
        }
        response
    }

    fn schema(self) -> Value {
        let any = |names: &[&str]| {
            let schemas: Vec<Value> = names.iter().map(|name| reference(name)).collect();
            json!({ "anyOf": schemas })
        };
        match self {
            Fields => any(&["FieldErrors", "Detail"]),
            Items => any(&["ItemErrors", "FieldErrors", "Detail"]),
            Login => {
                let mut schema = any(&["FieldErrors", "Detail"]);
                if let Some(Value::Array(schemas)) = schema.get_mut("anyOf") {
                    schemas.push(json!({"type": "array", "items": {"type": "string"}}));
                }
                schema
            }
            _ => reference("Detail"),
        }
    }

    /// What it may look like, by a name for the case.
    fn examples(self, limits: &Limits) -> Value {
        let parse_error = "JSON parse error - expected value at line 1 column 1";
        let too_many = format!("The query has more than {} parameters.", limits.parameters);
        let taken = "The fields scenario, order must make a unique set.";
        match self {
            Fields => json!({
                "fields": {"value": {"name": ["This field is required."]}},
                "json": {"value": {"detail": parse_error}},
                "query": {"value": {"detail": too_many}},
            }),
            Items => json!({
                "items": {"value": [{}, {"non_field_errors": [taken]}]},
                "json": {"value": {"detail": parse_error}},
            }),
            Login => json!({
                "wrong": {"value": ["Unable to log in with provided credentials."]},
                "incomplete": {"value": {"password": ["This field is required."]}},
            }),
            Unauthenticated => json!({
                "nobody": {"value": {"detail": "Authentication credentials were not provided."}},
                "password": {"value": {"detail": "Invalid username/password."}},
                "token": {"value": {"detail": "Invalid token."}},
            }),
            refused => json!({"refused": {"value": {"detail": refused.detail(limits)}}}),
        }
    }

    /// What a refusal says that always says the same.
    fn detail(self, limits: &Limits) -> String {
        let text = match self {
            Fields | Items | Login | Unauthenticated => "",
            Forbidden => "You do not have permission to perform this action.",
            Missing => "Not found.",
            MissingPage => "Invalid page.",
            Method => "Method \"TRACE\" not allowed.",
            NotAcceptable => "Could not satisfy the request Accept header.",
            Conflict => "Role `1` is still in use, delete or change what refers to it first.",
            VersionDiffers => "The object was changed meanwhile, read it again.",
            MediaType => "Unsupported media type \"text/plain\" in request.",
            Throttled => "Request was throttled. Expected available in 60 seconds.",
            Unavailable => "The database does not answer. Nothing was saved, try again.",
            TooLarge => return format!("The request body is larger than {} bytes.", limits.body),
            BodyTooSlow => {
                let seconds = BODY_TIME.as_secs();
                return format!("The request body did not arrive within {seconds} seconds.");
            }
            AddressTooLong => return format!("The address is longer than {ADDRESS_LIMIT} bytes."),
            HeadersTooLarge => {
                return format!("The request headers are larger than {HEADER_LIMIT} bytes.");
            }
        };
        text.to_owned()
    }
}
