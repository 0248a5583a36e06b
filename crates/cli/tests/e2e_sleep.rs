//! The host sleeps, and its browsers are asked before the next call. No test can put the host
//! to sleep, so the sessions run in the test's own process, under a clock it can move.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests fail tests"
)]

use std::time::Duration;

use base::{Clock, Ctx, SessionName, StateName, Tasks, Timestamp};
use chrome::{KeeperProgram, Sandbox};
use session::page::ContentOptions;
use session::{Act, Cause, Config, Deps, Open, Outcome, Sessions, Summary};
use store::Store;
use testkit::harness::{Harness, SOON};
use testkit::process::{self, Signal};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const HOURS: Duration = Duration::from_secs(8 * 3600);

async fn start(test: &Harness, clock: &Clock, tasks: &Tasks) -> (Sessions, Store) {
    let home = test.home();
    store::prepare_home(&home).expect("a home");
    let key = store::key::load_or_make(&home).expect("a key");
    let store = Store::open(&home, key, tasks).await.expect("a store");
    let keeper = KeeperProgram {
        program: BROWSERD.into(),
        args: vec!["keeper".into()],
    };
    let mut config = Config::new(home, keeper);
    config.path = std::env::var_os("PATH").unwrap_or_default();
    if testkit::raw::no_sandbox_needed() {
        config.sandbox = Sandbox::Off;
    }
    config.nonce = store.meta().home_nonce().await.expect("a nonce");
    config.reconnect_window = Duration::from_secs(10);
    let deps = Deps {
        store: store.clone(),
        tasks: tasks.clone(),
        clock: clock.clone(),
        config,
    };
    (Sessions::start(deps).await.expect("sessions"), store)
}

async fn until(
    sessions: &Sessions,
    who: &SessionName,
    wanted: impl Fn(&Summary) -> bool,
) -> Summary {
    let look = async {
        loop {
            let shown = sessions.get(who).await.expect("the session");
            if wanted(&shown) {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(SOON, look).await;
    match found {
        Ok(shown) => shown,
        Err(_) => panic!("not so: {:?}", sessions.get(who).await),
    }
}

#[test]
fn after_sleep_a_browser_is_asked_before_the_first_call_and_a_frozen_one_is_replaced() {
    let site = Site::start();
    let test = Harness::new(BROWSERD);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (clock, tasks) = (Clock::set(Timestamp::now()), Tasks::new());
        let (sessions, store) = start(&test, &clock, &tasks).await;
        let ctx = Ctx::within(2 * SOON);
        let open = Open {
            url: Some(site.url("/form")),
            ..Open::default()
        };
        let opened = sessions.open(&ctx, open).await.expect("a session");
        let who = SessionName::Id(opened.session.id);
        let alive = |shown: &Summary| shown.state == StateName::Alive;

        // Far longer than a session may be idle or its checkpoint old, and nothing is lost.
        clock.fall_asleep(HOURS);
        let shown = until(&sessions, &who, |shown| {
            shown.cause == Cause::HostSlept && alive(shown)
        });
        assert_eq!(shown.await.generation, 1);
        let read = || sessions.act(&ctx, &who, None, Act::Content(ContentOptions::default()));
        let acted = read().await.expect("the page answers");
        assert!(matches!(acted.outcome, Outcome::Content(_)) && acted.generation == 1);
        assert_eq!(site.counts().of("/form"), 1, "nothing was loaded again");

        // A browser that doesn't wake up is found out without a call.
        for browser in test.browsers() {
            process::kill(browser, Signal::STOP);
        }
        clock.fall_asleep(HOURS);
        until(&sessions, &who, |shown| {
            shown.generation == 2 && alive(shown)
        })
        .await;
        let acted = read().await.expect("the page is back");
        assert_eq!(acted.generation, 2);

        sessions.close(&ctx, &who).await.expect("it closes");
        tasks.stop().await;
        store.close().await.expect("it closes");
    });
    drop(runtime);
    test.finish();
}
