//! Taking over a browser that runs under a keeper already.

use std::io;
use std::path::Path;

use base::{Ctx, Tasks};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::link::next_frame;
use crate::wire::{self, Refusal, SOCKET, ask, tell};
use crate::{Error, ExitRecord, Link, exit_record, process};

/// How a daemon names itself to a keeper.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// The home's secret, 32 hexadecimal digits.
    pub nonce: String,
    /// Rises with each start of a daemon; a higher one displaces a lower one.
    pub epoch: u64,
}

/// Which browser this is. A process id alone may pass to a stranger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The browser's process id.
    pub browser_pid: i32,
    /// When it started, in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub browser_start: u64,
    /// The keeper's process id.
    pub keeper_pid: i32,
    /// When the keeper started.
    pub keeper_start: u64,
    /// Drawn at launch.
    pub nonce: String,
}

/// What a keeper tells a daemon it accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// The protocol's version from here on.
    pub version: u16,
    /// Which browser it is.
    pub identity: Identity,
    /// What the last daemon wrote for the next one.
    pub notes: Bytes,
    /// Messages were dropped that no daemon has seen.
    pub gap: bool,
    /// How many kept messages come first.
    pub kept: u32,
    /// How the browser ended, if it has while no daemon was there.
    pub exit: Option<ExitRecord>,
}

/// Connects to the keeper of a run folder and takes its browser over.
///
/// # Errors
/// [`Error::NoKeeper`], or [`Error::Ended`] if there is a record of the browser's end;
/// [`Error::Displaced`], [`Error::WrongNonce`], [`Error::Version`], [`Error::OtherBrowser`].
///
/// # Cancel safety
/// Yes: the keeper goes on as if nobody had come.
pub async fn adopt(
    ctx: &Ctx,
    run: &Path,
    hello: &Hello,
    expect: Option<&Identity>,
    tasks: &Tasks,
) -> Result<(Link, Welcome), Error> {
    let mut stream = connect(run)?;
    let mut rest = BytesMut::new();
    let welcome = ctx
        .race(greet(&mut stream, hello, &mut rest))
        .await
        .map_err(Error::stopped("waiting for the keeper's welcome"))?
        // A keeper may end while one is dialling it: its record says why.
        .map_err(|err| match (&err, exit_record(run)) {
            (Error::Io { .. }, Some(record)) => Error::Ended(record),
            _ => err,
        })?;
    if expect.is_some_and(|expected| *expected != welcome.identity) {
        return Err(Error::OtherBrowser);
    }
    let identity = &welcome.identity;
    let keeper = match process::watch(identity.keeper_pid, identity.keeper_start) {
        Ok(keeper) => keeper,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Err(nobody(run)),
        Err(err) => return Err(Error::io("watching the keeper")(err)),
    };
    Ok((Link::open(stream, rest, run, keeper, tasks), welcome))
}

fn connect(run: &Path) -> Result<UnixStream, Error> {
    let stream = base::socket::connect(run, SOCKET).map_err(|err| match err.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => nobody(run),
        _ => Error::io("connecting to the keeper")(err),
    })?;
    base::socket::check_peer(&stream).map_err(Error::io("checking who the keeper is"))?;
    stream
        .set_nonblocking(true)
        .and_then(|()| UnixStream::from_std(stream))
        .map_err(Error::io("preparing the connection to the keeper"))
}

/// Nobody listens: why not.
fn nobody(run: &Path) -> Error {
    exit_record(run).map_or_else(
        || Error::NoKeeper {
            run: run.to_owned(),
        },
        Error::Ended,
    )
}

async fn greet(
    stream: &mut UnixStream,
    hello: &Hello,
    rest: &mut BytesMut,
) -> Result<Welcome, Error> {
    let lost = Error::io("greeting the keeper");
    match exchange(stream, hello, rest).await {
        Ok((tell::WELCOME, payload)) => {
            let welcome =
                wire::read_welcome(&payload).ok_or(Error::Protocol("its welcome can't be read"))?;
            // Older ones are spoken to: what they don't know they skip.
            if wire::VERSION < welcome.version {
                return Err(Error::Version {
                    found: welcome.version,
                    known: wire::VERSION,
                });
            }
            Ok(welcome)
        }
        Ok((tell::REFUSED, reason)) if reason.first() == Some(&(Refusal::Nonce as u8)) => {
            Err(Error::WrongNonce)
        }
        Ok((tell::REFUSED, reason)) if reason.first() == Some(&(Refusal::Epoch as u8)) => {
            Err(Error::Displaced)
        }
        Ok(_) => Err(Error::Protocol("it answered a hello with something else")),
        Err(err) => Err(lost(err)),
    }
}

async fn exchange(
    stream: &mut UnixStream,
    hello: &Hello,
    rest: &mut BytesMut,
) -> io::Result<(u8, Bytes)> {
    stream
        .write_all(&wire::frame(ask::HELLO, &wire::hello(hello)))
        .await?;
    loop {
        if let Some(frame) = next_frame(rest)? {
            return Ok(frame);
        }
        if stream.read_buf(rest).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
