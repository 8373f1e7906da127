//! Claims-based security: tokens put to the node `$cbs`. Source: `reference/hub-service.md` 2.2

/// Application property of a request.
pub const OPERATION: &str = "operation";
/// Application property: `servicebus.windows.net:sastoken`, `jwt` and others. What the token is, its beginning says better.
pub const TYPE: &str = "type";
/// Application property: what the token is for, as its bringer sees it. The token's own `sr` counts.
pub const NAME: &str = "name";
/// The operation.
pub const PUT_TOKEN: &str = "put-token";
/// Application property of an answer: an `int`, and exactly 200, or node refuses it.
pub const STATUS_CODE: &str = "status-code";
/// Application property of an answer: a `string`.
pub const STATUS_DESCRIPTION: &str = "status-description";

/// The bearer token that was put, without `Bearer ` before it; `None` when it is another kind of token.
///
/// azure-eventhub says type `jwt` and puts the bare token; azure-iot-hub for Python and `az` say `bearer` and write `Bearer `
/// before it; node says `servicebus.windows.net:sastoken`, so that only the token's beginning tells.
pub fn bearer<'t>(token: &'t str, token_type: &str) -> Option<&'t str> {
    match token.split_at_checked(7) {
        Some((head, rest)) if head.eq_ignore_ascii_case("Bearer ") => Some(rest.trim()),
        _ => ["jwt", "bearer"].iter().any(|word| token_type.eq_ignore_ascii_case(word)).then_some(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearers() {
        let sas = "servicebus.windows.net:sastoken";
        for (token, token_type, found) in [
            ("eyJ0", "jwt", Some("eyJ0")),
            ("Bearer eyJ0", "bearer", Some("eyJ0")),
            ("Bearer  eyJ0 ", "Bearer", Some("eyJ0")),
            ("bearer eyJ0", sas, Some("eyJ0")),
            ("bearer eyJ0", "", Some("eyJ0")),
            ("", "JWT", Some("")),
            ("SharedAccessSignature sr=a", sas, None),
            ("Bearer", sas, None),
            ("Beärer eyJ0", sas, None),
            ("", "", None),
        ] {
            assert_eq!(bearer(token, token_type), found, "{token} as {token_type}");
        }
    }
}
