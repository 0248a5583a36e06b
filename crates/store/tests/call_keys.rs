//! Idempotency keys: what is held, for whom, and for how long.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy takes only the test functions themselves for tests"
)]

extern crate browserd_store as store;

mod support;

use base::{CallId, SessionId, Timestamp};
use store::{Begun, CallState, Error, KEY_AGE, KeyedCall, Store, Thing, Unsent};
use support::*;

async fn keyed_call(store: &Store, key: &str, call: &str, now: Timestamp) -> KeyedCall {
    KeyedCall {
        id: CallId::new(),
        scope: "home".into(),
        print: store.call_keys().print(key, call).await.unwrap(),
        operation: "interact".into(),
        epoch: 4,
        at: now,
    }
}

async fn held(store: &Store, call: &KeyedCall) -> store::CallRow {
    match store.call_keys().begin(call).await.unwrap() {
        Begun::Held(row) => *row,
        other => panic!("not held: {other:?}"),
    }
}

#[tokio::test]
async fn the_first_call_of_a_key_is_done_and_its_repeats_find_its_outcome() {
    let home = Home::new();
    let store = home.open().await;
    let first = keyed_call(&store, "order-7", "click {}", at(0)).await;
    assert_eq!(
        store.call_keys().begin(&first).await.unwrap(),
        Begun::Do(first.id)
    );

    // It gains its session with its first byte, so that its outcome is sealed with that key.
    let session = SessionId::new();
    let mut sent = call(session);
    sent.id = first.id;
    sent.epoch = first.epoch;
    store.calls().record(&sent).await.unwrap();
    let keys = store.call_keys();
    keys.end(first.id, CallState::Done, Some(b"clicked"), Unsent::Free)
        .await
        .unwrap();
    store.close().await.unwrap();

    let store = home.open().await;
    let again = keyed_call(&store, "order-7", "click {}", at(60_000)).await;
    assert_eq!(again.print, first.print, "the same in the next process");
    let row = held(&store, &again).await;
    assert_eq!((row.id, row.session), (first.id, Some(session)));
    assert_eq!(
        (row.state, row.outcome.as_deref()),
        (CallState::Done, Some(&b"clicked"[..]))
    );

    let other = keyed_call(&store, "order-7", "click {\"ref\":\"e2\"}", at(60_000)).await;
    let said = store.call_keys().begin(&other).await.unwrap();
    assert_eq!(said, Begun::Other("interact".into()));
    let stranger = KeyedCall {
        scope: "another".into(),
        ..other
    };
    assert_eq!(
        store.call_keys().begin(&stranger).await.unwrap(),
        Begun::Do(stranger.id)
    );
    assert_eq!(
        store.call_keys().begin(&stranger).await.unwrap(),
        Begun::Do(stranger.id)
    );
    let taken = KeyedCall {
        print: store.call_keys().print("another key", "x").await.unwrap(),
        ..stranger
    };
    let err = store.call_keys().begin(&taken).await.unwrap_err();
    assert!(
        matches!(
            err,
            Error::Exists {
                thing: Thing::Call,
                ..
            }
        ),
        "{err}"
    );
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_call_of_which_nothing_was_sent_is_done_under_its_first_id() {
    let store = Store::open_memory().await.unwrap();
    let first = keyed_call(&store, "k", "a", at(0)).await;
    store.call_keys().begin(&first).await.unwrap();
    // Its daemon died. What a KV change of it did is known by this id.
    let next = KeyedCall {
        epoch: 5,
        ..keyed_call(&store, "k", "a", at(9)).await
    };
    assert_eq!(
        store.call_keys().begin(&next).await.unwrap(),
        Begun::Do(first.id)
    );
    let row = store.calls().get(first.id).await.unwrap().unwrap();
    assert_eq!((row.epoch, row.state), (5, CallState::Accepted));
    assert_eq!(store.calls().get(next.id).await.unwrap(), None);
    // Nobody knows what came of it, but that nothing was sent.
    let keys = store.call_keys();
    keys.end(first.id, CallState::Unknown, Some(b"?"), Unsent::Stays)
        .await
        .unwrap();
    assert_eq!(
        store.call_keys().begin(&next).await.unwrap(),
        Begun::Do(first.id)
    );
}

#[tokio::test]
async fn the_key_of_a_call_that_was_refused_is_free_and_that_of_one_that_was_sent_is_not() {
    let store = Store::open_memory().await.unwrap();
    let keys = store.call_keys();
    let refused = keyed_call(&store, "k", "a", at(0)).await;
    keys.begin(&refused).await.unwrap();
    keys.end(
        refused.id,
        CallState::Failed,
        Some(b"no such tab"),
        Unsent::Free,
    )
    .await
    .unwrap();
    let row = store.calls().get(refused.id).await.unwrap().unwrap();
    assert_eq!(
        row.outcome.as_deref(),
        Some(&b"no such tab"[..]),
        "it is told by its id"
    );

    let corrected = keyed_call(&store, "k", "b", at(1)).await;
    assert_eq!(
        keys.begin(&corrected).await.unwrap(),
        Begun::Do(corrected.id)
    );
    let mut sent = call(SessionId::new());
    (sent.id, sent.epoch) = (corrected.id, corrected.epoch);
    store.calls().record(&sent).await.unwrap();
    keys.end(
        corrected.id,
        CallState::Failed,
        Some(b"no page"),
        Unsent::Free,
    )
    .await
    .unwrap();
    let again = keyed_call(&store, "k", "b", at(2)).await;
    assert_eq!(held(&store, &again).await.state, CallState::Failed);

    let unsent = keyed_call(&store, "other", "a", at(3)).await;
    keys.begin(&unsent).await.unwrap();
    (sent.id, sent.epoch) = (unsent.id, unsent.epoch);
    store.calls().record(&sent).await.unwrap();
    // The browser died before it read a byte.
    keys.end(unsent.id, CallState::NotStarted, None, Unsent::Free)
        .await
        .unwrap();
    let again = keyed_call(&store, "other", "a", at(4)).await;
    assert_eq!(keys.begin(&again).await.unwrap(), Begun::Do(again.id));
}

#[tokio::test]
async fn a_key_outlives_a_busy_journal_and_goes_after_a_day() {
    let store = Store::open_memory().await.unwrap();
    let keys = store.call_keys();
    let first = keyed_call(&store, "k", "a", at(0)).await;
    keys.begin(&first).await.unwrap();
    keys.end(first.id, CallState::Done, None, Unsent::Free)
        .await
        .unwrap();
    for _ in 0..1200 {
        let mut row = call(SessionId::new());
        row.session = None;
        store.calls().record(&row).await.unwrap();
    }
    let day = i64::try_from(KEY_AGE.as_millis()).unwrap();
    let late = keyed_call(&store, "k", "a", at(day)).await;
    assert_eq!(held(&store, &late).await.id, first.id);
    assert_eq!(keys.forget_keys(at(day)).await.unwrap(), 0);

    let later = keyed_call(&store, "k", "another call", at(day + 1)).await;
    assert_eq!(keys.begin(&later).await.unwrap(), Begun::Do(later.id));
    assert_eq!(keys.forget_keys(at(2 * day + 2)).await.unwrap(), 1);
    assert!(
        store.calls().get(later.id).await.unwrap().is_some(),
        "its row stays"
    );
}
