//! A real application nobody here wrote: JupyterLab, with a password, through a killed browser.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a foreign program is started here"
)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use testkit::harness::{Agent, Do, Harness, Http, SOON};
use testkit::process::{self, Signal};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const PASSWORD: &str = "analytical engine";

/// A JupyterLab of this test's own.
struct Jupyter {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Jupyter {
    fn start(test: &Harness) -> Self {
        let clients = std::env::var_os("BROWSERD_TEST_CLIENTS").map(PathBuf::from);
        let target = || {
            PathBuf::from(BROWSERD)
                .ancestors()
                .nth(2)
                .map(|it| it.join("clients"))
        };
        let bin = clients
            .or_else(target)
            .expect("the build folder")
            .join("python/bin");
        assert!(
            bin.join("jupyter").exists(),
            "run `make clients` first: {} isn't there",
            bin.display()
        );

        let place = test.folder().join("user/notebooks");
        std::fs::create_dir_all(&place).expect("a folder");
        std::fs::write(place.join("work.ipynb"), notebook().to_string()).expect("a notebook");
        let log = test.folder().join("user/jupyter.log");
        let words = std::fs::File::create(&log).expect("a log");
        // Free when asked; nobody else takes ports of loopback at random in between.
        let free = TcpListener::bind("127.0.0.1:0")
            .and_then(|it| it.local_addr())
            .expect("a port");
        let mut command = Command::new(bin.join("jupyter"));
        test.seal(&mut command);
        command
            .args([
                "lab",
                "--no-browser",
                "--allow-root",
                "--ServerApp.ip=127.0.0.1",
            ])
            .args([
                "--ServerApp.port_retries=0",
                "--LabApp.news_url=",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            ])
            .arg(format!("--ServerApp.port={}", free.port()))
            .arg(format!(
                "--PasswordIdentityProvider.hashed_password={}",
                hashed(test, &bin)
            ))
            .arg(format!("--ServerApp.root_dir={}", place.display()))
            // Its own place for scraps: ours is checked to be empty.
            .env("TMPDIR", test.folder().join("user"))
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
            )
            .stdin(Stdio::null())
            .stdout(words.try_clone().expect("the log twice"))
            .stderr(words);
        let child = process::spawn(&mut command).expect("JupyterLab starts");
        let jupyter = Self {
            child,
            port: free.port(),
            log,
        };
        let up = process::until(Duration::from_secs(60), || {
            std::net::TcpStream::connect(("127.0.0.1", free.port())).is_ok()
        });
        assert!(up, "JupyterLab doesn't listen: {}", jupyter.words());
        jupyter
    }

    fn words(&self) -> String {
        std::fs::read_to_string(&self.log).expect("its log")
    }

    /// Counts the accepted and refused logins that the server wrote down.
    fn logins(&self) -> usize {
        self.words()
            .lines()
            .filter(|line| line.contains("POST /login"))
            .count()
    }
}

impl Drop for Jupyter {
    fn drop(&mut self) {
        // It ends its kernels when it is asked to; twice means without a question.
        let child = &mut self.child;
        process::kill(child.id(), Signal::TERM);
        let ended = process::until(SOON, || matches!(child.try_wait(), Ok(Some(_))));
        if !ended {
            process::kill(child.id(), Signal::KILL);
        }
        child.wait().expect("JupyterLab can be waited for");
        process::forget(child.id());
    }
}

fn hashed(test: &Harness, bin: &Path) -> String {
    let mut command = Command::new(bin.join("python"));
    test.seal(&mut command);
    let script =
        "import sys; from jupyter_server.auth import passwd; print(passwd(sys.argv[1]), end='')";
    let output = process::output(command.args(["-c", script, PASSWORD])).expect("python runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("a hash is text")
}

fn notebook() -> serde_json::Value {
    json!({
        "cells": [{
            "cell_type": "code", "execution_count": null, "id": "sum", "metadata": {},
            "outputs": [], "source": "print('the sum is', 6 * 7)",
        }],
        "metadata": {
            "kernelspec": { "display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3" },
        },
        "nbformat": 4, "nbformat_minor": 5,
    })
}

fn wait(agent: &mut Agent<Http>, condition: serde_json::Value) {
    let mut arguments = condition;
    arguments["timeout_ms"] = json!(60_000);
    agent.call("wait_for", arguments);
}

#[test]
fn jupyterlab_is_where_it_was_and_logged_in_after_a_killed_browser() {
    // A cold JupyterLab takes its time on a small machine.
    let mut test = Harness::new(BROWSERD).with("BROWSERD_CALL_LIMIT", "90s");
    let jupyter = Jupyter::start(&test);
    test.serve();
    let url = format!("http://127.0.0.1:{}/lab/tree/work.ipynb", jupyter.port);
    let mut agent = Agent::open(test.http(), Some("jupyter"), &url);

    let form = agent.call("snapshot", json!({}));
    assert!(
        form["url"]
            .as_str()
            .is_some_and(|url| url.contains("/login")),
        "{form}"
    );
    agent.call(
        "interact",
        json!({ "action": "fill", "selector": "input[type=password]", "text": PASSWORD }),
    );
    agent.call("interact", json!({ "action": "press", "key": "Enter" }));
    wait(
        &mut agent,
        json!({ "selector": ".jp-Notebook .jp-CodeCell .cm-content" }),
    );
    // The kernel is there when the status bar says that it is idle.
    wait(&mut agent, json!({ "text": "| Idle" }));
    agent.call(
        "interact",
        json!({ "action": "click", "selector": ".jp-CodeCell .cm-content" }),
    );
    agent.call(
        "interact",
        json!({ "action": "press", "key": "Shift+Enter" }),
    );
    wait(&mut agent, json!({ "text": "the sum is 42" }));
    agent.call("interact", json!({ "action": "press", "key": "Control+s" }));
    let saved = process::until(SOON, || {
        let file = test.folder().join("user/notebooks/work.ipynb");
        std::fs::read_to_string(file).is_ok_and(|text| text.contains("the sum is 42"))
    });
    assert!(saved, "the notebook isn't saved: {}", jupyter.words());
    let before = agent.show();
    let checkpoint = agent.checkpoint();
    agent.call("save_session_checkpoint", json!({ "name": "executed" }));
    assert_ne!(agent.checkpoint(), checkpoint);

    test.fault(Do::KillBrowser);

    wait(&mut agent, json!({ "text": "the sum is 42" }));
    let answer = agent.expect_text("the sum is 42");
    assert_eq!(answer["url"], before["url"]);
    assert_eq!(answer["url"], url.as_str());
    assert_eq!(
        answer["generation"].as_u64(),
        before["generation"].as_u64().map(|n| n + 1)
    );
    assert_eq!(jupyter.logins(), 1, "{}", jupyter.words());
    agent.close();
    drop(jupyter);
    test.finish();
}
