//! Launch and stop, with programs that pretend to be Chromium.

#![allow(
    clippy::disallowed_methods,
    reason = "tests look at the clock and the files"
)]

mod common;

use std::process::Command;
use std::time::Duration;

use base::{Code, Ctx};
use browserd_chrome as chrome;
use chrome::{Error, ExitCause, LinkEnd};
use common::{Lab, ended, gone, kill, next, send, soon, until};
use futures_util::{SinkExt as _, StreamExt as _};
use testkit::fake::Fake;
use testkit::process::{self, Signal};

#[tokio::test]
async fn a_browser_that_ends_at_once_is_an_error_that_says_so() {
    for (fake, says) in [
        (Fake::ExitsNow, "exited with code 0"),
        (Fake::ExitsOne, "the display is on fire"),
        (Fake::LibraryMissing, "libnss3.so"),
    ] {
        let mut lab = Lab::new();
        let err = lab.launch(&lab.fake(fake)).await.unwrap_err();
        assert!(err.to_string().contains(says), "{fake:?}: {err}");
        assert_eq!(err.code(), Code::BrowserMissing);
        let record = chrome::exit_record(&lab.run()).unwrap();
        assert!(
            matches!(record.cause, ExitCause::LaunchFailed { .. }),
            "{record:?}"
        );
        lab.ends_clean().await;
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_named() {
    let mut lab = Lab::new();
    let spec = lab.spec("/nowhere/chromium".as_ref());
    let err = lab.launch(&spec).await.unwrap_err();
    assert!(err.to_string().contains("/nowhere/chromium"), "{err}");
    assert_eq!(err.code(), Code::BrowserMissing);
    lab.ends_clean().await;
}

#[tokio::test]
async fn root_is_told_how_to_allow_what_it_needs() {
    let mut lab = Lab::new();
    let mut spec = lab.fake(Fake::Answers);
    spec.sandbox = chrome::Sandbox::On;
    match lab.launch(&spec).await {
        // As another user the sandbox is simply on.
        Ok((link, _)) => drop(link.control.kill(&soon()).await.unwrap()),
        Err(err) => {
            let hint = err.hint().unwrap();
            assert!(hint.contains("chrome.no_sandbox"), "{hint}");
            assert!(hint.contains("BROWSERD_NO_SANDBOX=1"), "{hint}");
            assert!(!lab.run().exists(), "nothing was begun");
        }
    }
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_keeper_that_cannot_be_started_is_named() {
    let mut lab = Lab::new();
    let mut spec = lab.fake(Fake::Answers);
    spec.keeper.program = "/nowhere/browserd".into();
    let err = lab.launch(&spec).await.unwrap_err();
    assert!(err.to_string().contains("/nowhere/browserd"), "{err}");
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_browser_that_never_answers_is_ended_at_the_calls_deadline() {
    let lab = Lab::new();
    let ctx = Ctx::within(Duration::from_secs(1));
    let spec = lab.fake(Fake::NeverAnswers);
    let err = chrome::launch(&ctx, &spec, &common::hello(1), &lab.tasks)
        .await
        .unwrap_err();
    assert_eq!(err.code(), Code::Deadline);
    assert!(err.to_string().contains("thinking"), "{err}");
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_profile_in_use_is_known_also_by_a_relative_path() {
    let mut lab = Lab::new();
    let (link, welcome) = lab.launch(&lab.fake(Fake::Scripted)).await.unwrap();
    let lock = lab.run().join("profile/SingletonLock");
    let host = rustix::system::uname()
        .nodename()
        .to_str()
        .unwrap()
        .to_owned();
    let owner = format!("{host}-{}", welcome.identity.browser_pid);
    std::os::unix::fs::symlink(owner, &lock).unwrap();
    // Only another process can have another working folder.
    let launched = Command::new(env!("CARGO_BIN_EXE_test-daemon"))
        .current_dir(lab.folder.path())
        .args(["./run/b", "./fake-Scripted"])
        .arg(common::keeper().program)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&launched.stderr);
    assert!(said.contains("clearing the locks of the profile"), "{said}");
    assert!(lock.is_symlink(), "its owner lives");
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_launch_that_is_given_up_leaves_nothing() {
    let lab = Lab::new();
    let spec = lab.fake(Fake::NeverAnswers);
    {
        let (ctx, hello) = (soon(), common::hello(1));
        let launch = chrome::launch(&ctx, &spec, &hello, &lab.tasks);
        let mut launch = std::pin::pin!(launch);
        // The log's line says that the browser runs.
        let log = lab.run().join("keeper.log");
        while !std::fs::read_to_string(&log)
            .unwrap_or_default()
            .contains("thinking")
        {
            tokio::select! {
                out = &mut launch => panic!("{out:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_browser_that_ends_with_its_pipe_is_stopped_in_order() {
    let mut lab = Lab::new();
    let (mut link, _) = lab.launch(&lab.fake(Fake::Answers)).await.unwrap();
    send(&mut link, r#"{"id":1}"#).await;
    let received = lab.run().join("tmp/received");
    let arrived = || std::fs::read(&received).is_ok_and(|bytes| bytes == b"{\"id\":1}\0");
    until(arrived).await;
    let record = link
        .control
        .stop(&soon(), Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(record.cause, ExitCause::Stopped);
    assert!(matches!(ended(&link).await, LinkEnd::Exited { record: told, .. } if told == record));
    assert_eq!(chrome::exit_record(&lab.run()), Some(record));
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_browser_that_ignores_every_request_is_killed_after_the_grace() {
    let mut lab = Lab::new();
    let (link, welcome) = lab.launch(&lab.fake(Fake::IgnoresTerm)).await.unwrap();
    let record = link
        .control
        .stop(&soon(), Duration::from_millis(300))
        .await
        .unwrap();
    assert_eq!(record.cause, ExitCause::Stopped);
    assert_eq!(common::runs(&welcome.identity), (false, false));
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_stopped_browser_is_killed_after_the_grace() {
    let mut lab = Lab::new();
    let (link, welcome) = lab.launch(&lab.fake(Fake::Answers)).await.unwrap();
    kill(welcome.identity.browser_pid, Signal::STOP);
    let record = link
        .control
        .stop(&soon(), Duration::from_millis(200))
        .await
        .unwrap();
    assert_eq!(record.cause, ExitCause::Stopped);
    lab.ends_clean().await;
}

#[tokio::test]
async fn helpers_that_outlive_the_browser_are_ended_with_it() {
    let mut lab = Lab::new();
    let (link, _) = lab.launch(&lab.fake(Fake::LeavesHelper)).await.unwrap();
    let helpers = lab.run().join("tmp/helpers");
    until(|| helpers.exists()).await;
    let ids = std::fs::read_to_string(&helpers).unwrap();
    link.control
        .stop(&soon(), Duration::from_secs(10))
        .await
        .unwrap();
    for id in ids.lines() {
        assert!(
            process::seen(id.parse().unwrap()).is_none(),
            "helper {id} is left"
        );
    }
    assert_eq!(ids.lines().count(), 2);
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_browser_killed_from_outside_is_told_with_its_signal() {
    let mut lab = Lab::new();
    let (mut link, welcome) = lab.launch(&lab.fake(Fake::Answers)).await.unwrap();
    kill(welcome.identity.browser_pid, Signal::KILL);
    let LinkEnd::Exited { record, .. } = ended(&link).await else {
        panic!("{:?}", link.ended)
    };
    assert_eq!(record.cause, ExitCause::Signalled { signal: 9 });
    assert!(!record.oom);
    assert!(
        link.incoming.next().await.is_none(),
        "a stream that ended, without an error"
    );
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_browser_that_stops_reading_holds_up_the_writer_and_no_command() {
    let mut lab = Lab::new();
    let (mut link, _) = lab.launch(&lab.fake(Fake::StopsReading)).await.unwrap();
    let piece = vec![b'x'; 64 << 10];
    let mut n_sent = 0;
    while n_sent < 160 {
        let ctx = Ctx::within(Duration::from_millis(500));
        match ctx.race(link.outgoing.send(piece.clone().into())).await {
            Ok(sent) => sent.unwrap(),
            Err(_held_up) => break,
        }
        n_sent += 1;
    }
    assert!(
        (16..160).contains(&n_sent),
        "the writer was held up after {n_sent} pieces"
    );
    let record = link.control.kill(&soon()).await.unwrap();
    assert_eq!(record.cause, ExitCause::Stopped);
    lab.ends_clean().await;
}

#[tokio::test]
async fn ten_megabytes_reach_a_browser_that_reads() {
    let mut lab = Lab::new();
    let (mut link, _) = lab.launch(&lab.fake(Fake::Answers)).await.unwrap();
    send(&mut link, vec![b'x'; 10 << 20]).await;
    send(&mut link, "last").await;
    let received = lab.run().join("tmp/received");
    let whole = (10 << 20) + 1 + 5;
    let arrived = || std::fs::metadata(&received).is_ok_and(|meta| meta.len() == whole);
    until(arrived).await;
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_flood_is_read_and_can_be_stopped() {
    let mut lab = Lab::new();
    let (mut link, _) = lab.launch(&lab.fake(Fake::Floods)).await.unwrap();
    for _ in 0..50_000 {
        assert!(
            next(&mut link)
                .await
                .starts_with(r#"{"method":"Runtime.consoleAPICalled""#)
        );
    }
    // From here on nobody reads: the keeper drops the oldest and says so.
    let dropped = || 0 < link.control.n_dropped();
    while !dropped() {
        tokio::task::yield_now().await;
    }
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_killed_keeper_takes_its_browser_along_also_a_stopped_one() {
    for stopped in [false, true] {
        let mut lab = Lab::new();
        let (link, welcome) = lab.launch(&lab.fake(Fake::IgnoresTerm)).await.unwrap();
        let identity = welcome.identity;
        if stopped {
            kill(identity.browser_pid, Signal::STOP);
        }
        kill(identity.keeper_pid, Signal::KILL);
        assert!(matches!(ended(&link).await, LinkEnd::KeeperGone));
        gone(identity.browser_pid, identity.browser_start).await;
        chrome::end_leftovers(&soon(), &identity, &lab.run())
            .await
            .unwrap();
        assert!(matches!(
            lab.adopt(2).await.unwrap_err(),
            Error::NoKeeper { .. }
        ));
        drop(link);
        assert!(chrome::sweep(&lab.run()).unwrap());
        assert!(!lab.run().exists());
        lab.ends_clean().await;
    }
}

#[tokio::test]
async fn leftovers_of_a_dead_keeper_are_ended_and_a_stranger_is_not() {
    let mut lab = Lab::new();
    let (link, welcome) = lab.launch(&lab.fake(Fake::LeavesHelper)).await.unwrap();
    let helpers = lab.run().join("tmp/helpers");
    until(|| helpers.exists()).await;
    let identity = welcome.identity;
    kill(identity.keeper_pid, Signal::KILL);
    assert!(matches!(ended(&link).await, LinkEnd::KeeperGone));
    // Another start time is another process: it must be left alone.
    let mut stranger = identity.clone();
    stranger.browser_pid = std::process::id() as i32;
    stranger.browser_start = 1;
    chrome::end_leftovers(&soon(), &stranger, &lab.run())
        .await
        .unwrap();
    chrome::end_leftovers(&soon(), &identity, &lab.run())
        .await
        .unwrap();
    lab.ends_clean().await;
}
