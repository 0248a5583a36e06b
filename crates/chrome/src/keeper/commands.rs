//! Messages on their way to the browser, and which of them it has read.
//!
//! ```text
//! send ─▶ queue ─▶ pipe ─▶ read by the browser
//!                   └ FIONREAD tells how much is still in it, also when nobody will read it
//! ```
//! A daemon whose browser dies is told how many of its messages were read whole: what the
//! browser never read it never did, and may be said again to another one.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

/// The browser's end of commands.
pub(super) struct Commands {
    /// `None` once the browser was asked to end, or has closed its end.
    pipe: Option<OwnedFd>,
    queue: VecDeque<Queued>,
    /// How much of the queue's first message is written.
    written: usize,
    /// How many bytes of messages were queued since the start.
    pub(super) accepted: u64,
    /// How many of them the browser has taken, or will never take.
    pub(super) taken: u64,
    /// How many bytes went into the pipe since the start, NULs among them.
    into_pipe: u64,
    /// The messages that are whole in the pipe and not known to be read, oldest first.
    unread: VecDeque<Unread>,
    /// Who is speaking: rises with each daemon.
    speaker: u64,
    /// How many of the present speaker's messages were read whole.
    delivered: u64,
}

struct Queued {
    /// With its NUL.
    message: Vec<u8>,
    speaker: u64,
}

struct Unread {
    /// Its last byte is the one before this one of all that went into the pipe.
    end: u64,
    speaker: u64,
}

impl Commands {
    /// Writes to `pipe`, which must not block.
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Self {
            pipe: Some(pipe),
            queue: VecDeque::new(),
            written: 0,
            accepted: 0,
            taken: 0,
            into_pipe: 0,
            unread: VecDeque::new(),
            speaker: 0,
            delivered: 0,
        }
    }

    /// What is sent from here on comes from somebody else, and is counted from nothing.
    pub(super) fn next_speaker(&mut self) {
        self.speaker += 1;
        self.delivered = 0;
    }

    /// Queues a message. The daemon's window bounds the queue.
    pub(super) fn send(&mut self, mut message: Vec<u8>) {
        self.accepted += message.len() as u64;
        if self.pipe.is_some() {
            message.push(0);
            let speaker = self.speaker;
            self.queue.push_back(Queued { message, speaker });
        } else {
            self.taken = self.accepted;
        }
    }

    /// Returns the pipe if something waits to be written to it.
    pub(super) fn to_write(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref().filter(|_| !self.queue.is_empty())
    }

    /// Writes as much as the browser takes.
    pub(super) fn write(&mut self) {
        let into_pipe = self.into_pipe;
        while let (Some(pipe), Some(first)) = (&self.pipe, self.queue.front()) {
            let rest = first.message.get(self.written..).unwrap_or_default();
            match rustix::io::write(pipe, rest) {
                Ok(length) => self.advance(length),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                // Nobody has the other end any more: what is in the pipe stays unread.
                Err(Errno::PIPE) => self.lose(),
                Err(_) => self.close(),
            }
        }
        if into_pipe < self.into_pipe {
            // Or what was read long ago would be held for ever.
            self.note_read();
        }
        if self.queue.is_empty() && 64 < self.queue.capacity() {
            self.queue.shrink_to_fit();
        }
    }

    fn advance(&mut self, length: usize) {
        self.taken += length as u64;
        self.into_pipe += length as u64;
        self.written += length;
        let whole = |first: &mut Queued| first.message.len() <= self.written;
        if let Some(first) = self.queue.pop_front_if(whole) {
            // The NUL is ours, the daemon counts without it.
            self.taken -= 1;
            self.written = 0;
            self.unread.push_back(Unread {
                end: self.into_pipe,
                speaker: first.speaker,
            });
        }
    }

    /// Takes note of what the browser has read so far.
    fn note_read(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        match rustix::io::ioctl_fionread(pipe) {
            Ok(in_pipe) => self.read_up_to(self.into_pipe.saturating_sub(in_pipe)),
            // Nothing is told to be unread that may have been read.
            Err(_) => self.read_up_to(self.into_pipe),
        }
    }

    fn read_up_to(&mut self, n_read: u64) {
        while let Some(first) = self.unread.pop_front_if(|first| first.end <= n_read) {
            if first.speaker == self.speaker {
                self.delivered += 1;
            }
        }
        if self.unread.is_empty() && 64 < self.unread.capacity() {
            self.unread.shrink_to_fit();
        }
    }

    /// Closes the pipe of a browser that lives: Chromium takes that as a request to end. It
    /// still reads what is in the pipe, and nobody sees whether it does.
    pub(super) fn close(&mut self) {
        if self.pipe.is_some() {
            self.read_up_to(self.into_pipe);
        }
        self.lose();
    }

    /// Closes the pipe of a browser that reads no more.
    pub(super) fn lose(&mut self) {
        self.note_read();
        self.pipe = None;
        self.taken = self.accepted;
        self.queue = VecDeque::new();
        self.unread = VecDeque::new();
        self.written = 0;
    }

    /// Returns how many messages of the present speaker the browser has read whole; exact
    /// after [`Commands::lose`], and never too few.
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }
}

