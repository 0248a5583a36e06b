//! The debugging WebSocket of a browser that somebody else started.

use std::io;

use base::Ctx;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

use super::Transport;
use crate::{Error, LARGEST_MESSAGE};

impl Transport {
    /// Connects to a browser's `ws://…/devtools/browser/…`.
    ///
    /// # Errors
    /// [`Error::Connect`] if nobody answers as a WebSocket there: of the kind `NotFound` if a
    /// server answers that has no such browser. [`Error::NotSent`] if the call ended first.
    ///
    /// # Cancel safety
    /// A dropped wait drops the socket.
    pub async fn web_socket(ctx: &Ctx, url: &str) -> Result<Self, Error> {
        // Chromium sends a message as one frame, however large: the customary 16 MiB would end
        // the link at a large screenshot.
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        let no_delay = true;
        let connect = tokio_tungstenite::connect_async_with_config(url, Some(config), no_delay);
        let connected = ctx.race(connect).await.map_err(Error::NotSent)?;
        let (socket, _response) = connected.map_err(|err| Error::Connect(failure(err)))?;
        let (to, from) = socket.split();
        // A browser that says goodbye need not hang up: its word is the end.
        let open = from
            .take_while(|message| std::future::ready(!matches!(message, Ok(Message::Close(_)))));
        let incoming = open.filter_map(async |message| match message {
            Ok(Message::Text(text)) => Some(Ok(Bytes::from(text))),
            Ok(Message::Binary(bytes)) => Some(Ok(bytes)),
            Ok(_) => None,
            Err(err) => Some(Err(failure(err))),
        });
        let outgoing = to.sink_map_err(failure).with(async |message: Bytes| {
            let text = Utf8Bytes::try_from(message);
            let text = text.map_err(|err| io::Error::new(io::ErrorKind::InvalidData, err))?;
            Ok(Message::Text(text))
        });
        Ok(Self::new(incoming, outgoing))
    }
}

fn failure(err: tungstenite::Error) -> io::Error {
    match err {
        tungstenite::Error::Io(err) => err,
        tungstenite::Error::Http(answer) if answer.status() == 404 => {
            io::ErrorKind::NotFound.into()
        }
        err => io::Error::other(err),
    }
}
