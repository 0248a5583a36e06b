//! Which browser answers at a debugging port: `GET /json/version`, and no more than that.
//!
//! Whoever listens there is not trusted: the answer is bounded in size, and all that is taken
//! of it is the browser's id, never the place it claims to be at.

use std::io;
use std::net::SocketAddr;

use base::Ctx;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Error;

/// What stands before a browser's id in the path of its WebSocket.
pub const BROWSER_PATH: &str = "/devtools/browser/";
/// Chromium's answer has about 600 bytes.
const LONGEST: usize = 64 * 1024;
const MOST_HEADERS: usize = 64;
/// A UUID has 36 letters.
const LONGEST_ID: usize = 64;

/// Asks which browser answers at `address`; returns its id, which changes with every start.
///
/// # Errors
/// [`Error::Connect`] if nobody answers, or not as a browser does: of the kind `NotFound` if a
/// server answers that has no such page. [`Error::NotSent`] if the call ended first.
///
/// # Cancel safety
/// Yes.
pub async fn discover(ctx: &Ctx, address: SocketAddr) -> Result<String, Error> {
    let asked = ctx.race(ask(address)).await.map_err(Error::NotSent)?;
    asked.map_err(Error::Connect)
}

/// Tells whether `id` can be a browser's.
#[must_use]
pub fn is_browser_id(id: &str) -> bool {
    let fits = (1..=LONGEST_ID).contains(&id.len());
    fits && id
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || it == b'-')
}

async fn ask(address: SocketAddr) -> io::Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!(
        "GET /json/version HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\n\
         Connection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        if let Some(body) = body_of(&answer)? {
            return browser_of(body);
        }
        let room = LONGEST.saturating_sub(answer.len());
        if room == 0 {
            return Err(strange("the answer is too long"));
        }
        let mut part = (&mut socket).take(room as u64);
        if part.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Returns the body of an answer; `None` as long as not all of it is there.
fn body_of(answer: &[u8]) -> io::Result<Option<&[u8]>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head
        .parse(answer)
        .map_err(|err| io::Error::new(io::ErrorKind::InvalidData, err))?;
    let httparse::Status::Complete(start) = parsed else {
        return Ok(None);
    };
    match head.code {
        Some(200) => {}
        Some(404) => return Err(io::ErrorKind::NotFound.into()),
        _ => return Err(strange("the answer is no 200")),
    }
    let length = head
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok())
        .and_then(|length| length.trim().parse::<usize>().ok())
        .filter(|length| *length <= LONGEST)
        .ok_or_else(|| strange("the answer has no usable length"))?;
    Ok(answer.get(start..start + length))
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "webSocketDebuggerUrl")]
    url: String,
}

fn browser_of(body: &[u8]) -> io::Result<String> {
    let version: Version =
        serde_json::from_slice(body).map_err(|_| strange("the answer tells no browser"))?;
    let id = version.url.split_once(BROWSER_PATH).map(|(_, id)| id);
    id.filter(|id| is_browser_id(id))
        .map(str::to_owned)
        .ok_or_else(|| strange("the answer tells no browser"))
}

fn strange(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expect: Result<Option<&str>, io::ErrorKind>) {
        let body = body_of(answer.as_bytes()).map_err(|err| err.kind());
        let id = match body {
            Ok(Some(body)) => browser_of(body).map(Some).map_err(|err| err.kind()),
            Ok(None) => Ok(None),
            Err(kind) => Err(kind),
        };
        assert_eq!(id, expect.map(|id| id.map(str::to_owned)), "{answer}");
    }

    fn answer(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    #[test]
    fn a_browser_is_known_by_the_id_in_its_url_wherever_that_points() {
        let body =
            r#"{"Browser":"x","webSocketDebuggerUrl":"ws://evil.test/devtools/browser/9fae-1"}"#;
        check(&answer(body), Ok(Some("9fae-1")));
    }

    #[test]
    fn an_answer_that_is_not_whole_yet_is_waited_for() {
        check("HTTP/1.1 200 OK\r\nconte", Ok(None));
        check("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a", Ok(None));
    }

    #[test]
    fn whatever_is_no_browsers_answer_is_refused() {
        let strange = Err(io::ErrorKind::InvalidData);
        check("SSH-2.0-OpenSSH_9.2\r\n", strange);
        check("HTTP/1.1 200 OK\r\n\r\n{}", strange);
        check(&answer("{}"), strange);
        check(&answer("not json"), strange);
        check(
            "HTTP/1.1 404 Not Found\r\n\r\n",
            Err(io::ErrorKind::NotFound),
        );
        check("HTTP/1.1 302 Found\r\nlocation: x\r\n\r\n", strange);
        check(
            "HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n",
            strange,
        );
        check(
            "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n",
            strange,
        );
        for id in ["", "a/../b", "a b", "a?x=1", &"a".repeat(65)] {
            let url = format!("ws://127.0.0.1:1/devtools/browser/{id}");
            let body = serde_json::json!({ "webSocketDebuggerUrl": url }).to_string();
            check(&answer(&body), strange);
        }
    }
}
