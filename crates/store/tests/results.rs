//! The response store: its bounds, what goes first, and what is on the disk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy takes only the test functions themselves for tests"
)]

extern crate browserd_store as store;

mod support;

use base::{ResultId, SessionId};
use proptest::prelude::*;
use store::{Collected, Error, FoundResult, NewResult, ResultBounds, Retention, SessionRow, Store};
use support::*;

const TTL_MS: i64 = 5 * 60 * 1000;

fn text(text: impl Into<String>) -> NewResult {
    NewResult {
        field: "content".into(),
        text: text.into().into(),
    }
}

async fn stored(store: &Store) -> SessionId {
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    row.id
}

async fn keep(
    store: &Store,
    session: Option<SessionId>,
    at_ms: i64,
    bounds: ResultBounds,
    result: NewResult,
) -> ResultId {
    let (now, one) = (at(at_ms), [result]);
    let kept = store.results().keep(now, &bounds, session, &one).await;
    kept.unwrap()[0]
}

async fn is_kept(store: &Store, id: ResultId, at_ms: i64) -> bool {
    match store.results().read(at(at_ms), id).await.unwrap() {
        FoundResult::Kept(_) => true,
        FoundResult::Gone { .. } => false,
        FoundResult::Unknown => panic!("{id} was given"),
    }
}

