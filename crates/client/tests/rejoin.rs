//! Calls that meet a daemon that is not there, or goes away: what is repeated and what never.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "the test plays the daemon beside the client"
)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::{ApiError, Caller, Door, Invoke as _};
use base::{Code, Ctx};
use browserd_client::{Client, Rejoin, Start};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// What the daemon does with the next request it reads.
#[derive(Clone)]
enum Step {
    Answer(u16, Value),
    Die,
}

/// A daemon that does as it was told, one request a connection.
#[derive(Clone)]
struct Daemon {
    home: PathBuf,
    script: Arc<Mutex<Vec<Step>>>,
    asked: Arc<Mutex<Vec<String>>>,
    starts: Arc<Mutex<u32>>,
}

impl Daemon {
    async fn serve(self, listener: UnixListener) {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let operation = read_request(&mut stream).await;
            self.asked.lock().unwrap().push(operation);
            let step = self.script.lock().unwrap().remove(0);
            match step {
                Step::Answer(status, body) => answer(&mut stream, status, &body).await,
                Step::Die => return,
            }
        }
    }
}

impl Start for Daemon {
    fn start<'a>(&'a self, _: &'a Ctx) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async {
            *self.starts.lock().unwrap() += 1;
            let listener = base::socket::bind(&self.home, "browserd.sock").unwrap();
            listener.set_nonblocking(true).unwrap();
            tokio::spawn(
                self.clone()
                    .serve(UnixListener::from_std(listener).unwrap()),
            );
            Ok(())
        })
    }
}

async fn read_request(stream: &mut UnixStream) -> String {
    let mut read = Vec::new();
    loop {
        let mut some = [0u8; 4096];
        let count = stream.read(&mut some).await.unwrap();
        assert!(
            0 < count,
            "the client hung up: {}",
            String::from_utf8_lossy(&read)
        );
        read.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .split("content-length: ")
            .nth(1)
            .unwrap()
            .split("\r\n")
            .next()
            .unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            assert!(
                head.contains("browserd-call-id: k_") && head.contains("browserd-deadline-ms: ")
            );
            let path = head.split(' ').nth(1).unwrap();
            return path.rsplit('/').next().unwrap().to_owned();
        }
    }
}

async fn answer(stream: &mut UnixStream, status: u16, body: &Value) {
    let body = body.to_string();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
}

/// Calls `operation` on a daemon that is not running yet.
async fn run(operation: &str, script: Vec<Step>) -> (Result<Value, ApiError>, Vec<String>, u32) {
    let home = tempfile::tempdir().unwrap();
    let daemon = Daemon {
        home: home.path().to_owned(),
        script: Arc::new(Mutex::new(script)),
        asked: Arc::default(),
        starts: Arc::default(),
    };
    let rejoin = Rejoin::new(Client::unix(home.path()), daemon.clone());
    let ctx = Ctx::within(Duration::from_secs(20));
    let arguments = json!({"session_id": "a", "expression": "1"});
    let result = rejoin
        .invoke(&ctx, &Caller::local(Door::Mcp), operation, arguments)
        .await;
    let asked = daemon.asked.lock().unwrap().clone();
    let starts = *daemon.starts.lock().unwrap();
    (result, asked, starts)
}

fn became(state: &str, outcome: Option<Value>) -> Step {
    Step::Answer(
        200,
        json!({"call_id": "k_1", "operation": "evaluate", "state": state, "outcome": outcome}),
    )
}

fn done() -> Step {
    Step::Answer(200, json!({"value": 1}))
}

#[tokio::test]
async fn a_daemon_that_does_not_run_is_started() {
    let (result, asked, starts) = run("evaluate", vec![done()]).await;
    assert_eq!(result.unwrap(), json!({"value": 1}));
    assert_eq!((asked, starts), (vec!["evaluate".to_owned()], 1));
}

#[tokio::test]
async fn a_call_that_had_not_started_is_repeated() {
    let script = vec![Step::Die, became("not_started", None), done()];
    let (result, asked, starts) = run("evaluate", script).await;
    assert_eq!(result.unwrap(), json!({"value": 1}));
    assert_eq!(
        (asked, starts),
        (
            vec!["evaluate".into(), "get_call".into(), "evaluate".into()],
            2
        )
    );
}

#[tokio::test]
async fn a_call_that_was_done_answers_with_what_was_recorded() {
    let recorded = became("done", Some(json!({"answer": {"value": 42}})));
    let (result, asked, _) = run("evaluate", vec![Step::Die, became("sent", None), recorded]).await;
    assert_eq!(result.unwrap(), json!({"value": 42}));
    assert_eq!(asked, ["evaluate", "get_call", "get_call"]);
}

#[tokio::test]
async fn a_call_that_failed_fails_with_what_was_recorded() {
    let error = ApiError::new(Code::RefStale, "@e3 is gone");
    let recorded = became("failed", Some(json!({"error": error})));
    let (result, _, _) = run("click", vec![Step::Die, recorded]).await;
    assert_eq!(result.unwrap_err(), error);
}

#[tokio::test]
async fn a_call_of_unknown_end_is_never_repeated() {
    let (result, asked, _) = run("evaluate", vec![Step::Die, became("unknown", None)]).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.code, error.retry),
        (Code::OutcomeUnknown, api::Retry::CheckFirst)
    );
    assert_eq!(asked, ["evaluate", "get_call"]);
}

#[tokio::test]
async fn a_read_that_was_cut_off_is_just_repeated() {
    let (result, asked, _) = run("snapshot", vec![Step::Die, done()]).await;
    assert_eq!(result.unwrap(), json!({"value": 1}));
    assert_eq!(asked, ["snapshot", "snapshot"]);
}

#[tokio::test]
async fn a_stopping_daemon_is_waited_out() {
    let problem = api::Problem::from(ApiError::new(Code::ShuttingDown, "the daemon is stopping"));
    let stopping = Step::Answer(503, serde_json::to_value(problem).unwrap());
    let (result, asked, _) = run("evaluate", vec![stopping, done()]).await;
    assert_eq!(result.unwrap(), json!({"value": 1}));
    assert_eq!(asked, ["evaluate", "evaluate"]);
}

#[tokio::test]
async fn a_refusal_is_an_answer() {
    let problem = api::Problem::from(ApiError::new(
        Code::SessionNotFound,
        "there is no session a",
    ));
    let refusal = Step::Answer(404, serde_json::to_value(problem).unwrap());
    let (result, asked, _) = run("evaluate", vec![refusal]).await;
    assert_eq!(result.unwrap_err().code, Code::SessionNotFound);
    assert_eq!(asked.len(), 1);
}
