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

/// Whether a token is one of Microsoft Entra ID, whatever its type was said to be: node says `sastoken`.
pub fn is_bearer(token: &str) -> bool {
    token.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("Bearer "))
}

/// Whether a type says that the token is one of Microsoft Entra ID, without `Bearer ` before it: `jwt` of azure-eventhub.
pub fn is_bearer_type(token_type: &str) -> bool {
    ["jwt", "bearer"].iter().any(|word| token_type.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearers() {
        assert!(is_bearer("Bearer eyJ0") && is_bearer("bearer x"));
        assert!(!is_bearer("SharedAccessSignature sr=a") && !is_bearer("Bearer") && !is_bearer(""));
        assert!(is_bearer_type("jwt") && is_bearer_type("Bearer"));
        assert!(!is_bearer_type("servicebus.windows.net:sastoken"));
    }
}
