//! Chromium's debugging pipe: messages that end with a NUL.

use std::ffi::CStr;
use std::io;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{Decoder, Encoder, FramedRead, FramedWrite};

use super::Transport;
use crate::LARGEST_MESSAGE;

impl Transport {
    /// Returns the transport over the two ends of a debugging pipe.
    #[must_use]
    pub fn pipe(
        from: impl AsyncRead + Send + 'static,
        to: impl AsyncWrite + Send + 'static,
    ) -> Self {
        let incoming = FramedRead::new(from, NulEnded::default());
        Self::new(incoming, FramedWrite::new(to, NulEnded::default()))
    }
}

/// The framing.
#[derive(Debug, Default)]
struct NulEnded {
    /// How much of the buffer is known to hold no NUL: a large message is looked through once.
    searched: usize,
}

impl Decoder for NulEnded {
    type Item = Bytes;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Bytes>> {
        // The standard library's search is by words; there is no other safe way to it.
        let unseen = buffer.get(self.searched..).unwrap_or_default();
        let found = CStr::from_bytes_until_nul(unseen).map(|text| text.to_bytes().len());
        let Ok(found) = found else {
            self.searched = buffer.len();
            if self.searched > LARGEST_MESSAGE {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a message is too large",
                ));
            }
            return Ok(None);
        };
        let message = buffer.split_to(self.searched + found).freeze();
        buffer.advance(1);
        self.searched = 0;
        Ok(Some(message))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Bytes>> {
        let message = self.decode(buffer)?;
        if message.is_none() {
            // Half a message is of no use to anybody.
            buffer.clear();
        }
        Ok(message)
    }
}

impl Encoder<Bytes> for NulEnded {
    type Error = io::Error;

    fn encode(&mut self, message: Bytes, buffer: &mut BytesMut) -> io::Result<()> {
        buffer.reserve(message.len() + 1);
        buffer.put(message);
        buffer.put_u8(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_come_out_whole_however_they_are_cut(
            messages in prop::collection::vec("[a-z]{0,20}", 1..8),
            cut in 1usize..9,
        ) {
            let mut wire = BytesMut::new();
            for message in &messages {
                NulEnded::default().encode(Bytes::from(message.clone()), &mut wire).unwrap();
            }
            let (mut codec, mut buffer, mut out) = (NulEnded::default(), BytesMut::new(), vec![]);
            for part in wire.chunks(cut) {
                buffer.extend_from_slice(part);
                while let Some(message) = codec.decode(&mut buffer).unwrap() {
                    out.push(String::from_utf8(message.to_vec()).unwrap());
                }
            }
            prop_assert_eq!(out, messages);
        }
    }

    #[test]
    fn half_a_message_at_the_end_is_dropped() {
        let mut buffer = BytesMut::from(&b"{\"id\":1}\0{\"id\""[..]);
        let mut codec = NulEnded::default();
        assert_eq!(
            codec.decode_eof(&mut buffer).unwrap().unwrap(),
            &b"{\"id\":1}"[..]
        );
        assert!(codec.decode_eof(&mut buffer).unwrap().is_none());
    }
}
