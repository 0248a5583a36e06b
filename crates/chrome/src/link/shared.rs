//! What a link's two tasks, its streams and its controls share.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::LinkEnd;
use crate::process::Watched;
use crate::wire::{self, REPORT, ask};

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The run folder.
    pub(crate) run: PathBuf,
    /// The keeper.
    pub(crate) keeper: Watched,
    /// Cancelled to end the connection.
    pub(crate) closing: CancellationToken,
    /// Cancelled when the writer has let go of the socket.
    pub(super) writer_gone: CancellationToken,
    ended: watch::Sender<Option<LinkEnd>>,
    inbox: Mutex<Inbox>,
    arrived: Notify,
    outbox: Mutex<Outbox>,
    /// Wakes the writer.
    pub(super) to_write: Notify,
    /// How many of the changes asked for are written.
    pub(super) n_written: watch::Sender<u64>,
    /// How many bytes of messages the browser has read.
    pub(super) taken_by_browser: AtomicU64,
    /// How many messages the keeper had to drop in all.
    dropped: AtomicU64,
    /// How many messages were sent that the holder of the link knows nothing of.
    probes: AtomicU64,
}

/// Messages that nobody has asked for. The keeper's window bounds them.
#[derive(Debug, Default)]
struct Inbox {
    messages: VecDeque<Bytes>,
    closed: Option<Option<io::Error>>,
}

/// Commands that aren't written. Each kind holds the newest only.
#[derive(Debug, Default)]
struct Outbox {
    notes: Option<Bytes>,
    will: Option<Vec<u8>>,
    stop: Option<u64>,
    keep: bool,
    n_consumed: u64,
    n_consumed_told: u64,
    bytes_untold: usize,
    /// Tell the keeper now what was consumed.
    tell_now: bool,
    /// How many changes were asked for.
    n_asked: u64,
}

/// Frames for the keeper, taken from the outbox.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) bytes: Vec<u8>,
    /// With these written, as many changes are.
    pub(super) n_asked: u64,
}

impl Shared {
    pub(super) fn new(run: &Path, keeper: Watched, ended: watch::Sender<Option<LinkEnd>>) -> Self {
        Self {
            run: run.to_owned(),
            keeper,
            closing: CancellationToken::new(),
            writer_gone: CancellationToken::new(),
            ended,
            inbox: Mutex::default(),
            arrived: Notify::new(),
            outbox: Mutex::default(),
            to_write: Notify::new(),
            n_written: watch::Sender::new(0),
            taken_by_browser: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            probes: AtomicU64::new(0),
        }
    }

