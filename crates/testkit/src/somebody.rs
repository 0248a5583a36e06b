//! Somebody's browser: a Chromium with a debugging port that browserd did not start.
//!
//! What is in it is asked over that port's HTTP, so that browserd's own word isn't needed.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::process;
use crate::raw::RawChromium;

/// A browser with a debugging port. Dropping it ends it.
#[derive(Debug)]
pub struct Somebody {
    chromium: RawChromium,
    address: SocketAddr,
    id: String,
}

impl Somebody {
    /// Starts a browser, without a page.
    ///
    /// # Panics
    /// If it doesn't open its port.
    #[must_use]
    pub fn start() -> Self {
        let chromium = RawChromium::start_with(&["--remote-debugging-port=0"]);
        let chromium = chromium.expect("a chromium");
        let file = chromium.folder().join("profile/DevToolsActivePort");
        let mut port = None;
        process::wait_until("the debugging port", || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let lines = text.split_once('\n');
            let told = lines.and_then(|(port, path)| {
                let id = path.trim().strip_prefix("/devtools/browser/")?;
                Some((port.parse::<u16>().ok()?, id.to_owned()))
            });
            port = told.filter(|(_, id)| id.len() == 36);
            port.is_some()
        });
        let (port, id) = port.expect("it was told");
        Self {
            chromium,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            id,
        }
    }

    /// Returns where its debugging port is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its id, which stands in the path of its WebSocket.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the id of the browser process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.chromium.pid()
    }

    /// Opens a page, as its owner would.
    pub fn open(&self, url: &str) {
        self.ask("PUT", &format!("/json/new?{url}"));
    }

    /// Returns the URLs of its pages, in alphabetical order.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let listed = self.ask("GET", "/json/list");
        let pages = listed.as_array().expect("a list").iter();
        let pages = pages.filter(|page| page["type"] == "page");
        let mut urls: Vec<_> = pages
            .map(|page| page["url"].as_str().unwrap_or_default().to_owned())
            .collect();
        urls.sort();
        urls
    }

    /// Waits until its pages are at these URLs.
    ///
    /// # Panics
    /// If they aren't.
    pub fn wait_urls(&self, expect: &[&str]) {
        let mut seen = vec![];
        let come = process::until(Duration::from_secs(30), || {
            seen = self.urls();
            seen == expect
        });
        assert!(come, "{seen:?} is open and not {expect:?}");
    }

    fn ask(&self, method: &str, path: &str) -> Value {
        let asked = self.try_ask(method, path);
        asked.unwrap_or_else(|err| panic!("{path}: the browser doesn't answer: {err}"))
    }

    fn try_ask(&self, method: &str, path: &str) -> io::Result<Value> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let address = self.address;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"
        )?;
        // It keeps the connection open, so its length is what tells the end.
        let mut answer = vec![];
        let mut part = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    let is_it = name.eq_ignore_ascii_case("content-length");
                    is_it.then(|| value.trim().parse().ok()).flatten()
                });
                if length.is_some_and(|length: usize| length <= body.len()) {
                    return serde_json::from_str(body).map_err(io::Error::from);
                }
            }
            match stream.read(&mut part)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => answer.extend_from_slice(&part[..n]),
            }
        }
    }
}
