//! Joining a run by the code that its leader shows. Looking at a link changes nothing, so that
//! whoever previews it takes nobody's seat.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, RequestExt};
use axum_extra::extract::CookieJar;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::session::{address, person, private, refusal, refusal_of};
use crate::{Newcomer, Site, cookie};

/// The light cells around the picture that readers need.
const MARGIN: i32 = 4;

/// Takes a seat, for whoever is logged in or for a newcomer.
pub(crate) async fn join(
    State(site): State<Arc<dyn Site>>,
    Path(code): Path<String>,
    jar: CookieJar,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let from = address(request.extensions());
    // The code comes first: nobody makes accounts without one.
    if site.run_of(from, &code).await.is_none() {
        return refusal(StatusCode::NOT_FOUND, "this code opens no run");
    }
    let newcomer = request.extract::<Option<Json<Newcomer>>, _>().await;
    let (jar, person) = match newcomer {
        Ok(None) => match person(&*site, &jar).await {
            Some(person) => (jar, person),
            None => return refusal(StatusCode::UNAUTHORIZED, "nobody is logged in"),
        },
        Ok(Some(Json(newcomer))) => {
            let login = newcomer.login.trim().to_owned();
            let key = match site.sign_up(from, &code, Newcomer { login, ..newcomer }).await {
                Ok(key) => key,
                Err(refused) => return refusal_of(refused),
            };
            match site.person(&key).await {
                Some(person) => (cookie::keep(jar, key, &headers), person),
                None => return refusal_of(crate::Refused::Unavailable),
            }
        }
        Err(_) => {
            let text = "the body must be `{\"login\": …, \"password\": …}` as application/json";
            return refusal(StatusCode::BAD_REQUEST, text);
        }
    };
    match site.take_seat(&code, &person).await {
        Ok(()) => private((StatusCode::NO_CONTENT, jar)),
        // The account is there all the same, and so is the cookie.
        Err(refused) => (jar, refusal_of(refused)).into_response(),
    }
}

/// The link of a code as a picture that a phone reads.
pub(crate) async fn picture(Path(code): Path<String>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let scheme = if cookie::is_https(&headers) { "https" } else { "http" };
    let Ok(qr) = QrCode::encode_text(&format!("{scheme}://{host}/join/{code}"), QrCodeEcc::Medium)
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let cells = (0..qr.size()).flat_map(|y| (0..qr.size()).map(move |x| (x, y)));
    let dark: String = cells
        .filter(|(x, y)| qr.get_module(*x, *y))
        .map(|(x, y)| format!("M{} {}h1v1h-1z", x + MARGIN, y + MARGIN))
        .collect();
    let size = qr.size() + 2 * MARGIN;
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/>\
         <path d=\"{dark}\"/></svg>"
    );
    private(([(header::CONTENT_TYPE, "image/svg+xml")], svg))
}
