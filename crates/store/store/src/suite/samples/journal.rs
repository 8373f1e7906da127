//! What happened to devices.

use roadstead_model::{
    AuthMethod, DeviceProtocol, DisconnectReason, Happening, JournalOwner, Origin, RefusalCause, RefusalEntry,
    UnixMillis, What,
};

use super::{HUB, NOW};

/// A refusal of `id`, one of its kind, at `at`.
pub fn refusal(owner: JournalOwner, id: &str, at: UnixMillis, cause: RefusalCause) -> Happening {
    let refused = RefusalEntry {
        origin: Origin { protocol: DeviceProtocol::Mqtt, address: "192.0.2.7".parse().ok() },
        target: "plant.localhost".to_owned(),
        cause,
        code: "CONNACK 5".to_owned(),
        message: "device `thermo-7`: the token expired".to_owned(),
        count: 1,
        since: at,
    };
    Happening { owner, id: id.to_owned(), at, what: What::Refused(refused) }
}

/// Everything that may happen, by name.
pub fn happenings() -> Vec<(&'static str, Happening)> {
    let owner = JournalOwner::Hub(HUB);
    let origin = Some(Origin { protocol: DeviceProtocol::Amqp, address: "2001:db8::7".parse().ok() });
    let others = [
        ("connected", What::Connected { origin, method: AuthMethod::X509 }),
        ("disconnected", What::Disconnected(DisconnectReason::KeepAliveTimeout)),
        (
            "registered",
            What::Registered {
                origin: None,
                hub: "plant.localhost".to_owned(),
                enrollment: "Fleet-A".to_owned(),
                is_group: true,
            },
        ),
        ("created", What::Created),
        ("deleted", What::Deleted),
        ("enabled", What::Enabled),
        ("disabled", What::Disabled),
        ("credentials", What::CredentialsChanged),
        ("twin", What::TwinUpdated { version: 7 }),
    ];
    let refused = refusal(owner.clone(), "thermo-7", NOW, RefusalCause::TokenExpired);
    let others =
        others.map(|(name, what)| (name, Happening { owner: owner.clone(), id: "thermo-7".to_owned(), at: NOW, what }));
    std::iter::once(("refused", refused)).chain(others).collect()
}
