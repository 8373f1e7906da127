//! What simulated devices say.

use roadstead_device::Message;
use serde_json::Value;
use std::fmt::Write;

/// What simulated devices say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Text in which `{device}` is replaced by the device's id, `{count}` by the message's number from 1, and `{temperature}` and
    /// `{humidity}` by figures that swing slowly. Other braces stay, so that JSON can be written as it is.
    Template(String),
    /// So many bytes: a JSON object if it fits, `x` else.
    Bytes(usize),
}

/// A reading as thermometers send it.
const READING: &str =
    r#"{"deviceId":"{device}","messageId":{count},"temperature":{temperature},"humidity":{humidity}}"#;

impl Default for Payload {
    fn default() -> Self {
        Self::Template(READING.to_owned())
    }
}

/// A payload taken apart once for all messages.
#[derive(Debug, Clone)]
pub(crate) struct Composer {
    parts: Parts,
    is_json: bool,
}

#[derive(Debug, Clone)]
enum Parts {
    Pieces(Vec<Piece>),
    Bytes(usize),
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Device,
    Count,
    /// Swings around the first figure by the second.
    Swing(f64, f64),
}

const PLACES: [(&str, Piece); 4] = [
    ("{device}", Piece::Device),
    ("{count}", Piece::Count),
    ("{temperature}", Piece::Swing(21.0, 6.0)),
    ("{humidity}", Piece::Swing(50.0, 20.0)),
];

impl Composer {
    pub(crate) fn new(payload: &Payload) -> Self {
        let parts = match payload {
            Payload::Template(text) => Parts::Pieces(pieces(text)),
            Payload::Bytes(bytes) => Parts::Bytes(*bytes),
        };
        let is_json = serde_json::from_str::<Value>(&render(&parts, "d", 1)).is_ok();
        Self { parts, is_json }
    }

    pub(crate) fn message(&self, device_id: &str, count: u64) -> Message {
        let message = Message::new(render(&self.parts, device_id, count));
        if self.is_json { message.content_type("application/json").content_encoding("utf-8") } else { message }
    }
}

fn render(parts: &Parts, device_id: &str, count: u64) -> String {
    match parts {
        Parts::Pieces(pieces) => render_pieces(pieces, device_id, count),
        Parts::Bytes(bytes) => render_bytes(*bytes, device_id, count),
    }
}

fn render_pieces(pieces: &[Piece], device_id: &str, count: u64) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Device => text.push_str(device_id),
            Piece::Count => write!(text, "{count}").expect("writing to a String does not fail"),
            Piece::Swing(middle, by) => {
                // Each device at another place of the swing; 63 messages go round.
                let place =
                    device_id.bytes().map(f64::from).sum::<f64>() + f64::from((count % 1_000_000) as u32) / 10.0;
                write!(text, "{:.1}", middle + by * place.sin()).expect("writing to a String does not fail");
            }
        }
    }
    text
}

fn render_bytes(bytes: usize, device_id: &str, count: u64) -> String {
    const END: &str = "\"}";
    let mut text = format!(r#"{{"deviceId":"{device_id}","messageId":{count},"padding":""#);
    match bytes.checked_sub(text.len() + END.len()) {
        Some(padding) => {
            text.extend(std::iter::repeat_n('x', padding));
            text.push_str(END);
            text
        }
        None => "x".repeat(bytes),
    }
}

fn pieces(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let next = |rest: &str| {
        PLACES.iter().filter_map(|(name, piece)| Some((rest.find(name)?, *name, piece))).min_by_key(|hit| hit.0)
    };
    while let Some((at, name, piece)) = next(rest) {
        let (before, after) = rest.split_at(at);
        pieces.extend([Piece::Text(before.to_owned()), piece.clone()]);
        rest = after.strip_prefix(name).unwrap_or_default();
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(payload: &Payload, count: u64) -> String {
        render(&Composer::new(payload).parts, "sim-000007", count)
    }

    #[test]
    fn templates_are_filled_and_other_braces_stay() {
        for (template, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("{device}", "sim-000007"),
            ("{count}{count}", "33"),
            (r#"{"id":"{device}","n":{count},"x":{}}"#, r#"{"id":"sim-000007","n":3,"x":{}}"#),
            ("{unknown} {dev{device}", "{unknown} {devsim-000007"),
        ] {
            assert_eq!(body(&Payload::Template(template.to_owned()), 3), expected, "{template}");
        }
    }

    #[test]
    fn readings_are_json_and_swing() {
        let (one, other) = (body(&Payload::default(), 1), body(&Payload::default(), 20));
        let one: Value = serde_json::from_str(&one).unwrap();
        let other: Value = serde_json::from_str(&other).unwrap();
        assert_eq!((&one["deviceId"], &one["messageId"]), (&"sim-000007".into(), &1.into()));
        assert_ne!(one["temperature"], other["temperature"]);
        assert!((15.0..=27.0).contains(&one["temperature"].as_f64().unwrap()));
    }

    #[test]
    fn sizes_are_met_to_the_byte() {
        for bytes in [0, 1, 40, 63, 64, 65, 1024, 100_000] {
            assert_eq!(body(&Payload::Bytes(bytes), 12).len(), bytes);
        }
        assert!(serde_json::from_str::<Value>(&body(&Payload::Bytes(256), 12)).is_ok());
        assert!(!Composer::new(&Payload::Bytes(10)).is_json);
    }
}
