//! A connection with its peer, and what the tests say to each other.

use std::time::Duration;

use base::{Ctx, Tasks};
use bytes::Bytes;
use cdp::protocol::runtime;
use cdp::{Connection, Options, Peer, Transport};
use serde_json::{Value, json};

/// A connection and the browser's end of it.
pub struct Linked {
    pub connection: Connection,
    pub peer: Peer,
    pub tasks: Tasks,
}

/// Returns a connection with the customary options.
pub fn linked() -> Linked {
    linked_with(Options::default())
}

pub fn linked_with(options: Options) -> Linked {
    let (transport, peer) = Transport::in_memory();
    let tasks = Tasks::new();
    Linked {
        connection: Connection::open(transport, options, &tasks),
        peer,
        tasks,
    }
}

/// Returns a context that no test should use up.
pub fn ample() -> Ctx {
    Ctx::within(Duration::from_secs(60))
}

/// Returns a command.
pub fn evaluate(expression: &str) -> runtime::Evaluate {
    runtime::Evaluate {
        expression: expression.to_owned(),
        ..Default::default()
    }
}

impl Linked {
    /// Returns the next command as JSON.
    pub async fn asked(&mut self) -> Value {
        serde_json::from_slice(&self.peer.received().await.unwrap()).unwrap()
    }

    pub async fn say(&self, message: Value) {
        assert!(self.peer.say(Bytes::from(message.to_string())).await);
    }

    /// Waits until everything said so far has been read: a reply comes after it.
    pub async fn settle(&mut self) {
        let root = self.connection.root();
        let call = tokio::spawn(async move {
            let command = cdp::protocol::browser::GetVersion::default();
            root.call(&ample(), &command).await
        });
        loop {
            let asked = self.asked().await;
            if asked["method"] == "Browser.getVersion" {
                self.say(json!({ "id": asked["id"], "result": {} })).await;
                break;
            }
        }
        call.await.unwrap().unwrap();
    }
}
