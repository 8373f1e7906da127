//! What to do about a refusal.

use roadstead_model::{JournalOwner, RefusalCause, RefusalEntry};

/// What mends a cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    /// In a sentence or two.
    pub text: String,
    /// The one command that does it or shows what is needed, where there is one.
    pub command: Option<String>,
}

/// Whose journal a refusal is in, by name, and whom it was about.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Whose journal it is.
    pub owner: &'a JournalOwner,
    /// Name of the hub or DPS instance: `plant`.
    pub name: &'a str,
    /// As claimed; empty when nothing was.
    pub id: &'a str,
}

/// What mends this refusal.
pub fn mend(refusal: &RefusalEntry, named: Named<'_>) -> Mend {
    let (text, command) = match named.owner {
        JournalOwner::Hub(_) | JournalOwner::NoHub => of_hub(refusal, named),
        JournalOwner::Dps(_) | JournalOwner::NoDps => of_dps(refusal, named),
        JournalOwner::HubServices(_) => of_service(refusal, "hub", named),
        JournalOwner::DpsServices(_) => of_service(refusal, "dps", named),
    };
    Mend { text: text.to_owned(), command }
}

/// `--device-id thermo-7`, quoted for a shell where it has to be.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@%+=,/".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn of_hub(refusal: &RefusalEntry, Named { name, id, .. }: Named<'_>) -> (&'static str, Option<String>) {
    let (device, module) = id.split_once('/').map_or((id, None), |(device, module)| (device, Some(module)));
    let known = !device.is_empty();
    let identity = |verb: &str, more: &str| {
        let (hub, device) = (quoted(name), quoted(device));
        let command = match module {
            Some(module) => format!(
                "roadstead iot hub module-identity {verb} --hub-name {hub} --device-id {device} --module-id {}{more}",
                quoted(module)
            ),
            None => format!("roadstead iot hub device-identity {verb} --hub-name {hub} --device-id {device}{more}"),
        };
        known.then_some(command)
    };
    let of_device = |verb: &str, more: &str| {
        let (hub, device) = (quoted(name), quoted(device));
        known.then(|| format!("roadstead iot hub device-identity {verb} --hub-name {hub} --device-id {device}{more}"))
    };
    let certificates = || Some(format!("roadstead iot hub certificate list --hub-name {}", quoted(name)));
    match refusal.cause {
        RefusalCause::UnknownDevice => (
            "Register the device, or give it the id under which it is registered: ids are compared with case.",
            of_device("create", ""),
        ),
        RefusalCause::UnknownModule => ("Register the module on its device.", identity("create", "")),
        RefusalCause::DeviceDisabled => ("Enable the device.", of_device("update", " --status enabled")),
        RefusalCause::WrongKey | RefusalCause::BadToken => {
            ("Give the device its own key: this shows its connection string.", identity("connection-string show", ""))
        }
        RefusalCause::WrongMeans | RefusalCause::NoCredentials => (
            "Let the device prove itself as it is registered, or register what it has: this shows what is registered.",
            identity("show", ""),
        ),
        RefusalCause::WrongCertificate => (
            "Give the device the registered certificate, or register the thumbprint of the one that it has.",
            of_device("show", ""),
        ),
        RefusalCause::UnknownIssuer | RefusalCause::UntrustedPath => (
            "Upload the CA that issued the device's certificate, and verify it; this shows those that are there.",
            certificates(),
        ),
        RefusalCause::WrongPolicy => (
            "Use a policy of this hub that has the right DeviceConnect, or the device's own key.",
            Some(format!("roadstead iot hub policy list --hub-name {}", quoted(name))),
        ),
        RefusalCause::UnknownHost => (
            "No hub here has the host name that the client used: set the device's host name to that of its hub, or add that name \
             to a hub as an alias.",
            Some("roadstead iot hub list".to_owned()),
        ),
        cause => (of_any(cause), None),
    }
}

fn of_dps(refusal: &RefusalEntry, Named { name, id, .. }: Named<'_>) -> (&'static str, Option<String>) {
    let known = !id.is_empty();
    let enrollment = |verb: &str, more: &str| {
        let (dps, id) = (quoted(name), quoted(id));
        known.then(|| format!("roadstead iot dps enrollment {verb} --dps-name {dps} --enrollment-id {id}{more}"))
    };
    let in_dps = |what: &str| Some(format!("roadstead iot dps {what} list --dps-name {}", quoted(name)));
    match refusal.cause {
        RefusalCause::NotEnrolled => (
            "Enroll the device, or name a CA on its certificate's path in an enrollment group; this shows the groups there are.",
            in_dps("enrollment-group"),
        ),
        RefusalCause::EnrollmentDisabled => (
            "Enable the enrollment, or the enrollment group that the message names.",
            if refusal.message.starts_with("enrollment group") {
                in_dps("enrollment-group")
            } else {
                enrollment("update", " --provisioning-status enabled")
            },
        ),
        RefusalCause::WrongKey | RefusalCause::BadToken => (
            "Give the device the key of its enrollment; a device of a group has a key derived from the group's: \
             `roadstead iot dps enrollment-group compute-device-key`.",
            enrollment("show", " --show-keys"),
        ),
        RefusalCause::WrongMeans
        | RefusalCause::NoCredentials
        | RefusalCause::WrongCertificate
        | RefusalCause::WrongTpm => (
            "Let the device prove itself as it is enrolled, or enroll what it has: this shows what is enrolled.",
            enrollment("show", ""),
        ),
        RefusalCause::UnknownIssuer | RefusalCause::UntrustedPath => (
            "Upload the CA that issued the device's certificate, and verify it, or let the device send its whole chain; this shows \
             the CAs that are there.",
            in_dps("certificate"),
        ),
        RefusalCause::NotAssigned => {
            ("No hub took the device: this shows the linked hubs and whether they may be chosen.", in_dps("linked-hub"))
        }
        RefusalCause::UnknownIdScope => (
            "No DPS here has the ID scope that the device has: set it to that of its DPS, which this shows.",
            Some("roadstead iot dps list --query '[].{Name: name, IdScope: properties.idScope}'".to_owned()),
        ),
        cause => (of_any(cause), None),
    }
}

