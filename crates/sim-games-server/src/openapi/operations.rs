//! What is said of each method of each place.

mod account;
mod bulk;
mod other;
mod resource;
mod run;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use sim_games_types::Resource;

use super::Limits;
use super::parameters::{self, header};
use super::responses::Refused;
use crate::model::children_of;
use crate::rest::{Account, Place};

/// The description of a method of a place, if there is one.
pub(super) fn of(place: &Place, method: &str, limits: &Limits) -> Option<Operation> {
    match (place, method) {
        (Place::Index, "GET") => Some(other::index(false)),
        (Place::BulkIndex, "GET") => Some(other::index(true)),
        (Place::Collection(resource), "GET") => Some(resource::list(*resource)),
        (Place::Collection(resource), "POST") => Some(resource::create(*resource)),
        (Place::Collection(resource), "PUT") => Some(resource::upsert(*resource)),
        (Place::Detail(resource, _), "GET") => Some(resource::read(*resource)),
        (Place::Detail(resource, _), "PUT") => Some(resource::replace(*resource)),
        (Place::Detail(resource, _), "PATCH") => Some(resource::change(*resource)),
        (Place::Detail(resource, _), "DELETE") => Some(resource::delete(*resource)),
        (Place::Rewind(_), "POST") => Some(other::rewind()),
        (Place::Export(_), "GET") => Some(run::export()),
        (Place::Audit(_), "GET") => Some(run::audit()),
        (Place::Bulk(resource), "GET") => Some(bulk::list(*resource)),
        (Place::Bulk(resource), "POST") => Some(bulk::create(*resource, limits)),
        (Place::Bulk(resource), "DELETE") => Some(bulk::delete(*resource)),
        (Place::Units, "POST") => Some(other::commit()),
        (Place::Changes, "GET") => Some(other::changes()),
        (Place::AuthCheck, "POST") => Some(other::check_login()),
        (Place::Account(account), method) => of_account(*account, method),
        _ => None,
    }
}

fn of_account(account: Account, method: &str) -> Option<Operation> {
    match (account, method) {
        (Account::Login, "POST") => Some(account::log_in()),
        (Account::Logout, "POST") => Some(account::log_out()),
        (Account::OwnUser, "GET") => Some(account::read()),
        (Account::OwnUser, "PUT") => Some(account::replace()),
        (Account::OwnUser, "PATCH") => Some(account::change()),
        (Account::PasswordChange, "POST") => Some(account::change_password()),
        _ => None,
    }
}

/// An operation while it is described.
#[derive(Debug)]
pub(super) struct Operation {
    fields: Map<String, Value>,
    parameters: Vec<Value>,
    responses: Map<String, Value>,
}

impl Operation {
    /// An operation for those who log in.
    pub(super) fn new(tag: &str, id: &str, summary: &str, description: &str) -> Self {
        let operation = Self::anonymous(tag, id, summary, description);
        let mut operation =
            operation.refused([Refused::Unauthenticated, Refused::Forbidden, Refused::Throttled]);
        operation.fields.remove("security");
        operation.refused([Refused::Unavailable])
    }

    /// An operation for everybody.
    pub(super) fn anonymous(tag: &str, id: &str, summary: &str, description: &str) -> Self {
        let fields = Map::from_iter([
            ("tags".to_owned(), json!([tag])),
            ("operationId".to_owned(), json!(id)),
            ("summary".to_owned(), json!(summary)),
            ("description".to_owned(), json!(description)),
            ("security".to_owned(), json!([])),
        ]);
        let operation = Self { fields, parameters: Vec::new(), responses: Map::new() };
        operation.refused([
            Refused::Method,
            Refused::NotAcceptable,
            Refused::AddressTooLong,
            Refused::HeadersTooLarge,
        ])
    }

