//! The SASL mechanism TPM, with which a device proves its TPM to DPS.
//!
//! ```text
//! init       00 idScope 00 registrationId 00 endorsementKey
//! challenge  00                        give me the storage root key
//! response   00 storageRootKey
//! challenge  80 piece, 81 piece, …     of what the TPM must take in; each is answered 00
//! challenge  c0 | number, piece        the last
//! response   00 token
//! outcome
//! ```
//!
//! Source: Node SDK provisioning/transport/amqp/src/sasl_tpm.ts, C SDK provisioning_client/src/prov_sasl_tpm.c

use base64::{Engine, engine::general_purpose::STANDARD};

use super::dps::Registrant;
use crate::dps_body::TpmKeys;

/// Its name.
pub const MECHANISM: &str = "TPM";
/// Asks for the storage root key.
pub const ASK_STORAGE_ROOT_KEY: [u8; 1] = [0];
/// Bytes of a piece: what the C SDK has room for, its number included. Source: `reference/dps.md` 2.5
const PIECE_BYTES_MAX: usize = 470;

const PIECE: u8 = 0x80;
const LAST: u8 = 0x40;
/// Bits of a piece's number.
const NUMBER: usize = 0x03;

/// The initial response. `None` for any other form.
pub fn parse_init(response: &[u8]) -> Option<(Registrant, TpmKeys)> {
    // A key may hold any byte.
    let mut parts = response.splitn(4, |byte| *byte == 0);
    let nothing = parts.next()?;
    let [id_scope, registration_id] = [parts.next()?, parts.next()?];
    let key = parts.next().filter(|key| !key.is_empty() && nothing.is_empty())?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().filter(|text| !text.is_empty());
    let who = Registrant { id_scope: text(id_scope)?, registration_id: text(registration_id)? };
    Some((who, TpmKeys { endorsement_key: STANDARD.encode(key), storage_root_key: None }))
}

/// The storage root key in the response to [`ASK_STORAGE_ROOT_KEY`], base64.
pub fn parse_storage_root_key(response: &[u8]) -> Option<String> {
    response.strip_prefix(&[0]).map(|key| STANDARD.encode(key))
}

/// The token in the response to the last piece.
pub fn parse_token(response: &[u8]) -> Option<&str> {
    std::str::from_utf8(response.strip_prefix(&[0])?).ok()
}

/// What the TPM must take in, as the challenges that bring it, in order.
pub fn pieces(authentication_key: &[u8]) -> Vec<Vec<u8>> {
    let chunks = authentication_key.chunks(PIECE_BYTES_MAX - 1);
    let last = chunks.len().saturating_sub(1);
    let piece = |(at, bytes): (usize, &[u8])| {
        let control = PIECE | (at & NUMBER) as u8 | if at == last { LAST } else { 0 };
        [&[control], bytes].concat()
    };
    chunks.enumerate().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_device_names_itself_and_its_key() {
        let (who, keys) = parse_init(b"\x000ne00ABC123\0dev-01\0\x01\x3a\0\x01\0").unwrap();
        assert_eq!(who, Registrant::parse("0ne00ABC123/registrations/dev-01").unwrap());
        assert_eq!(keys, TpmKeys { endorsement_key: STANDARD.encode(b"\x01\x3a\0\x01\0"), storage_root_key: None });
        for response in
            [&b""[..], b"\0", b"\0a\0b", b"\0a\0b\0", b"a\0b\0c\0d", b"\0\0b\0c", b"\0a\0\0c", b"\0\xff\0b\0c"]
        {
            assert!(parse_init(response).is_none(), "{response:?}");
        }
    }

    #[test]
    fn responses() {
        assert_eq!(parse_storage_root_key(b"\0\x01\x02").as_deref(), Some("AQI="));
        assert_eq!(parse_storage_root_key(b"\0").as_deref(), Some(""));
        assert_eq!(parse_storage_root_key(b"\x01"), None);
        assert_eq!(parse_token(b"\0SharedAccessSignature sr=a"), Some("SharedAccessSignature sr=a"));
        assert_eq!((parse_token(b""), parse_token(b"a"), parse_token(b"\0\xff")), (None, None, None));
    }

    #[test]
    fn pieces_are_numbered_and_the_last_is_marked() {
        let controls = |len: usize| -> Vec<u8> { pieces(&vec![7; len]).iter().map(|piece| piece[0]).collect() };
        for (len, expected) in [
            (0, &[][..]),
            (1, &[0xc0]),
            (469, &[0xc0]),
            (470, &[0x80, 0xc1]),
            (939, &[0x80, 0x81, 0xc2]),
            (469 * 5, &[0x80, 0x81, 0x82, 0x83, 0xc0]),
        ] {
            assert_eq!(controls(len), expected, "{len}");
        }
    }

    proptest! {
        #[test]
        fn pieces_are_the_whole(key in prop::collection::vec(any::<u8>(), 1..2000)) {
            let pieces = pieces(&key);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES_MAX));
            let whole: Vec<u8> = pieces.iter().flat_map(|piece| &piece[1..]).copied().collect();
            prop_assert_eq!(whole, key);
        }

        #[test]
        fn never_panics(response in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = (parse_init(&response), parse_storage_root_key(&response), parse_token(&response));
        }
    }
}
