//! The MQTT user name, which says who connects to what.

use std::{borrow::Cow, fmt};

use crate::percent;

/// A user name, to a hub or to DPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserName<'a> {
    Hub(HubUserName<'a>),
    Dps(DpsUserName<'a>),
}

/// A device's or module's user name at a hub. Host and ids are as sent: they are never percent-encoded here.
///
/// Shape: `hub1.example/dev1/?api-version=2021-04-12&DeviceClientType=azure-iot-device%2F1.18.4`,
/// `hub1.example/dev1/mod1/?…`, `hub1.example/dev1`. Prints in the first form.
/// Source: edgeHub MqttUsernameParser, docs, measured (`reference/hub-device.md` 1.1)
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HubUserName<'a> {
    pub host: &'a str,
    pub device_id: &'a str,
    pub module_id: Option<&'a str>,
    pub api_version: Option<Cow<'a, str>>,
    pub client_type: Option<Cow<'a, str>>,
    pub model_id: Option<Cow<'a, str>>,
    pub auth_chain: Option<Cow<'a, str>>,
}

/// A device's user name at DPS. Ids are as sent, unchecked.
///
/// Shape: `0ne00ABC123/registrations/dev-01/api-version=2019-03-31&ClientVersion=azure-iot-device%2F2.14.0`.
/// Source: python SDK, measured (`reference/dps.md` 1.3)
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DpsUserName<'a> {
    pub id_scope: &'a str,
    pub registration_id: &'a str,
    pub api_version: Option<Cow<'a, str>>,
    pub client_version: Option<Cow<'a, str>>,
}

impl<'a> UserName<'a> {
    /// Reads either kind. `None` when there is no host or scope, no id, or a segment too many.
    ///
    /// A name is meant for DPS when its second segment is `registrations` and its first has no dot: a hub's host always has one.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (first, rest) = text.split_once('/')?;
        if first.is_empty() {
            return None;
        }
        match rest.split_once('/') {
            Some((kind, rest))
                if kind.eq_ignore_ascii_case("registrations") && !first.contains('.') && !is_query(rest) =>
            {
                parse_dps(first, rest).map(Self::Dps)
            }
            _ => parse_hub(first, rest).map(Self::Hub),
        }
    }
}

fn parse_dps<'a>(id_scope: &'a str, rest: &'a str) -> Option<DpsUserName<'a>> {
    let (registration_id, query) = rest.split_once('/').unwrap_or((rest, ""));
    if registration_id.is_empty() || !(query.is_empty() || is_query(query)) {
        return None;
    }
    let query = query.strip_prefix('?').unwrap_or(query);
    Some(DpsUserName {
        id_scope,
        registration_id,
        api_version: argument(query, "api-version"),
        client_version: argument(query, "ClientVersion"),
    })
}

fn parse_hub<'a>(host: &'a str, rest: &'a str) -> Option<HubUserName<'a>> {
    let (device_id, rest) = rest.split_once('/').unwrap_or((rest, ""));
    // `host/dev?api-version=…`: the `?` is legal in an id, this text is not seen in any.
    let (device_id, glued) = match device_id.find("?api-version=") {
        Some(at) => (&device_id[..at], &device_id[at..]),
        None => (device_id, ""),
    };
    let (module_id, query) = match rest {
        _ if !glued.is_empty() => (None, glued),
        "" => (None, ""),
        query if is_query(query) => (None, query),
        module => match module.split_once('/') {
            Some((module, query)) => (Some(module), query),
            None => (Some(module), ""),
        },
    };
    if device_id.is_empty() || module_id == Some("") || !(query.is_empty() || is_query(query)) {
        return None;
    }
    let query = query.strip_prefix('?').unwrap_or(query);
    Some(HubUserName {
        host,
        device_id,
        module_id,
        api_version: argument(query, "api-version"),
        client_type: argument(query, "DeviceClientType"),
        model_id: argument(query, "model-id"),
        auth_chain: argument(query, "auth-chain"),
    })
}

/// Old SDKs leave out the question mark.
fn is_query(segments: &str) -> bool {
    segments.starts_with('?') || segments.starts_with("api-version=") || segments.contains("&api-version=")
}

/// The first argument of that name. One ancient preview SDK separates arguments with `/` instead of `&`.
fn argument<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let separators: &[char] = if query.contains('&') { &['&'] } else { &['&', '/'] };
    query.split(separators).find_map(|argument| Some(percent::decode(argument.strip_prefix(name)?.strip_prefix('=')?)))
}

fn write_arguments(f: &mut fmt::Formatter<'_>, arguments: &[(&str, &Option<Cow<'_, str>>)]) -> fmt::Result {
    let present = arguments.iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    for (i, (name, value)) in present.enumerate() {
        let separator = if i == 0 { "" } else { "&" };
        write!(f, "{separator}{name}={}", percent::encode(value))?;
    }
    Ok(())
}

impl fmt::Display for HubUserName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.host, self.device_id)?;
        if let Some(module) = self.module_id {
            write!(f, "{module}/")?;
        }
        f.write_str("?")?;
        let arguments = [
            ("api-version", &self.api_version),
            ("DeviceClientType", &self.client_type),
            ("auth-chain", &self.auth_chain),
            ("model-id", &self.model_id),
        ];
        write_arguments(f, &arguments)
    }
}

