//! What happened to devices, and which back ends were refused: the entries of a hub's or a DPS instance's journals.

use std::{fmt, net::IpAddr};

use crate::{
    clock::UnixMillis,
    disconnect_reason::DisconnectReason,
    event::AuthMethod,
    id::{HubKey, IdScope},
};

/// Whose journal an entry is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum JournalOwner {
    Hub(HubKey),
    Dps(IdScope),
    /// Of a hub's back ends: who claims to be a policy's, a user or a service principal.
    HubServices(HubKey),
    /// The same of a DPS instance's.
    DpsServices(IdScope),
    /// What came to a host name that no hub here has.
    NoHub,
    /// What came to an ID scope that no DPS instance here has.
    NoDps,
}

impl JournalOwner {
    /// How an id is compared in this journal: registration ids, policies and principals without case.
    pub fn key_of(&self, id: &str) -> String {
        match self {
            Self::Hub(_) | Self::NoHub => id.to_owned(),
            Self::HubServices(_) | Self::DpsServices(_) | Self::Dps(_) | Self::NoDps => id.to_ascii_lowercase(),
        }
    }

    /// The journal of the back ends of the same hub or DPS instance; `None` where there is neither.
    pub fn services(&self) -> Option<Self> {
        match self {
            Self::Hub(key) | Self::HubServices(key) => Some(Self::HubServices(*key)),
            Self::Dps(scope) | Self::DpsServices(scope) => Some(Self::DpsServices(scope.clone())),
            Self::NoHub | Self::NoDps => None,
        }
    }

    /// What refusals in this journal may push out.
    pub fn class_of_refusals(&self) -> HappeningClass {
        match self {
            Self::HubServices(_) | Self::DpsServices(_) => HappeningClass::ServiceRefusal,
            Self::Hub(_) | Self::Dps(_) | Self::NoHub | Self::NoDps => HappeningClass::Refusal,
        }
    }
}

/// As stores keep it: `hub/000000000000002a`, `hub/000000000000002a/services`, `dps/0ne00ABC123`, `hub`, `dps`.
impl fmt::Display for JournalOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub(key) => write!(f, "hub/{key}"),
            Self::Dps(scope) => write!(f, "dps/{scope}"),
            Self::HubServices(key) => write!(f, "hub/{key}/services"),
            Self::DpsServices(scope) => write!(f, "dps/{scope}/services"),
            Self::NoHub => f.write_str("hub"),
            Self::NoDps => f.write_str("dps"),
        }
    }
}

/// Entries of one class push out only each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HappeningClass {
    /// Of a device.
    Refusal = 0,
    Connection = 1,
    Change = 2,
    /// Of a back end.
    ServiceRefusal = 3,
}

impl HappeningClass {
    pub const ALL: [Self; 4] = [Self::Refusal, Self::Connection, Self::Change, Self::ServiceRefusal];
}

/// Enums of which each value has one word, which APIs show and stores keep.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$of])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How a client speaks; inside a WebSocket or not.
    DeviceProtocol {
        Mqtt = "mqtt",
        Amqp = "amqp",
        Https = "https",
    }
}

words! {
    /// Why somebody was refused, in one word, the same over all protocols.
    RefusalCause {
        /// Neither token nor certificate.
        NoCredentials = "noCredentials",
        /// A token that cannot be read.
        BadToken = "badToken",
        TokenExpired = "tokenExpired",
        /// A token for something else.
        WrongAudience = "wrongAudience",
        /// A token that is signed with another key.
        WrongKey = "wrongKey",
        /// A token of an access policy that is not there or may not do this.
        WrongPolicy = "wrongPolicy",
        /// A token where a certificate is registered, or the other way round.
        WrongMeans = "wrongMeans",
        /// A certificate that cannot be read or is of no use.
        BadCertificate = "badCertificate",
        /// A certificate of which the time is over or has not come.
        CertificateExpired = "certificateExpired",
        /// Not the certificate of the registered thumbprint.
        WrongCertificate = "wrongCertificate",
        /// A certificate for another device.
        WrongCommonName = "wrongCommonName",
        /// No verified CA issued the certificate.
        UnknownIssuer = "unknownIssuer",
        /// The certificate's path is no good in another way.
        UntrustedPath = "untrustedPath",
        WrongTpm = "wrongTpm",
        DeviceDisabled = "deviceDisabled",
        UnknownDevice = "unknownDevice",
        UnknownModule = "unknownModule",
        /// No hub has the host name.
        UnknownHost = "unknownHost",
        /// No DPS instance has the ID scope.
        UnknownIdScope = "unknownIdScope",
        /// No enrollment is for this device.
        NotEnrolled = "notEnrolled",
        EnrollmentDisabled = "enrollmentDisabled",
        /// Enrolled, but no hub took the device.
        NotAssigned = "notAssigned",
        /// What was asked for is not allowed or cannot be read.
        BadRequest = "badRequest",
        TooLarge = "tooLarge",
        Throttled = "throttled",
        QuotaExceeded = "quotaExceeded",
        /// Not now; the same may succeed later.
        ServerBusy = "serverBusy",
        /// A test asked for it.
        FaultInjected = "faultInjected",
        /// The client does not trust the server's certificate.
        ServerNotTrusted = "serverNotTrusted",
        /// TLS found no common ground in another way.
        TlsFailed = "tlsFailed",
    }
}

