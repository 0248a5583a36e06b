//! Which messages of the browser may be dropped: told from their first bytes, unparsed.
//!
//! Chromium writes events as `{"method":"Domain.name"…` and replies as `{"id":…`, an error
//! without an id as `{"error":…` (CHROMIUM.md §1).

/// What a message is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// Never dropped: the browser says it once, and somebody or something waits for it.
    Precious,
    /// The oldest go when memory runs short.
    Droppable,
}

const EVENT: &[u8] = br#"{"method":""#;

/// Events that are never announced again. A request paused by `Fetch` hangs until it is
/// answered, a dialog blocks its page, a target is announced once.
const NEVER_DROPPED: [&[u8]; 4] = [
    b"Fetch.",
    b"Target.",
    b"Page.javascriptDialog",
    b"Inspector.",
];

/// Returns the class of a message.
pub(super) fn of(message: &[u8]) -> Class {
    match message.strip_prefix(EVENT) {
        Some(event) if !NEVER_DROPPED.iter().any(|prefix| event.starts_with(prefix)) => {
            Class::Droppable
        }
        // A reply, or something this program has never seen: better kept.
        _ => Class::Precious,
    }
}

/// Tells whether a message is a reply to a command.
pub(super) fn is_reply(message: &[u8]) -> bool {
    message.starts_with(br#"{"id":"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_only_once_is_precious() {
        for message in [
            r#"{"id":1,"result":{}}"#,
            r#"{"error":{"code":-32600}}"#,
            r#"{"method":"Fetch.requestPaused","params":{}}"#,
            r#"{"method":"Target.attachedToTarget","params":{}}"#,
            r#"{"method":"Page.javascriptDialogOpening","params":{}}"#,
            r#"{"method":"Page.javascriptDialogClosed","params":{}}"#,
            r#"{"method":"Inspector.targetCrashed","params":{}}"#,
            "something else",
            "",
        ] {
            assert_eq!(of(message.as_bytes()), Class::Precious, "{message}");
        }
    }

    #[test]
    fn the_rest_may_be_dropped() {
        for message in [
            r#"{"method":"Runtime.consoleAPICalled","params":{}}"#,
            r#"{"method":"Page.frameNavigated","params":{}}"#,
            r#"{"method":"Network.dataReceived","params":{"Fetch.":1}}"#,
        ] {
            assert_eq!(of(message.as_bytes()), Class::Droppable, "{message}");
        }
    }
}
