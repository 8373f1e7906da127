//! CA certificates of a hub or DPS instance.

use roadstead_model::{CaCertificate, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{certificate_text, object_body};

/// A certificate's properties.
///
/// Shape: `{"subject":"rootCA","expiry":"Sat, 21 Nov 2026 21:09:03 GMT","thumbprint":"AB…40 hex","isVerified":false,
/// "created":"…","updated":"…","certificate":"<base64 of PEM>","verificationCode":"…"}`. Times are RFC 1123: ISO 8601 crashes `az`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateProperties {
    pub subject: String,
    pub expiry: String,
    pub thumbprint: String,
    pub is_verified: bool,
    pub created: String,
    pub updated: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_code: Option<String>,
    /// Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roadstead: Option<OfCertificate>,
    /// Everything else, kept and given back: `policyResourceId`, …
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl CertificateProperties {
    /// What Resource Manager answers. `subject` is the common name, `thumbprint` the SHA-1 in hex capitals.
    pub fn of(certificate: &CaCertificate, subject: String, expiry: UnixMillis, thumbprint: String) -> Self {
        Self {
            subject,
            expiry: http_date(expiry),
            thumbprint,
            is_verified: certificate.verified,
            created: http_date(certificate.created),
            updated: http_date(certificate.updated),
            certificate: Some(certificate_text::to_base64_pem(&certificate.der)),
            verification_code: certificate.verification_code.clone(),
            roadstead: certificate.key.is_some().then_some(OfCertificate { holds_key: true }),
            other: certificate.properties.clone(),
        }
    }
}

/// What only Roadstead says of a certificate: `{"holdsKey":true}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfCertificate {
    /// The server made it and has its key: it can issue.
    pub holds_key: bool,
}

/// What of a certificate's properties only the server says, and clients send back. `warning` and `roadstead` are ours.
pub const READ_ONLY_OF_CERTIFICATE: [&str; 8] =
    ["subject", "expiry", "thumbprint", "created", "updated", "verificationCode", "warning", "roadstead"];
/// The same of what stands beside them, which is in the same object when a body is flat.
const BESIDE: [&str; 6] = ["id", "name", "type", "etag", "systemData", "properties"];

/// A time as RFC 1123 writes it: `Sat, 21 Nov 2026 21:09:03 GMT`. Also the form of HTTP's `Date`.
pub fn http_date(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flat {
    certificate: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is_verified: Option<bool>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
struct Nested {
    properties: Flat,
}

/// An upload or a proof of possession: `{"certificate":"<base64 of a PEM file>","isVerified":true}`, at a hub within `properties`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    /// [`certificate_text::parse_der`] reads it.
    pub certificate: String,
    pub is_verified: bool,
    /// Everything else, but for what only the server says.
    pub other: Map<String, Value>,
}

impl CertificateRequest {
    /// Reads either form. Errors: not JSON, or neither form.
    pub fn parse(body: &[u8]) -> serde_json::Result<Self> {
        let flat = match object_body::parse::<Nested>(body) {
            Ok(nested) => nested.properties,
            Err(_) => object_body::parse::<Flat>(body)?,
        };
        let Flat { certificate, is_verified, mut other } = flat;
        let is_ours = |name: &str| READ_ONLY_OF_CERTIFICATE.contains(&name) || BESIDE.contains(&name);
        other.retain(|name, value| !is_ours(name) && !value.is_null());
        Ok(Self { certificate, is_verified: is_verified.unwrap_or_default(), other })
    }

    /// The JSON a client sends to DPS; to a hub it goes within `properties`.
    pub fn to_value(&self) -> serde_json::Value {
        let mut body = self.other.clone();
        body.insert("certificate".to_owned(), self.certificate.clone().into());
        body.insert("isVerified".to_owned(), self.is_verified.into());
        body.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::{CertificateName, Etag};
    use serde_json::json;

    #[test]
    fn times_are_rfc_1123() {
        assert_eq!(http_date(UnixMillis(1_795_295_343_999)), "Sat, 21 Nov 2026 21:09:03 GMT");
        assert_eq!(http_date(UnixMillis(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(UnixMillis(i64::MAX)), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn shown_as_az_reads_it() {
        let certificate = CaCertificate {
            name: CertificateName::parse("rootCA").unwrap(),
            der: vec![0x30, 0],
            verified: false,
            verification_code: Some("code".into()),
            key: None,
            etag: Etag::from_client("e"),
            created: UnixMillis(0),
            updated: UnixMillis(0),
            properties: Map::new(),
        };
        let at = "Thu, 01 Jan 1970 00:00:00 GMT";
        let shown = CertificateProperties::of(&certificate, "root".into(), UnixMillis(0), "AB".into());
        let pem = certificate_text::to_base64_pem(&[0x30, 0]);
        let expected = json!({"subject": "root", "expiry": at, "thumbprint": "AB", "isVerified": false, "created": at, "updated": at,
            "certificate": pem, "verificationCode": "code"});
        assert_eq!(serde_json::to_value(shown).unwrap(), expected);
        assert_eq!(certificate_text::parse_der(&pem).unwrap(), [0x30, 0]);
    }

    #[test]
    fn both_forms_of_upload() {
        for (body, is_verified) in [
            (json!({"certificate": "x"}), false),
            (json!({"certificate": "x", "isVerified": true}), true),
            (json!({"certificate": "x", "isVerified": null}), false),
            (json!({"properties": {"certificate": "x", "isVerified": true}}), true),
        ] {
            let expected = CertificateRequest { certificate: "x".into(), is_verified, other: Map::new() };
            assert_eq!(CertificateRequest::parse(body.to_string().as_bytes()).unwrap(), expected, "{body}");
            assert_eq!(CertificateRequest::parse(expected.to_value().to_string().as_bytes()).unwrap(), expected);
        }
        let body =
            json!({"certificate": "x", "policyResourceId": "/p", "verificationCode": "v", "id": "/i", "absent": null});
        let kept = CertificateRequest::parse(body.to_string().as_bytes()).unwrap().other;
        assert_eq!(Value::from(kept), json!({"policyResourceId": "/p"}));
        for body in ["", "{}", "[]", r#"{"certificate":1}"#, r#"{"properties":{}}"#] {
            assert!(CertificateRequest::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
