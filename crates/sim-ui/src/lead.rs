//! What leaders do beyond one run: they open runs, wake them or put them to sleep, and seat people.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::{Json, RequestExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::session::{SignedIn, private, refusal, refusal_of};
use crate::{Entrant, NewRun, Refused, Site, roster};

/// The largest list of people.
pub(crate) const LARGEST: usize = 512 * 1024;

/// The most people in one list.
const MOST: usize = 2000;

/// The answer, or the refusal in its place.
type Answer = Result<Response, Response>;

/// The runs that somebody leads, and the games in which they may open others.
pub(crate) async fn runs(State(site): State<Arc<dyn Site>>, SignedIn(person): SignedIn) -> Answer {
    let (games, runs) = site.led(&person).await.map_err(refusal_of)?;
    Ok(private(Json(json!({"games": games, "runs": runs}))))
}

pub(crate) async fn open(
    State(site): State<Arc<dyn Site>>,
    SignedIn(person): SignedIn,
    request: Request,
) -> Answer {
    let wanted = body::<NewRun>(request, "{\"game\": …, \"name\": …, \"worlds\": […]}").await?;
    let run = site.open_run(&person, wanted).await.map_err(refusal_of)?;
    Ok(private((StatusCode::CREATED, Json(json!({"run": run})))))
}

/// Whether a run is active.
#[derive(Deserialize)]
struct Activity {
    active: bool,
}

pub(crate) async fn activate(
    State(site): State<Arc<dyn Site>>,
    Path(run): Path<i64>,
    SignedIn(person): SignedIn,
    request: Request,
) -> Answer {
    let Activity { active } = body(request, "{\"active\": …}").await?;
    site.set_active(&person, run, active).await.map_err(refusal_of)?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Seats people: those of a JSON array, or of a table as spreadsheets save it.
pub(crate) async fn enrol(
    State(site): State<Arc<dyn Site>>,
    Path(run): Path<i64>,
    SignedIn(person): SignedIn,
    request: Request,
) -> Answer {
    let entrants = entrants(request).await?;
    if entrants.len() > MOST {
        let text = format!("the list has more than {MOST} people, split it");
        return Err(refusal(StatusCode::BAD_REQUEST, &text));
    }
    // Accounts are made one by one, so that nothing may be wrong with a later one.
    if let Some(wrong) = entrants.iter().find(|it| !roster::is_address(&it.email)) {
        let text = format!("`{}` is no e-mail address", wrong.email);
        return Err(refusal(StatusCode::BAD_REQUEST, &text));
    }
    let enrolled = site.enrol(&person, run, entrants).await.map_err(refusal_of)?;
    Ok(private(Json(json!(enrolled))))
}

async fn body<T>(request: Request, form: &str) -> Result<T, Response>
where
    T: DeserializeOwned + 'static,
{
    let Json(body) = request.extract::<Json<T>, _>().await.map_err(|_| {
        let text = format!("the body must be `{form}` as application/json");
        refusal(StatusCode::BAD_REQUEST, &text)
    })?;
    Ok(body)
}

async fn entrants(request: Request) -> Result<Vec<Entrant>, Response> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/csv")) {
        return body(request, "[{\"email\": …}]").await;
    }
    let bytes = to_bytes(request.into_body(), LARGEST).await.map_err(|_| {
        let text = "the list is larger than half a megabyte, split it";
        refusal(StatusCode::PAYLOAD_TOO_LARGE, text)
    })?;
    roster::read(&bytes).map_err(|faults| refusal_of(Refused::Invalid(faults)))
}
