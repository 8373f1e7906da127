//! Whom a token says it speaks for.

use crate::percent;

/// The resource of a token (`sr`) below the hub's name. A token of a device's own speaks for the identity it names; which
/// identities one of a policy covers is for whoever judges it.
///
/// Shape: `hub1.example%2Fdevices%2Fdev1%2Fmodules%2Fmod1`, encoded or not, with more segments behind.
/// Source: `reference/hub-device.md` 4.1
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// The path below the host, decoded: `["devices", "dev1"]`.
    segments: Vec<String>,
}

impl Audience {
    /// Of the text of a whole token; an absent resource covers nothing that has a name.
    pub fn of_token(token: &str) -> Self {
        Self::parse(resource(token))
    }

    fn parse(resource: &str) -> Self {
        Self { segments: percent::decode(resource).split('/').skip(1).map(str::to_owned).collect() }
    }

    /// The identity that it names; `None` when it names none.
    pub fn identity(&self) -> Option<(&str, Option<&str>)> {
        let [first, device, rest @ ..] = self.segments.as_slice() else { return None };
        if !first.eq_ignore_ascii_case("devices") || device.is_empty() {
            return None;
        }
        match rest {
            [word, module, ..] if word.eq_ignore_ascii_case("modules") => Some((device, Some(module))),
            _ => Some((device, None)),
        }
    }

    /// How much of an identity it names, when it names no other: 2 for the device, 4 for the module, less for all devices.
    /// `None` when it is for another.
    pub fn reach(&self, device_id: &str, module_id: Option<&str>) -> Option<usize> {
        let wanted = [Some("devices"), Some(device_id), module_id.map(|_| "modules"), module_id];
        let mut reach = 0;
        for (segment, wanted) in self.segments.iter().zip(wanted) {
            let Some(wanted) = wanted else {
                let is_modules = reach == 2 && segment.eq_ignore_ascii_case("modules");
                return (!is_modules).then_some(reach);
            };
            let is_word = reach % 2 == 0;
            let matches = if is_word { segment.eq_ignore_ascii_case(wanted) } else { segment == wanted };
            if !matches {
                // What follows a device's name may be anything: `/api-version=…` of old tools.
                return (reach == 2).then_some(reach);
            }
            reach += 1;
        }
        Some(reach)
    }
}

/// The text between `sr=` and the next `&`: a renewed token has the same.
pub fn resource(token: &str) -> &str {
    let (_, rest) = token.split_once("sr=").unwrap_or_default();
    rest.split('&').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities() {
        for (resource, expected) in [
            ("hub1.example%2Fdevices%2Fdev1", Some(("dev1", None))),
            ("hub1.example/Devices/dev1", Some(("dev1", None))),
            ("hub1.example%2fdevices%2fdev1%2fmodules%2fm", Some(("dev1", Some("m")))),
            ("hub1.example%2Fdevices%2Fdev1%2Fapi-version%3D2016-11-14", Some(("dev1", None))),
            ("hub1.example", None),
            ("hub1.example/devices", None),
            ("hub1.example/devices/", None),
            ("hub1.example/messages/events", None),
            ("", None),
        ] {
            let token = format!("SharedAccessSignature sig=x%3D&sr={resource}&se=1");
            assert_eq!(Audience::of_token(&token).identity(), expected, "{resource}");
        }
        assert_eq!(Audience::of_token("nonsense").identity(), None);
    }

    #[test]
    fn the_nearer_the_further() {
        for (resource, module, expected) in [
            ("h", None, Some(0)),
            ("h/devices", None, Some(1)),
            ("h/devices/dev1", None, Some(2)),
            ("h/devices/dev1", Some("m"), Some(2)),
            ("h/devices/dev1/modules/m", Some("m"), Some(4)),
            ("h/devices/dev1/modules/m", None, None),
            ("h/devices/dev1/modules/n", Some("m"), None),
            ("h/devices/dev1/api-version=1", None, Some(2)),
            ("h/devices/dev10", None, None),
            ("h/devices/Dev1", None, None),
            ("h/messages", None, None),
        ] {
            assert_eq!(Audience::parse(resource).reach("dev1", module), expected, "{resource} {module:?}");
        }
    }
}
