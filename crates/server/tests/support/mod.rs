//! A daemon's doors over something that performs nothing: for the doors' own mechanics.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use api::{ApiError, OperationInfo};
use base::{Clock, Code, Ctx, StateName, Tasks};
use browserd_server::http::{Access, serve_tcp, serve_unix};
use browserd_server::{Daemon, Dispatch, Operate, Settings};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

pub const TOKEN: &str = "0123456789abcdef";

/// Answers every call with what it was asked, except for a few expressions.
pub struct Echo(mpsc::Sender<&'static str>);

impl Operate for Echo {
    fn operate<'a>(
        &'a self,
        ctx: &'a Ctx,
        operation: &'static OperationInfo,
        arguments: Map<String, Value>,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(async move {
            match arguments.get("expression").and_then(Value::as_str) {
                Some("panic") => panic!("on purpose"),
                Some("refuse") => Err(ApiError::new(Code::RefStale, "@e3 is gone")),
                Some("limit") => Err(ApiError::new(Code::LimitReached, "too many")
                    .retry_after(Duration::from_millis(2500))),
                Some("hang") => {
                    self.0.send("hangs").await.unwrap();
                    let gone = Gone(self.0.clone());
                    let stopped = ctx.race(std::future::pending::<()>()).await;
                    std::mem::forget(gone);
                    self.0.send("ended").await.unwrap();
                    Err(ApiError::new(Code::Deadline, format!("{stopped:?}")))
                }
                _ => Ok(json!({
                    "operation": operation.name,
                    "arguments": arguments,
                    "call": ctx.call.to_string(),
                    "remaining_ms": u64::try_from(ctx.remaining().as_millis()).unwrap(),
                })),
            }
        })
    }

    fn states<'a>(&'a self, _: &'a Ctx) -> BoxFuture<'a, Result<Vec<StateName>, ApiError>> {
        Box::pin(async { Ok(vec![StateName::Alive, StateName::Alive, StateName::Closed]) })
    }
}

/// Tells that a call was dropped where it stood.
struct Gone(mpsc::Sender<&'static str>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.try_send("dropped").unwrap();
    }
}

/// The doors of a daemon, open.
pub struct Doors {
    pub home: tempfile::TempDir,
    pub address: SocketAddr,
    pub dispatch: Arc<Dispatch>,
    pub tasks: Tasks,
    pub news: mpsc::Receiver<&'static str>,
}

pub fn dispatch(settings: Settings) -> (Arc<Dispatch>, mpsc::Receiver<&'static str>) {
    let (tell, news) = mpsc::channel(64);
    let daemon = Daemon {
        version: "1.2.3".to_owned(),
        pid: 42,
        http_url: Some("http://127.0.0.1:7878".to_owned()),
        socket: "/home/x/browserd.sock".to_owned(),
        home: "/home/x".to_owned(),
        started_at: Clock::system().wall(),
    };
    let stopped = tell.clone();
    let stop = move |request: api::StopDaemon| {
        stopped
            .try_send(if request.browsers == Some(true) {
                "stop all"
            } else {
                "stop"
            })
            .unwrap();
    };
    (
        Arc::new(Dispatch::new(Arc::new(Echo(tell)), daemon, settings, stop)),
        news,
    )
}

pub fn open(settings: Settings) -> Doors {
    let (dispatch, news) = dispatch(settings);
    let home = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let unix = base::socket::bind(home.path(), "browserd.sock").unwrap();
    serve_unix(unix, Arc::clone(&dispatch), &tasks).unwrap();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    serve_tcp(
        tcp,
        Access::with_token(TOKEN),
        Arc::clone(&dispatch),
        &tasks,
    )
    .unwrap();
    Doors {
        home,
        address,
        dispatch,
        tasks,
        news,
    }
}

/// An HTTP answer, taken apart.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}

/// Sends bytes as they are and reads until the other end has closed.
pub async fn raw(
    stream: impl std::io::Read + std::io::Write + Send + 'static,
    request: String,
) -> Answer {
    let blocking = tokio::task::spawn_blocking(move || {
        let mut stream = stream;
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        // A peer that refuses a body may close before it has read all of it.
        let read = stream.read_to_string(&mut answer);
        assert!(read.is_ok() || !answer.is_empty(), "{read:?}");
        answer
    });
    let answer = blocking.await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    Answer {
        status,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

pub fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

pub async fn unix(home: &Path, method: &str, path: &str, body: &str) -> Answer {
    let stream = base::socket::connect(home, "browserd.sock").unwrap();
    raw(stream, request(method, path, "host: localhost\r\n", body)).await
}

pub async fn tcp(address: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let stream = std::net::TcpStream::connect(address).unwrap();
    raw(stream, request(method, path, headers, "")).await
}
