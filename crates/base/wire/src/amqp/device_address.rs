//! What the address of a device's link names.

use std::borrow::Cow;

use crate::percent;

/// `devices/{device}/…` and `devices/{device}/modules/{module}/…`, ids percent-encoded or not, fixed words in any case.
/// Source: `reference/hub-device.md` 3.3
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAddress<'a> {
    pub device_id: Cow<'a, str>,
    pub module_id: Option<Cow<'a, str>>,
    pub node: DeviceNode,
}

/// What a device attaches to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceNode {
    /// `messages/events`: telemetry to the hub; to a module, what IoT Edge routes to its inputs.
    Events,
    /// `messages/devicebound`: messages to the device.
    Devicebound,
    /// `twin`, both ways.
    Twin,
    /// `methods/devicebound`, both ways.
    Methods,
}

impl<'a> DeviceAddress<'a> {
    /// Reads [`super::LinkAddress::Device`]'s path. `None` for any other form.
    pub fn parse(path: &'a str) -> Option<Self> {
        let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
        let mut segments = path.split('/');
        segments.next().filter(|word| is(word, "devices"))?;
        let device_id = id(segments.next()?)?;
        let mut word = segments.next()?;
        let module_id = if is(word, "modules") {
            let module_id = id(segments.next()?)?;
            word = segments.next()?;
            Some(module_id)
        } else {
            None
        };
        let node = match (segments.next(), segments.next()) {
            (None, _) if is(word, "twin") => DeviceNode::Twin,
            (Some(last), None) if is(word, "messages") && is(last, "events") => DeviceNode::Events,
            (Some(last), None) if is(word, "messages") && is(last, "devicebound") => DeviceNode::Devicebound,
            (Some(last), None) if is(word, "methods") && is(last, "devicebound") => DeviceNode::Methods,
            _ => return None,
        };
        Some(Self { device_id, module_id, node })
    }
}

fn id(segment: &str) -> Option<Cow<'_, str>> {
    (!segment.is_empty()).then(|| percent::decode(segment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_client_is_understood() {
        for (path, device_id, module_id, node) in [
            ("devices/dev1/messages/events", "dev1", None, DeviceNode::Events),
            ("devices/dev1/messages/deviceBound", "dev1", None, DeviceNode::Devicebound),
            ("devices/dev%231/twin", "dev#1", None, DeviceNode::Twin),
            ("Devices/a+b/methods/devicebound", "a+b", None, DeviceNode::Methods),
            ("devices/dev1/modules/$edgeHub/messages/events", "dev1", Some("$edgeHub"), DeviceNode::Events),
            ("devices/dev1/modules/%24edgeHub/twin", "dev1", Some("$edgeHub"), DeviceNode::Twin),
            ("devices/dev1/modules/m/methods/devicebound", "dev1", Some("m"), DeviceNode::Methods),
            ("devices/modules/twin", "modules", None, DeviceNode::Twin),
        ] {
            let expected = DeviceAddress { device_id: device_id.into(), module_id: module_id.map(Cow::from), node };
            assert_eq!(DeviceAddress::parse(path), Some(expected), "{path}");
        }
        for path in [
            "",
            "devices",
            "devices/dev1",
            "devices//twin",
            "devices/dev1/twins",
            "devices/dev1/twin/x",
            "devices/dev1/messages",
            "devices/dev1/messages/events/x",
            "devices/dev1/modules/m",
            "devices/dev1/modules//twin",
            "devices/dev1/methods",
            "things/dev1/twin",
        ] {
            assert_eq!(DeviceAddress::parse(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(path in "(devices/)?[a-zä%/0-9]{0,40}") {
            let _ = DeviceAddress::parse(&path);
        }
    }
}
