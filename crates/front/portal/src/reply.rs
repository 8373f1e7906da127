//! Answers. All carry the headers that keep other sites' hands off.

use crate::limits::JOURNEY_LIFETIME_MS;
use crate::program::file_stem;
use askama::Template;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use std::convert::Infallible;

/// A body that is whole, or a stream.
pub type Body = BoxBody<Bytes, Infallible>;

/// Nothing from elsewhere, nothing inline, no frame around it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The session's cookie. The prefix makes browsers hold it to this host, whole and encrypted.
pub(crate) const COOKIE: &str = "__Host-roadstead";

/// A journey to an issuer, sealed: what the names of such cookies begin with; the state follows. The prefix keeps other hosts of
/// the same domain from putting one here, which would sign somebody in as somebody else. For minutes.
pub(crate) const JOURNEY: &str = "__Host-roadstead-way-";

fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response<Body> {
    match template.render() {
        Ok(html) => whole(status, "text/html; charset=utf-8", html),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            text(StatusCode::INTERNAL_SERVER_ERROR, "The page could not be made. The server's log has more.\n")
        }
    }
}

/// A device's file in PEM, which the browser keeps under the name that programs look for.
pub(crate) fn download(id: &str, pem: String) -> Response<Body> {
    let mut response = whole(StatusCode::OK, "application/x-pem-file", pem);
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}.pem\"", file_stem(id))) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
}

/// A few words.
pub(crate) fn text(status: StatusCode, words: &'static str) -> Response<Body> {
    whole(status, "text/plain; charset=utf-8", words)
}

/// Leads to another page, which is asked for with GET.
pub(crate) fn see_other(url: &str) -> Response<Body> {
    let mut response = text(StatusCode::SEE_OTHER, "");
    if let Ok(url) = HeaderValue::from_str(url) {
        response.headers_mut().insert(LOCATION, url);
    }
    response
}

/// What never changes under its name.
pub(crate) fn asset(content_type: HeaderValue, bytes: &'static [u8]) -> Response<Body> {
    let mut response = whole(StatusCode::OK, "text/plain", bytes);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

/// Gives the browser its session, or takes it away with an empty one.
pub(crate) fn set_cookie(response: &mut Response<Body>, value: &str) {
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    append_cookie(response, &format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}"));
}

/// Gives the browser a journey of this state, or takes it away with an empty one.
pub(crate) fn set_journey(response: &mut Response<Body>, state: &str, sealed: &str) {
    let age_s = if sealed.is_empty() { 0 } else { JOURNEY_LIFETIME_MS / 1000 };
    let cookie = format!("{JOURNEY}{state}={sealed}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={age_s}");
    append_cookie(response, &cookie);
}

fn append_cookie(response: &mut Response<Body>, cookie: &str) {
    if let Ok(mut cookie) = HeaderValue::from_str(cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// What every answer carries.
pub(crate) fn protect(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A device's file has a stricter one.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
