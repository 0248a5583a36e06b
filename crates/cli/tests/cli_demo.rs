//! The demo application, as a browser would meet it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use testkit::harness::{Answer, Harness, raw_http};
use testkit::process::{self, Signal};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// A running `browserd demo serve`.
struct App {
    child: Child,
    address: String,
}

impl App {
    fn start(test: &Harness) -> Self {
        let mut command = test.command(&["demo", "serve"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = process::spawn(&mut command).unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .trim_start_matches("http://")
            .trim_end_matches("/login");
        Self {
            child,
            address: address.to_owned(),
        }
    }

    fn send(&self, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncookie: {cookie}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let stream = TcpStream::connect(&self.address).unwrap();
        raw_http(stream, head.as_bytes(), body.as_bytes()).unwrap()
    }

    fn end(mut self) {
        process::kill(self.child.id(), Signal::INT);
        assert!(self.child.wait().unwrap().success());
        process::forget(self.child.id());
    }
}

/// Returns a header's value.
fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let start = format!("{name}: ");
    answer
        .head
        .lines()
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_default()
}

#[test]
fn the_shop_is_behind_a_cookie_and_everything_is_counted() {
    let test = Harness::new(BROWSERD);
    let app = App::start(&test);

    let outside = app.send("GET", "/shop", "", "");
    assert_eq!(
        (outside.status, header(&outside, "location")),
        (303, "/login")
    );
    assert_eq!(
        app.send("POST", "/login", "", "user=ada&password=wrong")
            .status,
        403
    );

    let inside = app.send("POST", "/login", "", "user=ada&password=lovelace");
    assert_eq!(inside.status, 303);
    let set = header(&inside, "set-cookie");
    assert!(
        set.contains("HttpOnly") && !set.contains("Max-Age"),
        "{set}"
    );
    let cookie = set.split(';').next().unwrap().to_owned();
    let welcome = header(&inside, "location").to_owned();
    let page = app.send("GET", &welcome, &cookie, "");
    assert!(
        page.body
            .as_str()
            .unwrap()
            .contains("localStorage.setItem('token'"),
        "{page:?}"
    );
    assert_eq!(
        app.send("GET", &welcome, &cookie, "").status,
        303,
        "the code works once"
    );
    assert_eq!(app.send("GET", "/shop", &cookie, "").status, 200);
    assert_eq!(
        app.send("GET", "/api/account", &cookie, "").status,
        403,
        "no token"
    );

    let stats = app.send("GET", "/stats", "", "").body;
    assert_eq!(stats["logins"], 1);
    assert_eq!(stats["refused_logins"], 1);
    assert_eq!(stats["protected_requests"], 3);
    assert_eq!(stats["unauthenticated_protected_requests"], 1);
    assert_eq!(stats["requests"][0]["path"], "/shop");
    assert_eq!(stats["requests"][0]["cookie"], false);
    app.end();
    test.finish();
}

#[test]
fn the_main_job_goes_through_two_kills_in_the_same_place() {
    let test = Harness::new(BROWSERD);
    let ran = test.cli(&["demo", "--json"]).done().json();
    assert_eq!(ran["ok"], true, "{ran}");
    let steps: Vec<&str> = ran["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["step"].as_str())
        .collect();
    for step in [
        "kill -9 the browser, then take a snapshot",
        "kill -9 the daemon, then evaluate",
    ] {
        assert!(steps.contains(&step), "{steps:?}");
    }
    assert_eq!(steps.last(), Some(&"clean up"));
    test.finish();
}
