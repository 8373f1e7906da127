//! To whom a back end sends a message: the property `to`.
//!
//! Over HTTP it is the header `iothub-to` of a `POST` to [`PATH`], beside the other headers that
//! [`crate::http_headers::read_devicebound`] reads; the body is the message. Azure's back ends send by AMQP only: the path is
//! the one of its link, the headers are those of device requests, and both together are `guess (?)`: what remains in
//! public of such a request is `POST /messages/devicebound?api-version=2018-06-30`, without its headers.

use std::borrow::Cow;

use roadstead_model::DeviceId;
use thiserror::Error;

use crate::percent;

/// Where back ends send messages to devices. Clients write `deviceBound`, too.
pub const PATH: &str = "/messages/devicebound";

/// Why no message can go to an address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeviceboundToError {
    /// It is none.
    #[error(
        "`{0}` is no address of a device: the message's property `to` (over HTTPS the header iothub-to) must be /devices/<device id>/messages/devicebound"
    )]
    NoAddress(String),
    /// It is that of a module.
    #[error("messages go to devices, not to their modules")]
    Module,
}

/// Whom an address may mean. Ids are unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DeviceboundTo<'a> {
    device_id: Cow<'a, str>,
    module_id: Option<Cow<'a, str>>,
}

/// The devices that `to` may mean, most likely first, never none: back ends write ids as they are (python, az), percent-encoded
/// (node) or as in a form (C#: `+` for a blank), and `%` and `+` may be part of an id. The first that exists is meant.
///
/// Shape: `/devices/dev%201/messages/devicebound`. Source: `reference/hub-service.md` 0 (17), 2.3
pub fn device_ids(to: &str) -> Result<Vec<DeviceId>, DeviceboundToError> {
    let candidates = parse(to);
    if candidates.iter().any(|candidate| candidate.module_id.is_some()) {
        return Err(DeviceboundToError::Module);
    }
    let ids: Vec<_> = candidates.iter().filter_map(|candidate| DeviceId::parse(&candidate.device_id).ok()).collect();
    if ids.is_empty() { Err(DeviceboundToError::NoAddress(to.to_owned())) } else { Ok(ids) }
}

/// Shape: `/devices/dev%201/messages/devicebound`, `/devices/dev1/modules/mod1/messages/deviceBound`.
fn parse(to: &str) -> Vec<DeviceboundTo<'_>> {
    let Some((device_id, module_id)) = split(to) else { return Vec::new() };
    let mut candidates = Vec::with_capacity(3);
    let decodings: [fn(&str) -> Cow<'_, str>; 3] = [|id| id.into(), percent::decode, decode_form];
    for decode in decodings {
        let candidate = DeviceboundTo { device_id: decode(device_id), module_id: module_id.map(decode) };
        if !candidates.contains(&candidate) {
            candidates.push(candidate);
        }
    }
    candidates
}

fn split(to: &str) -> Option<(&str, Option<&str>)> {
    let is = |segment: &str, word| segment.eq_ignore_ascii_case(word);
    let mut segments = to.strip_prefix('/').unwrap_or(to).split('/');
    let mut next = || segments.next();
    let device_id = next().filter(|segment| is(segment, "devices")).and_then(|_| next())?;
    let (module_id, messages) = match next()? {
        segment if is(segment, "modules") => (Some(next()?), next()?),
        segment => (None, segment),
    };
    let addressed = is(messages, "messages") && is(next()?, "devicebound") && next().is_none();
    let named = !device_id.is_empty() && module_id != Some("");
    (addressed && named).then_some((device_id, module_id))
}

fn decode_form(text: &str) -> Cow<'_, str> {
    if !text.contains('+') {
        return percent::decode(text);
    }
    Cow::Owned(percent::decode(&text.replace('+', " ")).into_owned())
}

/// Appends the address of a device or module, ids as they are: `/devices/dev1/messages/devicebound`.
pub fn write(device_id: &str, module_id: Option<&str>, out: &mut String) {
    out.extend(["/devices/", device_id]);
    if let Some(module) = module_id {
        out.extend(["/modules/", module]);
    }
    out.push_str(PATH);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(to: &str) -> Vec<(String, Option<String>)> {
        parse(to).into_iter().map(|to| (to.device_id.into_owned(), to.module_id.map(Cow::into_owned))).collect()
    }

    #[test]
    fn devices_and_refusals() {
        let ids = |to| device_ids(to).map(|ids| ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>());
        assert_eq!(ids("/devices/dev1/messages/devicebound"), Ok(vec!["dev1".to_owned()]));
        // A blank is in no id, `%` is in some.
        assert_eq!(ids("/devices/dev%201/messages/devicebound"), Ok(vec!["dev%201".to_owned()]));
        for to in ["", "/devices/a b/messages/devicebound", "/devices/dev1"] {
            assert_eq!(ids(to), Err(DeviceboundToError::NoAddress(to.to_owned())), "{to}");
        }
        assert_eq!(ids("/devices/dev1/modules/m/messages/devicebound"), Err(DeviceboundToError::Module));
    }

    #[test]
    fn addresses_of_the_sdks() {
        for (to, expected) in [
            ("/devices/dev1/messages/devicebound", &[("dev1", None)][..]),
            ("/devices/Dev1/messages/deviceBound", &[("Dev1", None)]),
            ("devices/dev1/messages/devicebound", &[("dev1", None)]),
            ("/Devices/dev1/Messages/DEVICEBOUND", &[("dev1", None)]),
            ("/devices/dev%201/messages/devicebound", &[("dev%201", None), ("dev 1", None)]),
            ("/devices/dev+1/messages/deviceBound", &[("dev+1", None), ("dev 1", None)]),
            ("/devices/a%2Bb+c/messages/deviceBound", &[("a%2Bb+c", None), ("a+b+c", None), ("a+b c", None)]),
            ("/devices/dev1/modules/mod1/messages/deviceBound", &[("dev1", Some("mod1"))]),
            (
                "/devices/d/modules/%24edgeHub/messages/devicebound",
                &[("d", Some("%24edgeHub")), ("d", Some("$edgeHub"))],
            ),
            ("/devices/modules/messages/devicebound", &[("modules", None)]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(device, module)| ((*device).to_owned(), module.map(str::to_owned))).collect();
            assert_eq!(ids(to), expected, "{to}");
        }
        for to in [
            "",
            "/",
            "/devices",
            "/devices/dev1",
            "/devices//messages/devicebound",
            "/devices/dev1/messages/events",
            "/devices/dev1/messages/devicebound/",
            "/devices/dev1/messages/devicebound/x",
            "/devices/dev1/modules//messages/devicebound",
            "/devices/dev1/modules/messages/devicebound",
            "//devices/dev1/messages/devicebound",
            "amqps://hub1.example/devices/dev1/messages/devicebound",
        ] {
            assert_eq!(ids(to), [], "{to}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(to in "(/devices/)?[a-z/%+0-9]{0,40}(/messages/devicebound)?") {
            let _ = parse(&to);
        }

        #[test]
        fn what_is_written_comes_first(device in "[A-Za-z0-9%+$.-]{1,20}", module in prop::option::of("[a-z%+$]{1,20}")) {
            let mut to = String::new();
            write(&device, module.as_deref(), &mut to);
            prop_assert_eq!(ids(&to).into_iter().next(), Some((device, module)));
        }
    }
}
