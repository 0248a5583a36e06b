//! What a command that didn't work tells: a code, a full sentence and a hint.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 usage.

use api::ApiError;
use base::Code;

/// The exit code of a command that was refused or failed.
pub const FAILED: u8 = 1;
/// The exit code of a command line that makes no sense.
pub const USAGE: u8 = 2;

/// Why a command ends without its result.
#[derive(Debug)]
pub enum Failure {
    /// An error with a code.
    Coded(ApiError),
    /// The command line makes no sense; the text says why.
    Usage(String),
    /// The reader of our output has gone: nobody is left to tell anything.
    Hangup,
    /// Everything was told already; only the exit code is left.
    Told,
}

impl Failure {
    /// Returns a failure with a code and a sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::Coded(ApiError::new(code, message))
    }

    /// Returns the failure of something that the system refused.
    pub fn io(what: impl std::fmt::Display, err: &std::io::Error) -> Self {
        Self::new(code_of(err), format!("{what}: {err}."))
    }

    /// Replaces what can be done about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Coded(error) => Self::Coded(error.hint(hint)),
            other @ (Self::Usage(_) | Self::Hangup | Self::Told) => other,
        }
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Coded(_) | Self::Told => FAILED,
            Self::Usage(_) => USAGE,
            // As for a program that SIGPIPE ended: nobody takes that for a failure of its work.
            Self::Hangup => 0,
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Coded(error)
    }
}

/// Returns the code that an error of the system stands for.
pub fn code_of(err: &std::io::Error) -> Code {
    match err.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::DiskFull,
        std::io::ErrorKind::AddrInUse => Code::PortInUse,
        _ => Code::Internal,
    }
}

/// Makes a sentence of an error's message, which is written to stand inside one.
///
/// No full stop goes after an id: people copy ids with all that hangs on them.
pub fn sentence(message: &str) -> String {
    let message = message.trim();
    let mut chars = message.chars();
    let mut sentence: String = match chars.next() {
        // A name such as list_sessions is written as it is.
        Some(_)
            if message
                .split(' ')
                .next()
                .is_some_and(|word| word.contains('_')) =>
        {
            message.to_owned()
        }
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => return String::new(),
    };
    if !ends_in_id(message) && !message.ends_with(['.', '!', '?', ':']) {
        sentence.push('.');
    }
    sentence
}

fn ends_in_id(message: &str) -> bool {
    let last = message
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    last.parse::<base::SessionId>().is_ok()
        || last.parse::<base::CheckpointId>().is_ok()
        || last.parse::<base::CallId>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expect: &str) {
        assert_eq!(sentence(message), expect);
    }

    #[test]
    fn messages_become_sentences_and_ids_keep_clear_of_full_stops() {
        check("there is no such session", "There is no such session.");
        check("It is done.", "It is done.");
        check("", "");
        check("list_tabs failed", "list_tabs failed.");
        let id = base::SessionId::new().to_string();
        check(&format!("no session {id}"), &format!("No session {id}"));
    }
}
