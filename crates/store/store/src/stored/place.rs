//! Where a record stands, as text.

use std::fmt;

use roadstead_model::{CertificateOwner, Guid, HubKey, JournalOwner, PrincipalId};

/// A record's place among all records: `hub/000000000000002a/device/thermo-7`. Secrets are sealed to it, and complaints
/// name it. Names that are compared without case stand in lower case, as in their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    Subscription,
    Principal(PrincipalId),
    Assignment(Guid),
    Audit,
    Group(&'a str),
    Hub(HubKey),
    Dps(&'a str),
    Certificate(&'a CertificateOwner, &'a str),
    Device(HubKey, &'a str),
    /// By the text of its identity, as the next two.
    Module(HubKey, &'a str),
    Subscriptions(HubKey, &'a str),
    Twin(HubKey, &'a str),
    Message(HubKey, &'a str),
    Feedback(HubKey),
    FileNotification(HubKey),
    Enrollment(&'a str, &'a str),
    EnrollmentGroup(&'a str, &'a str),
    Registration(&'a str, &'a str),
    /// What the CAs of a DPS instance issued.
    Issued(&'a str),
    Journal(&'a JournalOwner),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Subscription => f.write_str("subscription"),
            Self::Principal(id) => write!(f, "principal/{id}"),
            Self::Assignment(id) => write!(f, "assignment/{id}"),
            Self::Audit => f.write_str("audit"),
            Self::Group(name) => write!(f, "group/{name}"),
            Self::Hub(hub) => write!(f, "hub/{hub}"),
            Self::Dps(scope) => write!(f, "dps/{scope}"),
            Self::Certificate(CertificateOwner::Hub(hub), name) => write!(f, "hub/{hub}/certificate/{name}"),
            Self::Certificate(CertificateOwner::Dps(scope), name) => write!(f, "dps/{scope}/certificate/{name}"),
            Self::Device(hub, id) => write!(f, "hub/{hub}/device/{id}"),
            Self::Module(hub, id) => write!(f, "hub/{hub}/module/{id}"),
            Self::Subscriptions(hub, id) => write!(f, "hub/{hub}/device/{id}/subscriptions"),
            Self::Twin(hub, id) => write!(f, "hub/{hub}/twin/{id}"),
            Self::Message(hub, id) => write!(f, "hub/{hub}/device/{id}/message"),
            Self::Feedback(hub) => write!(f, "hub/{hub}/feedback"),
            Self::FileNotification(hub) => write!(f, "hub/{hub}/file-notification"),
            Self::Enrollment(scope, id) => write!(f, "dps/{scope}/enrollment/{id}"),
            Self::EnrollmentGroup(scope, id) => write!(f, "dps/{scope}/enrollment-group/{id}"),
            Self::Registration(scope, id) => write!(f, "dps/{scope}/registration/{id}"),
            Self::Issued(scope) => write!(f, "dps/{scope}/issued"),
            Self::Journal(owner) => write!(f, "{owner}/journal"),
        }
    }
}
