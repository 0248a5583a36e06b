//! The KV store, held to its promises.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy takes only the test functions themselves for tests"
)]

extern crate browserd_store as store;

mod support;

use std::collections::BTreeMap;

use base::{CallId, Code, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::kv::{DELETIONS, KvChange, KvDone, KvEntry, KvOutcome, KvPage, KvWrite};
use store::{Error, Store};
use support::*;

const SPACE: &str = "jobs";

fn set(key: &str, value: &str) -> KvWrite {
    KvWrite::Set {
        key: key.into(),
        value: value.into(),
        expires_at: None,
        if_version: None,
        epoch: None,
    }
}

fn set_if(key: &str, value: &str, version: u64) -> KvWrite {
    KvWrite::Set {
        key: key.into(),
        value: value.into(),
        expires_at: None,
        if_version: Some(version),
        epoch: None,
    }
}

fn claim(until: Timestamp) -> KvWrite {
    KvWrite::Claim {
        key: None,
        prefix: String::new(),
        until,
    }
}

async fn write(store: &Store, now: i64, write: &KvWrite) -> Result<KvOutcome, Error> {
    store.kv().write(CallId::new(), at(now), SPACE, write).await
}

async fn done(store: &Store, now: i64, what: &KvWrite) -> KvDone {
    write(store, now, what).await.unwrap().done
}

async fn get(store: &Store, now: i64, key: &str) -> Option<KvEntry> {
    store.kv().get(at(now), SPACE, key).await.unwrap()
}

async fn keys(store: &Store, now: i64, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut page = KvPage {
        prefix: prefix.into(),
        after: None,
        limit: 2,
        values: false,
    };
    loop {
        let listed = store.kv().list(at(now), SPACE, &page).await.unwrap();
        page.after = listed.entries.last().map(|entry| entry.key.clone());
        found.extend(listed.entries.into_iter().map(|entry| entry.key));
        if !listed.more {
            return found;
        }
    }
}

fn claimed(outcome: KvOutcome) -> (String, u64) {
    match outcome.done {
        KvDone::Claimed { key, epoch } => (key, epoch),
        other => panic!("nothing was claimed: {other:?}"),
    }
}

#[tokio::test]
async fn entries_are_listed_in_the_order_of_their_keys_page_by_page() {
    let store = Store::open_memory().await.unwrap();
    for key in ["b", "a/2", "é", "a/10", "a", "Z"] {
        done(&store, 0, &set(key, "1")).await;
    }
    assert_eq!(
        keys(&store, 0, "").await,
        ["Z", "a", "a/10", "a/2", "b", "é"]
    );
    assert_eq!(keys(&store, 0, "a/").await, ["a/10", "a/2"]);
    done(&store, 0, &KvWrite::Clear).await;
    assert_eq!(keys(&store, 0, "").await, [""; 0]);
}

#[tokio::test]
async fn an_entry_whose_time_is_over_is_never_returned_and_is_collected() {
    let store = Store::open_memory().await.unwrap();
    let short = KvWrite::Set {
        key: "k".into(),
        value: b"1".into(),
        expires_at: Some(at(10)),
        if_version: None,
        epoch: None,
    };
    let KvDone::Set { version } = done(&store, 0, &short).await else {
        panic!()
    };
    assert_eq!(get(&store, 9, "k").await.unwrap().expires_at, Some(at(10)));
    assert_eq!(get(&store, 10, "k").await, None);
    assert_eq!(keys(&store, 10, "").await, [""; 0]);
    let KvDone::NothingFree { .. } = done(&store, 10, &claim(at(20))).await else {
        panic!("an expired entry was claimed")
    };
    assert_eq!(
        store.kv().collect(at(10)).await.unwrap(),
        0,
        "the claim collected it"
    );
    let seen = store
        .kv()
        .changes(at(10), SPACE, "", Some(version), 10)
        .await
        .unwrap();
    assert!(matches!(&seen.changes[..], [KvChange::Gone { key, .. }] if key == "k"));
    done(&store, 11, &set_if("k", "2", 0)).await;
}

#[tokio::test]
async fn a_version_that_moved_on_is_refused_and_nothing_is_written() {
    let store = Store::open_memory().await.unwrap();
    let KvDone::Set { version } = done(&store, 0, &set_if("k", "1", 0)).await else {
        panic!()
    };
    let err = write(&store, 0, &set_if("k", "2", 0)).await.unwrap_err();
    assert!(matches!(err, Error::Conflict { found, .. } if found == version));
    done(&store, 0, &set_if("k", "2", version)).await;
    let err = write(&store, 0, &set_if("k", "3", version))
        .await
        .unwrap_err();
    assert_eq!(err.code(), Code::Conflict);
    assert_eq!(get(&store, 0, "k").await.unwrap().value, b"2");
}

#[tokio::test]
async fn a_claimed_entry_is_its_holders_until_the_claim_ends_and_epochs_rise() {
    let store = Store::open_memory().await.unwrap();
    for key in ["a", "b"] {
        done(&store, 0, &set(key, "1")).await;
    }
    let (first, old) = claimed(write(&store, 0, &claim(at(10))).await.unwrap());
    let (second, _) = claimed(write(&store, 0, &claim(at(30))).await.unwrap());
    assert_eq!((&*first, &*second), ("a", "b"));
    let KvDone::NothingFree { next } = done(&store, 0, &claim(at(10))).await else {
        panic!("an entry was claimed twice")
    };
    assert_eq!(next, Some(at(10).as_millisecond()));
    for other in [
        set("a", "2"),
        KvWrite::Delete {
            key: "a".into(),
            if_version: None,
        },
    ] {
        let err = write(&store, 0, &other).await.unwrap_err();
        assert!(matches!(err, Error::Leased { .. }), "{err}");
    }
    // The claim's time is over: another gets it, and the first one comes too late.
    let (again, new) = claimed(write(&store, 10, &claim(at(20))).await.unwrap());
    assert_eq!(again, "a");
    assert!(old < new);
    let finish = |epoch| KvWrite::Finish {
        key: "a".into(),
        epoch,
    };
    let err = write(&store, 11, &finish(old)).await.unwrap_err();
    assert_eq!(err.code(), Code::LeaseLost);
    assert_eq!(done(&store, 11, &finish(new)).await, KvDone::Finished);
    // The same key again is another item: no old claim holds on to it.
    done(&store, 12, &set("a", "3")).await;
    for epoch in [old, new] {
        assert_eq!(
            write(&store, 12, &finish(epoch)).await.unwrap_err().code(),
            Code::LeaseLost
        );
    }
}

#[tokio::test]
async fn a_call_that_is_repeated_is_done_once_and_gets_its_first_answer() {
    let home = Home::new();
    let store = home.open().await;
    done(&store, 0, &set("a", "1")).await;
    done(&store, 0, &set("b", "1")).await;
    let call = CallId::new();
    let first = store.kv().write(call, at(0), SPACE, &claim(at(10))).await;
    store.close().await.unwrap();
    let store = home.open().await;
    let again = store.kv().write(call, at(1), SPACE, &claim(at(10))).await;
    assert_eq!(first.unwrap(), again.unwrap());
    assert!(store.kv().done(call).await.unwrap().is_some());
    let (other, _) = claimed(write(&store, 1, &claim(at(10))).await.unwrap());
    assert_eq!(other, "b");
}

#[tokio::test]
async fn who_watches_is_told_each_keys_last_change_and_of_what_is_forgotten() {
    let store = Store::open_memory().await.unwrap();
    let changes = async |since| {
        let seen = store.kv().changes(at(0), SPACE, "", since, 3).await;
        seen.unwrap()
    };
    let start = changes(None).await.revision;
    for key in ["a", "b", "a", "c"] {
        done(&store, 0, &set(key, "1")).await;
    }
    let delete = |key: &str| KvWrite::Delete {
        key: key.into(),
        if_version: None,
    };
    done(&store, 0, &delete("b")).await;
    let seen = changes(Some(start)).await;
    assert!(!seen.gap);
    let named: Vec<_> = seen
        .changes
        .iter()
        .map(|change| match change {
            KvChange::Set(entry) => (entry.key.as_str(), true),
            KvChange::Gone { key, .. } => (key.as_str(), false),
        })
        .collect();
    assert_eq!(named, [("a", true), ("c", true), ("b", false)]);
    assert_eq!(changes(Some(seen.revision)).await.changes, []);
    assert!(changes(Some(seen.revision + 99)).await.gap);

    for number in 0..=DELETIONS {
        done(&store, 0, &set("x", "1")).await;
        done(&store, 0, &set(&format!("n{number}"), "1")).await;
        done(&store, 0, &delete(&format!("n{number}"))).await;
    }
    assert!(changes(Some(start)).await.gap, "deletions were forgotten");
    assert!(!changes(Some(changes(None).await.revision)).await.gap);
    let before = changes(None).await.revision;
    done(&store, 0, &KvWrite::Clear).await;
    assert!(changes(Some(before)).await.gap, "all of it went at once");
}

#[tokio::test]
async fn names_and_values_are_in_no_file_and_a_moved_row_is_damaged() {
    let home = Home::new();
    let store = home.open().await;
    store
        .kv()
        .write(
            CallId::new(),
            at(0),
            "secret-space",
            &set("secret-key", "\"hunter2\""),
        )
        .await
        .unwrap();
    done(&store, 0, &set("other", "1")).await;
    store.close().await.unwrap();
    let bytes = std::fs::read(home.path().join("browserd.db")).unwrap();
    for secret in ["secret-space", "secret-key", "hunter2"] {
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} is there in clear");
    }
    home.tamper("UPDATE kv_entries SET version = version + 1")
        .await;
    let store = home.open().await;
    let err = store.kv().get(at(0), SPACE, "other").await.unwrap_err();
    assert_eq!(err.code(), Code::Corrupt);
    let page = KvPage {
        prefix: String::new(),
        after: None,
        limit: 9,
        values: true,
    };
    let listed = store.kv().list(at(0), SPACE, &page).await.unwrap();
    assert_eq!((listed.entries.len(), listed.damaged), (0, 1));
}

