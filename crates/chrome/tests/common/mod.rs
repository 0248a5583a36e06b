//! A run folder, a launcher and what tests ask of them.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests, which clippy doesn't take for tests"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{BrowserId, Ctx, Tasks};
use browserd_chrome as chrome;
use bytes::Bytes;
use chrome::{Error, Hello, Identity, KeeperProgram, LaunchSpec, Link, Sandbox, Welcome};
use futures_util::{SinkExt as _, StreamExt as _};
use testkit::fake::Fake;
use testkit::process;

/// A test's own folder, and the processes that must not outlive it.
pub struct Lab {
    pub folder: tempfile::TempDir,
    pub tasks: Tasks,
    started: std::cell::RefCell<Vec<Identity>>,
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Only after a failed test is any of them left.
        for identity in self.started.borrow().iter() {
            for (pid, start) in [
                (identity.keeper_pid, identity.keeper_start),
                (identity.browser_pid, identity.browser_start),
            ] {
                if chrome::process::is_running(pid, start) {
                    process::kill(pid as u32, process::Signal::KILL);
                }
            }
        }
    }
}

impl Lab {
    pub fn new() -> Self {
        // What a killed keeper leaves falls to the test and is looked for at its end.
        chrome::become_subreaper().unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder,
            tasks: Tasks::new(),
            started: std::cell::RefCell::default(),
        }
    }

    pub fn run(&self) -> PathBuf {
        self.folder.path().join("run/b")
    }

    pub fn spec(&self, program: &Path) -> LaunchSpec {
        LaunchSpec {
            browser: BrowserId::new(),
            run: self.run(),
            program: program.to_owned(),
            user_data_dir: self.run().join("profile"),
            headless: true,
            sandbox: Sandbox::Off,
            extra_args: Vec::new(),
            guard: false,
            orphan_timeout: None,
            keeper: keeper(),
        }
    }

    pub fn fake(&self, fake: Fake) -> LaunchSpec {
        self.spec(&fake.install(self.folder.path()))
    }

    pub async fn launch(&mut self, spec: &LaunchSpec) -> Result<(Link, Welcome), Error> {
        let launched = chrome::launch(&soon(), spec, &hello(1), &self.tasks).await;
        if let Ok((_, welcome)) = &launched {
            self.started.borrow_mut().push(welcome.identity.clone());
        }
        launched
    }

    pub async fn adopt(&self, epoch: u64) -> Result<(Link, Welcome), Error> {
        let adopted = chrome::adopt(&soon(), &self.run(), &hello(epoch), None, &self.tasks).await;
        if let Ok((_, welcome)) = &adopted {
            self.started.borrow_mut().push(welcome.identity.clone());
        }
        adopted
    }

    /// Checks that no process of this test is left, and no zombie.
    pub async fn ends_clean(self) {
        self.tasks.stop().await;
        let run = self.run();
        let left = || {
            let mut left = process::naming(&run);
            left.extend(process::descendants());
            left
        };
        let clean = process::until(Duration::from_secs(10), || {
            for child in process::descendants().iter().filter(|seen| seen.zombie) {
                // A killed keeper's children: here the test is their reaper.
                let _gone = process::reap(child.pid);
            }
            left().is_empty()
        });
        assert!(clean, "left: {:?}", left());
    }
}

pub fn keeper() -> KeeperProgram {
    KeeperProgram {
        program: env!("CARGO_BIN_EXE_test-keeper").into(),
        args: Vec::new(),
    }
}

pub fn hello(epoch: u64) -> Hello {
    Hello {
        nonce: "0".repeat(32),
        epoch,
    }
}

pub fn soon() -> Ctx {
    Ctx::within(Duration::from_secs(20))
}

pub async fn send(link: &mut Link, message: impl Into<Bytes>) {
    link.outgoing.send(message.into()).await.unwrap();
}

pub async fn next(link: &mut Link) -> String {
    let message = soon()
        .race(link.incoming.next())
        .await
        .expect("a message in time");
    String::from_utf8(message.expect("a message").unwrap().to_vec()).unwrap()
}

/// Reads until a message that contains `mark`; returns all before it and it.
pub async fn read_until(link: &mut Link, mark: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let message = next(link).await;
        let last = message.contains(mark);
        seen.push(message);
        if last {
            return seen;
        }
    }
}

pub async fn ended(link: &Link) -> chrome::LinkEnd {
    let mut ended = link.ended.clone();
    let end = soon()
        .race(ended.wait_for(Option::is_some))
        .await
        .expect("an end in time");
    end.unwrap().clone().unwrap()
}

pub fn kill(pid: i32, signal: process::Signal) {
    process::kill(pid as u32, signal);
}

pub fn runs(identity: &Identity) -> (bool, bool) {
    (
        chrome::process::is_running(identity.keeper_pid, identity.keeper_start),
        chrome::process::is_running(identity.browser_pid, identity.browser_start),
    )
}

/// Waits until the process is gone.
pub async fn gone(pid: i32, start: u64) {
    until(|| !chrome::process::is_running(pid, start)).await;
}

/// Waits for something that the kernel tells nobody here: looks again and again, bounded.
pub async fn until(mut condition: impl FnMut() -> bool) {
    let looks = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon().race(looks).await.expect("it came true in time");
}
