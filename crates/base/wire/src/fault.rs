//! Messages with which a test asks a hub to misbehave, as the vendor's end-to-end suites do.
//!
//! A device sends telemetry with four application properties, values as text:
//!
//! | property | value |
//! |---|---|
//! | `AzIoTHub_FaultOperationType` | a [`FaultKind`] |
//! | `AzIoTHub_FaultOperationCloseReason` | any text: `boom`, `byebye`, ` severs the TCP connection ` |
//! | `AzIoTHub_FaultOperationDelayInSecs` | seconds from the message to the fault |
//! | `AzIoTHub_FaultOperationDurationInSecs` | seconds the fault lasts then; absent from node and python |
//!
//! Only hubs that Microsoft has listed heed them, and by a note in node's suite its newer gateway does not at all.
//!
//! What the suites rely on:
//! - **The message** with the fault is not acknowledged by Azure: C's wait for it ends with `MESSAGE_TIMEOUT`, over MQTT and
//!   AMQP, and C# warns that no PUBACK precedes the close, so that a client which resends it is closed forever (C, built for
//!   these tests, leaves it out when it resends). Clients that await it, node's and python's, are better off with a PUBACK, and no
//!   test of MQTT fails by one. No suite looks for it among the events: that it becomes none is `guess (?)`.
//! - **Connections** end after the delay; the device is then seen to disconnect, and to be back within the duration and 10 s
//!   (C#). While the fault lasts new connections are refused: java asks for 100000 s to see a client give up. Azure's names
//!   for both are [`HubCode::ConnectionForcefullyClosedOnFaultInjection`] and [`HubCode::ConnectionRejectedOnFaultInjection`].
//! - **Refusals** ([`FaultKind::InvokeThrottling`] and its like) last for the duration. Over AMQP and HTTP every message is
//!   refused and the connection stays; over MQTT the connection is closed, and after it is back messages succeed (C).
//! - Over AMQP, C puts the properties on the outer message of a batch, not on one inside.
//!
//! Sources: C# SDK `e2e/test/helpers/templates/FaultInjection.cs` and `FaultInjectionConstants.cs`, java SDK
//! `ErrorInjectionHelper.java` and `SendMessagesErrInjTests.java`, C SDK `iothubclient_common_e2e.c` and `uamqp_messaging.c`,
//! node SDK `e2etests/test/d2c_disconnect.js`, python SDK `tests/e2e/iothub_e2e/utils.py`.
//!
//! [`HubCode::ConnectionForcefullyClosedOnFaultInjection`]: crate::HubCode::ConnectionForcefullyClosedOnFaultInjection
//! [`HubCode::ConnectionRejectedOnFaultInjection`]: crate::HubCode::ConnectionRejectedOnFaultInjection

use roadstead_model::{Properties, Property};

use crate::{
    limits::FAULT_SECONDS_MAX,
    word::{Words, words},
};

/// Names the fault: with it, the message is one of these.
pub const KIND: &str = "AzIoTHub_FaultOperationType";
/// Why, in words.
pub const CLOSE_REASON: &str = "AzIoTHub_FaultOperationCloseReason";
/// Seconds until it begins.
pub const DELAY_S: &str = "AzIoTHub_FaultOperationDelayInSecs";
/// Seconds it lasts. Node's suite writes what it leaves `undefined`: as that word over MQTT, without a value over AMQP.
pub const DURATION_S: &str = "AzIoTHub_FaultOperationDurationInSecs";

/// What goes wrong. Read in any case: C once writes `KillAmqpc2dLink`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The socket closes, without a word.
    KillTcp,
    /// The AMQP connection ends with an error.
    KillAmqpConnection,
    /// The device's AMQP session ends with an error; others on the connection live on.
    KillAmqpSession,
    /// The link on which tokens come is detached. C notices at its next token only.
    KillAmqpCbsRequestLink,
    /// The link on which tokens are answered is detached.
    KillAmqpCbsResponseLink,
    /// The telemetry link is detached.
    KillAmqpTelemetryLink,
    /// The link of messages to the device is detached.
    KillAmqpDeviceboundLink,
    /// The link of twin requests is detached.
    KillAmqpTwinRequestLink,
    /// The link of twin answers is detached.
    KillAmqpTwinResponseLink,
    /// The link of method calls is detached.
    KillAmqpMethodRequestLink,
    /// The link of method answers is detached.
    KillAmqpMethodResponseLink,
    /// The AMQP connection is closed in good order.
    ShutDownAmqp,
    /// The MQTT connection is closed in good order, which in MQTT 3.1.1 is the socket's.
    ShutDownMqtt,
    /// Messages are refused as too many: 429001, `com.microsoft:device-container-throttled`. A client that retries long
    /// enough succeeds (C#, java).
    InvokeThrottling,
    /// Messages are refused as over the day's quota: 403002, over AMQP `amqp:resource-limit-exceeded` (C#).
    InvokeMaxMessageQuota,
    /// Messages are refused as not authorised: 401, `amqp:unauthorized-access`. Clients do not retry (C#).
    InvokeAuthError,
}

