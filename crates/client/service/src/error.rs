//! Why a call did not succeed, and what to try.

use crate::refusal::Refusal;
use crate::trust::Trust;
use std::path::PathBuf;

/// What went wrong. Its text says what happened and why; [`ServiceError::hint`] what to try. Never carries a key or token.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Nobody answers: no server, wrong port, unknown name.
    #[error("no Roadstead server answers at {origin}: {cause}")]
    Unreachable {
        /// `https://localhost:8443`
        origin: String,
        /// Why, in a few words.
        cause: String,
    },
    /// Somebody answers whose certificate does not lead to the CA that is trusted, or is not for this name.
    #[error("the certificate of {origin} is not accepted: {cause}")]
    Untrusted {
        /// `https://localhost:8443`
        origin: String,
        /// Why, in a few words.
        cause: String,
        /// Whom we trust.
        trust: Trust,
    },
    /// The connection broke, or the answer took too long.
    #[error("{origin} did not finish its answer: {cause}")]
    Broken {
        /// `https://localhost:8443`
        origin: String,
        /// Why, in a few words.
        cause: String,
    },
    /// The answer is not of the form that this API has.
    #[error("{origin} answered in a way that Roadstead does not: {cause}")]
    Odd {
        /// `https://localhost:8443`
        origin: String,
        /// What is odd.
        cause: String,
    },
    /// The caller's roles let no subscription be seen, so nothing in it.
    #[error("{origin} shows no subscription: none of your roles is there")]
    Unseen {
        /// `https://localhost:8443`
        origin: String,
    },
    /// The token endpoint refused the credentials.
    #[error("the sign-in at {origin} was refused: {refusal}")]
    SignIn {
        /// `https://localhost:8443`
        origin: String,
        /// What the endpoint said.
        refusal: Refusal,
    },
    /// A property or other text that HTTP cannot carry.
    #[error("`{}` cannot be sent over HTTPS: only printable ASCII can", text.escape_debug())]
    Unsendable {
        /// The text.
        text: String,
    },
    /// The server understood and refused.
    #[error("{0}")]
    Refused(Refusal),
    /// The CA file cannot be used.
    #[error("cannot use the CA file {}: {cause}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why, in a few words.
        cause: String,
    },
    /// It cannot be told whom to trust.
    #[error("cannot tell whose certificates to trust: {cause}")]
    NoTrust {
        /// Why, in a few words.
        cause: String,
    },
}

impl ServiceError {
    /// HTTP status of a refusal; `None` when it never came to one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) | Self::SignIn { refusal, .. } => Some(refusal.status),
            _ => None,
        }
    }

    /// Azure's code of a refusal: `DeviceNotFound`, `404103`.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) | Self::SignIn { refusal, .. } => refusal.code.as_deref(),
            _ => None,
        }
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == 404)
    }

    /// What to try.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreachable { .. } => {
                "start a server with `roadstead dev`, or name another one with `--data-dir` or `ROADSTEAD_ENDPOINT`".to_owned()
            }
            Self::Untrusted { trust: Trust::File(ca_file), .. } => {
                format!("only the CA in {} is trusted; `roadstead doctor` compares it with the server", ca_file.display())
            }
            Self::Untrusted { trust, .. } => {
                format!("trusted are {trust}; for a Roadstead server, name its CA with `--data-dir` or `ROADSTEAD_CA_FILE`")
            }
            Self::NoTrust { .. } => "install the package of your system that brings CA certificates".to_owned(),
            Self::Broken { .. } => "see the server's log, then repeat the command".to_owned(),
            Self::Odd { .. } => "see whether the host and port are those of a Roadstead server".to_owned(),
            Self::Unseen { .. } => "an owner gives roles: `roadstead role assignment create --role Reader --assignee NAME`".to_owned(),
            Self::SignIn { .. } => {
                "the client id and secret must be the server's: `roadstead dev` and `roadstead init` write them to `context.toml`"
                    .to_owned()
            }
            Self::CaFile { .. } => {
                "the file must hold certificates in PEM; `roadstead dev` makes one and names it in `context.toml`".to_owned()
            }
            Self::Unsendable { .. } => "encode it, or put it into the message's body".to_owned(),
            Self::Refused(refusal) => return refused_hint(refusal),
        })
    }
}

fn refused_hint(refusal: &Refusal) -> Option<String> {
    Some(match refusal.status {
        401 => "the policy or key may have been changed since, or lacks the right for this call".to_owned(),
        409 => "it is there already: update it, or delete it first".to_owned(),
        412 => "it was changed in the meantime: show it again and repeat with its new etag".to_owned(),
        429 | 503 => "the server asks for patience: repeat the command later".to_owned(),
        500.. => match &refusal.tracking_id {
            Some(id) => format!("the server's log has more under {id}"),
            None => "the server's log has more".to_owned(),
        },
        _ => return None,
    })
}
