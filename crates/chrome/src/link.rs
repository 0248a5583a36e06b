//! The daemon's end of the connection to a keeper.
//!
//! Two tasks serve it: one always reads, so that a consumer that is slow or gone never hides
//! the browser's end; one writes, commands before messages. Both directions count what the
//! other side has consumed (see [`crate::wire`]), which bounds what lies in between.

mod read;
mod shared;
mod write;

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use base::{TaskKind, Tasks};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream};
use futures_util::{Sink, SinkExt as _};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::PollSender;

pub(crate) use read::next_frame;
pub(crate) use shared::Shared;

use crate::process::Watched;
use crate::wire::MAX_MESSAGE;
use crate::{Control, ExitRecord};

/// How many messages may wait for the writer; those that wait for the browser are beyond it.
const OUTGOING: usize = 16;

/// A browser, as its daemon holds it.
///
/// Dropping `incoming` closes the connection; the keeper and its browser live on.
pub struct Link {
    /// Messages from the browser, whole; those kept for this daemon come first, in order.
    ///
    /// A message counts as consumed when the next one is asked for: until then a daemon that
    /// dies leaves it to the next one.
    pub incoming: BoxStream<'static, io::Result<Bytes>>,
    /// Messages to the browser. Waits while the browser doesn't read.
    pub outgoing: Pin<Box<dyn Sink<Bytes, Error = io::Error> + Send>>,
    /// What isn't a message.
    pub control: Control,
    /// Why the link ended, as soon as it has. Messages may still come after it.
    pub ended: watch::Receiver<Option<LinkEnd>>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Why a link ended.
#[derive(Clone, Debug)]
pub enum LinkEnd {
    /// The browser ended; its keeper reaps what is left of it, then ends too.
    Exited {
        /// How it ended.
        record: ExitRecord,
        /// How many of the messages sent through [`Link::outgoing`] it has read whole, the
        /// first ones in order: what came after them had no effect. `None` if nobody knows.
        delivered: Option<u64>,
    },
    /// The keeper is gone without a record, and the browser with it.
    KeeperGone,
    /// A daemon with a higher epoch took the browser over.
    Displaced,
    /// The connection broke while the keeper lives, or was dropped here.
    Closed(Arc<io::Error>),
}

impl Link {
    /// Serves a connection whose welcome was read; `rest` came after it.
    pub(crate) fn open(
        stream: UnixStream,
        rest: BytesMut,
        run: &Path,
        keeper: Watched,
        tasks: &Tasks,
    ) -> Self {
        let (tell_end, ended) = watch::channel(None);
        let shared = Arc::new(Shared::new(run, keeper, tell_end));
        let (read_half, write_half) = stream.into_split();
        let (queue, queued) = mpsc::channel(OUTGOING);
        tasks.spawn(
            TaskKind::CdpConnection,
            read::run(Arc::clone(&shared), read_half, rest),
        );
        tasks.spawn(
            TaskKind::CdpConnection,
            write::run(Arc::clone(&shared), write_half, queued),
        );
        Self {
            incoming: incoming(Arc::clone(&shared)),
            outgoing: outgoing(queue),
            control: Control::of(shared),
            ended,
        }
    }
}

fn incoming(shared: Arc<Shared>) -> BoxStream<'static, io::Result<Bytes>> {
    // The guard ends the tasks when the stream is dropped.
    let guard = shared.closing.clone().drop_guard();
    Box::pin(stream::unfold(
        (shared, guard, None),
        |(shared, guard, last)| async move {
            if let Some(length) = last {
                shared.consumed(length);
            }
            let message = shared.next().await?;
            let last = message.as_ref().ok().map(Bytes::len);
            Some((message, (shared, guard, last)))
        },
    ))
}

fn outgoing(queue: mpsc::Sender<Bytes>) -> Pin<Box<dyn Sink<Bytes, Error = io::Error> + Send>> {
    let sink = PollSender::new(queue)
        .sink_map_err(|_closed| io::Error::from(io::ErrorKind::BrokenPipe))
        .with(|message: Bytes| std::future::ready(check(message)));
    Box::pin(sink)
}

fn check(message: Bytes) -> io::Result<Bytes> {
    // A NUL would end the message early and begin another.
    if MAX_MESSAGE < message.len() || message.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(message)
}
