//! Who did what in a run, newest first.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use sim_games_types::{Resource, RunPk, User};
use url::form_urlencoded;

use super::answer::{self, Refusal};
use super::changes::{MOST, USUAL};
use super::request::{Call, bounded};
use super::{Rest, write};
use crate::error::FieldErrors;
use crate::store::AuditQuery;

/// The parameters that are understood.
const PARAMETERS: [&str; 4] = ["before", "limit", "resource", "actor"];

pub(super) async fn answer(
    rest: &Rest,
    call: &Call,
    key: &str,
    user: &User,
) -> Result<Response, Refusal> {
    let query = query(call)?;
    // The journal outlives the run: its deletion is told, too.
    let run = match write::find(rest, Resource::Run, key, user).await {
        Ok(run) => run.record.pk(),
        Err(missing) => key.parse().map_err(|_| missing)?,
    };
    let query = AuditQuery { run: RunPk(run), ..query };
    let (limit, resource) = (query.limit, query.resource);
    let entries = rest.api.store().audit(query).await?;
    let Some((last, _)) = entries.last() else {
        let unknown = call.parameter("before").is_none() && resource.is_none();
        let exists = rest.api.store().get(Resource::Run, run).await?.is_some();
        return if unknown && !exists { Err(Refusal::not_found()) } else { Ok(list("[]".into())) };
    };
    let texts: Vec<&str> = entries.iter().map(|(_, text)| text.as_str()).collect();
    let mut response = list(format!("[{}]", texts.join(",")));
    if u32::try_from(entries.len()).is_ok_and(|count| count >= limit)
        && let Ok(value) = HeaderValue::from_str(&next(call, *last))
    {
        response.headers_mut().insert(header::LINK, value);
    }
    Ok(response)
}

fn list(text: String) -> Response {
    answer::text(StatusCode::OK, text)
}

/// Reads the parameters; all that are wrong are told together.
fn query(call: &Call) -> Result<AuditQuery, Refusal> {
    let mut errors = FieldErrors::default();
    for (name, _) in &call.parameters {
        if !PARAMETERS.contains(&name.as_str()) {
            errors.push(name, "This parameter is not known here.");
        }
    }
    let any = 0..=i64::MAX.unsigned_abs();
    let mut number = |name: &str, range| bounded(name, call.parameter(name)?, range, &mut errors);
    let before = number("before", any.clone());
    let limit = number("limit", 1..=MOST).unwrap_or(USUAL);
    let actor = number("actor", any).map(u64::cast_signed);
    let resource = call.parameter("resource").map(Resource::from_name);
    if resource == Some(None) {
        errors.push("resource", "This is not the name of a resource, such as `decision`.");
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let limit = u32::try_from(limit).expect("the limit is at most 5000");
    let resource = resource.flatten();
    Ok(AuditQuery { run: RunPk(0), before, limit, actor, resource })
}

/// The link to what came before.
fn next(call: &Call, last: u64) -> String {
    let last = last.to_string();
    let others = call.parameters.iter().filter(|(name, _)| name != "before");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("before", &last)
        .finish();
    format!("<{}{}?{query}>; rel=\"next\"", call.origin(), call.uri.path())
}