/// `kind`: `hub` or `dps`.
fn of_service(refusal: &RefusalEntry, kind: &str, Named { name, id, .. }: Named<'_>) -> (&'static str, Option<String>) {
    let name = quoted(name);
    let policies = || Some(format!("roadstead iot {kind} policy list --{kind}-name {name}"));
    match (refusal.cause, id.strip_prefix("policy/")) {
        (RefusalCause::WrongKey, Some(policy)) => (
            "The policy has other keys: give the back end its connection string, which this shows.",
            Some(format!(
                "roadstead iot {kind} connection-string show --{kind}-name {name} --policy-name {}",
                quoted(policy)
            )),
        ),
        (RefusalCause::WrongPolicy, Some(_)) => (
            "Let the back end use a policy that is there and has the right that the message names; this shows them all.",
            policies(),
        ),
        (RefusalCause::WrongPolicy, None) => (
            "Assign a role that allows it to the user or service principal, or let it log in again if it is its token that opens nothing.",
            Some("roadstead role assignment list --all".to_owned()),
        ),
        (RefusalCause::NoCredentials | RefusalCause::BadToken, _) => (
            "Give the back end a policy's connection string, or let it log in and show the token that it gets; this shows the policies.",
            policies(),
        ),
        (RefusalCause::TokenExpired, _) => {
            ("Let the back end make a new token, and set its clock: an expired token is often a wrong clock.", None)
        }
        (RefusalCause::WrongAudience, _) => {
            ("Let the back end sign the token for the host name to which it speaks.", None)
        }
        _ => ("The message says what is wrong.", None),
    }
}

/// What is the same for hubs and DPS, and what no command mends.
fn of_any(cause: RefusalCause) -> &'static str {
    match cause {
        RefusalCause::TokenExpired => {
            "Let the device sign a new token, and set its clock: an expired token is often a wrong clock."
        }
        RefusalCause::WrongAudience => {
            "Let the device sign the token for the host name and the id with which it connects."
        }
        RefusalCause::CertificateExpired => {
            "Renew the device's certificate, or set the clock that is wrong: the device's, or this machine's."
        }
        RefusalCause::WrongCommonName => {
            "Give the device a certificate whose common name is its id, or let it use the id that the certificate names."
        }
        RefusalCause::BadCertificate => "Make the device's certificate again; the message says what is wrong with it.",
        RefusalCause::WrongPolicy => "Sign the token with the device's own key, and name the policy `registration`.",
        RefusalCause::BadRequest => "The device's program asks for what is not allowed; the message says what.",
        RefusalCause::TooLarge => "Send less at once; the message says how much is allowed.",
        RefusalCause::Throttled => "Send less often, or give the hub another tier.",
        RefusalCause::QuotaExceeded => "Wait until midnight UTC, or give the hub more units.",
        RefusalCause::ServerBusy => {
            "Nothing: SDKs try again. If it lasts, `roadstead doctor` and the server's log say more."
        }
        RefusalCause::FaultInjected => "Nothing: a test asked for this fault, and it ends by itself.",
        RefusalCause::ServerNotTrusted => {
            "Give the device the CA certificate of this server (`roadstead env` names its file), and connect by a name that the server's \
             certificate has."
        }
        RefusalCause::TlsFailed => {
            "Let the client speak TLS 1.2 or 1.3 on this port; the message says what it did instead."
        }
        RefusalCause::NoCredentials
        | RefusalCause::BadToken
        | RefusalCause::WrongKey
        | RefusalCause::WrongMeans
        | RefusalCause::WrongCertificate
        | RefusalCause::UnknownIssuer
        | RefusalCause::UntrustedPath
        | RefusalCause::WrongTpm
        | RefusalCause::DeviceDisabled
        | RefusalCause::UnknownDevice
        | RefusalCause::UnknownModule
        | RefusalCause::UnknownHost
        | RefusalCause::UnknownIdScope
        | RefusalCause::NotEnrolled
        | RefusalCause::EnrollmentDisabled
        | RefusalCause::NotAssigned => "The message says what is wrong.",
    }
}
