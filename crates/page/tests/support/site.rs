//! A small site on loopback: pages that tests put there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is answered on a path: the status line's end, more headers, the body.
#[derive(Clone)]
struct Reply {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
}

type Replies = Arc<Mutex<HashMap<String, Reply>>>;
type Folder = Arc<Mutex<Option<PathBuf>>>;

pub struct Site {
    address: SocketAddr,
    replies: Replies,
    folder: Folder,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Site {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replies = Replies::default();
        let folder = Folder::default();
        let shared = Arc::clone(&replies);
        let served = Arc::clone(&folder);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let replies = Arc::clone(&shared);
                let folder = Arc::clone(&served);
                tokio::spawn(async move { serve(stream, replies, folder).await });
            }
        });
        Self {
            address,
            replies,
            folder,
            server,
        }
    }

    /// Adds a page and returns its URL.
    pub fn add(&self, body: &str) -> String {
        let path = format!("/page{}", self.replies.lock().unwrap().len());
        self.put(
            &path,
            "200 OK",
            "content-type: text/html; charset=utf-8\r\n",
            body.as_bytes(),
        )
    }

    pub fn put(&self, path: &str, status: &'static str, headers: &str, body: &[u8]) -> String {
        let reply = Reply {
            status,
            headers: headers.to_owned(),
            body: body.to_vec(),
        };
        self.replies.lock().unwrap().insert(path.to_owned(), reply);
        self.url(path)
    }

    /// Answers from the files of a folder what isn't put here, and returns the URL of one.
    pub fn serves(&self, folder: &Path, path: &str) -> String {
        *self.folder.lock().unwrap() = Some(folder.to_owned());
        self.url(path)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same site as another origin.
    pub fn elsewhere(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.address.port())
    }
}

/// Returns the file at a path of a folder.
fn file(folder: &Path, path: &str) -> Option<Reply> {
    if path.split('/').any(|part| part == "..") {
        return None;
    }
    let file = folder.join(path.trim_start_matches('/'));
    let kind = match file.extension().and_then(|kind| kind.to_str())? {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
    Some(Reply {
        status: "200 OK",
        headers: format!("content-type: {kind}\r\n"),
        body: std::fs::read(file).ok()?,
    })
}

async fn serve(mut stream: TcpStream, replies: Replies, folder: Folder) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let text = String::from_utf8_lossy(&request);
    let path = text
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .split('?')
        .next()
        .unwrap_or("/")
        .to_owned();
    if path == "/never" {
        // The request stays open until the browser gives up.
        let mut byte = [0];
        stream.read_exact(&mut byte).await.ok();
        return;
    }
    if path == "/endless" {
        // A document that begins and does not end.
        let start = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n\
            <title>Endless</title><h1>Endless</h1><button>More</button>";
        let mut byte = [0];
        if stream.write_all(start).await.is_ok() {
            stream.read_exact(&mut byte).await.ok();
        }
        return;
    }
    let reply = replies.lock().unwrap().get(&path).cloned();
    let folder = folder.lock().unwrap().clone();
    let reply = reply.or_else(|| file(&folder?, &path));
    let reply = reply.unwrap_or(Reply {
        status: "404 Not Found",
        headers: String::new(),
        body: b"nothing here".to_vec(),
    });
    let head = format!(
        "HTTP/1.1 {}\r\n{}content-length: {}\r\nconnection: close\r\n\r\n",
        reply.status,
        reply.headers,
        reply.body.len()
    );
    if stream.write_all(head.as_bytes()).await.is_ok() {
        stream.write_all(&reply.body).await.ok();
    }
}
