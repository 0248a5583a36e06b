//! Chromium's pipe framing: each message ends with a NUL byte.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Sink, StreamExt as _, sink, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe::{Receiver, Sender};

/// The longest message that is passed on; DESIGN's own bound.
const LONGEST: usize = 256 << 20;
const CHUNK: usize = 256 << 10;

/// Messages to a browser.
pub type Outgoing = Pin<Box<dyn Sink<Bytes, Error = io::Error> + Send>>;

/// Turns the reading end of a pipe into whole messages, without their NUL.
///
/// # Errors
/// If `fd` is no pipe or there is no tokio runtime with I/O here.
pub fn incoming(fd: OwnedFd) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
    let reader = Reader {
        pipe: Receiver::from_owned_fd(fd)?,
        held: BytesMut::new(),
        searched: 0,
        whole: VecDeque::new(),
    };
    Ok(stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|message| (message, reader)))
    })
    .boxed())
}

/// Turns the writing end of a pipe into a sink of whole messages, without their NUL.
///
/// # Errors
/// If `fd` is no pipe or there is no tokio runtime with I/O here.
pub fn outgoing(fd: OwnedFd) -> io::Result<Outgoing> {
    let pipe = Sender::from_owned_fd(fd)?;
    Ok(Box::pin(sink::unfold(
        pipe,
        |mut pipe, message: Bytes| async move {
            // One write for the usual short message: its NUL travels with it.
            let mut framed = Vec::with_capacity(message.len() + 1);
            framed.extend_from_slice(&message);
            framed.push(0);
            pipe.write_all(&framed).await?;
            Ok(pipe)
        },
    )))
}

struct Reader {
    pipe: Receiver,
    held: BytesMut,
    /// How much of `held` is known to hold no NUL: a long message is searched once.
    searched: usize,
    whole: VecDeque<Bytes>,
}

impl Reader {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(message) = self.whole.pop_front() {
                return Ok(Some(message));
            }
            self.held.reserve(CHUNK);
            if self.pipe.read_buf(&mut self.held).await? == 0 {
                return Ok(None);
            }
            self.split();
            if LONGEST < self.held.len() {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "message too long",
                ));
            }
        }
    }

    fn split(&mut self) {
        while let Some(at) = self.held[self.searched..]
            .iter()
            .position(|byte| *byte == 0)
        {
            let mut message = self.held.split_to(self.searched + at + 1);
            message.truncate(message.len() - 1);
            self.whole.push_back(message.freeze());
            self.searched = 0;
        }
        self.searched = self.held.len();
    }
}