/// What the property test does.
#[derive(Clone, Debug)]
enum Step {
    Set(u8, Option<u8>),
    SetIf(u8),
    Delete(u8),
    Claim(u8),
    Finish(usize),
    Wait(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4u8, prop::option::of(1..9u8)).prop_map(|(key, ttl)| Step::Set(key, ttl)),
        (0..4u8).prop_map(Step::SetIf),
        (0..4u8).prop_map(Step::Delete),
        (1..9u8).prop_map(Step::Claim),
        (0..8usize).prop_map(Step::Finish),
        (1..6u8).prop_map(Step::Wait),
    ]
}

/// An entry as the model knows it: version, expiry, lease.
type Known = (u64, Option<i64>, Option<(u64, i64)>);

#[test]
fn the_store_does_what_a_plain_map_would() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(40));
    let steps = prop::collection::vec(step(), 1..40);
    runner
        .run(&steps, |steps| {
            runtime.block_on(follow(&steps));
            Ok(())
        })
        .unwrap();
}

async fn follow(steps: &[Step]) {
    let store = Store::open_memory().await.unwrap();
    let mut model: BTreeMap<String, Known> = BTreeMap::new();
    let mut claims: Vec<(String, u64)> = Vec::new();
    let (mut now, mut last) = (0, 0);
    for step in steps {
        model.retain(|_, (_, over, _)| over.is_none_or(|over| now < over));
        let is_held = |known: Option<&Known>| {
            known.is_some_and(|known| known.2.is_some_and(|(_, until)| now < until))
        };
        match step {
            Step::Wait(ms) => now += i64::from(*ms),
            Step::Set(key, ttl) => {
                let key = key.to_string();
                let over = ttl.map(|ttl| now + i64::from(ttl));
                let mut what = set(&key, "1");
                if let KvWrite::Set { expires_at, .. } = &mut what {
                    *expires_at = over.map(at);
                }
                match write(&store, now, &what).await {
                    Ok(KvOutcome {
                        done: KvDone::Set { version },
                        ..
                    }) => {
                        assert!(!is_held(model.get(&key)));
                        assert!(last < version);
                        last = version;
                        model.insert(key, (version, over, None));
                    }
                    other => assert!(is_held(model.get(&key)), "{other:?}"),
                }
            }
            Step::SetIf(key) => {
                let key = key.to_string();
                let known = model.get(&key).map_or(0, |known| known.0);
                let wrong = write(&store, now, &set_if(&key, "2", known + 1)).await;
                assert!(wrong.is_err());
                if is_held(model.get(&key)) {
                    continue;
                }
                let KvDone::Set { version } = done(&store, now, &set_if(&key, "2", known)).await
                else {
                    panic!()
                };
                last = version;
                model.insert(key, (version, None, None));
            }
            Step::Delete(key) => {
                let key = key.to_string();
                let what = KvWrite::Delete {
                    key: key.clone(),
                    if_version: None,
                };
                match write(&store, now, &what).await {
                    Ok(outcome) => {
                        let was_there = model.remove(&key).is_some();
                        assert_eq!(outcome.done, KvDone::Deleted { was_there });
                    }
                    Err(_) => assert!(is_held(model.get(&key))),
                }
            }
            Step::Claim(ms) => {
                let until = now + i64::from(*ms);
                let free = model.iter().find(|(_, known)| !is_held(Some(known)));
                let free = free.map(|(key, _)| key.clone());
                match done(&store, now, &claim(at(until))).await {
                    KvDone::Claimed { key, epoch } => {
                        assert_eq!(Some(&key), free.as_ref());
                        assert!(last < epoch, "epochs and versions rise together");
                        last = epoch;
                        if let Some(known) = model.get_mut(&key) {
                            known.2 = Some((epoch, until));
                        }
                        claims.push((key, epoch));
                    }
                    _ => assert_eq!(free, None),
                }
            }
            Step::Finish(which) => {
                let Some((key, epoch)) = claims.get(*which).cloned() else {
                    continue;
                };
                let what = KvWrite::Finish {
                    key: key.clone(),
                    epoch,
                };
                let holds = model
                    .get(&key)
                    .is_some_and(|known| known.2.is_some_and(|(last, _)| last == epoch));
                assert_eq!(write(&store, now, &what).await.is_ok(), holds);
                if holds {
                    model.remove(&key);
                }
            }
        }
        model.retain(|_, (_, over, _)| over.is_none_or(|over| now < over));
        assert_eq!(
            keys(&store, now, "").await,
            model.keys().cloned().collect::<Vec<_>>()
        );
    }
}
