//! The five bodies of SASL frames. Source: 5.3.3

use std::fmt;

use crate::descriptor as d;
use crate::error::{DecodeError, Fault};
use crate::frame::{self, FrameType};
use crate::types::{Fields, Reader, put, write_fields};

/// What a client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslRequest<'a> {
    /// The mechanism it chose.
    Init(SaslInit<'a>),
    /// Its answer to a challenge.
    Response(SaslResponse<'a>),
}

/// An answer to a challenge. `Debug` shows its length only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SaslResponse<'a>(pub &'a [u8]);

/// The mechanism a client chose. `Debug` hides the response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SaslInit<'a> {
    /// One of those offered, or not.
    pub mechanism: &'a str,
    /// Absent is not empty: RFC 4422.
    pub initial_response: Option<&'a [u8]>,
    /// Whom it wants to speak to.
    pub hostname: Option<&'a str>,
}

/// The end of the exchange; the number is the code on the wire. Source: 5.3.3.6
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SaslCode {
    /// Come in.
    Ok = 0,
    /// Wrong credentials.
    Auth = 1,
    /// Out of order.
    System = 2,
    /// Out of order, until somebody repairs it.
    SystemPermanent = 3,
    /// Out of order for now.
    SystemTemporary = 4,
}

impl<'a> SaslRequest<'a> {
    /// Reads the body of a SASL frame that a client sent.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        const EXPECTED: &str = "sasl-init or sasl-response";
        let mut reader = Reader::new(body);
        let start = reader;
        let request = match d::read(&mut reader, EXPECTED)? {
            d::SASL_INIT => {
                let mut fields = Fields::open(&mut reader, "sasl-init", 3)?;
                let mechanism = fields.text()?;
                let mechanism = fields.require(mechanism)?;
                let init = SaslInit { mechanism, initial_response: fields.binary()?, hostname: fields.text()? };
                fields.finish()?;
                Self::Init(init)
            }
            d::SASL_RESPONSE => {
                let mut fields = Fields::open(&mut reader, "sasl-response", 1)?;
                let response = fields.binary()?;
                let response = fields.require(response)?;
                fields.finish()?;
                Self::Response(SaslResponse(response))
            }
            code => return Err(start.fail(Fault::Descriptor { code, expected: EXPECTED })),
        };
        reader.finish()?;
        Ok(request)
    }

    /// Appends the whole frame, as a client does.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame::write(out, FrameType::Sasl, 0, |out| match *self {
            Self::Init(SaslInit { mechanism, initial_response, hostname }) => {
                write_fields(out, d::SASL_INIT, |fields| {
                    fields.symbol(mechanism).binary(initial_response).string(hostname);
                });
            }
            Self::Response(SaslResponse(response)) => write_fields(out, d::SASL_RESPONSE, |fields| {
                fields.binary(response);
            }),
        });
    }
}

/// Appends the frame that offers these mechanisms, the one liked best first.
pub fn write_mechanisms(out: &mut Vec<u8>, mechanisms: &[&str]) {
    frame::write(out, FrameType::Sasl, 0, |out| {
        write_fields(out, d::SASL_MECHANISMS, |fields| {
            fields.put(Some(mechanisms.iter().copied()), put::symbols);
        });
    });
}

/// Appends the frame of a challenge.
pub fn write_challenge(out: &mut Vec<u8>, challenge: &[u8]) {
    frame::write(out, FrameType::Sasl, 0, |out| {
        write_fields(out, d::SASL_CHALLENGE, |fields| {
            fields.binary(challenge);
        });
    });
}

/// Appends the frame that ends the exchange.
pub fn write_outcome(out: &mut Vec<u8>, code: SaslCode) {
    frame::write(out, FrameType::Sasl, 0, |out| {
        write_fields(out, d::SASL_OUTCOME, |fields| {
            fields.ubyte(code as u8).binary(None);
        });
    });
}

impl fmt::Debug for SaslResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslResponse").field("len", &self.0.len()).finish()
    }
}

impl fmt::Debug for SaslInit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslInit")
            .field("mechanism", &self.mechanism)
            .field("initial_response_len", &self.initial_response.map(<[u8]>::len))
            .field("hostname", &self.hostname)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_what_is_secret() {
        let init = SaslInit { mechanism: "PLAIN", initial_response: Some(b"\0u\0sesame"), hostname: None };
        let text = format!("{:?} {:?}", SaslRequest::Init(init), SaslRequest::Response(SaslResponse(b"sesame")));
        assert!(text.contains("initial_response_len: Some(9)") && text.contains("len: 6"), "{text}");
        assert!(!text.contains("115") && !text.contains("sesame"), "{text}");
    }

    #[test]
    fn what_a_server_says() {
        let mut out = Vec::new();
        write_mechanisms(&mut out, &["ANONYMOUS", "PLAIN"]);
        assert_eq!(out, b"\0\0\0\x22\x02\x01\0\0\0\x53\x40\xc0\x15\x01\xe0\x12\x02\xa3\x09ANONYMOUS\x05PLAIN");
        out.clear();
        write_challenge(&mut out, b"\0");
        assert_eq!(out, b"\0\0\0\x11\x02\x01\0\0\0\x53\x42\xc0\x04\x01\xa0\x01\0");
        out.clear();
        write_outcome(&mut out, SaslCode::Auth);
        assert_eq!(out, b"\0\0\0\x11\x02\x01\0\0\0\x53\x44\xc0\x04\x02\x50\x01\x40");
    }
}
