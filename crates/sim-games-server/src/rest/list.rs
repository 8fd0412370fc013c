//! Lists: filters, order, pages.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use sim_games_types::{Resource, User};
use url::form_urlencoded;

use super::answer::{self, Reader, Refusal};
use super::request::Call;
use super::{Rest, write};
use crate::model::{Strictness, Table, conditions};
use crate::store::Query;

/// Objects on a page when the client does not say.
pub(crate) const PAGE_SIZE: u64 = 500;

/// The fields by which a client may sort, where the resource has them.
const SORTABLE: [&str; 5] = ["id", "created", "updated", "order", "name"];

pub(super) async fn answer(
    rest: &Rest,
    call: &Call,
    resource: Resource,
    user: &User,
) -> Result<Response, Refusal> {
    let table = Table::of(resource);
    let mut query = Query {
        table,
        conditions: conditions(table, &call.parameters, Strictness::Lenient)?,
        order: order(table, call.parameter("ordering").unwrap_or_default()),
        offset: 0,
        limit: u64::MAX,
    };
    if resource == Resource::Hook {
        query.conditions.push(write::own_hooks(user));
    }
    let size = page_size(call, rest.api.options().page_size);
    let page = match call.parameter("page").unwrap_or("1") {
        "last" => rest.api.store().count(query.clone()).await?.div_ceil(size).max(1),
        text => text.parse().ok().filter(|page| *page > 0).ok_or_else(Refusal::invalid_page)?,
    };
    query.offset = (page - 1).checked_mul(size).ok_or_else(Refusal::invalid_page)?;
    // One more than the page holds tells whether there is a next page.
    query.limit = size + 1;
    let mut objects = rest.api.store().list(query).await?;
    if objects.is_empty() && page > 1 {
        return Err(Refusal::invalid_page());
    }
    let full = usize::try_from(size).unwrap_or(usize::MAX);
    let more = objects.len() > full;
    objects.truncate(full);
    let mut response = answer::objects(StatusCode::OK, &objects, Reader::of(user));
    let links: Vec<String> = [
        more.then(|| link(call, page + 1, "next")),
        (page > 1).then(|| link(call, page - 1, "prev")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !links.is_empty()
        && let Ok(value) = HeaderValue::from_str(&links.join(", "))
    {
        response.headers_mut().insert(header::LINK, value);
    }
    Ok(response)
}

fn page_size(call: &Call, most: u64) -> u64 {
    let wanted = call.parameter("page_size").and_then(|text| text.parse().ok());
    wanted.filter(|size| *size > 0).unwrap_or(PAGE_SIZE).min(most)
}

/// The fields by which a list of this resource can be sorted.
pub(crate) fn sortable(table: &Table) -> impl Iterator<Item = &'static str> {
    let has = |column: &str| table.position(column).is_some();
    SORTABLE.into_iter().filter(move |it| !matches!(*it, "order" | "name") || has(it))
}

/// The wanted order. A field that is named again cannot sort what it left equal the first time, and
/// databases take only so many.
fn order(table: &'static Table, ordering: &str) -> Vec<(&'static str, bool)> {
    let column = |part: &str| {
        let part = part.trim();
        let (name, down) = part.strip_prefix('-').map_or((part, false), |name| (name, true));
        sortable(table).find(|column| *column == name).map(|column| (column, down))
    };
    let mut order: Vec<(&str, bool)> = Vec::new();
    for (name, down) in ordering.split(',').filter_map(column) {
        if !order.iter().any(|(known, _)| *known == name) {
            order.push((name, down));
        }
    }
    order
}

/// A link to another page, with the other parameters sorted; the first page has no number.
fn link(call: &Call, page: u64, relation: &str) -> String {
    let number = page.to_string();
    let mut parameters: Vec<(&str, &str)> = call
        .parameters
        .iter()
        .filter(|(name, _)| name != "page")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    if page > 1 {
        parameters.push(("page", &number));
    }
    parameters.sort_by_key(|(name, _)| *name);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("<{}{}{mark}{query}>; rel=\"{relation}\"", call.origin(), call.uri.path())
}