words!("AzIoTHub_FaultOperationType", FaultKind {
    KillTcp = "KillTcp",
    KillAmqpConnection = "KillAmqpConnection",
    KillAmqpSession = "KillAmqpSession",
    KillAmqpCbsRequestLink = "KillAmqpCBSLinkReq",
    KillAmqpCbsResponseLink = "KillAmqpCBSLinkResp",
    KillAmqpTelemetryLink = "KillAmqpD2CLink",
    KillAmqpDeviceboundLink = "KillAmqpC2DLink",
    KillAmqpTwinRequestLink = "KillAmqpTwinLinkReq",
    KillAmqpTwinResponseLink = "KillAmqpTwinLinkResp",
    KillAmqpMethodRequestLink = "KillAmqpMethodReqLink",
    KillAmqpMethodResponseLink = "KillAmqpMethodRespLink",
    ShutDownAmqp = "ShutDownAmqp",
    ShutDownMqtt = "ShutDownMqtt",
    InvokeThrottling = "InvokeThrottling",
    InvokeMaxMessageQuota = "InvokeMaxMessageQuota",
    InvokeAuthError = "InvokeAuthError",
});

/// Over which protocols a fault is asked for; each includes its WebSockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultProtocols {
    Amqp,
    Mqtt,
    /// Whatever has a connection: AMQP and MQTT.
    Connections,
    /// AMQP, MQTT and HTTP.
    All,
}

impl FaultKind {
    /// Where the vendor's suites use it.
    pub fn protocols(self) -> FaultProtocols {
        match self {
            Self::KillTcp => FaultProtocols::Connections,
            Self::ShutDownMqtt => FaultProtocols::Mqtt,
            Self::InvokeThrottling | Self::InvokeMaxMessageQuota | Self::InvokeAuthError => FaultProtocols::All,
            _ => FaultProtocols::Amqp,
        }
    }
}

/// A fault that a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub close_reason: String,
    /// Seconds from the message to the fault; 0 when it does not say.
    pub delay_s: u32,
    /// Seconds from the fault to its end; 0 when it does not say.
    pub duration_s: u32,
}

/// Why a message that asks for a fault gets none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    #[error("`{kind}` is no fault this hub knows")]
    Kind { kind: String },
    #[error("`{name}` is `{value}`, expected whole seconds, at most {FAULT_SECONDS_MAX}")]
    Seconds { name: &'static str, value: String },
}

impl Fault {
    /// The fault that a message with these properties asks for; `None` when it asks for none.
    ///
    /// Names in any case, since HTTP does not keep it.
    ///
    /// Errors: an unknown kind, or times that are no whole seconds or too many.
    pub fn from_properties(properties: &Properties) -> Option<Result<Self, FaultError>> {
        let find = |wanted: &str| {
            properties.iter().find_map(|property| match property {
                Property::Application(name, value) if name.eq_ignore_ascii_case(wanted) => {
                    Some(value.unwrap_or_default())
                }
                _ => None,
            })
        };
        let kind = find(KIND)?;
        Some(Self::read(kind, find(CLOSE_REASON).unwrap_or_default(), find(DELAY_S), find(DURATION_S)))
    }

    fn read(
        kind: &str,
        close_reason: &str,
        delay_s: Option<&str>,
        duration_s: Option<&str>,
    ) -> Result<Self, FaultError> {
        let Some(kind) = FaultKind::parse_word(kind) else { return Err(FaultError::Kind { kind: kind.to_owned() }) };
        let (delay_s, duration_s) = (seconds(DELAY_S, delay_s)?, seconds(DURATION_S, duration_s)?);
        Ok(Self { kind, close_reason: close_reason.to_owned(), delay_s, duration_s })
    }
}