    /// For everybody, but who logs in must do so with success.
    pub(super) fn login_is_optional(mut self) -> Self {
        let ways = json!([{}, {"basic": []}, {"token": []}]);
        self.fields.insert("security".to_owned(), ways);
        self.refused([Refused::Unauthenticated, Refused::Throttled, Refused::Unavailable])
    }

    pub(super) fn parameters(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// Adds a body, with examples by name, and what is refused of bodies.
    pub(super) fn body(
        mut self,
        required: bool,
        schema: &Value,
        examples: &[(&str, Value)],
    ) -> Self {
        let content = json!({ "schema": schema, "examples": named(examples) });
        let body = json!({ "required": required, "content": {"application/json": content} });
        self.fields.insert("requestBody".to_owned(), body);
        self.refused([Refused::TooLarge, Refused::MediaType, Refused::BodyTooSlow])
    }

    /// Adds an answer with JSON, and the headers that it may carry.
    pub(super) fn answer(
        mut self,
        status: StatusCode,
        description: &str,
        schema: &Value,
        examples: &[(&str, Value)],
        headers: &[&str],
    ) -> Self {
        let mut response = json!({
            "description": description,
            "content": {"application/json": {"schema": schema, "examples": named(examples)}},
        });
        if !headers.is_empty() {
            let told = headers.iter().map(|name| ((*name).to_owned(), header(name)));
            response["headers"] = Value::Object(told.collect());
        }
        self.responses.insert(status.as_str().to_owned(), response);
        self
    }

    /// Adds an answer without a body.
    pub(super) fn no_content(mut self, description: &str) -> Self {
        let status = StatusCode::NO_CONTENT.as_str().to_owned();
        self.responses.insert(status, json!({ "description": description }));
        self
    }

    /// Adds refusals; the first of a status counts.
    pub(super) fn refused(mut self, refused: impl IntoIterator<Item = Refused>) -> Self {
        for refused in refused {
            let status = refused.status().as_str().to_owned();
            self.responses.entry(status).or_insert_with(|| refused.reference());
        }
        self
    }

    /// The answer with a status, to add to it.
    pub(super) fn response(&mut self, status: StatusCode) -> Option<&mut Value> {
        self.responses.get_mut(status.as_str())
    }

    /// The operation as it stands in a document.
    pub(super) fn into_value(self) -> Value {
        // Everything refuses a query with too many parameters.
        let mut operation = self.refused([Refused::Fields]);
        if !operation.parameters.is_empty() {
            operation.fields.insert("parameters".to_owned(), Value::Array(operation.parameters));
        }
        operation.responses.sort_keys();
        operation.fields.insert("responses".to_owned(), Value::Object(operation.responses));
        Value::Object(operation.fields)
    }
}

fn named(examples: &[(&str, Value)]) -> Value {
    let named = examples.iter().map(|(name, value)| ((*name).to_owned(), json!({"value": value})));
    Value::Object(named.collect())
}

/// The name of the group that a resource's operations stand in.
pub(super) fn tag(resource: Resource) -> String {
    capitalized(resource.collection())
}

pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// Paging, ordering and filters of a list.
fn list_parameters(resource: Resource) -> Vec<Value> {
    let mut all = parameters::filters(resource);
    all.push(parameters::ordering(resource));
    all.extend(["page", "page_size"].map(parameters::reference));
    all
}

/// Whether deleting a row can be refused since it, or what goes with it, is in use.
fn can_be_in_use(resource: Resource) -> bool {
    resource == Resource::Role
        || children_of(resource).iter().any(|relation| can_be_in_use(relation.child))
}

/// What goes with a row that is deleted, as a sentence; nothing when nothing does.
fn cascade(resource: Resource) -> String {
    let mut below: Vec<&str> =
        children_of(resource).iter().map(|relation| relation.child.collection()).collect();
    below.dedup();
    let Some((last, others)) = below.split_last() else { return String::new() };
    let all = match others {
        [] => (*last).to_owned(),
        others => format!("{} and {last}", others.join(", ")),
    };
    format!(" With it go its {all}, and what is below them.")
}