    /// Publishes why the link ended; the first reason counts.
    pub(super) fn end(&self, end: LinkEnd) {
        self.ended.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(end);
            }
            first
        });
    }

    /// Watches for the link's end.
    pub(crate) fn watch_end(&self) -> watch::Receiver<Option<LinkEnd>> {
        self.ended.subscribe()
    }

    pub(super) fn arrived(&self, message: Bytes) {
        lock(&self.inbox).messages.push_back(message);
        self.arrived.notify_one();
    }

    /// Ends the stream of messages, after those that are there.
    pub(super) fn close_inbox(&self, error: Option<io::Error>) {
        lock(&self.inbox).closed.get_or_insert(error);
        self.arrived.notify_one();
    }

    /// Returns the next message; `None` when there will be no more.
    pub(crate) async fn next(&self) -> Option<io::Result<Bytes>> {
        loop {
            {
                let mut inbox = lock(&self.inbox);
                if let Some(message) = inbox.messages.pop_front() {
                    return Some(Ok(message));
                }
                if let Some(closed) = &mut inbox.closed {
                    return closed.take().map(Err);
                }
            }
            // A permit is kept if it was given between the look and this wait.
            self.arrived.notified().await;
        }
    }

    /// Takes note that a message was consumed.
    pub(crate) fn consumed(&self, length: usize) {
        let mut outbox = lock(&self.outbox);
        let first = outbox.n_consumed == outbox.n_consumed_told;
        outbox.n_consumed += 1;
        outbox.bytes_untold += length;
        let many = REPORT <= outbox.bytes_untold && !outbox.tell_now;
        outbox.tell_now |= many;
        drop(outbox);
        if first || many {
            self.to_write.notify_one();
        }
    }

    /// Changes what waits to be written and wakes the writer.
    pub(crate) fn ask(&self, change: impl FnOnce(&mut Asked<'_>)) {
        {
            let mut outbox = lock(&self.outbox);
            outbox.n_asked += 1;
            change(&mut Asked(&mut outbox));
        }
        self.to_write.notify_one();
    }

    /// Waits until everything asked for so far is written; `false` if the link ended first.
    pub(crate) async fn written(&self) -> bool {
        let n_asked = lock(&self.outbox).n_asked;
        let mut n_written = self.n_written.subscribe();
        let mut ended = self.watch_end();
        tokio::select! {
            biased;
            written = n_written.wait_for(|n_written| n_asked <= *n_written) => written.is_ok(),
            _ = ended.wait_for(Option::is_some) => false,
        }
    }

    /// Takes the commands to write. What was consumed goes along if `with_consumed`, or if
    /// it is time for it or anything else goes.
    pub(super) fn take_commands(&self, with_consumed: bool) -> Commands {
        let mut outbox = lock(&self.outbox);
        let mut bytes = Vec::new();
        if std::mem::take(&mut outbox.keep) {
            bytes.extend(wire::frame(ask::KEEP, &[]));
        }
        if let Some(will) = outbox.will.take() {
            bytes.extend(wire::frame(ask::WILL, &will));
        }
        if let Some(notes) = outbox.notes.take() {
            bytes.extend(wire::frame(ask::NOTES, &notes));
        }
        if let Some(grace) = outbox.stop.take() {
            bytes.extend(wire::frame(ask::STOP, &grace.to_le_bytes()));
        }
        let tell = with_consumed || outbox.tell_now || !bytes.is_empty();
        if tell && outbox.n_consumed_told < outbox.n_consumed {
            outbox.n_consumed_told = outbox.n_consumed;
            outbox.bytes_untold = 0;
            outbox.tell_now = false;
            bytes.extend(wire::frame(ask::TAKEN, &outbox.n_consumed.to_le_bytes()));
        }
        Commands {
            bytes,
            n_asked: outbox.n_asked,
        }
    }

    /// Tells whether the keeper is to be told of consumed messages.
    pub(super) fn has_consumed(&self) -> bool {
        let outbox = lock(&self.outbox);
        outbox.n_consumed_told < outbox.n_consumed
    }

    pub(super) fn browser_took(&self, total: u64) {
        self.taken_by_browser.fetch_max(total, Ordering::Relaxed);
        self.to_write.notify_one();
    }

    pub(super) fn keeper_dropped(&self, total: u64) {
        self.dropped.fetch_max(total, Ordering::Relaxed);
    }

    /// Takes note that a message goes out that the holder of the link knows nothing of.
    pub(crate) fn probed(&self) {
        self.probes.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many of the messages that the browser has read are the holder's own.
    pub(super) fn without_probes(&self, n_read: u64) -> u64 {
        n_read.saturating_sub(self.probes.load(Ordering::Relaxed))
    }

    /// Returns how many messages the keeper told it had to drop.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The outbox, open for a change.
pub(crate) struct Asked<'a>(&'a mut Outbox);

impl Asked<'_> {
    pub(crate) fn notes(&mut self, notes: Bytes) {
        self.0.notes = Some(notes);
    }

    pub(crate) fn will(&mut self, will: Vec<u8>) {
        self.0.will = Some(will);
    }

    pub(crate) fn stop(&mut self, grace_ms: u64) {
        self.0.stop = Some(self.0.stop.map_or(grace_ms, |asked| asked.min(grace_ms)));
    }

    pub(crate) fn keep(&mut self) {
        self.0.keep = true;
    }
}

/// No code that holds these locks can panic half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
