//! The side of the benchmark: it serves the pages, starts an episode from a seed and reads what
//! the page itself says of how it ended.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use testkit::harness::{Agent, Http};

/// Long enough for a loaded machine. The reward itself stays the page's own.
const EPISODE_MS: u64 = 120_000;

/// The pages, served on loopback as long as the process lives.
pub struct Arena {
    pub folder: PathBuf,
    address: String,
}

impl Arena {
    /// Serves the folder `html` of the package.
    pub fn serve(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let root: Arc<Path> = folder.into();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let root = Arc::clone(&root);
                std::thread::spawn(move || answer(&root, stream));
            }
        });
        Self {
            folder: folder.to_owned(),
            address,
        }
    }

    /// Returns the names of all tasks.
    pub fn tasks(&self) -> Vec<String> {
        let pages = std::fs::read_dir(self.folder.join("miniwob")).expect("the pages");
        let name = |page: std::fs::DirEntry| {
            let name = page.file_name().into_string().ok()?;
            Some(name.strip_suffix(".html")?.to_owned())
        };
        let mut names: Vec<_> = pages.flatten().filter_map(name).collect();
        names.sort_unstable();
        names
    }

    pub fn url(&self, task: &str) -> String {
        format!("http://{}/miniwob/{task}.html", self.address)
    }
}

/// Starts an episode as the page does it when its cover is clicked.
pub fn start(agent: &mut Agent<Http>, seed: u64) {
    let begin = format!(
        "(Math.seedrandom('{seed}'),core.EPISODE_MAX_TIME={EPISODE_MS},core.cover_div.click(),WOB_DONE_GLOBAL)"
    );
    let answer = agent.call("evaluate", json!({ "expression": begin }));
    assert_eq!(answer["value"], false, "the episode has begun: {answer}");
}

/// Returns the task's own reward, without what is taken off for time; none if it goes on.
pub fn reward(agent: &mut Agent<Http>) -> Option<f64> {
    let told = "WOB_DONE_GLOBAL ? WOB_RAW_REWARD_GLOBAL : null";
    agent.call("evaluate", json!({ "expression": told }))["value"].as_f64()
}

fn answer(root: &Path, mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&buffer[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let inside = path.split('/').all(|part| part != "..");
    let file = root.join(path.trim_start_matches('/'));
    let body = inside.then(|| std::fs::read(&file).ok()).flatten();
    let kind = match file.extension().and_then(|it| it.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let status = if body.is_some() {
        "200 OK"
    } else {
        "404 Not Found"
    };
    let body = body.unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncache-control: max-age=600\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // A browser may hang up on what it no longer wants.
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body))
        .ok();
}
