//! A scripted browser: the other end of an in-memory CDP transport.
//!
//! ```text
//! let (transport, mut peer) = ScriptedPeer::new();
//! peer.answer("Page.enable", json!({}));               // whenever it comes
//! let asked = peer.expect("Page.navigate").await;      // next of what nothing answers
//! peer.emit(Some("S"), "Page.frameNavigated", json!({…})).await;
//! asked.reply(json!({"frameId": "F"})).await;          // now, later or never
//! ```
//!
//! A command with neither an answer nor an `expect` is left hanging, as a hung browser's is.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cdp::Transport;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// How long a test waits for a command before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

type Say = mpsc::Sender<io::Result<Bytes>>;
type Answer = Box<dyn FnMut(&Request) -> Result<Value, Refusal> + Send>;

/// A browser that says what the test tells it to.
pub struct ScriptedPeer {
    say: Say,
    script: Arc<Mutex<Script>>,
    asked: mpsc::UnboundedReceiver<Request>,
    pump: tokio::task::JoinHandle<()>,
}

/// A command the connection has sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its id.
    pub id: u32,
    /// Its flat session; `None` for the browser's own.
    pub session_id: Option<String>,
    /// Its name.
    pub method: String,
    /// Its parameters.
    pub params: Value,
    /// Weak, so that a request kept by a test doesn't keep a dropped link open.
    say: mpsc::WeakSender<io::Result<Bytes>>,
}

/// An error to answer with.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The protocol's number for it.
    pub code: i64,
    /// The browser's words.
    pub message: String,
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, Answer>,
    seen: Vec<Request>,
}

impl ScriptedPeer {
    /// Returns a transport and the scripted browser at its other end.
    #[must_use]
    pub fn new() -> (Transport, Self) {
        let (transport, peer) = Transport::in_memory();
        let (mut received, say) = peer.into_parts();
        let script = Arc::<Mutex<Script>>::default();
        let (ask, asked) = mpsc::unbounded_channel();
        let pump = {
            let (script, say) = (Arc::clone(&script), say.downgrade());
            tokio::spawn(async move {
                while let Some(message) = received.recv().await {
                    let request = Request::read(&message, &say);
                    match answer(&script, &request) {
                        Some(Ok(result)) => request.reply(result).await,
                        Some(Err(refusal)) => request.refuse(refusal.code, &refusal.message).await,
                        // A test that expects nothing more has dropped its end.
                        None => ask.send(request).unwrap_or_default(),
                    }
                }
            })
        };
        (
            transport,
            Self {
                say,
                script,
                asked,
                pump,
            },
        )
    }

    /// Answers every `method` with `result`.
    pub fn answer(&self, method: &str, result: Value) -> &Self {
        self.answer_with(method, move |_| Ok(result.clone()))
    }

    /// Answers every `method` with what `answer` says.
    pub fn answer_with(
        &self,
        method: &str,
        answer: impl FnMut(&Request) -> Result<Value, Refusal> + Send + 'static,
    ) -> &Self {
        self.script()
            .answers
            .insert(method.to_owned(), Box::new(answer));
        self
    }

    /// Answers each of `methods` with an empty result.
    pub fn accept(&self, methods: &[&str]) -> &Self {
        for method in methods {
            self.answer(method, json!({}));
        }
        self
    }

    /// Goes back to leaving `method` to [`ScriptedPeer::expect`].
    pub fn leave(&self, method: &str) -> &Self {
        self.script().answers.remove(method);
        self
    }

    /// Waits for the next command that has no answer, which must be `method`.
    pub async fn expect(&mut self, method: &str) -> Request {
        let request = self.next().await;
        let found = request.as_ref().map(|request| request.method.as_str());
        assert_eq!(found, Some(method), "the command that came next");
        request.unwrap()
    }

    /// Waits for the next command that has no answer; `None` once the connection is gone.
    pub async fn next(&mut self) -> Option<Request> {
        let next = tokio::time::timeout(PATIENCE, self.asked.recv()).await;
        next.unwrap_or_else(|_| panic!("no command came; seen: {:?}", self.seen()))
    }

    /// Sends an event.
    pub async fn emit(&self, session_id: Option<&str>, method: &str, params: Value) -> bool {
        self.say_raw(event(session_id, method, &params)).await
    }

