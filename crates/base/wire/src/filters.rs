//! What a device may subscribe to.

/// The topic filters of a hub, as one identity may use them. Source: `reference/hub-device.md` 1.10
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HubFilter<'a> {
    /// Messages from the cloud: `devices/dev1/messages/devicebound/#`, for modules `devices/dev1/modules/mod1/messages/devicebound/#`.
    Devicebound,
    /// Everything addressed to a module: `devices/dev1/modules/mod1/#`.
    Module,
    /// A module's inputs: `devices/dev1/modules/mod1/inputs/#`.
    Inputs,
    /// Answers to twin requests: `$iothub/twin/res/#`.
    TwinResponses,
    /// Changes of desired properties: `$iothub/twin/PATCH/properties/desired/#`.
    DesiredPatches,
    /// Direct methods: `$iothub/methods/POST/#`, or one of them: `$iothub/methods/POST/reboot/#`.
    Methods { name: Option<&'a str> },
}

impl<'a> HubFilter<'a> {
    /// What `filter` asks for; `None` when this device (or module) may not subscribe to it: the connection is then closed.
    pub fn classify(filter: &'a str, device_id: &str, module_id: Option<&str>) -> Option<Self> {
        match filter.strip_prefix("$iothub/") {
            Some("twin/res/#") => Some(Self::TwinResponses),
            Some("twin/PATCH/properties/desired/#") => Some(Self::DesiredPatches),
            Some("methods/POST/#") => Some(Self::Methods { name: None }),
            Some(other) => one_method(other),
            None => classify_own(filter, device_id, module_id),
        }
    }
}

fn one_method(filter: &str) -> Option<HubFilter<'_>> {
    let name = filter.strip_prefix("methods/POST/")?.strip_suffix("/#")?;
    (!name.is_empty() && !name.contains(['/', '+'])).then_some(HubFilter::Methods { name: Some(name) })
}

fn classify_own<'a>(filter: &str, device_id: &str, module_id: Option<&str>) -> Option<HubFilter<'a>> {
    let (device, rest) = filter.strip_prefix("devices/")?.split_once('/')?;
    match module_id {
        None if device == device_id || device == "+" => is_devicebound(rest).then_some(HubFilter::Devicebound),
        Some(module_id) if device == device_id => {
            let (module, rest) = rest.strip_prefix("modules/")?.split_once('/')?;
            match rest {
                _ if module != module_id => None,
                "#" | "messages/events/#" => Some(HubFilter::Module),
                "inputs/#" => Some(HubFilter::Inputs),
                rest => is_devicebound(rest).then_some(HubFilter::Devicebound),
            }
        }
        _ => None,
    }
}

fn is_devicebound(rest: &str) -> bool {
    matches!(rest, "messages/devicebound/#" | "messages/devicebound" | "messages/devicebound/" | "messages/#")
}

/// Whether `filter` is the one that DPS serves. Source: `reference/dps.md` 1.3
pub fn is_dps_filter(filter: &str) -> bool {
    filter == crate::dps_topic::RESPONSE_FILTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_devices_filters() {
        for (filter, expected) in [
            ("devices/dev1/messages/devicebound/#", Some(HubFilter::Devicebound)),
            ("devices/+/messages/devicebound/#", Some(HubFilter::Devicebound)),
            ("devices/dev1/messages/devicebound", Some(HubFilter::Devicebound)),
            ("devices/dev1/messages/devicebound/", Some(HubFilter::Devicebound)),
            ("devices/dev1/messages/#", Some(HubFilter::Devicebound)),
            ("$iothub/twin/res/#", Some(HubFilter::TwinResponses)),
            ("$iothub/twin/PATCH/properties/desired/#", Some(HubFilter::DesiredPatches)),
            ("$iothub/methods/POST/#", Some(HubFilter::Methods { name: None })),
            ("$iothub/methods/POST/reboot/#", Some(HubFilter::Methods { name: Some("reboot") })),
            ("devices/dev2/messages/devicebound/#", None),
            ("devices/Dev1/messages/devicebound/#", None),
            ("devices/dev1/messages/events/#", None),
            ("devices/dev1/#", None),
            ("devices/#", None),
            ("devices/dev1/modules/mod1/#", None),
            ("devices/+/modules/mod1/#", None),
            ("$iothub/#", None),
            ("$iothub/twin/#", None),
            ("$iothub/twin/res/200/#", None),
            ("$iothub/methods/POST/+/#", None),
            ("$iothub/methods/POST//#", None),
            ("$iothub/methods/POST/a/b/#", None),
            ("$iothub/methods/res/#", None),
            ("$dps/registrations/res/#", None),
            ("$SYS/#", None),
            ("#", None),
            ("+", None),
            ("", None),
        ] {
            assert_eq!(HubFilter::classify(filter, "dev1", None), expected, "{filter}");
        }
    }

    #[test]
    fn a_modules_filters() {
        for (filter, expected) in [
            ("devices/dev1/modules/mod1/#", Some(HubFilter::Module)),
            ("devices/dev1/modules/mod1/messages/events/#", Some(HubFilter::Module)),
            ("devices/dev1/modules/mod1/inputs/#", Some(HubFilter::Inputs)),
            ("devices/dev1/modules/mod1/messages/devicebound/#", Some(HubFilter::Devicebound)),
            ("$iothub/twin/res/#", Some(HubFilter::TwinResponses)),
            ("devices/dev1/modules/mod2/#", None),
            ("devices/dev1/modules/+/#", None),
            ("devices/dev2/modules/mod1/#", None),
            ("devices/dev1/messages/devicebound/#", None),
            ("devices/+/messages/devicebound/#", None),
        ] {
            assert_eq!(HubFilter::classify(filter, "dev1", Some("mod1")), expected, "{filter}");
        }
    }

    #[test]
    fn dps_serves_one_filter() {
        assert!(is_dps_filter("$dps/registrations/res/#"));
        for filter in ["$dps/registrations/res/+", "$dps/registrations/#", "$dps/#", "#", "$iothub/twin/res/#"] {
            assert!(!is_dps_filter(filter), "{filter}");
        }
    }
}