impl fmt::Display for DpsUserName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/registrations/{}/", self.id_scope, self.registration_id)?;
        write_arguments(f, &[("api-version", &self.api_version), ("ClientVersion", &self.client_version)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hub(text: &str) -> HubUserName<'_> {
        match UserName::parse(text) {
            Some(UserName::Hub(name)) => name,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn dps(text: &str) -> DpsUserName<'_> {
        match UserName::parse(text) {
            Some(UserName::Dps(name)) => name,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn names_of_the_sdks() {
        let node = hub(
            "hub1.example/dev1/?api-version=2021-04-12&model-id=dtmi:com:x;1&DeviceClientType=azure-iot-device%2F1.18.4%20(node%20v20.20.2%3B%20Debian%2012%3B%20x64)",
        );
        let expected = HubUserName {
            host: "hub1.example",
            device_id: "dev1",
            module_id: None,
            api_version: Some("2021-04-12".into()),
            client_type: Some("azure-iot-device/1.18.4 (node v20.20.2; Debian 12; x64)".into()),
            model_id: Some("dtmi:com:x;1".into()),
            auth_chain: None,
        };
        assert_eq!(node, expected);
        let python = hub(
            "hub1.example/dev1/?api-version=2020-09-30&DeviceClientType=azure-iot-device-iothub-py%2F2.14.0&model-id=dtmi%3Acom%3Ax%3B1",
        );
        assert_eq!(python.model_id.as_deref(), Some("dtmi:com:x;1"));
        assert_eq!(python.client_type.as_deref(), Some("azure-iot-device-iothub-py/2.14.0"));
        let c = hub(
            "hub1.example/dev1/mod1/?api-version=2020-09-30&DeviceClientType=iothubclient%2f1.15.0%20(native%3b%20x)",
        );
        assert_eq!((c.device_id, c.module_id), ("dev1", Some("mod1")));
        assert_eq!(c.client_type.as_deref(), Some("iothubclient/1.15.0 (native; x)"));
    }

    #[test]
    fn every_form_of_hub_name() {
        for (text, device, module, version) in [
            ("h.x/d", "d", None, None),
            ("h.x/d/", "d", None, None),
            ("h.x/d/?", "d", None, None),
            ("h.x/d/m", "d", Some("m"), None),
            ("h.x/d/m/", "d", Some("m"), None),
            ("h.x/d/m/?api-version=v", "d", Some("m"), Some("v")),
            ("h.x/d/api-version=v&DeviceClientType=c", "d", None, Some("v")),
            ("h.x/d/DeviceClientType=c&api-version=v", "d", None, Some("v")),
            ("h.x/d/m/api-version=v/DeviceClientType=c", "d", Some("m"), Some("v")),
            ("h.x/d?api-version=v", "d", None, Some("v")),
            ("h.x/d?1/?api-version=v", "d?1", None, Some("v")),
            ("h.x/d/?api-version=v&api-version=w", "d", None, Some("v")),
            ("h.x/d/?x=1&api-version=v&y", "d", None, Some("v")),
            ("h.x/$d/$edgeAgent/?api-version=v", "$d", Some("$edgeAgent"), Some("v")),
            ("h.x/registrations/?api-version=v", "registrations", None, Some("v")),
            ("localhost/registrations/?api-version=v", "registrations", None, Some("v")),
            ("h.x/registrations/m/?api-version=v", "registrations", Some("m"), Some("v")),
            ("h.x/d%31/?api-version=v", "d%31", None, Some("v")),
        ] {
            let name = hub(text);
            assert_eq!(
                (name.device_id, name.module_id, name.api_version.as_deref()),
                (device, module, version),
                "{text}"
            );
        }
        assert_eq!(hub("h.x/d/?auth-chain=d%3Bedge&model-id=").auth_chain.as_deref(), Some("d;edge"));
        assert_eq!(hub("h.x/d/?model-id=").model_id.as_deref(), Some(""));
        assert_eq!(hub("h.x/d/?DeviceClientType=a/b&api-version=v").client_type.as_deref(), Some("a/b"));
    }

    #[test]
    fn dps_names() {
        let python = dps(
            "0ne00ABC123/registrations/dev-01/api-version=2019-03-31&ClientVersion=azure-iot-device-provisioning-py%2F2.14.0%28x%29",
        );
        assert_eq!((python.id_scope, python.registration_id), ("0ne00ABC123", "dev-01"));
        assert_eq!(python.api_version.as_deref(), Some("2019-03-31"));
        assert_eq!(python.client_version.as_deref(), Some("azure-iot-device-provisioning-py/2.14.0(x)"));
        for text in ["s/registrations/d", "s/registrations/d/", "s/Registrations/d/?api-version=v"] {
            assert_eq!((dps(text).id_scope, dps(text).registration_id), ("s", "d"), "{text}");
        }
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "h.x",
            "/",
            "/d",
            "h.x/",
            "h.x//",
            "h.x//m",
            "h.x/d//",
            "h.x/d/m/n",
            "h.x/d/m/n/?api-version=v",
            "h.x/?api-version=v",
            "h.x//?api-version=v",
            "s/registrations/",
            "s/registrations//api-version=v",
            "s/registrations/d/x",
            "/registrations/d/api-version=v",
        ] {
            assert_eq!(UserName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for text in [
            "hub1.example/dev1/?api-version=2021-04-12&DeviceClientType=x%2F1%20y&model-id=dtmi%3Ax%3B1",
            "hub1.example/dev1/mod1/?api-version=2021-04-12",
            "hub1.example/dev1/?",
        ] {
            assert_eq!(hub(text).to_string(), text);
        }
        let text = "0ne00ABC123/registrations/dev-01/api-version=2019-03-31&ClientVersion=x%2F1";
        assert_eq!(dps(text).to_string(), text);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-z?/&=%.0-9-]{0,40}(api-version=|/registrations/)?[a-z?/&=%ä]{0,40}") {
            let _ = UserName::parse(&text);
        }
    }
}
