//! An event's stored form: one flat record, written once and read without copying.
//!
//! Version 1, little endian: `1, source, auth, module?, generation u64, device len u8, device, [module len u8, module,]
//! properties len u32, properties, body` (the body is the rest).

use bytes::Bytes;
use roadstead_model::{AuthMethod, Event, EventSource, GenerationId, Properties, UnixMillis, properties};

const VERSION: u8 = 1;

/// Appends the stored form of `event` to `out`.
pub fn encode(event: &Event<'_>, out: &mut Vec<u8>) {
    let properties = event.properties.as_bytes();
    out.reserve(32 + event.device_id.len() + properties.len() + event.body.len());
    out.extend_from_slice(&[VERSION, event.source as u8, event.auth as u8, u8::from(event.module_id.is_some())]);
    out.extend_from_slice(&event.generation.0.to_le_bytes());
    push_id(event.device_id, out);
    if let Some(module) = event.module_id {
        push_id(module, out);
    }
    out.extend_from_slice(&(properties.len() as u32).to_le_bytes());
    out.extend_from_slice(properties);
    out.extend_from_slice(event.body);
}

/// Identifiers are at most 128 bytes (`model::limits`), so one byte holds their length.
fn push_id(id: &str, out: &mut Vec<u8>) {
    let id = &id.as_bytes()[..id.len().min(usize::from(u8::MAX))];
    out.push(id.len() as u8);
    out.extend_from_slice(id);
}

/// An event as it was read back, with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    pub offset: u64,
    pub enqueued_at: UnixMillis,
    /// The stored form; [`StoredEvent::view`] reads it.
    pub bytes: Bytes,
}

/// The parts of a stored event, borrowed from it.
#[derive(Debug, Clone)]
pub struct EventView<'a> {
    pub source: EventSource,
    pub auth: AuthMethod,
    pub generation: GenerationId,
    pub device_id: &'a str,
    pub module_id: Option<&'a str>,
    pub properties: properties::Iter<'a>,
    pub body: &'a [u8],
}

impl StoredEvent {
    /// The event's parts; `None` when the bytes are not an event of a version this program knows.
    pub fn view(&self) -> Option<EventView<'_>> {
        decode(&self.bytes)
    }
}

fn decode(bytes: &[u8]) -> Option<EventView<'_>> {
    let (&[version, source, auth, has_module], rest) = bytes.split_first_chunk::<4>()?;
    if version != VERSION {
        return None;
    }
    let (generation, rest) = rest.split_first_chunk::<8>()?;
    let (device_id, rest) = split_id(rest)?;
    let (module_id, rest) = match has_module {
        0 => (None, rest),
        _ => split_id(rest).map(|(id, rest)| (Some(id), rest))?,
    };
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (properties, body) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    Some(EventView {
        source: EventSource::from_code(source)?,
        auth: AuthMethod::from_code(auth)?,
        generation: GenerationId(u64::from_le_bytes(*generation)),
        device_id,
        module_id,
        properties: Properties::iter_stored(properties),
        body,
    })
}

fn split_id(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(len))?;
    Some((std::str::from_utf8(id).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::{Property, SystemProperty};

    fn sample(module_id: Option<&str>) -> Vec<u8> {
        let mut properties = Properties::new();
        properties.push_system(SystemProperty::ContentType, "application/json");
        properties.push_application("k", Some("v"));
        let event = Event {
            source: EventSource::Telemetry,
            auth: AuthMethod::X509,
            device_id: "thermo-7",
            module_id,
            generation: GenerationId(7),
            properties: &properties,
            body: b"{\"t\":1}",
        };
        let mut bytes = Vec::new();
        encode(&event, &mut bytes);
        bytes
    }

    #[test]
    fn reads_back_what_was_written() {
        for module in [None, Some("mod1")] {
            let bytes = sample(module);
            let view = decode(&bytes).unwrap();
            assert_eq!((view.device_id, view.module_id, view.body), ("thermo-7", module, &b"{\"t\":1}"[..]));
            assert_eq!(
                (view.source, view.auth, view.generation),
                (EventSource::Telemetry, AuthMethod::X509, GenerationId(7))
            );
            let properties: Vec<_> = view.properties.collect();
            assert_eq!(properties[1], Property::Application("k", Some("v")));
        }
    }

    #[test]
    fn cut_or_foreign_bytes_are_no_event() {
        let bytes = sample(Some("m"));
        let head = bytes.len() - b"{\"t\":1}".len();
        for len in 0..head {
            assert!(decode(&bytes[..len]).is_none(), "cut at {len}");
        }
        for (at, value) in [(0, 2), (1, 9), (2, 9)] {
            let mut foreign = bytes.clone();
            foreign[at] = value;
            assert!(decode(&foreign).is_none(), "byte {at} is {value}");
        }
    }
}