/// From where somebody spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    pub protocol: DeviceProtocol,
    /// `None` in an entry that stands for many.
    pub address: Option<IpAddr>,
}

/// One or more refusals that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalEntry {
    pub origin: Origin,
    /// The host name or ID scope that the client named; empty when it named none.
    pub target: String,
    pub cause: RefusalCause,
    /// As the protocol says it: `CONNACK 5`, `amqp:unauthorized-access`, `401002`.
    pub code: String,
    /// The sentence of the log, and of the answer where the protocol has room for one.
    pub message: String,
    /// How many there were.
    pub count: u64,
    /// When the first of them was.
    pub since: UnixMillis,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Refused(RefusalEntry),
    Connected {
        /// `None`: not told.
        origin: Option<Origin>,
        method: AuthMethod,
    },
    Disconnected(DisconnectReason),
    /// DPS assigned the device.
    Registered {
        /// `None`: not told.
        origin: Option<Origin>,
        /// The hub's host name.
        hub: String,
        /// By which enrollment, or enrollment group.
        enrollment: String,
        is_group: bool,
    },
    Created,
    Deleted,
    Enabled,
    Disabled,
    /// Other keys, thumbprints, or another kind of credential.
    CredentialsChanged,
    /// A back end changed tags or desired properties.
    TwinUpdated {
        version: i64,
    },
}

/// An entry of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    pub owner: JournalOwner,
    /// Whom it happened to, as the client claimed: `thermo-7`, `thermo-7/filter`, a registration id; of a back end `policy/service` or
    /// `principal/` and its object id. Empty when nobody knows.
    pub id: String,
    /// When; of several refusals, the last.
    pub at: UnixMillis,
    pub what: What,
}

impl Happening {
    /// What it may push out.
    pub fn class(&self) -> HappeningClass {
        match self.what {
            What::Refused(_) => self.owner.class_of_refusals(),
            What::Connected { .. } | What::Disconnected(_) => HappeningClass::Connection,
            _ => HappeningClass::Change,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_and_each_is_one() {
        for cause in RefusalCause::ALL {
            assert_eq!(RefusalCause::from_word(&cause.to_string()), Some(*cause));
        }
        for protocol in DeviceProtocol::ALL {
            assert_eq!(DeviceProtocol::from_word(protocol.as_str()), Some(*protocol));
        }
        assert_eq!((RefusalCause::from_word("WrongKey"), DeviceProtocol::from_word("")), (None, None));
    }

    #[test]
    fn ids_are_compared_as_their_service_does() {
        let dps = JournalOwner::Dps(IdScope::parse("0ne00ABC123").unwrap());
        for (owner, text, key) in [
            (JournalOwner::Hub(HubKey(42)), "hub/000000000000002a", "Dev-1"),
            (JournalOwner::HubServices(HubKey(42)), "hub/000000000000002a/services", "dev-1"),
            (JournalOwner::NoHub, "hub", "Dev-1"),
            (dps.services().unwrap(), "dps/0ne00ABC123/services", "dev-1"),
            (dps, "dps/0ne00ABC123", "dev-1"),
            (JournalOwner::NoDps, "dps", "dev-1"),
        ] {
            assert_eq!((owner.to_string().as_str(), owner.key_of("Dev-1").as_str()), (text, key));
        }
    }
}
