//! What is kept, what is removed, and that nothing else is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy takes only the test functions themselves for tests"
)]

extern crate browserd_store as store;

mod support;

use std::time::Duration;

use base::{CheckpointId, SessionId};
use store::{BlobAddress, CheckpointRow, Collected, EXPLICIT, Retention, Store, Unpublished};
use support::*;

const DAY_MS: i64 = 24 * 3600 * 1000;

fn days(count: u64) -> Option<Duration> {
    Some(Duration::from_secs(count * 24 * 3600))
}

async fn publish(
    store: &Store,
    session: SessionId,
    cause: &str,
    kept: bool,
    at_ms: i64,
) -> (CheckpointId, BlobAddress) {
    let own = format!("{cause} {at_ms}");
    let part = store
        .blobs()
        .put(session, "tab", own.as_bytes())
        .await
        .unwrap();
    let row = CheckpointRow {
        cause: cause.into(),
        taken_at: at(at_ms),
        ..checkpoint(session, kept)
    };
    let id = row.id;
    let parts = vec![part];
    let unpublished = Unpublished { row, parts };
    store.checkpoints().publish(unpublished).await.unwrap();
    (id, part)
}

async fn ids(store: &Store, session: SessionId) -> Vec<CheckpointId> {
    let listed = store.checkpoints().list(session).await.unwrap();
    listed.rows.iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn the_newest_versions_stay_and_what_was_asked_for_stays_as_long_as_it_was_said() {
    let store = Store::open_memory().await.unwrap();
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    let (named, _) = publish(&store, row.id, EXPLICIT, true, 0).await;
    let mut automatic = vec![];
    for n in 1..=5 {
        automatic.push(publish(&store, row.id, "close", true, n * DAY_MS).await);
    }
    let (rolling, _) = publish(&store, row.id, "storage", false, 6 * DAY_MS).await;

    let retention = Retention {
        versions: Some(2),
        ..Retention::default()
    };
    let thin = async |retention, day: i64| {
        let now = at(day * DAY_MS);
        store
            .retentions()
            .thin(row.id, retention, now)
            .await
            .unwrap()
    };
    assert_eq!(thin(retention, 7).await, 3);
    let expect = [rolling, automatic[4].0, automatic[3].0, named];
    assert_eq!(ids(&store, row.id).await, expect);
    assert_eq!(thin(retention, 7).await, 0);
    // Its part went along, the others' are there.
    for (place, (_, part)) in automatic.iter().enumerate() {
        let there = store.blobs().get(row.id, "tab", *part).await.is_ok();
        assert_eq!(there, 3 <= place);
    }

    let aged = Retention {
        asked_for: days(8),
        ..retention
    };
    assert_eq!(thin(aged, 7).await, 0);
    assert_eq!(thin(aged, 9).await, 1);
    assert_eq!(ids(&store, row.id).await, expect[..3]);
    // Before it was taken, by the clock as it is now: nothing is that old.
    assert_eq!(thin(aged, -400).await, 0);
}

#[tokio::test]
async fn the_only_checkpoint_stays_whatever_its_age() {
    let store = Store::open_memory().await.unwrap();
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    let (only, _) = publish(&store, row.id, EXPLICIT, true, 0).await;
    let retention = Retention {
        versions: Some(0),
        asked_for: days(1),
        closed: days(1),
    };
    let now = at(90 * DAY_MS);
    assert_eq!(
        store
            .retentions()
            .thin(row.id, retention, now)
            .await
            .unwrap(),
        0
    );
    assert_eq!(ids(&store, row.id).await, [only]);
    let row = store.sessions().get(row.id).await.unwrap().unwrap();
    assert_eq!(row.latest_checkpoint, Some(only));
}

#[tokio::test]
async fn closed_sessions_go_with_all_they_had_and_others_lose_nothing() {
    let home = Home::new();
    let store = home.open().await;
    let (open, old, young, used) = (session(), session(), session(), session());
    for row in [&open, &old, &young, &used] {
        store.sessions().insert(row).await.unwrap();
        store
            .tabs()
            .put_all(row.id, &[tab(row.id, 1, 0)])
            .await
            .unwrap();
        publish(&store, row.id, "close", true, 0).await;
        let content = b"x".to_vec();
        let download = store::DownloadRow { number: 1, content };
        let downloads = store.downloads();
        downloads.change(row.id, &[download], &[]).await.unwrap();
    }
    for (row, closed_ms) in [(&old, 0), (&young, 20 * DAY_MS), (&used, 0)] {
        let row = closed(row, closed_ms);
        store.sessions().put(&row).await.unwrap();
    }
    let now = at(31 * DAY_MS);
    let retention = Retention::default();
    let collected = store.retentions().collect(retention, now, &[used.id]).await;
    let expect = Collected {
        sessions: 1,
        ..Collected::default()
    };
    assert_eq!(collected.unwrap(), expect);
    assert_eq!(store.sessions().get(old.id).await.unwrap(), None);
    assert!(ids(&store, old.id).await.is_empty());
    let folder = home.path().join("blobs").join(old.id.to_string());
    assert!(!folder.exists());
    for row in [&open, &young, &used] {
        let newest = store.checkpoints().newest(row.id).await.unwrap();
        assert!(newest.is_some(), "{:?}", row.state);
        assert_eq!(store.tabs().list(row.id).await.unwrap().rows.len(), 1);
        assert_eq!(store.downloads().list(row.id).await.unwrap().rows.len(), 1);
    }
    assert!(
        store
            .downloads()
            .list(old.id)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    // Nothing is sealed under a key that was removed with it: the id starts anew.
    store.sessions().insert(&old).await.unwrap();
    assert_eq!(store.sessions().get(old.id).await.unwrap(), Some(old));
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_a_crash_left_in_the_middle_of_a_removal_goes_the_next_time() {
    let home = Home::new();
    let store = home.open().await;
    let (gone, stays) = (session(), session());
    for row in [&gone, &stays] {
        store.sessions().insert(row).await.unwrap();
        publish(&store, row.id, "close", true, 0).await;
    }
    // A part of a capture that never came to publish, by a daemon that is gone.
    store
        .blobs()
        .put(stays.id, "tab", b"left behind")
        .await
        .unwrap();
    store.close().await.unwrap();
    // The rows went, and then the power.
    let mut raw = home.raw().await;
    for statement in [
        "DELETE FROM sessions WHERE id = ?",
        "DELETE FROM checkpoint_parts WHERE session = ?",
        "DELETE FROM checkpoints WHERE session = ?",
    ] {
        let id = gone.id.to_string();
        sqlx::query(statement)
            .bind(id)
            .execute(&mut raw)
            .await
            .unwrap();
    }
    drop(raw);
    assert_eq!(home.blob_files().len(), 3);

    let store = home.open().await;
    let collected = store
        .retentions()
        .collect(Retention::default(), at(DAY_MS), &[])
        .await
        .unwrap();
    assert_eq!(collected.leftovers, 2);
    assert_eq!(home.blob_files().len(), 1);
    let newest = store.checkpoints().newest(stays.id).await.unwrap().unwrap();
    let part = newest.parts[0];
    assert!(store.blobs().get(stays.id, "tab", part).await.is_ok());
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_part_put_for_the_next_checkpoint_outlives_a_collection() {
    let home = Home::new();
    let store = home.open().await;
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    publish(&store, row.id, "close", true, 0).await;
    let part = store.blobs().put(row.id, "tab", b"next").await.unwrap();
    let retention = Retention::default();
    let collected = store.retentions().collect(retention, at(0), &[]).await;
    assert_eq!(collected.unwrap(), Collected::default());
    let next = unpublished(row.id, true, vec![part]);
    store.checkpoints().publish(next).await.unwrap();
    store.close().await.unwrap();
}
