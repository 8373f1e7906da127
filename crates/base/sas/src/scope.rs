//! What a token's resource reaches.

/// One segment of the resource that a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Compared ignoring ASCII case: host names, fixed words such as `devices`, and every id in DPS.
    AnyCase(&'a str),
    /// Compared as it stands: device and module ids of a hub.
    Exact(&'a str),
}

impl Segment<'_> {
    fn matches(self, granted: &str) -> bool {
        match self {
            Self::AnyCase(wanted) => wanted.eq_ignore_ascii_case(granted),
            Self::Exact(wanted) => wanted == granted,
        }
    }
}

/// Whether a token for `granted` (decoded, `hub1.example/devices/dev1`) reaches `required`: the granted segments must
/// begin the required ones, so `a/b` covers `a/b/c` and not `a/bc`. A last segment `api-version=…` behind everything
/// that is required is overlooked, since old tools sign it.
///
/// Source: Azure docs (`reference/hub-device.md` 4.1)
pub fn covers(granted: &str, required: &[Segment<'_>]) -> bool {
    let mut wanted = required.iter();
    let mut rest = granted.split('/');
    while let Some(segment) = rest.next() {
        match wanted.next() {
            Some(wanted) if wanted.matches(segment) => {}
            Some(_) => return false,
            None => return segment.starts_with("api-version=") && rest.next().is_none(),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::Segment::{AnyCase, Exact};
    use super::*;

    #[test]
    fn prefix_by_whole_segments() {
        let device = [AnyCase("hub1.example"), AnyCase("devices"), Exact("dev1")];
        let module = [AnyCase("hub1.example"), AnyCase("devices"), Exact("dev1"), AnyCase("modules"), Exact("mod1")];
        let registration = [AnyCase("0ne00ABC123"), AnyCase("registrations"), AnyCase("dev-01")];
        let tricky = [AnyCase("hub1.example"), AnyCase("devices"), Exact("api-version=1")];
        for (granted, required, covered) in [
            ("hub1.example", &device[..], true),
            ("HUB1.Example/Devices", &device, true),
            ("hub1.example/devices/dev1", &device, true),
            ("hub1.example/devices/dev1", &module, true),
            ("hub1.example/devices/dev1/modules/mod1", &module, true),
            ("hub1.example/devices/dev1/api-version=2016-11-14", &device, true),
            ("hub1.example/devices/api-version=1", &tricky, true),
            ("0NE00abc123/Registrations/DEV-01", &registration, true),
            // refused
            ("", &device, false),
            ("hub1", &device, false),
            ("hub1.example.evil", &device, false),
            ("hub2.example/devices/dev1", &device, false),
            ("hub1.example/devices/Dev1", &device, false),
            ("hub1.example/devices/dev", &device, false),
            ("hub1.example/devices/dev12", &device, false),
            ("hub1.example/devices/dev1/modules/mod1", &device, false),
            ("hub1.example/devices/dev1/modules/mod2", &module, false),
            ("hub1.example/devices/dev1/api-version=2016-11-14", &module, false),
            ("hub1.example/devices/dev1/api-version=1/x", &device, false),
            ("hub1.example/devices/api-version=1", &device, false),
            ("hub1.example//devices", &device, false),
            ("hub1.example/devices/dev1/", &device, false),
        ] {
            assert_eq!(covers(granted, required), covered, "{granted} for {required:?}");
        }
    }
}
