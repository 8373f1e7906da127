//! Tokens and connection strings, from bytes: nothing panics, and what is written again reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roadstead_sas::{ConnectionString, SasKey, SasToken};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let key = SasKey::from_bytes(b"0123456789abcdef".to_vec());
    if let Ok(token) = SasToken::parse(text) {
        assert!(!token.signed_by(&key), "nobody guesses a signature");
        let _ = (token.resource(), token.key_name(), token.check_expiry(0));
    }
    if let Ok(string) = ConnectionString::parse(text) {
        let written = string.to_text();
        let again = ConnectionString::parse(&written).expect("what was written is valid");
        assert_eq!(*again.to_text(), *written);
    }
    let signed = roadstead_sas::sign(text, &key, 2_000_000_000, None);
    if let Ok(token) = SasToken::parse(&signed) {
        assert!(token.signed_by(&key));
    }
});
