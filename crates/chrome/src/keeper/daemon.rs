//! The keeper's end of a daemon's connection.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::unix::net::UnixStream;

use rustix::io::Errno;

use super::kept::Kept;
use crate::wire::{self, HEADER};

/// How many frames go into one system call.
const FRAMES_AT_ONCE: usize = 32;
/// How much one wake-up reads of a daemon, so that the browser gets its turn too.
const READ_AT_ONCE: usize = 1 << 20;

/// A connected daemon, or somebody who has yet to say hello.
pub(super) struct Daemon {
    pub(super) stream: UnixStream,
    /// What it sent and isn't taken apart yet.
    received: Vec<u8>,
    /// Where in it the next frame begins.
    next: usize,
    /// Frames that aren't messages; they go first.
    control: VecDeque<Vec<u8>>,
    /// The frame being written: it must be finished before another begins.
    current: Option<Current>,
    /// How many of the messages handed over are written.
    n_written: usize,
    /// How many messages it has consumed in all.
    n_taken: u64,
    /// The daemon has gone, or broke the protocol.
    pub(super) lost: bool,
}

/// A frame of which a part is written.
enum Current {
    Control {
        frame: Vec<u8>,
        written: usize,
    },
    /// The message at `n_written` in [`Kept`].
    Message {
        written: usize,
    },
}

