//! What a caller presented.

use crate::refusal::AuthRefusal;

/// What a caller presented, not yet believed. Borrowed from the connection.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// `SharedAccessSignature sr=…&sig=…&se=…`. An empty text counts as absent.
    pub token: Option<&'a str>,
    /// DER, leaf first, as presented in the TLS handshake, which proved possession of the leaf's key and nothing else.
    pub chain: &'a [Vec<u8>],
}

/// The part of the evidence that decides.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// A shared access signature.
    Token(&'a str),
    /// A certificate chain, leaf first; never empty.
    Chain(&'a [Vec<u8>]),
}

impl<'a> Evidence<'a> {
    /// Whether there is a token, good or bad.
    pub fn has_token(&self) -> bool {
        self.token.is_some_and(|token| !token.is_empty())
    }

    /// The token when there is one, else the chain.
    ///
    /// Errors: [`AuthRefusal::NoCredentials`]. Source: `reference/hub-device.md` 4.2 (recommendation)
    pub fn credential(&self) -> Result<Credential<'a>, AuthRefusal> {
        match self.token {
            Some(token) if self.has_token() => Ok(Credential::Token(token)),
            _ if !self.chain.is_empty() => Ok(Credential::Chain(self.chain)),
            _ => Err(AuthRefusal::NoCredentials),
        }
    }
}

impl std::fmt::Debug for Evidence<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Evidence(token {}, {} certificates)", self.has_token(), self.chain.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_decides_when_there_is_one() {
        let chain = [vec![1]];
        for (token, chain, expected) in [
            (Some("t"), &chain[..], "token"),
            (Some("t"), &[], "token"),
            (Some(""), &chain, "chain"),
            (None, &chain, "chain"),
            (Some(""), &[], "none"),
            (None, &[], "none"),
        ] {
            let found = match (Evidence { token, chain }).credential() {
                Ok(Credential::Token(_)) => "token",
                Ok(Credential::Chain(_)) => "chain",
                Err(refusal) => {
                    assert_eq!(refusal, AuthRefusal::NoCredentials);
                    "none"
                }
            };
            assert_eq!(found, expected, "{token:?} {chain:?}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let evidence = Evidence { token: Some("SharedAccessSignature sr=a&sig=b&se=1"), chain: &[] };
        assert_eq!(format!("{evidence:?}"), "Evidence(token true, 0 certificates)");
    }
}
