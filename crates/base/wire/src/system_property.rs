//! Every spelling of the properties a hub understands: in a topic, in an HTTP header, in the event a back end reads.

use roadstead_model::SystemProperty;

/// In which part of an event a property reaches the back end. Source: `reference/hub-device.md` 6.1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// AMQP properties.
    Property,
    /// AMQP message annotations.
    Annotation,
    /// Among the application properties.
    Application,
}

/// How one property is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelling {
    /// In an MQTT property bag, percent-decoded: `$.mid`. `None`: a device cannot send it so.
    pub bag: Option<&'static str>,
    /// In a device's HTTP request, lower case: `iothub-messageid`. `None`: a device cannot send it so.
    pub header: Option<&'static str>,
    /// In an event as a back end reads it: `message-id`.
    pub event: (Place, &'static str),
}

/// The spellings of `property`. Source: `reference/hub-device.md` 1.5, 2.1, 6.1
pub fn spelling(property: SystemProperty) -> Spelling {
    use Place::{Annotation, Application, Property};
    use SystemProperty as P;
    let (bag, header, place, event) = match property {
        P::MessageId => ("$.mid", "iothub-messageid", Property, "message-id"),
        P::CorrelationId => ("$.cid", "iothub-correlationid", Property, "correlation-id"),
        P::UserId => ("$.uid", "iothub-userid", Property, "user-id"),
        P::To => ("$.to", "iothub-to", Property, "to"),
        P::ContentType => ("$.ct", "iothub-contenttype", Property, "content-type"),
        P::ContentEncoding => ("$.ce", "iothub-contentencoding", Property, "content-encoding"),
        P::AbsoluteExpiryTime => ("$.exp", "iothub-expiry", Property, "absolute-expiry-time"),
        P::CreationTime => ("$.ctime", "iothub-creationtimeutc", Application, "iothub-creation-time-utc"),
        P::Subject => ("$.sub", "dt-subject", Annotation, "dt-subject"),
        P::InterfaceId => ("$.ifid", "iothub-interface-id", Annotation, "iothub-interface-id"),
        P::OutputName => ("$.on", "", Application, "iothub-outputname"),
        P::MessageSchema => ("$.schema", "iothub-messageschema", Application, "iothub-message-schema"),
        P::DiagnosticId => ("$.diagid", "", Annotation, "Diagnostic-Id"),
        P::DiagnosticContext => ("$.diagctx", "", Annotation, "Correlation-Context"),
        P::Operation => ("iothub-operation", "iothub-operation", Application, "iothub-operation"),
        P::Ack => ("iothub-ack", "iothub-ack", Application, "iothub-ack"),
        P::ModelId => ("", "", Annotation, "dt-dataschema"),
    };
    let present = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    Spelling { bag: present(bag), header: present(header), event: (place, event) }
}

/// The property with this key in a property bag: `$.mid`. Exact.
pub fn of_bag_key(key: &str) -> Option<SystemProperty> {
    use SystemProperty as P;
    let Some(short) = key.strip_prefix("$.") else {
        return match key {
            "iothub-operation" => Some(P::Operation),
            "iothub-ack" => Some(P::Ack),
            _ => None,
        };
    };
    Some(match short {
        "mid" => P::MessageId,
        "cid" => P::CorrelationId,
        "uid" => P::UserId,
        "to" => P::To,
        "ct" => P::ContentType,
        "ce" => P::ContentEncoding,
        "exp" => P::AbsoluteExpiryTime,
        "ctime" => P::CreationTime,
        "sub" => P::Subject,
        "ifid" => P::InterfaceId,
        "on" => P::OutputName,
        "schema" => P::MessageSchema,
        "diagid" => P::DiagnosticId,
        "diagctx" => P::DiagnosticContext,
        _ => return None,
    })
}

/// The property with this HTTP header name, in any case.
pub fn of_header(name: &str) -> Option<SystemProperty> {
    SystemProperty::ALL
        .into_iter()
        .find(|property| spelling(*property).header.is_some_and(|header| header.eq_ignore_ascii_case(name)))
}

/// The property that a device sends under this name in this place of an AMQP message; `None` for the standard's fields, which have
/// no name there, and for what only the hub writes. Exact. Source: `reference/hub-device.md` 3.4
pub fn of_amqp_name(place: Place, name: &str) -> Option<SystemProperty> {
    use SystemProperty as P;
    match (place, name) {
        (Place::Application, "iothub-creation-time-utc") => Some(P::CreationTime),
        (Place::Application, "iothub-outputname") => Some(P::OutputName),
        (Place::Application, "iothub-message-schema") => Some(P::MessageSchema),
        (Place::Application, "iothub-operation") => Some(P::Operation),
        (Place::Application, "iothub-ack") => Some(P::Ack),
        (Place::Annotation, "dt-subject") => Some(P::Subject),
        (Place::Annotation, "iothub-interface-id") => Some(P::InterfaceId),
        (Place::Annotation, "Diagnostic-Id") => Some(P::DiagnosticId),
        (Place::Annotation, "Correlation-Context") => Some(P::DiagnosticContext),
        _ => None,
    }
}

/// Whether a name is the hub's own to write: what a device sends under it is dropped, so that no device can pass for another.
///
/// Source: `reference/hub-device.md` 6.1 (anti-spoof); the `x-opt-` names are those of Event Hubs.
pub fn is_reserved(name: &str) -> bool {
    let starts_with = |head: &str| name.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head));
    match name.as_bytes().first() {
        Some(b'$') => matches!(name, "$.cdid" | "$.cmid"),
        Some(b'i' | b'I') => {
            starts_with("iothub-connection-")
                || ["iothub-enqueuedtime", "iothub-message-source"].iter().any(|own| name.eq_ignore_ascii_case(own))
        }
        Some(b'd' | b'D') => name.eq_ignore_ascii_case("dt-dataschema"),
        Some(b'x' | b'X') => starts_with("x-opt-"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read_back() {
        for property in SystemProperty::ALL {
            let Spelling { bag, header, .. } = spelling(property);
            assert_eq!(bag.and_then(of_bag_key), bag.map(|_| property));
            assert_eq!(header.and_then(of_header), header.map(|_| property));
            let (place, name) = spelling(property).event;
            let sent = (place != Place::Property && property != SystemProperty::ModelId).then_some(property);
            assert_eq!(of_amqp_name(place, name), sent, "{name}");
        }
        assert_eq!(of_header("IoTHub-MessageId"), Some(SystemProperty::MessageId));
        for unknown in ["", "$.", "$.MID", "mid", "$.cdid", "iothub-Ack"] {
            assert_eq!(of_bag_key(unknown), None, "{unknown}");
        }
        assert_eq!(of_header(""), None);
    }

    #[test]
    fn reserved_names() {
        for name in [
            "$.cdid",
            "$.cmid",
            "iothub-connection-device-id",
            "IoTHub-Connection-Auth-Method",
            "x-opt-offset",
            "iothub-enqueuedtime",
            "iothub-message-source",
            "dt-dataschema",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in
            ["", "$.mid", "iothub-creation-time-utc", "iothub-connection", "colour", "x-op", "dt-subject", "ïothub"]
        {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
