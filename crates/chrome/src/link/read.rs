//! The task that reads from the keeper.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::OwnedReadHalf;

use super::{LinkEnd, Shared};
use crate::exit_record;
use crate::wire::{self, HEADER, tell};

/// How long a keeper that closed the connection may take to end, if it is ending.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Reads until the connection ends, then says why it did.
pub(super) async fn run(shared: Arc<Shared>, mut half: OwnedReadHalf, mut rest: BytesMut) {
    let read = tokio::select! {
        biased;
        () = shared.closing.cancelled() => Err(dropped()),
        read = read_all(&shared, &mut half, &mut rest) => read,
    };
    // The socket is closed before anybody hears of it: who hears may dial again at once, and
    // the keeper must not find two of the same daemon.
    shared.closing.cancel();
    shared.writer_gone.cancelled().await;
    drop(half);
    let end = tell_apart(&shared, read).await;
    let error = match &end {
        LinkEnd::Exited { .. } => None,
        LinkEnd::KeeperGone => Some(io::Error::from(io::ErrorKind::ConnectionReset)),
        LinkEnd::Displaced => Some(io::Error::other("displaced by another daemon")),
        LinkEnd::Closed(error) => Some(io::Error::new(error.kind(), error.to_string())),
    };
    shared.end(end);
    shared.close_inbox(error);
}

fn dropped() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the link was dropped")
}

async fn read_all(
    shared: &Shared,
    half: &mut OwnedReadHalf,
    buffer: &mut BytesMut,
) -> io::Result<()> {
    loop {
        while let Some((kind, payload)) = next_frame(buffer)? {
            on_frame(shared, kind, payload);
        }
        if half.read_buf(buffer).await? == 0 {
            return Ok(());
        }
    }
}

/// Takes the next whole frame off the buffer, or makes room for the rest of it.
pub(crate) fn next_frame(buffer: &mut BytesMut) -> io::Result<Option<(u8, Bytes)>> {
    let Some((length, kind)) = wire::read_header(buffer) else {
        buffer.reserve(64 << 10);
        return Ok(None);
    };
    if !wire::fits(kind, length) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a frame is over its limit",
        ));
    }
    let missing = (HEADER + length).saturating_sub(buffer.len());
    if 0 < missing {
        buffer.reserve(missing.max(64 << 10));
        return Ok(None);
    }
    buffer.advance(HEADER);
    Ok(Some((kind, buffer.split_to(length).freeze())))
}

fn on_frame(shared: &Shared, kind: u8, payload: Bytes) {
    match kind {
        tell::MESSAGE => shared.arrived(payload),
        tell::EXITED => match wire::read_exited(&payload) {
            // Told before the last messages are read: they may be many.
            Some((record, delivered)) => shared.end(LinkEnd::Exited {
                record,
                delivered: delivered.map(|n_read| shared.without_probes(n_read)),
            }),
            None => tracing::warn!("the keeper's exit record can't be read"),
        },
        tell::TAKEN => shared.browser_took(wire::read_number(&payload).unwrap_or(0)),
        tell::GAP => {
            let n_dropped = wire::read_number(&payload).unwrap_or(0);
            tracing::warn!(n_dropped, "the keeper dropped messages: they came too fast");
            shared.keeper_dropped(n_dropped);
        }
        tell::DISPLACED => shared.end(LinkEnd::Displaced),
        // A newer keeper's, of no meaning here.
        _ => {}
    }
}

/// Says why the connection ended, if the keeper hasn't.
async fn tell_apart(shared: &Shared, read: io::Result<()>) -> LinkEnd {
    if let Some(told) = shared.watch_end().borrow().clone() {
        return told;
    }
    let error = match read {
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {
            return LinkEnd::Closed(Arc::new(error));
        }
        Err(error) => error,
        Ok(()) => io::ErrorKind::UnexpectedEof.into(),
    };
    match tokio::time::timeout(END_LIMIT, shared.keeper.exited()).await {
        // A record may have been written and not told.
        Ok(()) => match exit_record(&shared.run) {
            Some(record) => LinkEnd::Exited {
                record,
                delivered: None,
            },
            None => LinkEnd::KeeperGone,
        },
        Err(_lives) => LinkEnd::Closed(Arc::new(error)),
    }
}
