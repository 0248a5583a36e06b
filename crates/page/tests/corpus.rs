//! Real pages: the snapshot beside the browser's accessibility tree, node by node.
//!
//! The pages are those of the packages in `tests/clients/pages.txt`, which `make clients` installs,
//! and our own in `corpus/pages`. Each is loaded from loopback with its scripts, and nothing else
//! can be reached. Then its time stands still and both sides are asked: the browser for its
//! accessibility tree, and our scripts for every element they come to, with role and name. Elements
//! are the same if they are the same element. What the snapshot folds is another matter: so the text
//! that a model reads is compared as well, in order, for what can be acted on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, print what it measured, spawn and read clocks"
)]

#[path = "corpus/compare.rs"]
mod compare;
#[path = "corpus/kinds.rs"]
mod kinds;
#[path = "corpus/list.rs"]
mod list;
#[path = "corpus/ours.rs"]
mod ours;
mod support;
#[path = "corpus/theirs.rs"]
mod theirs;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use base::Ctx;
use browserd_page::{Gate, Navigate, Page, SnapshotOptions};
use cdp::protocol::target;
use compare::{Tally, compare};
use list::Listed;
use serde_json::Value;
use serde_json::value::RawValue;
use support::{Site, Stage};

/// How long a page's own clock runs after it has loaded, in milliseconds.
const SETTLES: u64 = 300;
/// What the two sides must agree on at least, in percent.
const LEAST_TO_ACT_ON: f64 = 98.9;
const LEAST: f64 = 99.0;
const LEAST_LETTERS: f64 = 98.4;

/// How long one step of a page may take on a machine that does much else.
fn ctx() -> Ctx {
    Ctx::within(Duration::from_secs(100))
}

/// What each side says of a node.
#[derive(Clone, PartialEq, Eq, serde::Deserialize, Debug)]
pub struct Node {
    /// In the words of ARIA, for the most part.
    pub role: String,
    /// Without needless white space.
    pub name: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_agree_with_the_accessibility_tree_on_real_pages() {
    let only = std::env::var("BROWSERD_ONLY_PAGE").ok();
    let mut pages = list::pages();
    pages.retain(|page| only.as_ref().is_none_or(|only| page.name.contains(only)));
    let outside = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";
    let stage = Stage::start_with(&[outside]).await;
    let begun = Instant::now();
    let queue = Mutex::new(pages.iter());
    let (some, others) = tokio::join!(work(&stage, &queue), work(&stage, &queue));
    let mut all = some;
    all.add(others);
    println!(
        "{} pages in {:?}: to act on {}, in the text {}, all {}, letters {}",
        pages.len(),
        begun.elapsed(),
        all.interactive,
        all.told,
        all.exposed,
        all.letters
    );
    let unlisted = kinds::check(&all);
    if only.is_some() {
        return;
    }
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    for (share, least) in [
        (all.interactive, LEAST_TO_ACT_ON),
        (all.told, LEAST_TO_ACT_ON),
        (all.exposed, LEAST),
        (all.letters, LEAST_LETTERS),
    ] {
        assert!(share.percent() >= least, "{share}: less than {least} %");
    }
}

/// Compares pages of the queue until there is none.
async fn work(stage: &Stage, queue: &Mutex<std::slice::Iter<'_, Listed>>) -> Tally {
    let site = Site::start().await;
    let mut all = Tally::default();
    loop {
        let next = queue.lock().unwrap().next();
        let Some(listed) = next else { return all };
        let start = Instant::now();
        let tally = page(stage, &site, listed).await;
        println!(
            "to act on {}, in the text {}, all {}, letters {}, {} ms: {}",
            tally.interactive,
            tally.told,
            tally.exposed,
            tally.letters,
            start.elapsed().as_millis(),
            listed.name
        );
        all.add(tally);
    }
}

/// Loads a page and compares it.
async fn page(stage: &Stage, site: &Site, listed: &Listed) -> Tally {
    let open = stage.blank().await;
    let url = site.serves(&listed.folder, &listed.path);
    let to = Navigate { url };
    open.page
        .navigate(&ctx(), &Gate::open(), &to)
        .await
        .unwrap();
    settle(&open.page).await;
    let ours = ours::ours(&open.page).await;
    let theirs = theirs::theirs(&open.page).await;
    let text = open
        .page
        .snapshot(&ctx(), &SnapshotOptions::default())
        .await;
    let text = text.unwrap().text.into_exposed();
    if std::env::var_os("BROWSERD_ONLY_PAGE").is_some() {
        println!("{text}");
    }
    let tally = compare(&listed.name, &ours, &theirs, &ours::lines(&text), &text);
    let close = target::CloseTarget {
        target_id: open.page.target_id().to_owned(),
    };
    stage.connection.root().call(&ctx(), &close).await.unwrap();
    tally
}

/// Lets a page's clock run on a little, and then stand still: both sides must see the same page.
async fn settle(page: &Page) {
    let mut events = page.session().events();
    let policy = serde_json::json!({ "policy": "advance", "budget": SETTLES });
    call(page, "Emulation.setVirtualTimePolicy", &policy).await;
    let patience = ctx();
    loop {
        match patience.race(events.next()).await.unwrap() {
            cdp::Next::Event(event) if &*event.method == "Emulation.virtualTimeBudgetExpired" => {
                return;
            }
            cdp::Next::Event(_) => {}
            _ => return,
        }
    }
}

async fn call(page: &Page, method: &str, params: &Value) -> Box<RawValue> {
    let params = RawValue::from_string(params.to_string()).unwrap();
    page.session()
        .call_raw(&ctx(), method, &params)
        .await
        .unwrap()
}

/// White space, and what is drawn as nothing, makes no difference.
pub fn tidy(text: &str) -> String {
    let blank = |letter: char| {
        letter.is_whitespace() || letter.is_control() || "\u{200b}\u{2060}\u{feff}".contains(letter)
    };
    text.split(blank)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
