//! Cuts the browser's bytes at NUL into whole messages, each with room for its frame header.

use std::ffi::CStr;

use crate::wire::{HEADER, MAX_MESSAGE, header, tell};

/// A message from the browser, framed for the daemon.
pub(super) struct Framed(pub(super) Vec<u8>);

impl Framed {
    /// Returns the message without its frame.
    pub(super) fn message(&self) -> &[u8] {
        self.0.get(HEADER..).unwrap_or_default()
    }
}

/// A message went over the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Holds the message whose end hasn't come yet.
#[derive(Default)]
pub(super) struct Splitter {
    /// Empty, or a header's room and the message so far.
    partial: Vec<u8>,
}

impl Splitter {
    /// Takes the browser's next bytes and hands every message that they complete to `give`.
    ///
    /// # Errors
    /// [`TooLong`] as soon as a message is over the limit.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut give: impl FnMut(Framed),
    ) -> Result<(), TooLong> {
        while let Ok(ends) = CStr::from_bytes_until_nul(bytes) {
            let length = ends.count_bytes();
            let (message, rest) = bytes.split_at(length);
            self.append(message)?;
            bytes = rest.get(1..).unwrap_or_default();
            give(self.finish());
        }
        if !bytes.is_empty() {
            self.append(bytes)?;
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.partial.is_empty() {
            self.partial.reserve_exact(HEADER + bytes.len());
            self.partial.extend_from_slice(&[0; HEADER]);
        }
        if MAX_MESSAGE < self.partial.len() - HEADER + bytes.len() {
            return Err(TooLong);
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Framed {
        let mut frame = std::mem::take(&mut self.partial);
        let head = header(tell::MESSAGE, frame.len() - HEADER);
        if let Some(room) = frame.first_chunk_mut::<HEADER>() {
            *room = head;
        }
        // Kept messages are counted by their length: spare capacity would be uncounted.
        if frame.len() + 4096 < frame.capacity() {
            frame.shrink_to_fit();
        }
        Framed(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut splitter = Splitter::default();
        let mut out = Vec::new();
        for chunk in chunks {
            splitter
                .feed(chunk, |framed| out.push(framed.message().to_vec()))
                .unwrap();
        }
        out
    }

    #[test]
    fn messages_are_whole_however_the_bytes_arrive() {
        let text = b"one\0two\0\0three\0fo";
        let whole = split(&[text]);
        assert_eq!(whole, [&b"one"[..], b"two", b"", b"three"]);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split(&bytes), whole);
        assert_eq!(split(&[&text[..5], &text[5..]]), whole);
    }

    #[test]
    fn the_frame_says_the_length() {
        let mut splitter = Splitter::default();
        let mut frames = Vec::new();
        splitter
            .feed(b"abc\0", |framed| frames.push(framed.0))
            .unwrap();
        assert_eq!(frames, [b"\x03\0\0\0\x02abc".to_vec()]);
    }

    #[test]
    fn a_message_without_end_is_refused_at_the_limit() {
        let mut splitter = Splitter::default();
        let chunk = vec![b'x'; 64 << 20];
        for _ in 0..4 {
            splitter.feed(&chunk, |_| ()).unwrap();
        }
        assert_eq!(splitter.feed(b"x", |_| ()), Err(TooLong));
    }
}
