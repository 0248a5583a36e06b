//! How long what stands before every call takes. The numbers are printed; the bounds asserted
//! are far above them, so that a busy machine fails nothing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "clippy takes only the test functions themselves for tests; times are measured"
)]

extern crate browserd_store as store;

mod support;

use std::time::{Duration, Instant};

use store::CallState;
use support::*;

fn middle(name: &str, mut times: Vec<Duration>) -> Duration {
    times.sort();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{name}: p50 {p50:?}, p99 {p99:?}, of {}", times.len());
    p50
}

fn pss_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = text.lines().find(|line| line.starts_with("Pss:")).unwrap();
    line.split_ascii_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_costs_two_short_commits() {
    let home = Home::new();
    let before = pss_kib();
    let start = Instant::now();
    let store = home.open().await;
    println!(
        "open a new home: {:?}, {} KiB PSS more",
        start.elapsed(),
        pss_kib() - before
    );
    let row = session();
    store.sessions().insert(&row).await.unwrap();

    let (mut sent, mut finished, mut put, mut published) = (vec![], vec![], vec![], vec![]);
    for n in 0..2000_u32 {
        let made = call(row.id);
        let start = Instant::now();
        store.calls().record(&made).await.unwrap();
        sent.push(start.elapsed());
        let start = Instant::now();
        store
            .calls()
            .finish(made.id, CallState::Done, Some(b"{\"url\":\"x\"}"))
            .await
            .unwrap();
        finished.push(start.elapsed());
        let start = Instant::now();
        store.sessions().put(&row).await.unwrap();
        put.push(start.elapsed());
        if n % 20 == 0 {
            let start = Instant::now();
            let part = store
                .blobs()
                .put(row.id, "cookies", &n.to_le_bytes())
                .await
                .unwrap();
            store
                .checkpoints()
                .publish(unpublished(row.id, false, vec![part]))
                .await
                .unwrap();
            published.push(start.elapsed());
        }
    }
    let slowest = [
        middle("record a call as sent", sent),
        middle("finish it with an outcome", finished),
        middle("put a session", put),
        middle("put a changed part and publish", published),
    ]
    .into_iter()
    .max();
    println!("{} KiB PSS more after it", pss_kib() - before);
    store.close().await.unwrap();
    let start = Instant::now();
    home.open().await;
    println!("open it again: {:?}", start.elapsed());
    assert!(slowest.unwrap() < Duration::from_millis(250));
}
