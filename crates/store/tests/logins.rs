//! Logins: kept by profile and origin, in versions, sealed, and gone when they are deleted.

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
use sqlx::Connection as _;
use store::{
    CheckpointRow, Collected, EXPLICIT, Error, LOGIN, Retention, Shelf, Store, Thing, Unpublished,
    Whose,
};
use support::*;

const ORIGIN: &str = "https://payroll.test";
const DAY_MS: i64 = 24 * 3600 * 1000;

fn new_shelf(profile: &str, origin: &str) -> Shelf {
    Shelf {
        id: SessionId::new(),
        profile: profile.into(),
        origin: origin.to_owned().into(),
    }
}

/// Keeps a version whose one part says `content`.
async fn keep(
    store: &Store,
    shelf: &Shelf,
    cause: &str,
    content: &str,
) -> Result<CheckpointId, Error> {
    let part = store.blobs().put(shelf.id, "cookies", content.as_bytes());
    let part = part.await.unwrap();
    let row = CheckpointRow {
        cause: cause.into(),
        ..checkpoint(shelf.id, true)
    };
    let id = row.id;
    let parts = vec![part];
    let version = Unpublished { row, parts };
    store.logins().publish_login(shelf, version).await?;
    Ok(id)
}

async fn ids(store: &Store, shelf: &Shelf) -> Vec<CheckpointId> {
    let listed = store.checkpoints().list(shelf.id).await.unwrap();
    assert!(listed.damaged.is_empty());
    listed.rows.iter().map(|row| row.id).collect()
}

/// Both back ends: what a shelf is.
async fn a_shelf_is_there_as_long_as_it_has_a_version(store: &Store) {
    let logins = store.logins();
    let (work, home) = (new_shelf("work", ORIGIN), new_shelf("default", ORIGIN));
    assert_eq!(logins.shelf("work", ORIGIN).await.unwrap(), None);
    let one = keep(store, &work, LOGIN, "one").await.unwrap();
    let two = keep(store, &work, LOGIN, "two").await.unwrap();
    let other = keep(store, &home, LOGIN, "other").await.unwrap();
    assert_eq!(
        logins.shelf("work", ORIGIN).await.unwrap(),
        Some(work.clone())
    );
    for (profile, origin) in [
        ("work", "https://payroll.tes"),
        ("wor", "khttps://payroll.test"),
    ] {
        assert_eq!(logins.shelf(profile, origin).await.unwrap(), None);
    }
    assert_eq!(
        logins.shelves().await.unwrap().rows,
        [work.clone(), home.clone()]
    );
    assert_eq!(ids(store, &work).await, [two, one]);
    assert_eq!(ids(store, &home).await, [other]);

    // Two that came first at once: the later one is told.
    let late = new_shelf("work", ORIGIN);
    let refused = keep(store, &late, LOGIN, "late").await.unwrap_err();
    assert!(
        matches!(&refused, Error::Exists { thing: Thing::Shelf, id } if *id == work.id.to_string()),
        "{refused}"
    );

    // A session's checkpoint is no login.
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    let of_session = unpublished(row.id, true, vec![]);
    let id = of_session.row.id;
    store.checkpoints().publish(of_session).await.unwrap();
    assert!(!logins.remove_login(id).await.unwrap());
    assert!(store.checkpoints().get(id).await.unwrap().is_some());

    assert!(logins.remove_login(one).await.unwrap());
    assert!(!logins.remove_login(one).await.unwrap());
    assert_eq!(ids(store, &work).await, [two]);
    assert!(logins.remove_login(two).await.unwrap());
    assert_eq!(logins.shelf("work", ORIGIN).await.unwrap(), None);
    assert_eq!(ids(store, &home).await, [other]);
    assert_eq!(logins.shelves().await.unwrap().rows, [home]);
}

#[tokio::test]
async fn a_shelf_is_there_as_long_as_it_has_a_version_in_memory() {
    let store = Store::open_memory().await.unwrap();
    a_shelf_is_there_as_long_as_it_has_a_version(&store).await;
}

