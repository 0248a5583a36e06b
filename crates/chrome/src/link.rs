//! The daemon's end of the connection to a keeper.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Sink;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

use crate::{Control, ExitRecord};

/// A browser, as its daemon holds it.
pub struct Link {
    /// Messages from the browser, whole; those kept for this daemon come first, in order.
    pub incoming: BoxStream<'static, io::Result<Bytes>>,
    /// Messages to the browser. Waits while the browser doesn't read.
    pub outgoing: Pin<Box<dyn Sink<Bytes, Error = io::Error> + Send>>,
    /// What isn't a message.
    pub control: Control,
    /// Why the link ended, as soon as it has.
    pub ended: watch::Receiver<Option<LinkEnd>>,
}

/// Why a link ended.
#[derive(Clone, Debug)]
pub enum LinkEnd {
    /// The browser ended; its keeper has reaped all of it.
    Exited(ExitRecord),
    /// The keeper is gone, and the browser with it.
    KeeperGone,
    /// A daemon with a higher epoch took the browser over.
    Displaced,
    /// The connection broke while the keeper lives, or was dropped here.
    Closed(Arc<io::Error>),
}
