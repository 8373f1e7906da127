//! Direct methods over AMQP. Source: `reference/hub-device.md` 3.6

/// Application property of a call, a `string`; clients compare it exactly.
pub const NAME: &str = "IoThub-methodname";
/// Application property of an answer, an `int`.
pub const STATUS: &str = "IoThub-status";

/// What the bytes of a correlation id are beside the number of the call: with them it is a UUID of version 4.
const FRAME: [u8; 12] = *b"\0\0\x40\0\x80\0road\0\0";

/// The correlation id of a call: a `uuid`, or C refuses the call.
pub fn correlation(call: u32) -> [u8; 16] {
    let mut id = [0; 16];
    let (number, frame) = id.split_at_mut(4);
    number.copy_from_slice(&call.to_be_bytes());
    frame.copy_from_slice(&FRAME);
    id
}

/// The number of the call that an answer is for; `None` for an id that is not ours.
pub fn call(correlation: [u8; 16]) -> Option<u32> {
    let (number, frame) = correlation.split_at(4);
    (frame == FRAME).then_some(u32::from_be_bytes(number.try_into().ok()?))
}

/// The same for clients that answer with the id's text, in any case.
pub fn call_of_text(correlation: &str) -> Option<u32> {
    let mut id = [0; 16];
    let mut digits = 0;
    for c in correlation.chars().filter(|c| *c != '-') {
        let digit = c.to_digit(16)? as u8;
        let byte = id.get_mut(digits / 2)?;
        *byte = *byte << 4 | digit;
        digits += 1;
    }
    if digits == 32 { call(id) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back() {
        for number in [0, 1, 0xdead_beef, u32::MAX] {
            let id = correlation(number);
            assert_eq!((id[6], id[8]), (0x40, 0x80), "a UUID of version 4");
            assert_eq!(call(id), Some(number));
        }
        assert_eq!(call([0; 16]), None);
        assert_eq!(call_of_text("DEADBEEF-0000-4000-8000-726f61640000"), Some(0xdead_beef));
        for text in ["", "deadbeef", "zeadbeef-0000-4000-8000-726f61640000", "deadbeef-0000-4000-8000-726f616400000"] {
            assert_eq!(call_of_text(text), None, "{text}");
        }
    }
}
