//! What a command that didn't work tells: a code, a full sentence and a hint.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 usage.

use base::Code;

/// The exit code of a command that was refused or failed.
pub const FAILED: u8 = 1;
/// The exit code of a command line that makes no sense.
pub const USAGE: u8 = 2;

/// Why a command ends without its result.
#[derive(Debug)]
pub enum Failure {
    /// An error with a code.
    Coded(Coded),
    /// The command line makes no sense; the text says why.
    Usage(String),
    /// The reader of our output has gone: nobody is left to tell anything.
    Hangup,
    /// Everything was told already; only the exit code is left.
    Told,
}

/// An error with a code, as it is told to people and scripts.
#[derive(Clone, Debug)]
pub struct Coded {
    /// The stable word.
    pub code: Code,
    /// What happened, as one or more full sentences.
    pub message: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

impl Coded {
    /// Returns the error as programs read it.
    pub fn to_wire(&self) -> serde_json::Value {
        serde_json::json!({ "code": self.code.as_str(), "message": self.message, "hint": self.hint })
    }
}

impl Failure {
    /// Returns a failure with a code and a sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::Coded(Coded {
            code,
            message: message.into(),
            hint: None,
        })
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Coded(coded) => Self::Coded(Coded {
                hint: Some(hint.into()),
                ..coded
            }),
            other @ (Self::Usage(_) | Self::Hangup | Self::Told) => other,
        }
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Coded(_) | Self::Told => FAILED,
            Self::Usage(_) => USAGE,
            // As a program that SIGPIPE ended, which nobody takes for a failure of its work.
            Self::Hangup => 0,
        }
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
