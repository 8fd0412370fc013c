//! The HTTP endpoint that becomes a WebSocket.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

use super::{Inner, connection};

/// The only subprotocol spoken here.
pub(crate) const SUBPROTOCOL: &str = "wamp.2.json";

/// Socket buffers: an idle session keeps little more than the first.
const READ_BUFFER: usize = 4096;
const WRITE_BUFFER: usize = 4096;

pub(super) fn endpoint<S: Clone + Send + Sync + 'static>(router: Arc<Inner>) -> MethodRouter<S> {
    get(move |headers: HeaderMap, upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>| {
        let router = Arc::clone(&router);
        async move { answer(router, &headers, upgrade) }
    })
}

fn answer(
    router: Arc<Inner>,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !headers.contains_key(header::UPGRADE) {
        let upgrade = [(header::UPGRADE, "websocket")];
        return (StatusCode::UPGRADE_REQUIRED, upgrade, "HTTP Upgrade header missing")
            .into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols([SUBPROTOCOL]),
        Err(rejection) => return rejection.into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        let text = "the WebSocket must offer the subprotocol `wamp.2.json`";
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    if router.closing.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the router is shutting down").into_response();
    }
    // What is a little too long is read to its end, so that the peer is told and not reset.
    let most = router.limits.message_bytes.saturating_mul(2);
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(most)
        .max_frame_size(most)
        .on_upgrade(move |socket| {
            let tasks = router.tasks.clone();
            tasks.track_future(connection::serve(router, socket))
        })
}