#[tokio::test]
async fn a_shelf_is_there_as_long_as_it_has_a_version_in_a_file() {
    let home = Home::new();
    let store = home.open().await;
    a_shelf_is_there_as_long_as_it_has_a_version(&store).await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_collection_keeps_the_newest_logins_and_removes_all_of_a_shelf_that_is_gone() {
    let home = Home::new();
    let store = home.open().await;
    let (shelf, gone) = (new_shelf("work", ORIGIN), new_shelf("left", ORIGIN));
    let named = keep(&store, &shelf, EXPLICIT, "named").await.unwrap();
    let mut versions = vec![];
    for n in 0..4 {
        let version = keep(&store, &shelf, LOGIN, &format!("version {n}")).await;
        versions.push(version.unwrap());
    }
    let last = keep(&store, &gone, LOGIN, "left").await.unwrap();
    assert!(store.logins().remove_login(last).await.unwrap());
    let retention = Retention {
        versions: Some(2),
        ..Retention::default()
    };
    let collected = store.retentions().collect(retention, at(DAY_MS), &[]).await;
    let expect = Collected {
        logins: 2,
        leftovers: 1,
        ..Collected::default()
    };
    assert_eq!(collected.unwrap(), expect);
    assert_eq!(
        ids(&store, &shelf).await,
        [versions[3], versions[2], named],
        "the newest two, and the one with a name"
    );
    assert_eq!(home.blob_files().len(), 3);
    let folder = |shelf: &Shelf| home.path().join("blobs").join(shelf.id.to_string());
    assert!(folder(&shelf).exists() && !folder(&gone).exists());
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM data_keys WHERE scope = ?")
        .bind(gone.id.to_string())
        .fetch_one(&mut home.raw().await)
        .await
        .unwrap();
    assert_eq!(
        keys, 0,
        "what is left of it anywhere can't be read any more"
    );

    let aged = Retention {
        asked_for: Some(Duration::from_secs(3600)),
        ..retention
    };
    let collected = store.retentions().collect(aged, at(DAY_MS), &[]).await;
    assert_eq!(collected.unwrap().logins, 1);
    assert_eq!(ids(&store, &shelf).await, [versions[3], versions[2]]);
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_is_being_made_for_a_shelf_outlives_a_collection() {
    let home = Home::new();
    let store = home.open().await;
    let (new, known) = (new_shelf("work", ORIGIN), new_shelf("left", ORIGIN));
    let only = keep(&store, &known, LOGIN, "only").await.unwrap();
    let making = [
        store.blobs().making(new.id, Whose::New),
        store.blobs().making(known.id, Whose::Known),
    ];
    let mut parts = vec![];
    for shelf in [&new, &known] {
        let part = store.blobs().put(shelf.id, "cookies", b"next").await;
        parts.push(part.unwrap());
    }
    // The shelf goes while the next version is made for it.
    assert!(store.logins().remove_login(only).await.unwrap());
    let retention = Retention::default();
    let collected = store.retentions().collect(retention, at(0), &[]).await;
    assert_eq!(collected.unwrap(), Collected::default());
    for ((shelf, part), making) in [&new, &known].into_iter().zip(parts).zip(making) {
        let version = unpublished(shelf.id, true, vec![part]);
        store.logins().publish_login(shelf, version).await.unwrap();
        making.done();
        let read = store.blobs().get(shelf.id, "cookies", part).await;
        assert_eq!(read.unwrap(), b"next");
        assert_eq!(ids(&store, shelf).await.len(), 1);
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn neither_profile_nor_origin_nor_content_is_in_any_file_and_two_homes_hash_differently() {
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let home = Home::new();
        let store = home.open().await;
        let shelf = new_shelf("treasury", ORIGIN);
        keep(&store, &shelf, LOGIN, "sid=scarlet").await.unwrap();
        let words = ["treasury", "payroll", "scarlet"];
        is_in_no_file(home.path(), &words);
        store.close().await.unwrap();
        is_in_no_file(home.path(), &words);
        let hash: String = sqlx::query_scalar("SELECT name_hash FROM shelves")
            .fetch_one(&mut home.raw().await)
            .await
            .unwrap();
        hashes.push(hash);
    }
    assert_ne!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn a_damaged_shelf_is_told_keeps_its_parts_and_can_be_deleted() {
    let home = Home::new();
    let store = home.open().await;
    let shelf = new_shelf("work", ORIGIN);
    let version = keep(&store, &shelf, LOGIN, "one").await.unwrap();
    store.close().await.unwrap();
    home.tamper("UPDATE shelves SET private = zeroblob(length(private))")
        .await;
    let store = home.open().await;
    let listed = store.logins().shelves().await.unwrap();
    assert!(listed.rows.is_empty());
    assert_eq!(listed.damaged[0].id, shelf.id.to_string());
    let refused = store.logins().shelf("work", ORIGIN).await.unwrap_err();
    assert_eq!(refused.code(), base::Code::Corrupt, "{refused}");
    let collected = store
        .retentions()
        .collect(Retention::default(), at(DAY_MS), &[])
        .await;
    assert_eq!(collected.unwrap(), Collected::default());
    assert_eq!(home.blob_files().len(), 1);
    assert!(store.logins().remove_login(version).await.unwrap());
    assert_eq!(store.logins().shelf("work", ORIGIN).await.unwrap(), None);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_home_that_has_a_later_migration_gets_this_one_too() {
    let home = Home::new();
    let store = home.open().await;
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    store.close().await.unwrap();
    let mut raw = home.raw().await;
    for statement in [
        "DROP TABLE shelves",
        "DELETE FROM _sqlx_migrations WHERE version = 5",
    ] {
        sqlx::query(statement).execute(&mut raw).await.unwrap();
    }
    raw.close().await.unwrap();
    let store = home.open().await;
    assert_eq!(store.sessions().get(row.id).await.unwrap(), Some(row));
    keep(&store, &new_shelf("work", ORIGIN), LOGIN, "one")
        .await
        .unwrap();
    store.close().await.unwrap();
}
