//! The task that writes to the keeper.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;

use super::Shared;
use crate::wire::{HEADER, SLACK, ask, header};

/// How long a consumed message may stay in the keeper's memory. It costs nothing to be late:
/// the next daemon would see again what this one has seen.
const CONSUMED_LIMIT: Duration = Duration::from_millis(50);
/// Up to this size a message is copied behind its header, to go out in one piece.
const COPIED: usize = 64 << 10;

/// How long the last commands may take when the link is dropped. The keeper always reads.
const LAST_LIMIT: Duration = Duration::from_secs(1);

/// Writes until the connection ends.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut half: OwnedWriteHalf,
    queued: mpsc::Receiver<Bytes>,
) {
    let too_late = async {
        shared.closing.cancelled().await;
        tokio::time::sleep(LAST_LIMIT).await;
    };
    tokio::select! {
        written = write_all(&shared, &mut half, queued) => {
            // The reader finds out what happened.
            if let Err(error) = written {
                tracing::debug!(%error, "writing to the keeper failed");
            }
        }
        () = too_late => {}
    }
    drop(half);
    shared.writer_gone.cancel();
}

async fn write_all(
    shared: &Shared,
    half: &mut OwnedWriteHalf,
    mut queued: mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    let mut sent = 0_u64;
    let mut open = true;
    loop {
        write_commands(shared, half, false).await?;
        let may_send = open && has_room(shared, sent);
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => {
                // Notes that were written just before are the next daemon's.
                return write_commands(shared, half, true).await;
            }
            () = shared.to_write.notified() => {}
            message = queued.recv(), if may_send => match message {
                Some(message) => {
                    // Commands first: notes are written before what they tell of is done.
                    write_commands(shared, half, true).await?;
                    sent += message.len() as u64;
                    write_message(half, &message).await?;
                }
                None => open = false,
            },
            () = tokio::time::sleep(CONSUMED_LIMIT), if shared.has_consumed() => {
                write_commands(shared, half, true).await?;
            }
        }
    }
}

async fn write_commands(
    shared: &Shared,
    half: &mut OwnedWriteHalf,
    with_consumed: bool,
) -> io::Result<()> {
    let commands = shared.take_commands(with_consumed);
    half.write_all(&commands.bytes).await?;
    shared.n_written.send_if_modified(|n_written| {
        let news = *n_written < commands.n_asked;
        *n_written = commands.n_asked;
        news
    });
    Ok(())
}

/// Tells whether the keeper holds little enough for another message. A large one passes as
/// soon as what is before it is nearly through.
fn has_room(shared: &Shared, sent: u64) -> bool {
    let outstanding = sent.saturating_sub(shared.taken_by_browser.load(Ordering::Relaxed));
    outstanding < SLACK as u64
}

async fn write_message(half: &mut OwnedWriteHalf, message: &Bytes) -> io::Result<()> {
    let head = header(ask::MESSAGE, message.len());
    if message.len() <= COPIED {
        let mut frame = Vec::with_capacity(HEADER + message.len());
        frame.extend_from_slice(&head);
        frame.extend_from_slice(message);
        return half.write_all(&frame).await;
    }
    half.write_all(&head).await?;
    half.write_all(message).await
}
