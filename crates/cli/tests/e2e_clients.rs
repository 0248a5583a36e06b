//! Foreign clients that nobody here wrote drive `browserd mcp`, and go on after the daemon's end.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail tests and tell what the foreign program said"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "foreign programs are started here"
)]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use testkit::harness::{Harness, raw_http};
use testkit::process;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients");

/// The demo application, served by the binary itself.
struct Demo {
    child: Child,
    url: String,
}

impl Demo {
    fn serve(test: &Harness) -> Self {
        let mut command = test.command(&["demo", "serve"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = process::spawn(&mut command).expect("the demo starts");
        let mut url = String::new();
        let mut words = BufReader::new(child.stdout.take().expect("its words"));
        words.read_line(&mut url).expect("its address");
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }

    fn stats(&self) -> Value {
        let host = self
            .url
            .trim_start_matches("http://")
            .trim_end_matches("/login");
        let stream = std::net::TcpStream::connect(host).expect("the demo listens");
        let head = format!("GET /stats HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        raw_http(stream, head.as_bytes(), b"")
            .expect("the demo answers")
            .body
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        process::kill(self.child.id(), process::Signal::KILL);
        self.child.wait().expect("the demo can be waited for");
        process::forget(self.child.id());
    }
}

/// Returns where `make clients` has put the foreign programs.
fn clients() -> PathBuf {
    let found = std::env::var_os("BROWSERD_TEST_CLIENTS").map(PathBuf::from);
    let target = || {
        PathBuf::from(BROWSERD)
            .ancestors()
            .nth(2)
            .map(|target| target.join("clients"))
    };
    let folder = found.or_else(target).expect("the build folder");
    assert!(
        folder.join(".ready").exists(),
        "run `make clients` first: {} isn't there",
        folder.display()
    );
    folder
}

fn drives_the_demo(program: &str, script: &str, environment: &[(&str, &str)]) {
    let test = Harness::new(BROWSERD).with("BROWSERD_LISTEN", "127.0.0.1:0");
    let demo = Demo::serve(&test);
    let clients = clients();
    let mut command = Command::new(if program == "node" {
        PathBuf::from(program)
    } else {
        clients.join(program)
    });
    test.seal(&mut command);
    command
        .arg(format!("{SCRIPTS}/{script}"))
        .env("BROWSERD", BROWSERD)
        .env("BROWSERD_TEST_CLIENTS", &clients)
        .env("DEMO_URL", &demo.url)
        .env("DEMO_USER", "ada")
        .env("DEMO_PASSWORD", "lovelace")
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    let output = process::output(&mut command).expect("the client starts");
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{told}{}", test.words());
    println!("{told}");

    let stats = demo.stats();
    assert_eq!(stats["logins"], 1, "{stats}");
    assert_eq!(stats["unauthenticated_protected_requests"], 0, "{stats}");
    drop(demo);
    test.finish();
}

#[test]
fn the_official_typescript_client_goes_on_after_the_daemon_was_killed() {
    drives_the_demo("node", "drive.mjs", &[("EXPECT_VERSION", "2025-11-25")]);
}

#[test]
fn the_official_python_client_of_2026_07_28_goes_on_after_the_daemon_was_killed() {
    let environment = [("MODE", "auto"), ("EXPECT_VERSION", "2026-07-28")];
    drives_the_demo("python/bin/python", "drive.py", &environment);
}

#[test]
fn the_official_python_client_of_2025_11_25_goes_on_after_the_daemon_was_killed() {
    let environment = [("MODE", "legacy"), ("EXPECT_VERSION", "2025-11-25")];
    drives_the_demo("python/bin/python", "drive.py", &environment);
}
