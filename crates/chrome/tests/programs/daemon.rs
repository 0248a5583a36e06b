//! A daemon that launches one browser and waits to be killed.
//!
//! Its arguments: the run folder, the browser's program, the keeper's program. It writes the
//! browser's and the keeper's process ids to its standard output.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "the main function of a test program"
)]

use std::path::PathBuf;
use std::time::Duration;

use browserd_chrome as chrome;

#[tokio::main]
async fn main() {
    let [run, program, keeper] = std::env::args_os()
        .skip(1)
        .map(PathBuf::from)
        .collect::<Vec<_>>()
        .try_into()
        .expect("run folder, browser, keeper");
    let spec = chrome::LaunchSpec {
        browser: base::BrowserId::new(),
        user_data_dir: run.join("profile"),
        run,
        program,
        headless: true,
        sandbox: chrome::Sandbox::Off,
        extra_args: Vec::new(),
        guard: false,
        orphan_timeout: None,
        keeper: chrome::KeeperProgram {
            program: keeper,
            args: Vec::new(),
        },
    };
    let hello = chrome::Hello {
        nonce: "0".repeat(32),
        epoch: 1,
    };
    let tasks = base::Tasks::new();
    let ctx = base::Ctx::within(Duration::from_secs(30));
    let (link, welcome) = chrome::launch(&ctx, &spec, &hello, &tasks).await.unwrap();
    link.control
        .write_notes("notes of the one that was killed".into())
        .unwrap();
    link.control.written(&ctx).await.unwrap();
    println!(
        "{} {}",
        welcome.identity.browser_pid, welcome.identity.keeper_pid
    );
    std::future::pending::<()>().await;
}
