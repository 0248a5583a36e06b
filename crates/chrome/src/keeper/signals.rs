//! Signals as something to poll.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGCHLD, SIGTERM};

/// The signals that the keeper heeds.
pub(super) struct Signals {
    /// Readable when a child has ended or has become ours to reap.
    pub(super) child: UnixStream,
    /// Readable when the system wants this process to end.
    pub(super) end: UnixStream,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            child: listen(SIGCHLD)?,
            end: listen(SIGTERM)?,
        })
    }

    /// Tells whether the signal has come since the last call.
    pub(super) fn came(mut stream: &UnixStream) -> bool {
        let mut buffer = [0; 64];
        let mut came = false;
        while matches!(stream.read(&mut buffer), Ok(1..)) {
            came = true;
        }
        came
    }
}

fn listen(signal: i32) -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(signal, write)?;
    Ok(read)
}
