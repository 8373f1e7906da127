//! What devices say to DPS. Source: `reference/dps.md` 1.4

use super::address::path_of;
use crate::percent;

/// Application property of a request, a `string`: [`REGISTER`] or [`GET_OPERATION_STATUS`].
pub const OPERATION_TYPE: &str = "iotdps-operation-type";
/// Application property of the second of them, a `string`.
pub const OPERATION_ID: &str = "iotdps-operation-id";
/// An operation: the body is that of HTTPS, as data.
pub const REGISTER: &str = "iotdps-register";
/// An operation; whatever its body is says nothing.
pub const GET_OPERATION_STATUS: &str = "iotdps-get-operationstatus";
/// Application property of an answer, an `int`: the status that HTTPS has. `guess (?)`
pub const STATUS: &str = "iotdps-status";
/// Application property of an answer and key of a refusal's `info`: seconds, an `int`. Node looks for the one, C# for the other.
pub const RETRY_AFTER: [&str; 2] = ["retry-after", "Retry-After"];
/// Property of a link: a `string`.
pub const API_VERSION: &str = "com.microsoft:api-version";
/// Property of the `open` with which a connection is refused: the error of the `close` behind it.
pub const OPEN_ERROR: &str = "com.microsoft:open-error";

/// Who registers, and with which instance. The address of both its links, and its user name in SASL PLAIN.
///
/// Shape: `0ne00ABC123/registrations/dev-01`, `/0ne00ABC123/…` and `amqps://host/0ne00ABC123/…`; the word in between in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registrant {
    pub id_scope: String,
    pub registration_id: String,
}

impl Registrant {
    /// `None` for any other form. Neither part is checked.
    pub fn parse(text: &str) -> Option<Self> {
        let mut segments = path_of(text).split('/').map(percent::decode);
        let (id_scope, word, registration_id) = (segments.next()?, segments.next()?, segments.next()?);
        let fits = word.eq_ignore_ascii_case("registrations") && segments.next().is_none();
        let all_there = !id_scope.is_empty() && !registration_id.is_empty();
        (fits && all_there)
            .then(|| Self { id_scope: id_scope.into_owned(), registration_id: registration_id.into_owned() })
    }

    /// Whether both name the same device: ids know no case.
    pub fn is(&self, other: &Self) -> bool {
        self.id_scope.eq_ignore_ascii_case(&other.id_scope)
            && self.registration_id.eq_ignore_ascii_case(&other.registration_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_client_is_understood() {
        let expected = Registrant { id_scope: "0ne00ABC123".to_owned(), registration_id: "dev:01".to_owned() };
        for text in [
            "0ne00ABC123/registrations/dev:01",
            "/0ne00ABC123/registrations/dev:01",
            "amqps://global.example/0ne00ABC123/registrations/dev:01",
            "amqps://global.example:5671/0ne00ABC123/Registrations/dev%3A01",
        ] {
            assert_eq!(Registrant::parse(text).as_ref(), Some(&expected), "{text}");
        }
        assert!(expected.is(&Registrant::parse("0NE00abc123/registrations/DEV:01").unwrap()));
        assert!(!expected.is(&Registrant::parse("0NE00abc124/registrations/DEV:01").unwrap()));
        assert!(!expected.is(&Registrant::parse("0ne00ABC123/registrations/dev:02").unwrap()));
    }

    #[test]
    fn other_addresses_are_not() {
        for text in [
            "",
            "$cbs",
            "iothubowner@sas.root.hub1",
            "dev1/mod1@sas.hub1",
            "devices/dev1/messages/events",
            "0ne/registrations",
            "0ne/registrations/",
            "/registrations/dev1",
            "0ne/registrations/dev1/operations",
            "0ne%2Fregistrations%2Fdev1",
            "plant/ConsumerGroups/$Default/Partitions/0",
        ] {
            assert_eq!(Registrant::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}", tail in "[a-z%/]{0,20}") {
            let _ = (Registrant::parse(&text), Registrant::parse(&format!("0ne/registrations/{tail}")));
        }
    }
}