#[tokio::test]
async fn a_result_reads_back_as_it_was_for_five_minutes_and_then_is_gone() {
    let store = Store::open_memory().await.unwrap();
    let session = stored(&store).await;
    for owner in [Some(session), None] {
        let odd = text("first\r\nzwölf 🦊\u{0}\nlast");
        let id = keep(&store, owner, 0, ResultBounds::default(), odd.clone()).await;
        let found = store.results().read(at(TTL_MS - 1), id).await.unwrap();
        let FoundResult::Kept(kept) = found else {
            panic!("{found:?}");
        };
        assert_eq!((kept.session, kept.expires_at), (owner, at(TTL_MS)));
        assert_eq!(kept.result, odd);
        // Gone at the moment its time is over, whether it was collected or not.
        for _ in 0..2 {
            let found = store.results().read(at(TTL_MS), id).await.unwrap();
            assert_eq!(found, FoundResult::Gone { given_at: at(0) });
            store.results().collect(at(TTL_MS)).await.unwrap();
        }
    }
    assert_eq!(store.results().collect(at(10 * TTL_MS)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_handle_that_was_never_given_is_told_from_one_that_is_gone() {
    let (store, other) = (
        Store::open_memory().await.unwrap(),
        Store::open_memory().await.unwrap(),
    );
    let id = keep(&store, None, 0, ResultBounds::default(), text("x")).await;
    let unknown = [
        ResultId::new(),
        // Another home's.
        keep(&other, None, 0, ResultBounds::default(), text("x")).await,
        // One bit of a good one is another.
        ResultId::from_bytes(id.as_bytes().map(|byte| byte ^ 1)),
    ];
    for id in unknown {
        let found = store.results().read(at(1), id).await.unwrap();
        assert_eq!(found, FoundResult::Unknown);
    }
    assert!(is_kept(&store, id, 1).await);
}

#[tokio::test]
async fn the_oldest_of_a_session_makes_room_and_other_sessions_keep_theirs() {
    let store = Store::open_memory().await.unwrap();
    let (one, other) = (stored(&store).await, stored(&store).await);
    let bounds = ResultBounds::default();
    let theirs = keep(&store, Some(other), 0, bounds, text("theirs")).await;
    let nobodys = keep(&store, None, 0, bounds, text("nobody's")).await;
    let mut ours = vec![];
    for n in 0..100 {
        ours.push(keep(&store, Some(one), n, bounds, text(format!("{n}"))).await);
    }
    for id in &ours {
        assert!(is_kept(&store, *id, 100).await);
    }
    ours.push(keep(&store, Some(one), 101, bounds, text("one more")).await);
    assert!(!is_kept(&store, ours[0], 101).await);
    for id in ours[1..].iter().chain([&theirs, &nobodys]) {
        assert!(is_kept(&store, *id, 101).await);
    }
    // An answer of several parts makes room for all of them at once.
    let three = [text("a"), text("b"), text("c")];
    let kept = store
        .results()
        .keep(at(102), &bounds, Some(one), &three)
        .await;
    ours.extend(kept.unwrap());
    for (place, id) in ours.iter().enumerate() {
        assert_eq!(is_kept(&store, *id, 102).await, 4 <= place, "{place}");
    }
}

#[tokio::test]
async fn bytes_are_bounded_for_a_session_and_for_the_home() {
    let store = Store::open_memory().await.unwrap();
    let (one, other) = (stored(&store).await, stored(&store).await);
    let bounds = ResultBounds {
        bytes: 1000,
        total_bytes: 1500,
        ..ResultBounds::default()
    };
    let sized = |bytes: usize| text("x".repeat(bytes));
    let first = keep(&store, Some(one), 0, bounds, sized(400)).await;
    let second = keep(&store, Some(one), 1, bounds, sized(600)).await;
    let third = keep(&store, Some(one), 2, bounds, sized(1)).await;
    assert!(!is_kept(&store, first, 2).await, "1001 bytes are too many");
    assert!(is_kept(&store, second, 2).await && is_kept(&store, third, 2).await);
    // 601 and 899 fill the home; one byte more costs its oldest, whosoever it is.
    let fourth = keep(&store, Some(other), 3, bounds, sized(899)).await;
    assert!(is_kept(&store, second, 3).await);
    let fifth = keep(&store, None, 4, bounds, sized(1)).await;
    assert!(!is_kept(&store, second, 4).await);
    for id in [third, fourth, fifth] {
        assert!(is_kept(&store, id, 4).await);
    }
    // What could never be kept is refused, and nothing goes for it.
    let parts = [sized(500), sized(501)];
    let refused = store
        .results()
        .keep(at(5), &bounds, Some(one), &parts)
        .await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::TooLarge {
                found: 1001,
                limit: 1000,
                ..
            }
        ),
        "{refused}"
    );
    for id in [third, fourth, fifth] {
        assert!(is_kept(&store, id, 5).await);
    }
}

#[tokio::test]
async fn results_go_with_their_session_and_in_collections() {
    let store = Store::open_memory().await.unwrap();
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    let other = stored(&store).await;
    let bounds = ResultBounds::default();
    let ours = keep(&store, Some(row.id), 0, bounds, text("ours")).await;
    let theirs = keep(&store, Some(other), 0, bounds, text("theirs")).await;
    let open = SessionRow {
        call_count: 8,
        ..row.clone()
    };
    store.sessions().put(&open).await.unwrap();
    assert!(is_kept(&store, ours, 1).await, "the session is open");
    store.sessions().put(&closed(&row, 1)).await.unwrap();
    assert!(!is_kept(&store, ours, 1).await);
    assert!(is_kept(&store, theirs, 1).await);

    let collect = async |now| {
        let retention = Retention::default();
        let collected = store.retentions().collect(retention, at(now), &[]).await;
        collected.unwrap()
    };
    assert_eq!(collect(TTL_MS - 1).await, Collected::default());
    let gone = Collected {
        results: 1,
        ..Collected::default()
    };
    assert_eq!(collect(TTL_MS).await, gone);
    assert!(!is_kept(&store, theirs, 1).await);
    // A session that isn't stored counts as none, and nothing of it is left behind.
    let id = keep(&store, Some(SessionId::new()), 0, bounds, text("whose?")).await;
    let found = store.results().read(at(1), id).await.unwrap();
    assert!(matches!(found, FoundResult::Kept(kept) if kept.session.is_none()));
}

#[tokio::test]
async fn results_outlive_the_process_and_stand_in_no_file_in_clear() {
    let home = Home::new();
    let store = home.open().await;
    let session = stored(&store).await;
    let secret = NewResult {
        field: "value_hunter3".into(),
        ..text("the balance is hunter2 ".repeat(50_000))
    };
    let bounds = ResultBounds::default();
    let ids = [
        keep(&store, Some(session), 0, bounds, secret.clone()).await,
        keep(&store, None, 0, bounds, secret.clone()).await,
    ];
    // Not closed: what is read by the next process was committed.
    std::mem::forget(store);
    is_in_no_file(home.path(), &["hunter2", "hunter3"]);
    let store = home.open().await;
    for id in ids {
        let found = store.results().read(at(1), id).await.unwrap();
        assert!(matches!(found, FoundResult::Kept(kept) if kept.result == secret));
    }
    store.close().await.unwrap();
    is_in_no_file(home.path(), &["hunter2", "hunter3"]);
}

#[tokio::test]
async fn a_damaged_result_is_told_and_never_shown() {
    for statement in [
        "UPDATE results SET expires_at = expires_at + 1",
        "UPDATE results SET expires_at = 1",
        "UPDATE results SET bytes = bytes + 1",
        "UPDATE results SET session = NULL",
        "UPDATE results SET field = text",
        "UPDATE results SET text = zeroblob(9)",
    ] {
        let home = Home::new();
        let store = home.open().await;
        let session = stored(&store).await;
        let id = keep(&store, Some(session), 0, ResultBounds::default(), text("x")).await;
        store.close().await.unwrap();
        home.tamper(statement).await;
        let store = home.open().await;
        let refused = store.results().read(at(1), id).await.unwrap_err();
        let told = matches!(refused, Error::Corrupt { .. } | Error::WrongKey { .. });
        assert!(told, "{statement}: {refused}");
        store.close().await.unwrap();
    }
}

/// One step of somebody who keeps and waits.
#[derive(Clone, Debug)]
enum Step {
    Keep { owner: usize, bytes: usize },
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..3, 0usize..60).prop_map(|(owner, bytes)| Step::Keep { owner, bytes }),
        1 => (1i64..TTL_MS).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The same rules, kept in a plain list.
    #[test]
    fn what_is_there_is_what_the_bounds_say(steps in prop::collection::vec(step(), 1..60)) {
        let bounds = ResultBounds { items: 5, bytes: 150, total_bytes: 250, ..ResultBounds::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = Store::open_memory().await.unwrap();
            let owners = [Some(stored(&store).await), Some(stored(&store).await), None];
            let mut now = 0;
            let mut model: Vec<(usize, usize, i64, ResultId)> = vec![];
            let mut given = vec![];
            for step in steps {
                match step {
                    Step::Wait(ms) => now += ms,
                    Step::Keep { owner, bytes } => {
                        let id = keep(&store, owners[owner], now, bounds, text("x".repeat(bytes))).await;
                        model.retain(|(_, _, until, _)| now < *until);
                        model.push((owner, bytes, now + TTL_MS, id));
                        given.push(id);
                        let over = |kept: &[(usize, usize, i64, ResultId)], most: usize| {
                            most < kept.iter().map(|(_, bytes, _, _)| bytes).sum::<usize>()
                        };
                        loop {
                            let ours: Vec<_> = model.iter().copied().filter(|kept| kept.0 == owner).collect();
                            if ours.len() <= 5 && !over(&ours, 150) {
                                break;
                            }
                            model.retain(|kept| kept.3 != ours[0].3);
                        }
                        while over(&model, 250) {
                            model.remove(0);
                        }
                    }
                }
                for id in &given {
                    let expect = model.iter().any(|kept| kept.3 == *id && now < kept.2);
                    assert_eq!(is_kept(&store, *id, now).await, expect);
                }
            }
        });
    }
}
