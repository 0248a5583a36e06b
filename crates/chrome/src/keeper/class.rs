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

/// What a message says of a page's dialog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialog<'a> {
    /// It opened in this flat session.
    Opened(&'a [u8]),
    /// It closed, or went with its page.
    Ended(&'a [u8]),
}

/// Tells what a message says of a dialog.
pub(super) fn dialog(message: &[u8]) -> Option<Dialog<'_>> {
    let event = message.strip_prefix(EVENT)?;
    if event.starts_with(b"Page.javascriptDialogOpening\"") {
        return session(event).map(Dialog::Opened);
    }
    // The session that was detached comes first; a frame's is told in that of its page.
    if event.starts_with(b"Target.detachedFromTarget\"") {
        let at = event
            .windows(SESSION.len())
            .position(|part| part == SESSION)?;
        return text_at(event, at).map(Dialog::Ended);
    }
    let ends: [&[u8]; 2] = [
        b"Page.javascriptDialogClosed\"",
        b"Inspector.targetCrashed\"",
    ];
    let ended = ends.iter().any(|end| event.starts_with(end));
    ended.then(|| session(event)).flatten().map(Dialog::Ended)
}

const SESSION: &[u8] = br#""sessionId":""#;

/// Returns the flat session a message is of, which it names last. What looks like it in a text of
/// the page's has its quotes escaped.
fn session(message: &[u8]) -> Option<&[u8]> {
    let at = message
        .windows(SESSION.len())
        .rposition(|part| part == SESSION)?;
    text_at(message, at)
}

fn text_at(message: &[u8], at: usize) -> Option<&[u8]> {
    let rest = &message[at + SESSION.len()..];
    let end = rest.iter().position(|byte| *byte == b'"')?;
    Some(&rest[..end])
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
    fn a_dialog_is_known_by_its_session() {
        let opened = br#"{"method":"Page.javascriptDialogOpening","params":{"message":"\"sessionId\":\"B\""},"sessionId":"A"}"#;
        assert_eq!(dialog(opened), Some(Dialog::Opened(b"A")));
        for ended in [
            r#"{"method":"Page.javascriptDialogClosed","params":{"result":true},"sessionId":"A"}"#,
            r#"{"method":"Inspector.targetCrashed","params":{},"sessionId":"A"}"#,
            r#"{"method":"Target.detachedFromTarget","params":{"sessionId":"A","targetId":"T"}}"#,
            r#"{"method":"Target.detachedFromTarget","params":{"sessionId":"A"},"sessionId":"P"}"#,
        ] {
            assert_eq!(dialog(ended.as_bytes()), Some(Dialog::Ended(b"A")));
        }
        for other in [
            r#"{"method":"Page.javascriptDialogOpening","params":{}}"#,
            r#"{"method":"Page.frameNavigated","params":{},"sessionId":"A"}"#,
            r#"{"id":1,"result":{},"sessionId":"A"}"#,
        ] {
            assert_eq!(dialog(other.as_bytes()), None, "{other}");
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
