//! Pressure: a browser that doesn't read must cost a bounded amount of memory, and say so.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base::{Ctx, Stopped, Tasks};
use bytes::Bytes;
use cdp::protocol::runtime;
use cdp::{Connection, Error, Options, Session, Transport};
use futures_util::Sink;
use serde_json::value::RawValue;

use crate::support::{ample, evaluate};

/// A sink that takes nothing until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    open: bool,
    waker: Option<Waker>,
    taken: Vec<Bytes>,
}

impl Gate {
    fn open(&self) {
        let mut held = self.0.lock().unwrap();
        held.open = true;
        if let Some(waker) = held.waker.take() {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<std::io::Result<()>> {
        let mut held = self.0.lock().unwrap();
        if held.open {
            return Poll::Ready(Ok(()));
        }
        held.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Sink<Bytes> for Gate {
    type Error = std::io::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.poll(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Bytes) -> std::io::Result<()> {
        self.0.lock().unwrap().taken.push(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.poll(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.poll(cx)
    }
}

fn stalled() -> (Session, Gate, Tasks) {
    let gate = Gate::default();
    let transport = Transport::new(futures_util::stream::pending(), gate.clone());
    let tasks = Tasks::new();
    let session = Connection::open(transport, Options::default(), &tasks).attach("S");
    (session, gate, tasks)
}

/// A command that costs its writing nothing.
#[derive(serde::Serialize)]
struct Large(Box<RawValue>);

impl cdp::Command for Large {
    const METHOD: &'static str = "Test.large";
    type Returns = cdp::protocol::Empty;
}

fn large(kibibytes: usize) -> Large {
    let text = format!("\"{}\"", "x".repeat(kibibytes * 1024));
    Large(RawValue::from_string(text).unwrap())
}

/// Returns how many commands of half a mebibyte find room.
fn fill(session: &Session) -> usize {
    let large = large(512);
    let posted = (0..10_000).take_while(|_| match session.post(&large) {
        Ok(()) => true,
        Err(Error::Busy { .. }) => false,
        Err(other) => panic!("{other}"),
    });
    posted.count()
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_reads_nothing_costs_64_mebibytes_and_no_more() {
    let (session, gate, _tasks) = stalled();
    assert_eq!(fill(&session), 127);
    let ctx = Ctx::within(Duration::from_secs(3));
    let failed = session.call(&ctx, &large(1024)).await.unwrap_err();
    assert!(
        matches!(failed, Error::NotSent(Stopped::Deadline)),
        "{failed}"
    );
    assert!(gate.0.lock().unwrap().taken.is_empty());
}

#[tokio::test]
async fn a_waiting_caller_goes_on_once_there_is_room() {
    let (session, gate, _tasks) = stalled();
    let filled = fill(&session);
    let call = {
        let session = session.clone();
        tokio::spawn(async move {
            session.call(&ample(), &large(1024)).await.ok();
        })
    };
    tokio::task::yield_now().await;
    gate.open();
    let taken = || gate.0.lock().unwrap().taken.len();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while taken() < filled + 1 {
        assert!(
            std::time::Instant::now() < deadline,
            "{} of {filled} taken",
            taken()
        );
        tokio::task::yield_now().await;
    }
    call.abort();
}

#[tokio::test(start_paused = true)]
async fn a_command_that_was_only_queued_is_withdrawn_at_its_deadline() {
    let (session, gate, _tasks) = stalled();
    let ctx = Ctx::within(Duration::from_secs(3));
    let failed = session.call(&ctx, &evaluate("never()")).await.unwrap_err();
    assert!(
        matches!(failed, Error::NotSent(Stopped::Deadline)),
        "{failed}"
    );

    gate.open();
    session.post(&runtime::Enable::default()).unwrap();
    let taken = gate.0.lock().unwrap().taken.clone();
    assert_eq!(taken.len(), 1);
    assert!(
        std::str::from_utf8(&taken[0])
            .unwrap()
            .contains("Runtime.enable")
    );
}
