//! The real Chromium under the keeper. What is measured here is what the code leans on.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests and their helpers"
)]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use browserd_chrome as chrome;
use chrome::{ExitCause, LaunchSpec, LinkEnd};
use common::{Lab, ended, gone, kill, read_until, runs, send, soon};
use testkit::process::Signal;

/// A launch of the real thing, its `HOME` and `TMPDIR` inside the test's folder.
fn real(lab: &Lab, run: PathBuf) -> LaunchSpec {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = chrome::find(None, &path).expect("Chromium is installed");
    let outside = |name: &str| {
        let folder = lab.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    };
    let mut spec = lab.spec(&program);
    spec.user_data_dir = run.join("profile");
    spec.run = run;
    spec.keeper = chrome::KeeperProgram {
        program: "/usr/bin/env".into(),
        args: vec![
            format!("HOME={}", outside("home").display()).into(),
            format!("TMPDIR={}", outside("tmp").display()).into(),
            common::keeper().program.into(),
        ],
    };
    spec
}

/// Everything below the test's folder that isn't in `run`.
fn strays(lab: &Lab, run: &Path) -> Vec<PathBuf> {
    let mut strays = Vec::new();
    let mut folders = vec![
        lab.folder.path().join("home"),
        lab.folder.path().join("tmp"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().starts_with(run) {
                continue;
            }
            strays.push(entry.path());
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    strays
}

async fn ask(link: &mut chrome::Link, id: u32, method: &str) -> String {
    ask_with(link, id, method, "{}").await
}

async fn ask_with(link: &mut chrome::Link, id: u32, method: &str, params: &str) -> String {
    send(
        link,
        format!(r#"{{"id":{id},"method":"{method}","params":{params}}}"#),
    )
    .await;
    read_until(link, &format!(r#"{{"id":{id},"#))
        .await
        .pop()
        .unwrap()
}

#[tokio::test]
async fn launched_adopted_twice_asked_and_stopped() {
    let mut lab = Lab::new();
    let spec = real(&lab, lab.run());
    let (mut link, first) = lab.launch(&spec).await.unwrap();
    assert!(
        ask(&mut link, 1, "Browser.getVersion")
            .await
            .contains("Chrome/")
    );
    link.control.write_notes("n".into()).unwrap();
    // Said to the browser by one daemon, answered to the next.
    send(&mut link, r#"{"id":2,"method":"Target.getTargets"}"#).await;
    assert!(
        ask(&mut link, 3, "Browser.getVersion")
            .await
            .contains("Chrome/")
    );
    drop(link);
    for epoch in [2, 3] {
        let (mut link, welcome) = lab.adopt(epoch).await.unwrap();
        assert_eq!(welcome.identity, first.identity);
        assert_eq!(&welcome.notes[..], b"n");
        let id = 10 + u32::try_from(epoch).unwrap();
        assert!(
            ask(&mut link, id, "Browser.getVersion")
                .await
                .contains("Chrome/")
        );
        if epoch == 3 {
            let started = std::time::Instant::now();
            for id in 100..600 {
                ask(&mut link, id, "Browser.getVersion").await;
            }
            println!(
                "round trip through the keeper: {:?}",
                started.elapsed() / 500
            );
            let pss = chrome::process::pss_of_tree(first.identity.keeper_pid).unwrap();
            println!("keeper with its Chromium: {} KiB PSS", pss >> 10);
            let own = testkit::process::pss(&[first.identity.keeper_pid as u32]);
            println!("keeper alone: {} KiB PSS", own >> 10);
            if !cfg!(debug_assertions) {
                assert!(own <= 4 << 20, "{own}");
            }
            let record = link
                .control
                .stop(&soon(), Duration::from_secs(10))
                .await
                .unwrap();
            assert_eq!(record.cause, ExitCause::Stopped);
        }
    }
    assert_eq!(strays(&lab, &lab.run()), Vec::<PathBuf>::new());
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_killed_chromium_leaves_nothing_outside_its_run_folder() {
    let mut lab = Lab::new();
    let deep = lab
        .folder
        .path()
        .join(["d".repeat(80), "e".repeat(80)].join("/"))
        .join("run/b");
    for run in [lab.run(), deep] {
        let spec = real(&lab, run.clone());
        let (link, welcome) = lab.launch(&spec).await.unwrap();
        kill(welcome.identity.browser_pid, Signal::KILL);
        let started = std::time::Instant::now();
        let LinkEnd::Exited { record, .. } = ended(&link).await else {
            panic!("{:?}", link.ended)
        };
        println!("its end was told after {:?}", started.elapsed());
        assert_eq!(record.cause, ExitCause::Signalled { signal: 9 });
        gone(welcome.identity.keeper_pid, welcome.identity.keeper_start).await;
        println!("and all of it was reaped after {:?}", started.elapsed());
        assert_eq!(strays(&lab, &run), Vec::<PathBuf>::new());
        let lock = std::fs::read_link(run.join("profile/SingletonLock"));
        assert!(lock.is_ok(), "a killed browser leaves its lock");
        // The same profile again: the lock's owner is gone.
        let (link, _) = lab.launch(&spec).await.unwrap();
        link.control.kill(&soon()).await.unwrap();
        assert!(chrome::sweep(&run).unwrap());
    }
    lab.ends_clean().await;
}

#[tokio::test]
async fn a_killed_keeper_takes_chromium_along_also_a_stopped_one() {
    for stopped in [false, true] {
        let mut lab = Lab::new();
        let spec = real(&lab, lab.run());
        let (link, welcome) = lab.launch(&spec).await.unwrap();
        let identity = welcome.identity;
        if stopped {
            kill(identity.browser_pid, Signal::STOP);
        }
        kill(identity.keeper_pid, Signal::KILL);
        chrome::end_leftovers(&soon(), &identity, &lab.run())
            .await
            .unwrap();
        assert_eq!(runs(&identity), (false, false));
        drop(link);
        lab.ends_clean().await;
    }
}

#[tokio::test]
async fn a_user_flag_switches_a_feature_of_ours_and_no_other_off() {
    let mut lab = Lab::new();
    let mut spec = real(&lab, lab.run());
    spec.extra_args = vec!["--disable-features=NetworkServiceInProcess2".to_owned()];
    let (mut link, _) = lab.launch(&spec).await.unwrap();
    // The services come with the first page.
    ask_with(
        &mut link,
        9,
        "Target.createTarget",
        r#"{"url":"http://127.0.0.1:9/"}"#,
    )
    .await;
    // It is listed a moment after it was started.
    let listed = async {
        for id in 10.. {
            let processes = ask(&mut link, id, "SystemInfo.getProcessInfo").await;
            if processes.contains("network.mojom.NetworkService") {
                break;
            }
        }
    };
    soon().race(listed).await.expect("a process of its own");
    link.control.kill(&soon()).await.unwrap();

    let spec = LaunchSpec {
        extra_args: Vec::new(),
        ..spec
    };
    let (mut link, _) = lab.launch(&spec).await.unwrap();
    // The services come with the first page.
    ask_with(
        &mut link,
        9,
        "Target.createTarget",
        r#"{"url":"http://127.0.0.1:9/"}"#,
    )
    .await;
    let processes = ask(&mut link, 1, "SystemInfo.getProcessInfo").await;
    assert!(
        !processes.contains("network.mojom.NetworkService"),
        "{processes}"
    );
    link.control.kill(&soon()).await.unwrap();
    lab.ends_clean().await;
}