#[cfg(test)]
mod tests {
    use rustix::pipe::PipeFlags;

    use super::*;

    fn commands() -> (Commands, OwnedFd) {
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
        rustix::io::ioctl_fionbio(&write, true).unwrap();
        (Commands::new(write), read)
    }

    /// The browser reads so many bytes.
    fn read(fd: &OwnedFd, mut length: usize) {
        while 0 < length {
            length -= rustix::io::read(fd, &mut vec![0; length]).unwrap();
        }
    }

    #[test]
    fn a_message_was_read_once_its_last_byte_was() {
        for (n_read, delivered) in [(0, 0), (4, 0), (5, 1), (9, 1), (10, 2), (15, 3)] {
            let (mut commands, browser) = commands();
            for _ in 0..3 {
                commands.send(b"four".to_vec());
            }
            commands.write();
            read(&browser, n_read);
            drop(browser);
            commands.lose();
            assert_eq!(commands.delivered(), delivered, "{n_read} bytes were read");
        }
    }

    #[test]
    fn what_never_fitted_into_the_pipe_was_not_read() {
        let (mut commands, browser) = commands();
        for _ in 0..200 {
            commands.send(vec![b'x'; 1023]);
        }
        commands.write();
        assert!(commands.to_write().is_some(), "the queue holds some");
        read(&browser, 10 * 1024 + 1023);
        commands.write();
        assert!(commands.to_write().is_some(), "the queue still holds some");
        drop(browser);
        // The pipe is found broken before the browser's end is known.
        commands.write();
        assert!(commands.to_write().is_none());
        commands.lose();
        assert_eq!(commands.delivered(), 10);
        assert_eq!(commands.taken, commands.accepted);
    }

    #[test]
    fn each_daemon_counts_its_own() {
        let (mut commands, browser) = commands();
        commands.send(b"old".to_vec());
        commands.write();
        commands.send(b"old".to_vec());
        commands.next_speaker();
        for _ in 0..3 {
            commands.send(b"new".to_vec());
        }
        commands.write();
        read(&browser, 3 * 4);
        commands.lose();
        assert_eq!(commands.delivered(), 1);
    }

    #[test]
    fn what_a_browser_that_was_asked_to_end_may_have_read_counts_as_read() {
        let (mut commands, _browser) = commands();
        for _ in 0..200 {
            commands.send(vec![b'x'; 1023]);
        }
        commands.write();
        commands.close();
        commands.send(b"late".to_vec());
        commands.lose();
        assert_eq!(commands.delivered(), 64, "all that was in the pipe");
    }

    #[test]
    fn what_was_read_is_not_held() {
        let (mut commands, browser) = commands();
        for _ in 0..1000 {
            commands.send(b"four".to_vec());
            commands.write();
            read(&browser, 5);
        }
        assert!(commands.unread.len() < 3, "{}", commands.unread.len());
    }
}
