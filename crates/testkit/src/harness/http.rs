//! HTTP as a way in, by hand: a test must be able to send what no good client would.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::Value;

use super::{Harness, SOON};

/// Where a daemon listens and what admits us.
#[derive(Clone, Debug)]
pub struct Http {
    to: To,
    token: Option<String>,
}

#[derive(Clone, Debug)]
enum To {
    Tcp(String),
    Unix(PathBuf),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The head as it came, status line included.
    pub head: String,
    /// The body as JSON, or as a string if it is none.
    pub body: Value,
}

impl Harness {
    /// Returns the way in over loopback with the home's token.
    #[must_use]
    pub fn http(&self) -> Http {
        let status = self.status();
        let url = status["http_url"]
            .as_str()
            .unwrap_or_else(|| panic!("no http_url: {status}"));
        let address = url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let token = std::fs::read_to_string(self.home().join("token")).expect("the token's file");
        Http {
            to: To::Tcp(address),
            token: Some(token.trim().to_owned()),
        }
    }

    /// Returns the way in over the unix socket, which needs no token.
    #[must_use]
    pub fn unix_http(&self) -> Http {
        Http {
            to: To::Unix(self.home().join("browserd.sock")),
            token: None,
        }
    }
}

impl Http {
    /// Returns the way in over loopback at `HOST:PORT`.
    #[must_use]
    pub fn tcp(address: &str, token: Option<&str>) -> Self {
        Self {
            to: To::Tcp(address.to_owned()),
            token: token.map(str::to_owned),
        }
    }

    /// Returns the same way in with another token, or none.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self {
            to: self.to.clone(),
            token: token.map(str::to_owned),
        }
    }

    /// Gets a path.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn get(&self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, None)
    }

    /// Posts JSON to a path.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn post(&self, path: &str, body: &Value) -> io::Result<Answer> {
        self.send("POST", path, Some(body.to_string().as_bytes()))
    }

    /// Deletes a path.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn delete(&self, path: &str) -> io::Result<Answer> {
        self.send("DELETE", path, None)
    }

    /// Sends any request with any bytes as its body.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn send(&self, method: &str, path: &str, body: Option<&[u8]>) -> io::Result<Answer> {
        self.send_with(method, path, &[], body)
    }

    /// Sends any request with more header lines.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> io::Result<Answer> {
        let body = body.unwrap_or_default();
        let head = self.head(method, path, headers, body);
        match &self.to {
            To::Tcp(address) => raw_http(TcpStream::connect(address)?, head.as_bytes(), body),
            To::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(SOON))?;
                raw_http(stream, head.as_bytes(), body)
            }
        }
    }

    /// Sends a call in a session, and hangs up as soon as `begun` says so; tells whether it did.
    ///
    /// # Panics
    /// If the daemon can't be reached.
    pub fn leave(
        &self,
        operation: &str,
        session: &str,
        arguments: &Value,
        headers: &[(&str, &str)],
        begun: impl FnMut() -> bool,
    ) -> bool {
        let body = arguments.to_string();
        let path = format!("/v1/sessions/{session}/{operation}");
        let head = self.head("POST", &path, headers, body.as_bytes());
        let whole = [head.as_bytes(), body.as_bytes()].concat();
        let _open: Box<dyn std::any::Any> = match &self.to {
            To::Tcp(address) => {
                let mut stream = TcpStream::connect(address).expect("a connection");
                stream.write_all(&whole).expect("the call is sent");
                Box::new(stream)
            }
            To::Unix(path) => {
                let mut stream = UnixStream::connect(path).expect("a connection");
                stream.write_all(&whole).expect("the call is sent");
                Box::new(stream)
            }
        };
        crate::process::until(SOON, begun)
    }

    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let host = match &self.to {
            To::Tcp(address) => address.as_str(),
            To::Unix(_) => "localhost",
        };
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        if let Some(token) = &self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str("content-type: application/json\r\n");
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        head
    }
}

/// Sends one request as the bytes it is and reads its answer to the end.
///
/// # Errors
/// If nobody answers.
pub fn raw_http(
    mut stream: impl io::Read + io::Write,
    head: &[u8],
    body: &[u8],
) -> io::Result<Answer> {
    stream.write_all(head)?;
    // A server may answer and close before it has read a body that is too long.
    let sent = stream.write_all(body);
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    if bytes.is_empty() {
        sent.and(read.map(drop))?;
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer"))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut body = bytes[end + 4..].to_vec();
    if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        body = unchunk(&body)?;
    }
    let body = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    Some(Answer { status, head, body })
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = bytes.windows(2).position(|window| window == b"\r\n")?;
        let length = std::str::from_utf8(&bytes[..line]).ok()?;
        let length = usize::from_str_radix(length.split(';').next()?.trim(), 16).ok()?;
        bytes = &bytes[line + 2..];
        if length == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(bytes.get(..length)?);
        bytes = bytes.get(length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_answer_is_put_together() {
        let bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
        let answer = parse(bytes).unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, serde_json::json!({ "a": 1 }));
    }
}
