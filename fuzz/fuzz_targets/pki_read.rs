//! Certificates, from bytes: nothing panics, whatever is read is judged, and nothing without a registered CA has a path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roadstead_pki::{Certificate, Registered, Request, check_leaf, judge, parse_certificates};

fuzz_target!(|bytes: &[u8]| {
    let nobody = Registered::new([], [], []);
    if let Ok(certificate) = Certificate::from_der(bytes) {
        assert_eq!(certificate.der(), bytes);
        let _ = (certificate.common_name(), check_leaf(&certificate, 0), certificate.check_signed_by(&certificate));
    }
    assert!(judge(&[bytes], &nobody, 0).is_err());
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ =
            (Certificate::from_text(text).is_ok(), parse_certificates(text).is_ok(), Request::from_pem(text).is_ok());
    }
});
