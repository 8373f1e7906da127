//! CONNECT: who calls, and what to publish when the line goes dead. Source: 3.1

use std::fmt;

use crate::delivery::QoS;
use crate::error::DecodeError;
use crate::reader::Reader;

/// A client's first packet, protocol name `MQTT`, level 4: any other is [`DecodeError::UnsupportedProtocol`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Connect<'a> {
    /// Forget the session before and after this connection.
    pub clean_session: bool,
    /// Seconds between two packets of the client at most; 0 for no bound.
    pub keep_alive_s: u16,
    /// May be empty, but then not without `clean_session`: the server refuses that with CONNACK 2.
    pub client_id: &'a str,
    /// What the server publishes unless DISCONNECT came.
    pub will: Option<Will<'a>>,
    /// May be empty.
    pub user_name: Option<&'a str>,
    /// May be empty; never there without a user name. `Debug` shows its length only.
    pub password: Option<&'a [u8]>,
}

/// A message left with the server at CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Will<'a> {
    /// Valid by [`crate::topic::check_name`].
    pub topic: &'a str,
    /// 0 to 65535 bytes.
    pub payload: &'a [u8],
    /// To publish with.
    pub qos: QoS,
    /// To publish with.
    pub retain: bool,
}

pub(crate) const PROTOCOL_NAME: &[u8] = b"MQTT";
pub(crate) const PROTOCOL_LEVEL: u8 = 4;
/// Of MQTT 3.1, before OASIS.
const PROTOCOL_NAME_OLD: &[u8] = b"MQIsdp";

const RESERVED: u8 = 0b0000_0001;
pub(crate) const CLEAN_SESSION: u8 = 0b0000_0010;
pub(crate) const WILL: u8 = 0b0000_0100;
pub(crate) const WILL_QOS_SHIFT: u8 = 3;
pub(crate) const WILL_RETAIN: u8 = 0b0010_0000;
pub(crate) const PASSWORD: u8 = 0b0100_0000;
pub(crate) const USER_NAME: u8 = 0b1000_0000;

impl<'a> Connect<'a> {
    pub(crate) fn read(body: &mut Reader<'a>) -> Result<Self, DecodeError> {
        read_protocol(body)?;
        let flags = body.u8()?;
        let will_bits = 0b11 << WILL_QOS_SHIFT | WILL_RETAIN;
        if flags & RESERVED != 0 || (flags & WILL == 0 && flags & will_bits != 0) {
            return Err(DecodeError::ConnectFlags { flags });
        }
        if flags & PASSWORD != 0 && flags & USER_NAME == 0 {
            return Err(DecodeError::PasswordWithoutUserName);
        }
        let keep_alive_s = body.u16()?;
        let client_id = body.string()?;
        let will = if flags & WILL != 0 { Some(Will::read(flags, body)?) } else { None };
        let user_name = if flags & USER_NAME != 0 { Some(body.string()?) } else { None };
        let password = if flags & PASSWORD != 0 { Some(body.field()?) } else { None };
        Ok(Self { clean_session: flags & CLEAN_SESSION != 0, keep_alive_s, client_id, will, user_name, password })
    }
}

impl<'a> Will<'a> {
    fn read(flags: u8, body: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let value = (flags >> WILL_QOS_SHIFT) & 0b11;
        let qos = QoS::from_u8(value).ok_or(DecodeError::ReservedQos { value })?;
        Ok(Self { topic: body.topic_name()?, payload: body.field()?, qos, retain: flags & WILL_RETAIN != 0 })
    }
}

fn read_protocol(body: &mut Reader<'_>) -> Result<(), DecodeError> {
    let name = body.field()?;
    if name != PROTOCOL_NAME && name != PROTOCOL_NAME_OLD {
        return Err(DecodeError::UnknownProtocol { len: name.len() });
    }
    let level = body.u8()?;
    if name == PROTOCOL_NAME && level == PROTOCOL_LEVEL {
        return Ok(());
    }
    Err(DecodeError::UnsupportedProtocol { level })
}

impl fmt::Debug for Connect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("clean_session", &self.clean_session)
            .field("keep_alive_s", &self.keep_alive_s)
            .field("client_id", &self.client_id)
            .field("will", &self.will)
            .field("user_name", &self.user_name)
            .field("password_len", &self.password.map(<[u8]>::len))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_password() {
        let connect = Connect {
            clean_session: true,
            keep_alive_s: 60,
            client_id: "d",
            will: None,
            user_name: Some("u"),
            password: Some(b"ab"),
        };
        let text = format!("{connect:?}");
        assert!(text.contains("password_len: Some(2)"), "{text}");
        assert!(!text.contains("97") && !text.contains("ab"), "{text}");
    }
}
