//! The two tasks of a connection. The reader waits for nobody but the browser.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::connection::{Inner, Late};
use crate::envelope::{Envelope, slice};
use crate::in_flight::{Failure, Waiter};
use crate::{Ended, LinkLost, ProtocolError, RawEvent};

/// Fails whoever waits if a task ends without having done so: by shutdown or by a panic.
pub(crate) struct Guard(Arc<Inner>);

impl Guard {
    pub(crate) fn of(inner: &Arc<Inner>) -> Self {
        Self(Arc::clone(inner))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.lose(LinkLost::Unread);
    }
}

/// Reads until the link ends.
pub(crate) async fn run(
    guard: Guard,
    mut incoming: BoxStream<'static, io::Result<Bytes>>,
    write_failure: oneshot::Receiver<io::Error>,
) {
    let inner = &guard.0;
    let mut closed = pin!(inner.close.cancelled());
    let mut failed = pin!(async {
        match write_failure.await {
            Ok(failure) => failure,
            // The writer ended for a reason of which its guard tells.
            Err(_) => std::future::pending().await,
        }
    });
    loop {
        let next = tokio::select! {
            biased;
            () = &mut closed => return inner.lose(LinkLost::ClosedHere),
            failure = &mut failed => {
                // What the browser said before it went is still worth hearing.
                while let Some(Some(Ok(message))) = incoming.next().now_or_never() {
                    take(inner, &message);
                }
                return inner.lose(LinkLost::Failed(failure));
            }
            next = incoming.next() => next,
        };
        match next {
            Some(Ok(message)) => take(inner, &message),
            Some(Err(failure)) => return inner.lose(LinkLost::Failed(failure)),
            None => return inner.lose(LinkLost::Closed),
        }
    }
}

/// Takes one message to where it belongs. One that nobody can read is counted and left.
fn take(inner: &Inner, message: &Bytes) {
    let Some(envelope) = Envelope::read(message) else {
        inner.counters.garbage.add(1);
        tracing::warn!(size = message.len(), "a message that is none was left out");
        return;
    };
    match (envelope.id, &envelope.method) {
        (Some(id), _) => reply(inner, message, id, &envelope),
        (None, Some(method)) => event(inner, method, &envelope),
        (None, None) => {
            inner.counters.errors_without_id.add(1);
            let code = envelope.error.map(|error| ProtocolError::read(error).code);
            tracing::warn!(?code, "the browser refused a message without saying which");
        }
    }
}

fn reply(inner: &Inner, message: &Bytes, id: i64, envelope: &Envelope<'_>) {
    let Ok(id) = u32::try_from(id) else {
        inner.counters.garbage.add(1);
        return;
    };
    let refused = envelope.error.map(ProtocolError::read);
    match inner.in_flight.take(id) {
        Some(Waiter::Call { reply, .. }) => {
            let answer = match refused {
                Some(error) => Err(Failure::Refused(error)),
                None => Ok(slice(message, envelope.result)),
            };
            if reply.send(answer).is_err() {
                inner.counters.late_dropped.add(1);
            }
        }
        Some(Waiter::Posted { .. }) => {
            inner.counters.posted.add(1);
            if let Some(error) = refused {
                tracing::debug!(id, code = error.code, "a posted command was refused");
            }
        }
        None if inner.in_flight.is_ours(id) => inner.counters.late_dropped.add(1),
        None => {
            let result = match (refused, envelope.result) {
                (Some(error), _) => Err(error),
                (None, Some(result)) => Ok(result.to_owned()),
                (None, None) => Ok(RawValue::NULL.to_owned()),
            };
            let session_id = envelope
                .session_id
                .as_ref()
                .map(|id| id.clone().into_owned());
            inner.late(Late {
                id,
                session_id,
                result,
            });
        }
    }
}

fn event(inner: &Inner, method: &str, envelope: &Envelope<'_>) {
    let session = match &envelope.session_id {
        None => Arc::clone(&inner.root),
        Some(id) => match inner.find(id) {
            Some(session) => session,
            None => {
                ends(inner, method, envelope);
                return inner.stray(id, method);
            }
        },
    };
    session.deliver(&RawEvent::new(method, envelope.params, &inner.counters));
    match method {
        "Target.attachedToTarget" => {
            // Sessions announced by the browser itself end by their own events.
            if session.id.is_some()
                && let Some(child) = child(envelope)
            {
                session.adopt(&child);
            }
        }
        "Target.detachedFromTarget" => {
            if let Some(child) = ends(inner, method, envelope) {
                session.disown(&child);
            }
        }
        "Inspector.targetCrashed" if session.id.is_some() => inner.end(&session, Ended::Crashed),
        _ => {}
    }
}

/// Ends the session that the browser says it has detached.
fn ends(inner: &Inner, method: &str, envelope: &Envelope<'_>) -> Option<String> {
    if method != "Target.detachedFromTarget" {
        return None;
    }
    let child = child(envelope)?;
    inner.end_id(&child, Ended::Detached);
    Some(child)
}

fn child(envelope: &Envelope<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Child {
        #[serde(rename = "sessionId")]
        session_id: String,
    }
    let child: Child = serde_json::from_str(envelope.params?.get()).ok()?;
    Some(child.session_id)
}

/// Writes what its senders couldn't, until the link ends.
pub(crate) async fn write(guard: Guard, failed: oneshot::Sender<io::Error>) {
    let inner = &guard.0;
    tokio::select! {
        () = inner.close.cancelled() => inner.lose(LinkLost::ClosedHere),
        failure = inner.outbox.run() => {
            tracing::debug!(%failure, "writing to the browser failed");
            // The reader ends the link once it has heard what is left; this guard must not before.
            if failed.send(failure).is_ok() {
                inner.until_lost().await;
            }
        }
    }
}
