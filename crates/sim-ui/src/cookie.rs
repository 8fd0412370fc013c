//! The cookie that holds a browser's session.

use axum::http::HeaderMap;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

/// The cookie's name.
const NAME: &str = "sim_session";

/// The session that a request carries.
pub(crate) fn session(jar: &CookieJar) -> Option<&str> {
    jar.get(NAME).map(Cookie::value).filter(|key| !key.is_empty())
}

/// Lets the browser keep a session until it is closed. Scripts cannot read it, and requests that
/// other sites make do not carry it, except for plain links.
pub(crate) fn keep(jar: CookieJar, key: String, headers: &HeaderMap) -> CookieJar {
    jar.add(
        Cookie::build((NAME, key))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(is_https(headers)),
    )
}

/// Lets the browser forget it.
pub(crate) fn forget(jar: CookieJar) -> CookieJar {
    jar.remove(Cookie::build(NAME).path("/"))
}

/// Whether the browser reached us over TLS, by way of a proxy.
pub(crate) fn is_https(headers: &HeaderMap) -> bool {
    let scheme = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// Whether a request was made by our own pages, or by no browser at all.
///
/// Browsers say where a request comes from in `Sec-Fetch-Site`; older ones name at least the
/// `Origin` of a request that changes something.
pub(crate) fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match text("origin").map(|origin| origin.split_once("://")) {
        None => true,
        Some(None) => false,
        Some(Some((_, origin))) => text("host") == Some(origin),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn own(headers: &[(&'static str, &'static str)]) -> bool {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        is_own(&headers.iter().map(pair).collect())
    }

    #[test]
    fn other_sites_are_told_from_our_pages() {
        assert!(own(&[]));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("sec-fetch-site", "none")]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        let host = ("host", "div.example:8080");
        assert!(own(&[host, ("origin", "https://div.example:8080")]));
        assert!(!own(&[host, ("origin", "https://div.example")]));
        assert!(!own(&[host, ("origin", "null")]));
    }
}
