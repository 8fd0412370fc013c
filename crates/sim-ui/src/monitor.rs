//! What the monitor page asks for; answered to the staff only.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use futures_util::stream::{self, BoxStream, StreamExt};

use crate::session::{Staff, private, refusal};
use crate::{RunEvent, Site, cookie};

/// How often it is looked whether somebody who looks on may still do so.
const CHECK: Duration = Duration::from_secs(10);

/// How the service is.
pub(crate) async fn status(_: Staff, State(site): State<Arc<dyn Site>>) -> Response {
    private(Json(site.status().await))
}

/// A run with all below it.
pub(crate) async fn tree(
    _: Staff,
    State(site): State<Arc<dyn Site>>,
    Path(run): Path<i64>,
) -> Response {
    match site.tree(run) {
        Some(tree) => private(([("content-type", "application/json")], tree)),
        None => refusal(StatusCode::NOT_FOUND, "there is no such run in memory"),
    }
}

/// The changes of a run as server-sent events, until whoever reads them is too slow or may not
/// read them any more.
pub(crate) async fn changes(
    _: Staff,
    State(site): State<Arc<dyn Site>>,
    Path(run): Path<i64>,
    jar: CookieJar,
) -> Response {
    let Some(changes) = site.changes(run) else {
        return refusal(StatusCode::NOT_FOUND, "there is no such run in memory");
    };
    let session = cookie::session(&jar).unwrap_or_default().to_owned();
    let told = Watched { site, session, changes, checked: Instant::now() };
    let events = stream::unfold(told, Watched::next).map(Ok::<_, Infallible>);
    private(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// Changes on their way to somebody.
struct Watched {
    site: Arc<dyn Site>,
    session: String,
    changes: BoxStream<'static, RunEvent>,
    checked: Instant,
}

impl Watched {
    async fn next(mut self) -> Option<(Event, Self)> {
        let event = self.changes.next().await?;
        if self.checked.elapsed() >= CHECK {
            self.checked = Instant::now();
            if !self.site.person(&self.session).await.is_some_and(|person| person.staff) {
                return None;
            }
        }
        let event = match event {
            RunEvent::Change(change) => Event::default().event("change").data(change),
            RunEvent::Missed(changes) => Event::default().event("missed").data(changes.to_string()),
        };
        Some((event, self))
    }
}