    /// Sends `count` events; each has its number in `params.n`.
    pub async fn flood(&self, session_id: Option<&str>, method: &str, count: usize) {
        for n in 0..count {
            self.emit(session_id, method, json!({ "n": n })).await;
        }
    }

    /// Sends any bytes; returns whether the connection is still there.
    pub async fn say_raw(&self, message: impl Into<Bytes>) -> bool {
        self.say.send(Ok(message.into())).await.is_ok()
    }

    /// Lets reading fail, after what was said before.
    pub async fn fail(self, failure: io::Error) {
        self.say.send(Err(failure)).await.ok();
    }

    /// Drops the link, after what was said before.
    pub fn drop_link(self) {}

    /// Returns the names of all commands that came so far.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.script()
            .seen
            .iter()
            .map(|request| request.method.clone())
            .collect()
    }

    /// Returns the commands `method` that came so far.
    #[must_use]
    pub fn seen_of(&self, method: &str) -> Vec<Request> {
        let script = self.script();
        script
            .seen
            .iter()
            .filter(|request| request.method == method)
            .cloned()
            .collect()
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ScriptedPeer {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

impl Request {
    fn read(message: &[u8], say: &mpsc::WeakSender<io::Result<Bytes>>) -> Self {
        #[derive(Deserialize)]
        struct Sent {
            id: u32,
            #[serde(rename = "sessionId")]
            session_id: Option<String>,
            method: String,
            #[serde(default)]
            params: Value,
        }
        let Sent {
            id,
            session_id,
            method,
            params,
        } = serde_json::from_slice(message).expect("a command is JSON with an id and a method");
        Self {
            id,
            session_id,
            method,
            params,
            say: say.clone(),
        }
    }

    /// Answers with a result.
    pub async fn reply(&self, result: Value) {
        self.finish("result", result).await;
    }

    /// Answers with an error.
    pub async fn refuse(&self, code: i64, message: &str) {
        self.finish("error", json!({ "code": code, "message": message }))
            .await;
    }

    async fn finish(&self, field: &str, body: Value) {
        let mut message = json!({ "id": self.id, field: body });
        if let Some(session_id) = &self.session_id {
            message["sessionId"] = json!(session_id);
        }
        if let Some(say) = self.say.upgrade() {
            say.send(Ok(Bytes::from(message.to_string()))).await.ok();
        }
    }
}

/// Returns an event's bytes.
#[must_use]
pub fn event(session_id: Option<&str>, method: &str, params: &Value) -> Bytes {
    let mut message = json!({ "method": method, "params": params });
    if let Some(session_id) = session_id {
        message["sessionId"] = json!(session_id);
    }
    Bytes::from(message.to_string())
}

fn answer(script: &Mutex<Script>, request: &Request) -> Option<Result<Value, Refusal>> {
    let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
    script.seen.push(request.clone());
    script
        .answers
        .get_mut(&request.method)
        .map(|answer| answer(request))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Ctx, Tasks};
    use cdp::protocol::{page, runtime};
    use cdp::{Connection, Error, Options};

    #[tokio::test]
    async fn it_answers_expects_and_drops() {
        let (transport, mut peer) = ScriptedPeer::new();
        let tasks = Tasks::new();
        let session = Connection::open(transport, Options::default(), &tasks).attach("S");
        let ctx = Ctx::within(PATIENCE);
        peer.accept(&["Page.enable"]);
        session.call(&ctx, &page::Enable::default()).await.unwrap();

        let evaluate = runtime::Evaluate {
            expression: "1".to_owned(),
            ..Default::default()
        };
        let script = async {
            let asked = peer.expect("Runtime.evaluate").await;
            assert_eq!(asked.params["expression"], "1");
            asked
                .reply(json!({ "result": { "type": "number", "value": 1 } }))
                .await;
            peer.expect("Runtime.evaluate")
                .await
                .refuse(-32000, "no")
                .await;
            peer
        };
        let calls = async {
            let first = session.call(&ctx, &evaluate).await.unwrap();
            assert_eq!(first.result.value, Some(json!(1)));
            let second = session.call(&ctx, &evaluate).await;
            assert!(matches!(second, Err(Error::Protocol { code: -32000, .. })));
        };
        let (peer, ()) = tokio::join!(script, calls);
        assert_eq!(
            peer.seen(),
            ["Page.enable", "Runtime.evaluate", "Runtime.evaluate"]
        );
        peer.drop_link();
        session.connection().lost().await;
        tasks.stop().await;
    }
}
