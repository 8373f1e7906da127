//! CA certificates of a hub or DPS instance.

use roadstead_model::{CaCertificate, UnixMillis};
use serde::{Deserialize, Serialize};

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
        }
    }
}

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
}

impl CertificateRequest {
    /// Reads either form. Errors: not JSON, or neither form.
    pub fn parse(body: &[u8]) -> serde_json::Result<Self> {
        let flat = match object_body::parse::<Nested>(body) {
            Ok(nested) => nested.properties,
            Err(_) => object_body::parse::<Flat>(body)?,
        };
        Ok(Self { certificate: flat.certificate, is_verified: flat.is_verified.unwrap_or_default() })
    }

    /// The JSON a client sends to DPS; to a hub it goes within `properties`.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::json!({ "certificate": self.certificate, "isVerified": self.is_verified })
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
            etag: Etag::from_client("e"),
            created: UnixMillis(0),
            updated: UnixMillis(0),
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
            let expected = CertificateRequest { certificate: "x".into(), is_verified };
            assert_eq!(CertificateRequest::parse(body.to_string().as_bytes()).unwrap(), expected, "{body}");
            assert_eq!(CertificateRequest::parse(expected.to_value().to_string().as_bytes()).unwrap(), expected);
        }
        for body in ["", "{}", "[]", r#"{"certificate":1}"#, r#"{"properties":{}}"#] {
            assert!(CertificateRequest::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