fn seconds(name: &'static str, value: Option<&str>) -> Result<u32, FaultError> {
    let Some(value) = value.filter(|value| !matches!(*value, "" | "undefined")) else { return Ok(0) };
    match value.parse() {
        Ok(seconds) if seconds <= FAULT_SECONDS_MAX => Ok(seconds),
        _ => Err(FaultError::Seconds { name, value: value.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(pairs: &[(&str, Option<&str>)]) -> Option<Result<Fault, FaultError>> {
        let mut properties = Properties::new();
        for (name, value) in pairs {
            properties.push_application(name, *value);
        }
        Fault::from_properties(&properties)
    }

    #[test]
    fn messages_of_the_suites() {
        for (kind, close_reason, delay, duration, expected) in [
            ("KillTcp", "boom", Some("2"), Some("5"), (FaultKind::KillTcp, 2, 5)),
            ("KillTcp", " severs the TCP connection ", Some("5"), None, (FaultKind::KillTcp, 5, 0)),
            ("KillTcp", "Boom", Some("1"), Some("100000"), (FaultKind::KillTcp, 1, 100_000)),
            ("KillAmqpc2dLink", "c2d link fault", Some("1"), Some("20"), (FaultKind::KillAmqpDeviceboundLink, 1, 20)),
            ("ShutDownMqtt", "byebye", None, None, (FaultKind::ShutDownMqtt, 0, 0)),
            ("KillTcp", " severs ", Some("2"), Some("undefined"), (FaultKind::KillTcp, 2, 0)),
            ("KillTcp", " severs ", Some("2"), Some(""), (FaultKind::KillTcp, 2, 0)),
            ("InvokeMaxMessageQuota", "20", Some("1"), Some("20"), (FaultKind::InvokeMaxMessageQuota, 1, 20)),
        ] {
            let mut pairs = vec![(KIND, Some(kind)), (CLOSE_REASON, Some(close_reason))];
            pairs.extend(delay.map(|seconds| (DELAY_S, Some(seconds))));
            pairs.extend(duration.map(|seconds| (DURATION_S, Some(seconds))));
            let (kind, delay_s, duration_s) = expected;
            let expected = Fault { kind, close_reason: close_reason.to_owned(), delay_s, duration_s };
            assert_eq!(ask(&pairs), Some(Ok(expected)));
        }
        let http = ask(&[("aziothub_faultoperationtype", Some("InvokeAuthError"))]);
        assert_eq!(http.unwrap().unwrap().kind, FaultKind::InvokeAuthError);
    }

    #[test]
    fn others_are_telemetry_or_refused() {
        assert_eq!(ask(&[]), None);
        assert_eq!(ask(&[(CLOSE_REASON, Some("boom")), (DELAY_S, Some("1"))]), None);
        for kind in [Some("KillHttp"), Some(""), None] {
            let expected = FaultError::Kind { kind: kind.unwrap_or_default().to_owned() };
            assert_eq!(ask(&[(KIND, kind)]), Some(Err(expected)));
        }
        for value in ["-1", "1.5", "null", "100001", "99999999999"] {
            for name in [DELAY_S, DURATION_S] {
                let expected = FaultError::Seconds { name, value: value.to_owned() };
                assert_eq!(ask(&[(KIND, Some("KillTcp")), (name, Some(value))]), Some(Err(expected)));
            }
        }
        let error = ask(&[(KIND, Some("KillTcp")), (DELAY_S, Some("soon"))]).unwrap().unwrap_err().to_string();
        assert_eq!(error, "`AzIoTHub_FaultOperationDelayInSecs` is `soon`, expected whole seconds, at most 100000");
    }

    #[test]
    fn kinds_concern_their_protocols() {
        for (kind, word) in FaultKind::WORDS {
            let expected = match word {
                _ if word.contains("Amqp") => FaultProtocols::Amqp,
                _ if word.contains("Mqtt") => FaultProtocols::Mqtt,
                _ if word.starts_with("Kill") => FaultProtocols::Connections,
                _ => FaultProtocols::All,
            };
            assert_eq!(kind.protocols(), expected, "{word}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(kind in "(Kill(Tcp)?)?.{0,8}", delay in "[0-9.a-]{0,12}") {
            let _ = ask(&[(KIND, Some(&kind)), (DELAY_S, Some(&delay))]);
        }
    }
}
