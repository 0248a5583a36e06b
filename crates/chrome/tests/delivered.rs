//! What a browser that died has read, and what it never did.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests and their helpers"
)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use browserd_chrome as chrome;
use chrome::{ExitCause, LaunchSpec, Link, LinkEnd};
use common::{Lab, ended, kill, read_until, send, until};
use futures_util::StreamExt as _;
use testkit::process::Signal;

/// A browser that answers the launch, waits for the file `go`, reads so many bytes, says so
/// with the file `done` and then reads no more.
fn reads(lab: &Lab, n_bytes: usize) -> LaunchSpec {
    let program = lab.folder.path().join("reads");
    let script = format!(
        "#!/bin/sh\nhead -c 48 <&3 >/dev/null\nprintf '{{\"id\":2147483647}}\\000' >&4\n\
         mkfifo go\nread line <go\nhead -c {n_bytes} <&3 >/dev/null\ntouch done\n\
         exec sleep 1000\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    lab.spec(&program)
}

/// Lets that browser read.
async fn go(run: &Path) {
    until(|| run.join("tmp/go").exists()).await;
    std::fs::write(run.join("tmp/go"), "\n").unwrap();
    until(|| run.join("tmp/done").exists()).await;
}

/// Kills the browser. Returns how many messages it had read, as the link's end tells.
async fn killed(link: &mut Link, browser: i32) -> Option<u64> {
    kill(browser, Signal::KILL);
    let LinkEnd::Exited { record, delivered } = ended(link).await else {
        unreachable!("{:?}", link.ended)
    };
    assert_eq!(record.cause, ExitCause::Signalled { signal: 9 });
    // The keeper stays for as long as it holds a reply.
    while link.incoming.next().await.is_some() {}
    delivered
}

#[tokio::test]
async fn a_killed_browser_has_read_what_it_read_whole_and_no_more() {
    // Ten messages of ten bytes and their NUL are sent.
    for (n_bytes, expected) in [(0, 0), (1, 0), (32, 2), (33, 3), (43, 3), (44, 4)] {
        let mut lab = Lab::new();
        let (mut link, welcome) = lab.launch(&reads(&lab, n_bytes)).await.unwrap();
        for number in 0..10 {
            send(&mut link, format!("message  {number}")).await;
        }
        go(&lab.run()).await;
        let browser = welcome.identity.browser_pid;
        assert_eq!(
            killed(&mut link, browser).await,
            Some(expected),
            "{n_bytes} bytes"
        );
        lab.ends_clean().await;
    }
}

#[tokio::test]
async fn what_waits_with_the_keeper_or_before_it_was_not_read() {
    let mut lab = Lab::new();
    let spec = reads(&lab, 70 * 1024);
    let (mut link, welcome) = lab.launch(&spec).await.unwrap();
    // More than the pipe holds, less than the window.
    for _ in 0..500 {
        send(&mut link, vec![b'x'; 1023]).await;
    }
    go(&lab.run()).await;
    let browser = welcome.identity.browser_pid;
    assert_eq!(killed(&mut link, browser).await, Some(70));
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_daemon_is_told_of_its_own_messages_only() {
    let mut lab = Lab::new();
    let (mut link, first) = lab.launch(&reads(&lab, 4 * 5)).await.unwrap();
    for _ in 0..3 {
        send(&mut link, "four").await;
    }
    until(|| in_pipe(first.identity.browser_pid) == 3 * 5).await;
    drop(link);
    let (mut link, welcome) = lab.adopt(2).await.unwrap();
    for _ in 0..3 {
        send(&mut link, "four").await;
    }
    go(&lab.run()).await;
    let browser = welcome.identity.browser_pid;
    assert_eq!(killed(&mut link, browser).await, Some(1));
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_stopped_chromium_that_is_killed_has_read_what_it_answered() {
    for size in [100, 4000] {
        let mut lab = Lab::new();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = chrome::find(None, &path).expect("Chromium is installed");
        let (mut link, welcome) = lab.launch(&lab.spec(&program)).await.unwrap();
        for id in 1..=5 {
            ask(&mut link, id, size).await;
            read_until(&mut link, &format!(r#"{{"id":{id},"#)).await;
        }
        let browser = welcome.identity.browser_pid;
        kill(browser, Signal::STOP);
        until(|| is_stopped(browser)).await;
        // Of the larger ones the pipe holds a few, the keeper's queue the others.
        for id in 6..=105 {
            ask(&mut link, id, size).await;
        }
        until(|| (100 * size as u64).min(60_000) <= in_pipe(browser)).await;
        assert_eq!(killed(&mut link, browser).await, Some(5), "of {size} bytes");
        lab.ends_clean().await;
    }
}

async fn ask(link: &mut Link, id: u32, size: usize) {
    let padding = "x".repeat(size);
    let message = format!(r#"{{"id":{id},"method":"Browser.getVersion","x":"{padding}"}}"#);
    send(link, message).await;
}

/// Returns how many bytes of commands a browser hasn't read.
fn in_pipe(pid: i32) -> u64 {
    let pipe = std::fs::File::open(format!("/proc/{pid}/fd/3")).unwrap();
    rustix::io::ioctl_fionread(pipe).unwrap()
}

/// Tells whether every thread of a process is stopped.
fn is_stopped(pid: i32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, state)| state.starts_with('T'))
    })
}
