//! A launch that somebody else cuts off is no failure of the session's.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::json;
use testkit::harness::{Agent, Do, Harness, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// A Chromium whose next starts go wrong as they are told to.
struct Launcher {
    program: PathBuf,
    orders: PathBuf,
    waits: PathBuf,
}

impl Launcher {
    fn new(test: &Harness) -> Self {
        let chromium = testkit::raw::find().expect("a chromium");
        let at = |name: &str| test.folder().join(name);
        let launcher = Self {
            program: at("chromium"),
            orders: at("orders"),
            waits: at("waits"),
        };
        let (orders, waits) = (launcher.orders.display(), launcher.waits.display());
        let script = format!(
            "#!/bin/sh
order=$(cat {orders}); rm -f {orders}
case \"$order\" in
    die) kill -9 $$ ;;
    alone) kill -9 $PPID; exec sleep 60 ;;
    wait) touch {waits}; exec sleep 60 ;;
esac
exec {} \"$@\"
",
            chromium.display()
        );
        std::fs::write(&launcher.program, script).expect("a program");
        std::fs::set_permissions(&launcher.program, std::fs::Permissions::from_mode(0o755))
            .expect("its mode");
        launcher.order("");
        launcher
    }

    /// Says what the next start does.
    fn order(&self, order: &str) {
        std::fs::write(&self.orders, order).expect("an order");
    }
}

/// Waits for a launch that goes nowhere, and cuts its link.
fn cut(test: &mut Harness, launcher: &Launcher) {
    assert!(process::until(SOON, || launcher.waits.exists()));
    assert!(process::until(SOON, || test.is_linked()));
    test.fault(Do::DropLink);
    std::fs::remove_file(&launcher.waits).expect("the mark");
}

fn run_folders(test: &Harness) -> usize {
    let folders = std::fs::read_dir(test.home().join("run")).expect("the folder");
    folders.count()
}

#[test]
fn a_launch_that_is_cut_off_is_tried_again() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    let launcher = Launcher::new(&test);
    test.set("BROWSERD_CHROME", launcher.program.to_str().expect("text"));
    test.serve();
    launcher.order("die");
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.settle();

    for order in ["die", "alone", "wait"] {
        println!("a launch that is to {order}");
        launcher.order(order);
        test.fault(Do::KillBrowser);
        if order == "wait" {
            cut(&mut test, &launcher);
        }
        agent.expect_text("Hello, ada");
        assert!(!launcher.orders.exists(), "it was to {order}");
        let one = process::until(SOON, || run_folders(&test) == 1);
        assert!(one, "{} run folders stay", run_folders(&test));
        agent.settle();
    }
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn a_browser_that_dies_at_every_start_is_given_up() {
    let mut test = Harness::new(BROWSERD);
    let program = test.folder().join("chromium");
    std::fs::write(&program, "#!/bin/sh\nkill -9 $$\n").expect("a program");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    test.set("BROWSERD_CHROME", program.to_str().expect("text"));
    test.serve();
    let answer = test
        .http()
        .post("/v1/sessions", &json!({}))
        .expect("an answer");
    assert_eq!(answer.body["code"], "browser_missing", "{}", answer.body);
    assert_eq!(run_folders(&test), 0);
    test.finish();
}
