//! One daemon goes, the next comes: what the keeper hands over.

#![allow(clippy::disallowed_methods, reason = "tests start programs")]

mod common;

use std::process::{Command, Stdio};
use std::time::Duration;

use browserd_chrome as chrome;
use chrome::{Error, ExitCause, Hello, LinkEnd};
use common::{Lab, ended, gone, hello, kill, next, read_until, runs, send, soon, until};
use testkit::fake::{self, Fake};
use testkit::process::Signal;

const EVENT: &str = r#"{"method":"Runtime.x"}"#;

#[tokio::test]
async fn the_next_daemon_gets_notes_and_what_was_said_meanwhile_in_order() {
    let mut lab = Lab::new();
    let (link, first) = lab.launch(&lab.fake(Fake::Scripted)).await.unwrap();
    assert_eq!((first.kept, first.gap, first.notes.len()), (0, false, 0));
    link.control.write_notes("older".into()).unwrap();
    link.control.write_notes("tabs".into()).unwrap();
    drop(link);
    let said = [
        r#"{"id":7,"result":{}}"#,
        EVENT,
        r#"{"method":"Target.targetCreated"}"#,
        r#"{"id":8,"result":{}}"#,
    ];
    fake::tell(&lab.run(), &said.map(fake::say).concat());
    fake::tell(&lab.run(), "touch said");
    until(|| lab.run().join("tmp/said").exists()).await;

    let (mut link, welcome) = lab.adopt(2).await.unwrap();
    assert_eq!(welcome.identity, first.identity);
    assert_eq!(
        (&welcome.notes[..], welcome.gap, welcome.exit),
        (&b"tabs"[..], false, None)
    );
    for message in said {
        assert_eq!(next(&mut link).await, message);
    }
    fake::tell(&lab.run(), &fake::say("live"));
    assert_eq!(next(&mut link).await, "live");
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn what_a_daemon_received_and_never_looked_at_comes_again() {
    let mut lab = Lab::new();
    let (mut link, _) = lab.launch(&lab.fake(Fake::Scripted)).await.unwrap();
    fake::tell(&lab.run(), &["one", "two", "three"].map(fake::say).concat());
    assert_eq!(next(&mut link).await, "one");
    assert_eq!(next(&mut link).await, "two");
    // That it was consumed is told after a moment; the last one stays.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(link);
    let (mut link, welcome) = lab.adopt(2).await.unwrap();
    assert_eq!(
        welcome.kept, 2,
        "`two` was handed out, and nobody asked for the next"
    );
    assert_eq!(next(&mut link).await, "two");
    assert_eq!(next(&mut link).await, "three");
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn over_budget_the_oldest_events_go_and_no_reply_does() {
    let mut lab = Lab::new();
    let (link, _) = lab.launch(&lab.fake(Fake::Scripted)).await.unwrap();
    drop(link);
    let flood = format!(
        "{}i=0; while [ $i -lt 40 ]; do \
         (printf '{{\"method\":\"Runtime.n%s' $i; head -c 1000000 /dev/zero | tr '\\000' x; \
         printf '\\000') >&4; i=$((i+1)); done\n{}touch said\n",
        fake::say(r#"{"id":1,"first":1}"#),
        fake::say(r#"{"id":2,"last":1}"#),
    );
    fake::tell(&lab.run(), &flood);
    until(|| lab.run().join("tmp/said").exists()).await;
    let (mut link, welcome) = lab.adopt(2).await.unwrap();
    assert!(welcome.gap);
    let seen = read_until(&mut link, r#""last":1"#).await;
    assert!(
        seen[0].contains(r#""first":1"#),
        "the reply before the flood is there"
    );
    assert!(
        (10..=17).contains(&(seen.len() - 2)),
        "{} events were kept",
        seen.len() - 2
    );
    assert!(
        seen[seen.len() - 2].starts_with(r#"{"method":"Runtime.n39x"#),
        "the newest stay"
    );
    send(&mut link, "seen").await;
    drop(link);
    let (link, welcome) = lab.adopt(3).await.unwrap();
    assert!(!welcome.gap, "a gap is told until a daemon has heard of it");
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn more_than_may_be_kept_of_what_may_not_be_dropped_ends_the_browser() {
    let mut lab = Lab::new();
    let (link, welcome) = lab.launch(&lab.fake(Fake::Scripted)).await.unwrap();
    drop(link);
    fake::tell(
        &lab.run(),
        "while :; do (printf '{\"id\":1,\"x\":\"'; head -c 30000000 /dev/zero | tr '\\000' x; \
         printf '\"}\\000') >&4; done",
    );
    gone(welcome.identity.browser_pid, welcome.identity.browser_start).await;
    until(|| chrome::exit_record(&lab.run()).is_some()).await;
    let record = chrome::exit_record(&lab.run()).unwrap();
    assert_eq!(record.cause, ExitCause::BufferFull);
    // The replies are there all the same.
    let (mut link, welcome) = lab.adopt(2).await.unwrap();
    assert_eq!(welcome.exit, Some(record));
    assert!(8 <= welcome.kept);
    for _ in 0..welcome.kept {
        assert!(next(&mut link).await.starts_with(r#"{"id":1"#));
    }
    drop(link);
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_message_of_a_hundred_megabytes_passes_whole_both_ways_and_leaves_a_small_keeper() {
    let mut lab = Lab::new();
    let (mut link, welcome) = lab.launch(&lab.fake(Fake::Scripted)).await.unwrap();
    fake::tell(
        &lab.run(),
        "(head -c 100000000 /dev/zero | tr '\\000' x; printf '\\000') >&4",
    );
    assert_eq!(next(&mut link).await.len(), 100_000_000);
    send(&mut link, vec![b'y'; 100_000_000]).await;
    let received = lab.run().join("tmp/received");
    until(|| std::fs::metadata(&received).is_ok_and(|meta| meta.len() == 100_000_001)).await;
    // The message from the browser is forgotten when the next one is asked for.
    fake::tell(&lab.run(), &fake::say("next"));
    assert_eq!(next(&mut link).await, "next");
    let keeper = welcome.identity.keeper_pid as u32;
    until(|| testkit::process::pss(&[keeper]) < 4 << 20).await;
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_killed_daemon_leaves_keeper_and_browser_alive_for_the_next_one() {
    let lab = Lab::new();
    let program = Fake::Scripted.install(lab.folder.path());
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_test-daemon"))
        .args([lab.run(), program, common::keeper().program])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = daemon.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    kill(daemon.id() as i32, Signal::KILL);
    daemon.wait().unwrap();
    fake::tell(
        &lab.run(),
        &fake::say(r#"{"method":"Fetch.requestPaused"}"#),
    );

    let (mut link, welcome) = lab.adopt(2).await.unwrap();
    assert_eq!(runs(&welcome.identity), (true, true));
    let ids = format!(
        "{} {}",
        welcome.identity.browser_pid, welcome.identity.keeper_pid
    );
    assert_eq!(line.trim(), ids);
    assert_eq!(&welcome.notes[..], b"notes of the one that was killed");
    assert_eq!(next(&mut link).await, r#"{"method":"Fetch.requestPaused"}"#);
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_higher_epoch_displaces_and_no_other_does() {
    let mut lab = Lab::new();
    let (link, _) = lab.launch(&lab.fake(Fake::Scripted)).await.unwrap();
    assert!(
        matches!(lab.adopt(1).await.unwrap_err(), Error::Displaced),
        "beside itself"
    );
    let (second, _) = lab.adopt(5).await.unwrap();
    assert!(matches!(ended(&link).await, LinkEnd::Displaced));
    assert!(matches!(lab.adopt(4).await.unwrap_err(), Error::Displaced));
    assert!(matches!(
        link.control.kill(&soon()).await,
        Err(Error::Displaced)
    ));
    drop((link, second));
    assert!(
        matches!(lab.adopt(4).await.unwrap_err(), Error::Displaced),
        "a late one"
    );
    let (again, welcome) = lab.adopt(5).await.unwrap();
    assert_eq!(runs(&welcome.identity), (true, true));
    again.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn another_home_and_another_browser_are_refused() {
    let mut lab = Lab::new();
    let (link, welcome) = lab.launch(&lab.fake(Fake::Answers)).await.unwrap();
    let stranger = Hello {
        nonce: "f".repeat(32),
        epoch: 9,
    };
    let err = chrome::adopt(&soon(), &lab.run(), &stranger, None, &lab.tasks)
        .await
        .unwrap_err();
    assert!(matches!(err, Error::WrongNonce));
    let mut other = welcome.identity.clone();
    other.nonce = "0".repeat(32);
    let adopted = chrome::adopt(&soon(), &lab.run(), &hello(2), Some(&other), &lab.tasks).await;
    assert!(matches!(adopted.unwrap_err(), Error::OtherBrowser));
    drop(link);
    let adopted = chrome::adopt(
        &soon(),
        &lab.run(),
        &hello(2),
        Some(&welcome.identity),
        &lab.tasks,
    )
    .await;
    adopted.unwrap().0.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn the_will_is_sent_when_the_daemon_is_lost_and_not_when_it_is_displaced() {
    let mut lab = Lab::new();
    let (link, _) = lab.launch(&lab.fake(Fake::Scripted)).await.unwrap();
    link.control.set_will(vec!["displaced".into()]).unwrap();
    let (second, _) = lab.adopt(2).await.unwrap();
    second
        .control
        .set_will(vec!["last".into(), "words".into()])
        .unwrap();
    let mut second = second;
    send(&mut second, "before").await;
    let received = lab.run().join("tmp/received");
    until(|| std::fs::read(&received).is_ok_and(|bytes| bytes.ends_with(b"before\0"))).await;
    drop((link, second));
    let whole = b"before\0last\0words\0";
    until(|| std::fs::read(&received).is_ok_and(|bytes| bytes == whole)).await;
    let (link, _) = lab.adopt(3).await.unwrap();
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn an_orphan_is_asked_to_end_after_its_time() {
    let mut lab = Lab::new();
    let mut spec = lab.fake(Fake::Answers);
    spec.orphan_timeout = Some(Duration::from_millis(300));
    let (link, welcome) = lab.launch(&spec).await.unwrap();
    drop(link);
    gone(welcome.identity.keeper_pid, welcome.identity.keeper_start).await;
    assert_eq!(runs(&welcome.identity), (false, false));
    let record = chrome::exit_record(&lab.run()).unwrap();
    assert_eq!(record.cause, ExitCause::OrphanTimeout);
    assert!(matches!(lab.adopt(2).await.unwrap_err(), Error::Ended(told) if told == record));
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_browser_that_ended_with_nobody_there_leaves_its_record() {
    let mut lab = Lab::new();
    let (link, welcome) = lab.launch(&lab.fake(Fake::Answers)).await.unwrap();
    drop(link);
    kill(welcome.identity.browser_pid, Signal::KILL);
    gone(welcome.identity.keeper_pid, welcome.identity.keeper_start).await;
    let err = lab.adopt(2).await.unwrap_err();
    let Error::Ended(record) = err else {
        panic!("{err}")
    };
    assert_eq!(record.cause, ExitCause::Signalled { signal: 9 });
    assert!(chrome::sweep(&lab.run()).unwrap());
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_run_folder_in_use_is_not_swept() {
    let mut lab = Lab::new();
    let (link, welcome) = lab.launch(&lab.fake(Fake::Answers)).await.unwrap();
    assert!(!chrome::sweep(&lab.run()).unwrap());
    kill(welcome.identity.keeper_pid, Signal::STOP);
    assert!(
        !chrome::sweep(&lab.run()).unwrap(),
        "a stopped keeper lives"
    );
    kill(welcome.identity.keeper_pid, Signal::CONT);
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}

#[tokio::test]
async fn the_daemon_reaps_what_a_killed_keeper_leaves_and_no_child_of_its_runtime() {
    let mut lab = Lab::new();
    let _reaper = chrome::Reaper::start(&lab.tasks).unwrap();
    let (link, welcome) = lab.launch(&lab.fake(Fake::LeavesHelper)).await.unwrap();
    until(|| lab.run().join("tmp/helpers").exists()).await;
    let mut own = tokio::process::Command::new("sh")
        .args(["-c", "exit 7"])
        .spawn()
        .unwrap();
    kill(welcome.identity.keeper_pid, Signal::KILL);
    assert!(matches!(ended(&link).await, LinkEnd::KeeperGone));
    chrome::end_leftovers(&soon(), &welcome.identity, &lab.run())
        .await
        .unwrap();
    let own_id = own.id();
    // Not a look for zombies after a while: each is gone as soon as the reaper has had its turn.
    until(|| {
        testkit::process::descendants()
            .iter()
            .all(|seen| Some(seen.pid) == own_id)
    })
    .await;
    assert_eq!(own.wait().await.unwrap().code(), Some(7));
    lab.ends_clean().await;
}
