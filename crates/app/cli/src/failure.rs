//! Why a command did not do what it was asked: what happened, then what to try.

use roadstead_config::ContextError;
use roadstead_service::ServiceError;
use std::fmt;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did not work.
    Error = 1,
    /// It was typed wrongly.
    Usage = 2,
    /// What it is about is not there.
    NotFound = 3,
}

/// What the user is told. `Display` has no `error:` before it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// Something did not work.
    pub fn error(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Error }
    }

    /// Something was typed wrongly, as no parser of flags could see.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::error(message) }
    }

    /// Something is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { exit: Exit::NotFound, ..Self::error(message) }
    }

    /// Says what to try, in place of what was said before.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to try, if anybody said.
    pub fn hinted(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// How the process ends.
    pub fn exit(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }

    /// Prints to stderr, in colour where a person reads it.
    pub fn print(&self) {
        let mut stderr = std::io::stderr().lock();
        let text = self.text(wants_colour(&stderr));
        let _ = stderr.write_all(text.as_bytes()); // there is nowhere left to complain
    }

    /// As printed.
    pub fn text(&self, colour: bool) -> String {
        let paint =
            |word: &str, code: &str| if colour { format!("\x1b[1;{code}m{word}\x1b[0m") } else { word.to_owned() };
        let hint = self.hint.as_ref().map(|hint| format!("\n{}: {hint}\n", paint("hint", "36")));
        format!("{}: {}\n{}", paint("error", "31"), self.message, hint.unwrap_or_default())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let exit = if error.is_not_found() { Exit::NotFound } else { Exit::Error };
        Self { message: error.to_string(), hint: error.hint(), exit }
    }
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        Self::error(error.to_string())
    }
}

/// Whether escape codes belong into `stream`. Source: <https://no-color.org>
pub fn wants_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_service::Refusal;

    #[test]
    fn first_what_happened_then_what_to_try() {
        let failure = Failure::not_found("hub `plant` not found").hint("hubs here: dev");
        assert_eq!(failure.text(false), "error: hub `plant` not found\n\nhint: hubs here: dev\n");
        assert_eq!(
            failure.text(true),
            "\u{1b}[1;31merror\u{1b}[0m: hub `plant` not found\n\n\u{1b}[1;36mhint\u{1b}[0m: hubs here: dev\n"
        );
        assert_eq!(Failure::error("no").text(false), "error: no\n");
    }

    #[test]
    fn a_refusal_with_404_is_an_absence() {
        for (status, exit) in [(404, Exit::NotFound), (400, Exit::Error), (412, Exit::Error)] {
            let refusal = Refusal { status, code: None, message: "no".to_owned(), tracking_id: None };
            assert_eq!(Failure::from(ServiceError::Refused(refusal)).exit, exit);
        }
    }
}
