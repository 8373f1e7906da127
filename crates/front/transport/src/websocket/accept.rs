//! The opening handshake. Source: RFC 6455, 4.2

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What is spoken within the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subprotocol {
    /// `mqtt`, or `MQTT` from the C SDK.
    Mqtt,
    /// `AMQPWSB10`.
    Amqp,
}

impl Subprotocol {
    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("mqtt") {
            Some(Self::Mqtt)
        } else if text.eq_ignore_ascii_case("AMQPWSB10") {
            Some(Self::Amqp)
        } else {
            None
        }
    }
}

/// An upgrade granted: send `response`, then speak `subprotocol` over a [`super::ByteStream`].
#[derive(Debug)]
pub struct Upgrade {
    pub subprotocol: Subprotocol,
    /// 101 with the accept key and the subprotocol as the client spells it. Extensions are declined by silence.
    pub response: Response<()>,
}

/// Why there is no upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a WebSocket is opened with GET over HTTP/1.1")]
    Request,
    #[error("the request does not ask for an upgrade to WebSocket")]
    NoUpgrade,
    #[error("only WebSocket version 13 is spoken")]
    Version,
    #[error("Sec-WebSocket-Key must be 16 bytes in base64")]
    Key,
    #[error("Sec-WebSocket-Protocol must offer mqtt or AMQPWSB10")]
    Subprotocol,
}

impl Refusal {
    /// The answer, without a body: 400, or 426 with the version that is spoken.
    pub fn response(self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        if self == Self::Version {
            *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

/// Whether a request asks for a WebSocket at all, well or badly.
pub fn is_upgrade<B>(request: &Request<B>) -> bool {
    has_token(request.headers(), &UPGRADE, "websocket")
}

/// Answers an upgrade request, whatever its path: SDKs differ on it, and the subprotocol says who is meant.
///
/// The first subprotocol that is known is taken. Source: `reference/hub-device.md` 1.12, `reference/dps.md` 0 (13)
pub fn accept<B>(request: &Request<B>) -> Result<Upgrade, Refusal> {
    let headers = request.headers();
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        return Err(Refusal::Request);
    }
    if !is_upgrade(request) || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(Refusal::NoUpgrade);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes) != Some(b"13") {
        return Err(Refusal::Version);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).map(|key| key.as_bytes().trim_ascii()).ok_or(Refusal::Key)?;
    if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 {
        return Err(Refusal::Key);
    }
    let (subprotocol, spelling) = tokens(headers, &SEC_WEBSOCKET_PROTOCOL)
        .find_map(|offer| Some((Subprotocol::parse(offer)?, offer)))
        .ok_or(Refusal::Subprotocol)?;
    let accept = HeaderValue::from_str(&derive_accept_key(key)).map_err(|_| Refusal::Key)?;
    let spelling = HeaderValue::from_str(spelling).map_err(|_| Refusal::Subprotocol)?;
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let granted = response.headers_mut();
    granted.insert(UPGRADE, HeaderValue::from_static("websocket"));
    granted.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    granted.insert(SEC_WEBSOCKET_ACCEPT, accept);
    granted.insert(SEC_WEBSOCKET_PROTOCOL, spelling);
    Ok(Upgrade { subprotocol, response })
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(change: impl FnOnce(&mut Request<()>)) -> Request<()> {
        let mut request = Request::builder()
            .uri("/$iothub/websocket?iothub-no-client-cert=true")
            .header("Host", "hub1.example")
            .header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Protocol", "mqtt")
            .body(())
            .unwrap();
        change(&mut request);
        request
    }

    fn set(name: HeaderName, value: &'static str) -> impl FnOnce(&mut Request<()>) {
        move |request| {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }

    #[test]
    fn grants_with_the_clients_own_spelling() {
        for (offer, subprotocol, spelling) in [
            ("mqtt", Subprotocol::Mqtt, "mqtt"),
            ("MQTT", Subprotocol::Mqtt, "MQTT"),
            ("AMQPWSB10", Subprotocol::Amqp, "AMQPWSB10"),
            ("chat, amqpwsb10, mqtt", Subprotocol::Amqp, "amqpwsb10"),
        ] {
            let upgrade = accept(&request(set(SEC_WEBSOCKET_PROTOCOL, offer))).unwrap();
            assert_eq!(upgrade.subprotocol, subprotocol, "{offer}");
            assert_eq!(upgrade.response.status(), StatusCode::SWITCHING_PROTOCOLS);
            let headers = upgrade.response.headers();
            assert_eq!(headers[SEC_WEBSOCKET_PROTOCOL], spelling);
            assert_eq!(headers[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "the example of RFC 6455, 1.3");
            assert_eq!(
                (&headers[UPGRADE], &headers[CONNECTION]),
                (&HeaderValue::from_static("websocket"), &HeaderValue::from_static("Upgrade"))
            );
        }
        let offers = request(|request| {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("keep-alive, upgrade"));
            request.headers_mut().insert(UPGRADE, HeaderValue::from_static("WebSocket"));
            request.headers_mut().insert("Sec-WebSocket-Extensions", HeaderValue::from_static("permessage-deflate"));
        });
        assert!(is_upgrade(&offers));
        assert!(!accept(&offers).unwrap().response.headers().contains_key("Sec-WebSocket-Extensions"));
    }

    #[test]
    fn refused() {
        type Change = Box<dyn FnOnce(&mut Request<()>)>;
        let drop_header =
            |name: HeaderName| -> Change { Box::new(move |request| drop(request.headers_mut().remove(name))) };
        let cases: [(Change, Refusal); 10] = [
            (Box::new(|request| *request.method_mut() = Method::POST), Refusal::Request),
            (Box::new(|request| *request.version_mut() = Version::HTTP_10), Refusal::Request),
            (drop_header(UPGRADE), Refusal::NoUpgrade),
            (Box::new(set(CONNECTION, "keep-alive")), Refusal::NoUpgrade),
            (Box::new(set(SEC_WEBSOCKET_VERSION, "8")), Refusal::Version),
            (drop_header(SEC_WEBSOCKET_VERSION), Refusal::Version),
            (Box::new(set(SEC_WEBSOCKET_KEY, "c2hvcnQ=")), Refusal::Key),
            (drop_header(SEC_WEBSOCKET_KEY), Refusal::Key),
            (Box::new(set(SEC_WEBSOCKET_PROTOCOL, "chat")), Refusal::Subprotocol),
            (drop_header(SEC_WEBSOCKET_PROTOCOL), Refusal::Subprotocol),
        ];
        for (change, refusal) in cases {
            assert_eq!(accept(&request(change)).err(), Some(refusal));
        }
        assert_eq!(Refusal::Key.response().status(), StatusCode::BAD_REQUEST);
        let version = Refusal::Version.response();
        assert_eq!(
            (version.status(), &version.headers()[SEC_WEBSOCKET_VERSION]),
            (StatusCode::UPGRADE_REQUIRED, &HeaderValue::from_static("13"))
        );
    }
}
