//! The one shape every message has, parsed once; its bodies stay raw.
//!
//! An untagged enum would buffer a body to look at it twice. Here a body is found, not read: the
//! one who waits for it decodes it from the message's own bytes.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Error;

/// A message from the browser.
#[derive(Deserialize)]
pub(crate) struct Envelope<'a> {
    pub(crate) id: Option<i64>,
    #[serde(borrow, default)]
    pub(crate) method: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "sessionId")]
    pub(crate) session_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) result: Option<&'a RawValue>,
    /// Raw too: an error of an odd shape is still somebody's answer.
    #[serde(borrow, default)]
    pub(crate) error: Option<&'a RawValue>,
}

/// An error the browser answered with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[serde(default)]
#[error("{message} ({code})")]
#[derive(Default)]
pub struct ProtocolError {
    /// The protocol's number for it; 0 if the answer had none.
    pub code: i64,
    /// The browser's words.
    pub message: String,
    /// What the browser added to them.
    pub data: Option<serde_json::Value>,
}

impl ProtocolError {
    /// Reads an error body of any shape.
    pub(crate) fn read(body: &RawValue) -> Self {
        serde_json::from_str(body.get()).unwrap_or_else(|_| Self {
            message: body.get().chars().take(1000).collect(),
            ..Self::default()
        })
    }
}

impl<'a> Envelope<'a> {
    /// Reads a message; `None` if it isn't one.
    pub(crate) fn read(message: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(message).ok()
    }
}

/// Returns the part of `message` that `body` is, without a copy.
pub(crate) fn slice(message: &Bytes, body: Option<&RawValue>) -> Bytes {
    match body {
        Some(body) => message.slice_ref(body.get().as_bytes()),
        None => Bytes::from_static(b"{}"),
    }
}

/// Returns a command's bytes.
pub(crate) fn encode<P: Serialize + ?Sized>(
    id: u32,
    session: Option<&str>,
    method: &str,
    params: &P,
) -> Result<Bytes, Error> {
    #[derive(Serialize)]
    struct Sent<'a, P: Serialize + ?Sized> {
        id: u32,
        method: &'a str,
        #[serde(rename = "sessionId", skip_serializing_if = "Option::is_none")]
        session: Option<&'a str>,
        params: &'a P,
    }

    let sent = Sent {
        id,
        method,
        session,
        params,
    };
    let bytes = serde_json::to_vec(&sent).map_err(|source| Error::Encode {
        method: method.to_owned(),
        source,
    })?;
    bounded(method, bytes)
}

fn bounded(method: &str, bytes: Vec<u8>) -> Result<Bytes, Error> {
    if bytes.len() > crate::LARGEST_MESSAGE {
        return Err(Error::TooLarge {
            method: method.to_owned(),
            size: bytes.len(),
        });
    }
    Ok(Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let message = Bytes::from(bytes);
            if let Some(envelope) = Envelope::read(&message) {
                slice(&message, envelope.params);
            }
        }

        #[test]
        fn any_json_in_any_field_is_a_message_or_none(
            id in "-?[0-9]{1,25}|null|\"x\"|1.5",
            body in "null|\\[\\]|\\{\\}|\"\\PC{0,9}\"|[0-9]{1,30}|\\{\"code\":\"x\"\\}",
            field in "method|sessionId|params|result|error|other",
        ) {
            let message = Bytes::from(format!("{{\"id\":{id},\"{field}\":{body}}}"));
            if let Some(envelope) = Envelope::read(&message) {
                slice(&message, envelope.result);
                envelope.error.map(ProtocolError::read);
            }
        }
    }

    #[test]
    fn a_body_is_a_part_of_its_message() {
        let message = Bytes::from_static(br#"{"id":1,"result":{"data":"QUJD"}}"#);
        let envelope = Envelope::read(&message).unwrap();
        let body = slice(&message, envelope.result);
        assert_eq!(&body[..], br#"{"data":"QUJD"}"#);
        assert_eq!(body.as_ptr(), message[17..].as_ptr());
    }

    #[test]
    fn an_odd_error_is_still_an_error() {
        let message = Bytes::from_static(br#"{"id":1,"error":"no"}"#);
        let envelope = Envelope::read(&message).unwrap();
        assert_eq!(
            ProtocolError::read(envelope.error.unwrap()).message,
            "\"no\""
        );
    }

    #[test]
    fn a_command_over_the_limit_is_refused() {
        assert!(bounded("A.b", vec![0; crate::LARGEST_MESSAGE]).is_ok());
        let refused = bounded("A.b", vec![0; crate::LARGEST_MESSAGE + 1]);
        assert!(matches!(refused, Err(Error::TooLarge { .. })));
    }

    #[test]
    fn a_command_has_its_session_only_if_there_is_one() {
        let params = serde_json::json!({"a": 1});
        let root = encode(7, None, "A.b", &params).unwrap();
        assert_eq!(&root[..], br#"{"id":7,"method":"A.b","params":{"a":1}}"#);
        let flat = encode(7, Some("S"), "A.b", &params).unwrap();
        assert_eq!(
            &flat[..],
            br#"{"id":7,"method":"A.b","sessionId":"S","params":{"a":1}}"#
        );
    }
}
