//! A request of a browser: its path in segments, its query, its form, and whether it may change anything.

use crate::limits::FIELDS_MAX;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, Method, Request};
use roadstead_wire::percent;
use std::convert::Infallible;

/// What the path of every page begins with.
pub(crate) const ROOT: &str = "/portal";

/// One request.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// As it was sent, with its query.
    pub(crate) url: String,
    /// What follows `/portal`, percent-decoded after it was split.
    pub(crate) segments: Vec<String>,
    query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    form: Vec<Field>,
}

/// A field of a form.
#[derive(Debug)]
struct Field {
    name: String,
    bytes: Bytes,
}

/// Whether a request wants a page: below `/portal`, or `/` by something that reads HTML.
pub(crate) fn claims(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let is_below = path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let wants_html = || text(headers, ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/html"));
    is_below || (path == "/" && matches!(*method, Method::GET | Method::HEAD) && wants_html())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl Ask {
    /// Reads the head, and the body when it is a form.
    pub(crate) async fn read(request: Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let below = path.strip_prefix(ROOT).unwrap_or(path);
        let segments = below.split('/').filter(|segment| !segment.is_empty());
        let segments = segments.map(|segment| percent::decode(segment).into_owned()).collect();
        let content_type = text(&head.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let form = match multer::parse_boundary(content_type) {
            Ok(boundary) => parts(body, boundary).await,
            Err(_) if content_type.starts_with("application/x-www-form-urlencoded") => {
                let body = String::from_utf8_lossy(&body).into_owned();
                pairs(&body).map(|(name, value)| Field { name, bytes: value.into() }).collect()
            }
            Err(_) => Vec::new(),
        };
        Self {
            method: head.method,
            url: head.uri.path_and_query().map_or_else(|| path.to_owned(), ToString::to_string),
            segments,
            query: pairs(head.uri.query().unwrap_or_default()).collect(),
            headers: head.headers,
            form,
        }
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }

    /// An argument of the query, trimmed; absent and empty are one.
    pub(crate) fn argument(&self, name: &str) -> &str {
        self.query.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.trim())
    }

    /// A field of the form as text, as it was typed; absent and empty are one.
    pub(crate) fn field(&self, name: &str) -> &str {
        std::str::from_utf8(self.file(name)).unwrap_or_default()
    }

    /// A field of the form as it came; empty when nothing was chosen.
    pub(crate) fn file(&self, name: &str) -> &[u8] {
        self.form.iter().find(|field| field.name == name).map_or(&[], |field| field.bytes.as_ref())
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies(name).find(|(rest, _)| rest.is_empty()).map(|(_, value)| value)
    }

    /// The cookies whose names begin so: what follows in the name, and the value.
    pub(crate) fn cookies(&self, begin: &str) -> impl Iterator<Item = (&str, &str)> {
        let all = self.headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
        let pairs = all.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter_map(move |(name, value)| Some((name.strip_prefix(begin)?, value)))
    }

    /// Whether a page asks by itself, for its parts that move: nobody sees the answer as a page. Browsers say so.
    pub(crate) fn is_by_itself(&self) -> bool {
        self.header("sec-fetch-dest") == Some("empty")
    }

    /// Whether the page that sent this is one of ours. Browsers say so themselves; those that do not name the page's origin.
    pub(crate) fn is_from_here(&self) -> bool {
        if let Some(site) = self.header("sec-fetch-site") {
            return site == "same-origin";
        }
        let host = text(&self.headers, HOST.as_str());
        let origin = text(&self.headers, ORIGIN.as_str()).and_then(|origin| origin.strip_prefix("https://"));
        origin.is_some() && origin == host
    }

    /// Whether the form carries this token.
    pub(crate) fn has_token(&self, csrf: &str) -> bool {
        !csrf.is_empty() && verify_slices_are_equal(self.field("csrf").as_bytes(), csrf.as_bytes()).is_ok()
    }
}

/// Names and values of a query or a form, in which `+` is a blank.
fn pairs(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let decode = |text: &str| percent::decode(&text.replace('+', " ")).into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(FIELDS_MAX);
    pairs.map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The parts of `multipart/form-data`. What is broken ends the form.
async fn parts(body: Bytes, boundary: String) -> Vec<Field> {
    let mut form = multer::Multipart::new(stream::once(async { Ok::<_, Infallible>(body) }), boundary);
    let mut fields = Vec::new();
    while fields.len() < FIELDS_MAX
        && let Ok(Some(part)) = form.next_field().await
    {
        let name = part.name().unwrap_or_default().to_owned();
        let Ok(bytes) = part.bytes().await else { break };
        fields.push(Field { name, bytes });
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(headers: &[(&str, &str)], uri: &str, body: &'static str) -> Ask {
        let mut request = Request::builder().method("POST").uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ask::read(request.body(Bytes::from_static(body.as_bytes())).unwrap()).await
    }

    #[test]
    fn only_pages_are_claimed() {
        let html = HeaderMap::from_iter([(ACCEPT, "text/html,*/*".parse().unwrap())]);
        let none = HeaderMap::new();
        for (method, path, headers, claimed) in [
            (Method::GET, "/", &html, true),
            (Method::GET, "/", &none, false),
            (Method::POST, "/", &html, false),
            (Method::GET, "/portal", &none, true),
            (Method::POST, "/portal/x/y", &none, true),
            (Method::GET, "/portals", &html, false),
            (Method::GET, "/devices", &html, false),
            (Method::GET, "/PORTAL/", &html, false),
        ] {
            assert_eq!(super::claims(&method, path, headers), claimed, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn paths_queries_and_forms_are_decoded() {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let found = ask(&form, "/portal/hubs/a%2Fb/x%20y?q=+a%2Bb+&empty", "id=d+1&text=%0Aa%26b&id=other").await;
        assert_eq!(found.segments, ["hubs", "a/b", "x y"]);
        assert_eq!((found.argument("q"), found.argument("empty"), found.argument("none")), ("a+b", "", ""));
        assert_eq!((found.field("id"), found.field("text"), found.field("none")), ("d 1", "\na&b", ""));
    }

    #[tokio::test]
    async fn uploads_are_taken_apart() {
        let kind = [("content-type", "multipart/form-data; boundary=XX")];
        let body = "--XX\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\nt\r\n\
                    --XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.cer\"\r\n\r\na\r\nb\r\n--XX--\r\n";
        let found = ask(&kind, "/portal/", body).await;
        assert_eq!((found.field("csrf"), found.file("file")), ("t", &b"a\r\nb"[..]));
        let broken = ask(&kind, "/portal/", "--XX\r\nnonsense").await;
        assert_eq!(broken.field("csrf"), "");
    }

    #[tokio::test]
    async fn a_form_of_another_site_is_told_from_ours() {
        for (headers, ours) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://h"), ("host", "h")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "https://h:8443"), ("host", "h:8443")], true),
            (&[("origin", "https://h.evil"), ("host", "h")], false),
            (&[("origin", "null"), ("host", "h")], false),
            (&[("origin", "http://h"), ("host", "h")], false),
            (&[("host", "h")], false),
            (&[], false),
        ] {
            assert_eq!(ask(headers, "/portal/", "").await.is_from_here(), ours, "{headers:?}");
        }
    }

    #[tokio::test]
    async fn the_token_must_be_the_sessions() {
        let form = [("content-type", "application/x-www-form-urlencoded"), ("cookie", "a=b; __Host-x=y; c=d")];
        let found = ask(&form, "/portal/", "csrf=secret").await;
        assert!(found.has_token("secret"));
        assert!(!found.has_token("secre") && !found.has_token("") && !ask(&form, "/portal/", "").await.has_token(""));
        assert_eq!((found.cookie("__Host-x"), found.cookie("Host-x"), found.cookie("c")), (Some("y"), None, Some("d")));
        assert_eq!(found.cookies("__Host-").collect::<Vec<_>>(), [("x", "y")]);
        assert_eq!((found.cookie("__Host-"), found.cookie("")), (None, None));
    }
}
