//! Transports: whole messages in, whole messages out.

mod memory;
mod pipe;
mod web_socket;

use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Sink, Stream, StreamExt as _};

pub use memory::Peer;

/// A way to a browser. A message is one JSON text, without the NUL a pipe ends it with.
pub struct Transport {
    /// What the browser says; the end of it is the end of the link.
    pub incoming: BoxStream<'static, io::Result<Bytes>>,
    /// What is said to the browser.
    pub outgoing: Pin<Box<dyn Sink<Bytes, Error = io::Error> + Send>>,
}

impl Transport {
    /// Returns the transport made of two halves, such as a keeper's.
    #[must_use]
    pub fn new(
        incoming: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        outgoing: impl Sink<Bytes, Error = io::Error> + Send + 'static,
    ) -> Self {
        Self {
            incoming: incoming.boxed(),
            outgoing: Box::pin(outgoing),
        }
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}
