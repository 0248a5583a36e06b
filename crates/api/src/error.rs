//! The public error: a code, what happened, what to do about it, and whether to try again.

use std::fmt;

use base::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pages::default_hint;
use crate::{Retry, http_status, retry};

/// How long a caller told to come back waits when nobody knew better.
const RETRY_AFTER_MS: u64 = 1_000;

/// An error as every door tells it.
///
/// The five fields are what MCP sends in `structuredContent`; HTTP sends them in a
/// [`Problem`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApiError {
    /// The stable code.
    #[serde(serialize_with = "write_code", deserialize_with = "read_code")]
    #[schemars(with = "String")]
    pub code: Code,
    /// What happened, in a sentence.
    pub message: String,
    /// What can be done about it.
    pub hint: String,
    /// Whether, and after what, the call may be repeated.
    pub retry: Retry,
    /// With `retry: after`, when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ApiError {
    /// Returns an error with the hint and the retry answer of its code.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let retry = retry(code);
        Self {
            code,
            message: message.into(),
            hint: default_hint(code).to_owned(),
            retry,
            retry_after_ms: (retry == Retry::After).then_some(RETRY_AFTER_MS),
        }
    }

    /// Returns the refusal of an argument.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// Returns the answer to what a later version will bring.
    #[must_use]
    pub fn not_available(what: impl fmt::Display) -> Self {
        Self::new(
            Code::NotAvailable,
            format!("{what} is not available in this version"),
        )
    }

    /// Replaces the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Replaces the hint, if there is a better one.
    #[must_use]
    pub fn hint_or_default(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// Replaces the retry answer.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self.retry_after_ms = (retry == Retry::After).then_some(RETRY_AFTER_MS);
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, pause: std::time::Duration) -> Self {
        self.retry = Retry::After;
        self.retry_after_ms = Some(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Returns the HTTP status of the error.
    #[must_use]
    pub const fn status(&self) -> u16 {
        http_status(self.code)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}

/// An error as HTTP sends it (RFC 9457, `application/problem+json`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Where the code's page is, relative to the server.
    pub r#type: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened: the error's message.
    pub detail: String,
    /// The error's own fields.
    #[serde(flatten)]
    pub error: ApiError,
}

impl Problem {
    /// Returns the media type of a problem.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self {
            r#type: format!("/errors/{}", error.code),
            title: error.code.as_str().replace('_', " "),
            status: error.status(),
            detail: error.message.clone(),
            error,
        }
    }
}

fn write_code<S: Serializer>(code: &Code, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(code.as_str())
}

fn read_code<'de, D: Deserializer<'de>>(from: D) -> Result<Code, D::Error> {
    let text = String::deserialize(from)?;
    // A newer daemon may know codes that this client doesn't; the message still tells.
    Ok(text.parse().unwrap_or(Code::Internal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_is_five_fields_and_a_problem_the_same_with_detail() {
        let error =
            ApiError::new(Code::LimitReached, "10 sessions hold a browser").hint("Close one.");
        let expect = json!({
            "code": "limit_reached", "message": "10 sessions hold a browser", "hint": "Close one.",
            "retry": "after", "retry_after_ms": 1000,
        });
        assert_eq!(serde_json::to_value(&error).unwrap(), expect);
        let problem = serde_json::to_value(Problem::from(error.clone())).unwrap();
        assert_eq!(problem["detail"], "10 sessions hold a browser");
        assert_eq!(problem["status"], 429);
        assert_eq!(problem["type"], "/errors/limit_reached");
        assert_eq!(serde_json::from_value::<ApiError>(problem).unwrap(), error);
    }

    #[test]
    fn a_code_of_a_newer_daemon_is_an_internal_error_with_its_message() {
        let error: ApiError = serde_json::from_value(json!({
            "code": "from_the_future", "message": "m", "hint": "h", "retry": "never",
        }))
        .unwrap();
        assert_eq!((error.code, error.message.as_str()), (Code::Internal, "m"));
    }
}
