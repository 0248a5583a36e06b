//! A transport to a peer in the same process, for tests.

use std::io;

use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

use super::Transport;

/// How many messages wait in either direction.
const CAPACITY: usize = 1024;

/// The browser's end of an in-memory transport. Dropping it ends the link.
#[derive(Debug)]
pub struct Peer {
    received: mpsc::Receiver<Bytes>,
    sending: mpsc::Sender<io::Result<Bytes>>,
}

impl Transport {
    /// Returns a transport and the other end of it.
    #[must_use]
    pub fn in_memory() -> (Self, Peer) {
        let (to_peer, received) = mpsc::channel(CAPACITY);
        let (sending, from_peer) = mpsc::channel(CAPACITY);
        let incoming =
            futures_util::stream::unfold(from_peer, async |mut from: mpsc::Receiver<_>| {
                Some((from.recv().await?, from))
            });
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        let outgoing = PollSender::new(to_peer).sink_map_err(gone);
        (Self::new(incoming, outgoing), Peer { received, sending })
    }
}

impl Peer {
    /// Waits for the next message; `None` once the connection has closed the link.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn received(&mut self) -> Option<Bytes> {
        self.received.recv().await
    }

    /// Says a message, of whatever bytes; returns whether the connection is still there.
    ///
    /// # Cancel safety
    /// A dropped wait has said nothing.
    pub async fn say(&self, message: impl Into<Bytes>) -> bool {
        self.sending.send(Ok(message.into())).await.is_ok()
    }

    /// Lets reading fail at the connection's end, after what was said before.
    ///
    /// # Cancel safety
    /// A dropped wait has done nothing.
    pub async fn fail(&self, failure: io::Error) -> bool {
        self.sending.send(Err(failure)).await.is_ok()
    }

    /// Returns the two halves, for a peer that speaks while it listens.
    #[must_use]
    pub fn into_parts(self) -> (mpsc::Receiver<Bytes>, mpsc::Sender<io::Result<Bytes>>) {
        (self.received, self.sending)
    }
}
