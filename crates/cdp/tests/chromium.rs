//! One connection to the real browser, over its debugging pipe.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panics and starts its browser itself"
)]

extern crate browserd_cdp as cdp;

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base::{Ctx, Tasks};
use cdp::protocol::{browser, page, runtime, target};
use cdp::{Connection, Ended, Error, Next, Options, Transport};
use serde_json::json;
use tokio::process::{ChildStdin, ChildStdout};

/// A Chromium with a profile of its own; both are gone after the drop.
struct Chromium {
    child: Child,
    _home: tempfile::TempDir,
}

impl Chromium {
    fn launch() -> (Self, Transport) {
        let home = tempfile::tempdir().unwrap();
        // The shell turns its two ends into the descriptors the browser looks for.
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null"#, "sh"])
            .arg("chromium")
            .args([
                "--headless=new",
                "--no-sandbox",
                "--no-startup-window",
                "--disable-gpu",
            ])
            .args(["--remote-debugging-pipe", "about:blank"])
            .arg(format!(
                "--user-data-dir={}",
                home.path().join("profile").display()
            ))
            .env("TMPDIR", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let to = ChildStdin::from_std(child.stdin.take().unwrap()).unwrap();
        let from = ChildStdout::from_std(child.stdout.take().unwrap()).unwrap();
        (Self { child, _home: home }, Transport::pipe(from, to))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        self.child.wait().ok();
    }
}

fn evaluate(expression: &str) -> runtime::Evaluate {
    runtime::Evaluate {
        expression: expression.to_owned(),
        return_by_value: Some(true),
        ..Default::default()
    }
}

/// Creates a page and attaches to it.
async fn page(ctx: &Ctx, connection: &Connection) -> (cdp::Session, String) {
    let root = connection.root();
    let create = target::CreateTarget {
        url: "about:blank".to_owned(),
        ..Default::default()
    };
    let target_id = root.call(ctx, &create).await.unwrap().target_id;
    let attach = target::AttachToTarget {
        target_id: target_id.clone(),
        flatten: Some(true),
    };
    let session_id = root.call(ctx, &attach).await.unwrap().session_id;
    (connection.attach(&session_id), target_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_real_chromium_answers_and_ends_as_a_session() {
    let (chromium, transport) = Chromium::launch();
    let tasks = Tasks::new();
    let connection = Connection::open(transport, Options::default(), &tasks);
    let ctx = Ctx::within(Duration::from_secs(60));
    let root = connection.root();
    let version = root
        .call(&ctx, &browser::GetVersion::default())
        .await
        .unwrap();
    assert!(version.product.contains("Chrom"), "{}", version.product);

    let (session, target_id) = page(&ctx, &connection).await;
    let two = session.call(&ctx, &evaluate("1+1")).await.unwrap();
    assert_eq!(two.result.value, Some(json!(2)));
    assert_eq!(two.result.r#type, runtime::RemoteObjectType::Number);
    let refused = session
        .call(&ctx, &page::Navigate::default())
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Protocol { .. }), "{refused}");

    // A large body comes whole, and an event of this session to its subscriber.
    let large = session
        .call(&ctx, &evaluate("'x'.repeat(10_000_000)"))
        .await
        .unwrap();
    assert_eq!(
        large.result.value.unwrap().as_str().unwrap().len(),
        10_000_000
    );
    let mut events = session.events();
    session
        .call(&ctx, &runtime::Enable::default())
        .await
        .unwrap();
    session
        .call(&ctx, &evaluate("console.log('hello')"))
        .await
        .unwrap();
    let called = loop {
        let Next::Event(event) = events.next().await else {
            panic!("no event")
        };
        if let Some(called) = event.decode::<runtime::ConsoleAPICalledEvent>() {
            break called.unwrap();
        }
    };
    assert_eq!(called.args[0].value, Some(json!("hello")));

    // A call that can never be answered ends with its page.
    let hanging = {
        let (session, ctx) = (session.clone(), ctx.clone());
        let mut forever = evaluate("new Promise(() => {})");
        forever.await_promise = Some(true);
        tokio::spawn(async move { session.call(&ctx, &forever).await })
    };
    session.call(&ctx, &evaluate("1")).await.unwrap();
    root.call(&ctx, &target::CloseTarget { target_id })
        .await
        .unwrap();
    let ended = hanging.await.unwrap().unwrap_err();
    assert!(matches!(ended, Error::Ended(Ended::Detached)), "{ended}");

    // And one that is killed takes the link with it.
    let (crashing, _) = page(&ctx, &connection).await;
    let crashed = crashing
        .call(&ctx, &page::Crash::default())
        .await
        .unwrap_err();
    assert!(matches!(crashed, Error::Ended(Ended::Crashed)), "{crashed}");
    drop(chromium);
    connection.lost().await;
    let stats = connection.stats();
    assert_eq!(
        (stats.garbage, stats.undecodable, stats.strays),
        (0, 0, 0),
        "{stats:?}"
    );
    tasks.stop().await;
}