impl Daemon {
    pub(super) fn accepted(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            received: Vec::new(),
            next: 0,
            control: VecDeque::new(),
            current: None,
            n_written: 0,
            n_taken: 0,
            lost: false,
        })
    }

    /// Reads what has come. Whole frames are then given by [`Daemon::frame`].
    pub(super) fn read(&mut self, buffer: &mut [u8]) {
        let mut n_read = 0;
        while !self.lost && n_read < READ_AT_ONCE {
            match rustix::io::read(&self.stream, &mut *buffer) {
                Ok(0) => self.lost = true,
                Ok(length) => {
                    n_read += length;
                    self.received
                        .extend_from_slice(buffer.get(..length).unwrap_or_default());
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.lost = true,
            }
        }
    }

    /// Returns the next whole frame that was received. What a lost daemon sent whole counts;
    /// its last half frame doesn't.
    pub(super) fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let frame = self.whole_frame();
        if frame.is_none() {
            // Half a frame is left, or nothing.
            self.received.drain(..self.next);
            self.next = 0;
            if self.received.is_empty() {
                self.received = Vec::new();
            }
        }
        frame
    }

    fn whole_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let rest = self.received.get(self.next..)?;
        let (length, kind) = wire::read_header(rest)?;
        if !wire::fits(kind, length) {
            self.lost = true;
            self.next = self.received.len();
            return None;
        }
        let Some(payload) = rest.get(HEADER..HEADER + length) else {
            // A large one: make room once.
            let missing = HEADER + length - rest.len();
            self.received.reserve(missing);
            return None;
        };
        let payload = payload.to_vec();
        self.next += HEADER + length;
        Some((kind, payload))
    }

    /// Queues a frame that isn't a message.
    pub(super) fn tell(&mut self, kind: u8, payload: &[u8]) {
        self.control.push_back(wire::frame(kind, payload));
    }

    /// Sends a last frame to somebody who is let go, if the socket has room and no other
    /// frame is half-way. If not, the closed connection tells as much.
    pub(super) fn farewell(&self, kind: u8, payload: &[u8]) {
        if self.current.is_none() {
            let _best_effort = rustix::io::write(&self.stream, &wire::frame(kind, payload));
        }
    }

    /// Takes note of how many messages the daemon has consumed in all.
    pub(super) fn taken(&mut self, total: u64, kept: &mut Kept) {
        let n_new = usize::try_from(total.saturating_sub(self.n_taken)).unwrap_or(usize::MAX);
        // It can't have consumed what wasn't written.
        let n_gone = kept.acknowledge(n_new.min(self.n_written));
        self.n_taken += n_gone as u64;
        self.n_written -= n_gone;
    }

    /// Tells whether everything queued and handed over is written.
    pub(super) fn is_flushed(&self) -> bool {
        self.current.is_none() && self.control.is_empty()
    }

    /// Tells whether every message there is was written.
    pub(super) fn wrote_all(&self, kept: &Kept) -> bool {
        self.n_written == kept.n_handed() && kept.waiting() == 0
    }

    /// Writes as much as the daemon takes. Returns whether it should be told when the socket
    /// has room again.
    pub(super) fn write(&mut self, kept: &mut Kept) -> bool {
        while !self.lost {
            let n_handed = self.fill(kept);
            if n_handed == 0 && self.current.is_none() && self.control.is_empty() {
                return false;
            }
            match self.write_once(kept, n_handed) {
                Ok(length) => self.advance(length, kept),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return true,
                Err(_) => self.lost = true,
            }
        }
        false
    }

    /// Hands messages over until there are enough for one call. Returns how many handed-over
    /// ones aren't written.
    fn fill(&mut self, kept: &mut Kept) -> usize {
        let mut n_waiting = kept.n_handed() - self.n_written;
        while n_waiting < FRAMES_AT_ONCE && kept.hand_over() {
            n_waiting += 1;
        }
        n_waiting
    }

    fn write_once(&self, kept: &Kept, n_waiting: usize) -> Result<usize, Errno> {
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(FRAMES_AT_ONCE + 2);
        let mut next = self.n_written;
        match &self.current {
            Some(Current::Control { frame, written }) => {
                slices.push(IoSlice::new(frame.get(*written..).unwrap_or_default()));
            }
            Some(Current::Message { written }) => {
                let frame = kept.handed_frame(next).unwrap_or_default();
                slices.push(IoSlice::new(frame.get(*written..).unwrap_or_default()));
                next += 1;
            }
            None => {}
        }
        if let Some(frame) = self.control.front() {
            // One at a time keeps `advance` simple; there are few.
            slices.push(IoSlice::new(frame));
        } else {
            for index in next..self.n_written + n_waiting {
                slices.push(IoSlice::new(kept.handed_frame(index).unwrap_or_default()));
            }
        }
        rustix::io::writev(&self.stream, &slices)
    }

    /// Takes note of `length` bytes written, in the order [`Daemon::write_once`] put them.
    fn advance(&mut self, mut length: usize, kept: &Kept) {
        let mut control_done = false;
        while 0 < length || self.current.is_some() {
            let (total, written) = match &self.current {
                Some(Current::Control { frame, written }) => (frame.len(), *written),
                Some(Current::Message { written }) => (
                    kept.handed_frame(self.n_written).map_or(0, <[u8]>::len),
                    *written,
                ),
                None if !control_done && !self.control.is_empty() => {
                    control_done = true;
                    if let Some(frame) = self.control.pop_front() {
                        self.current = Some(Current::Control { frame, written: 0 });
                    }
                    continue;
                }
                None => {
                    self.current = Some(Current::Message { written: 0 });
                    continue;
                }
            };
            let step = length.min(total - written);
            length -= step;
            if written + step < total {
                match &mut self.current {
                    Some(Current::Control { written, .. } | Current::Message { written }) => {
                        *written += step;
                    }
                    None => {}
                }
                return;
            }
            if matches!(self.current, Some(Current::Message { .. })) {
                self.n_written += 1;
            }
            self.current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::keeper::splitter::Splitter;
    use crate::wire::{ask, tell};

    fn pair() -> (Daemon, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        (Daemon::accepted(near).unwrap(), far)
    }

    fn keep(kept: &mut Kept, message: &[u8]) {
        let bytes = [message, b"\0"].concat();
        Splitter::default()
            .feed(&bytes, |frame| kept.push(frame).unwrap())
            .unwrap();
    }

    #[test]
    fn frames_arrive_whole_and_in_order_through_a_socket_that_is_full() {
        let (mut daemon, mut far) = pair();
        let mut kept = Kept::default();
        for number in 0..200 {
            keep(
                &mut kept,
                format!("{{\"id\":{number},{}}}", "x".repeat(number * 97)).as_bytes(),
            );
        }
        let reader = base_reader(move || {
            let mut all = Vec::new();
            far.read_to_end(&mut all).unwrap();
            all
        });
        let mut n_control = 0;
        while daemon.write(&mut kept) || kept.waiting() != 0 {
            if n_control < 5 {
                daemon.tell(tell::GAP, &7_u64.to_le_bytes());
                n_control += 1;
            }
            daemon.taken(daemon.n_taken + daemon.n_written as u64, &mut kept);
            let mut fds = [rustix::event::PollFd::new(
                &daemon.stream,
                rustix::event::PollFlags::OUT,
            )];
            rustix::event::poll(&mut fds, None).unwrap();
        }
        assert!(daemon.is_flushed() && !daemon.lost);
        drop(daemon);
        let all = reader.join().unwrap();
        let (mut rest, mut messages, mut gaps) = (&all[..], 0, 0);
        while let Some((length, kind)) = wire::read_header(rest) {
            let payload = &rest[HEADER..HEADER + length];
            if kind == tell::MESSAGE {
                assert!(payload.starts_with(format!("{{\"id\":{messages},").as_bytes()));
                messages += 1;
            } else {
                assert_eq!((kind, wire::read_number(payload)), (tell::GAP, Some(7)));
                gaps += 1;
            }
            rest = &rest[HEADER + length..];
        }
        assert_eq!((messages, gaps, rest.len()), (200, n_control, 0));
    }

    #[allow(clippy::disallowed_methods, reason = "a plain reader of a test")]
    fn base_reader<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        std::thread::spawn(work)
    }

    #[test]
    fn half_a_frame_of_a_daemon_that_died_is_nothing() {
        use std::io::Write as _;
        let (mut daemon, mut far) = pair();
        far.write_all(&wire::frame(ask::MESSAGE, b"{}")).unwrap();
        far.write_all(&wire::frame(ask::MESSAGE, b"{\"half\"}")[..9])
            .unwrap();
        drop(far);
        daemon.read(&mut [0; 64]);
        assert_eq!(daemon.frame(), Some((ask::MESSAGE, b"{}".to_vec())));
        assert_eq!(daemon.frame(), None);
        assert!(daemon.lost);
    }

    #[test]
    fn a_frame_over_its_limit_ends_the_connection_unbuffered() {
        use std::io::Write as _;
        let (mut daemon, mut far) = pair();
        far.write_all(&wire::header(ask::NOTES, wire::MAX_NOTES * 2))
            .unwrap();
        daemon.read(&mut [0; 64]);
        assert_eq!(daemon.frame(), None);
        assert!(daemon.lost);
    }

    #[test]
    fn an_acknowledgement_of_what_was_not_written_forgets_nothing() {
        let (mut daemon, _far) = pair();
        let mut kept = Kept::default();
        keep(&mut kept, b"{\"id\":1}");
        assert!(kept.hand_over());
        daemon.taken(9, &mut kept);
        kept.take_back();
        assert_eq!(kept.waiting(), 1);
    }
}
