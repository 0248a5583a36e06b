//! Checkpoints that no capture made: of a session that is new, and beside the newest one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy takes only the test functions themselves for tests"
)]

extern crate browserd_store as store;

mod support;

use base::SessionId;
use store::{BlobAddress, CheckpointRow, Error, Retention, SessionRow, Store, Unpublished, Whose};
use support::*;

async fn put(store: &Store, session: SessionId, text: &str) -> BlobAddress {
    let put = store.blobs().put(session, "tab", text.as_bytes());
    put.await.unwrap()
}

async fn first(store: &Store, row: &SessionRow) -> Unpublished {
    let parts = vec![
        put(store, row.id, "one").await,
        put(store, row.id, "two").await,
    ];
    Unpublished {
        row: checkpoint(row.id, true),
        parts,
    }
}

async fn keys(home: &Home) -> i64 {
    let mut connection = home.raw().await;
    sqlx::query_scalar("SELECT count(*) FROM data_keys WHERE scope <> 'home'")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_session_is_stored_with_its_first_checkpoint_or_not_at_all() {
    let home = Home::new();
    let store = home.open().await;
    let holder = keyed("shop:1");
    store.sessions().insert(&holder).await.unwrap();

    // Its key is taken: neither row is there, and what was put is no more than leftovers.
    let refused = keyed("shop:1");
    let making = store.blobs().making(refused.id, Whose::New);
    let unpublished = first(&store, &refused).await;
    let found = store.checkpoints().found(&refused, unpublished).await;
    assert!(matches!(found, Err(Error::KeyTaken { .. })), "{found:?}");
    assert_eq!(store.sessions().get(refused.id).await.unwrap(), None);
    let listed = store.checkpoints().list(refused.id).await.unwrap();
    assert!(listed.rows.is_empty() && listed.damaged.is_empty());

    // A part that isn't there: the same.
    let row = session();
    let mut unpublished = first(&store, &row).await;
    unpublished.parts.push(BlobAddress::from_bytes([7; 32]));
    let found = store.checkpoints().found(&row, unpublished).await;
    assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
    assert_eq!(store.sessions().get(row.id).await.unwrap(), None);

    let row = keyed("shop:2");
    let wanted = first(&store, &row).await;
    let id = wanted.row.id;
    store.checkpoints().found(&row, wanted).await.unwrap();
    drop(store);

    let store = home.open().await;
    let stored = store.sessions().get(row.id).await.unwrap().unwrap();
    assert_eq!(stored.latest_checkpoint, Some(id));
    let newest = store.checkpoints().newest(row.id).await.unwrap().unwrap();
    assert_eq!((newest.id, newest.number), (id, 1));
    let next = checkpoint(row.id, true);
    let parts = vec![put(&store, row.id, "three").await];
    let published = store
        .checkpoints()
        .publish(Unpublished { row: next, parts });
    assert_eq!(published.await.unwrap(), 2);
    drop(making);
}

#[tokio::test]
async fn what_is_made_for_a_new_session_outlives_collections_until_it_is_given_up() {
    let home = Home::new();
    let store = home.open().await;
    let row = session();
    let making = store.blobs().making(row.id, Whose::New);
    let unpublished = first(&store, &row).await;
    let collect = async || {
        let retentions = store.retentions();
        retentions
            .collect(Retention::default(), at(0), &[])
            .await
            .unwrap()
    };
    assert_eq!(collect().await.leftovers, 0);
    assert_eq!((home.blob_files().len(), keys(&home).await), (2, 1));

    drop(making);
    drop(unpublished);
    assert_eq!(collect().await.leftovers, 1);
    // Its files are gone, and the key that would open them.
    assert_eq!((home.blob_files().len(), keys(&home).await), (0, 0));

    // One that was stored is no leftover.
    let row = session();
    let making = store.blobs().making(row.id, Whose::New);
    let unpublished = first(&store, &row).await;
    store.checkpoints().found(&row, unpublished).await.unwrap();
    making.done();
    assert_eq!(collect().await.leftovers, 0);
    let newest = store.checkpoints().newest(row.id).await.unwrap();
    assert!(newest.is_some());
    assert_eq!((home.blob_files().len(), keys(&home).await), (2, 1));
}

#[tokio::test]
async fn a_checkpoint_beside_the_newest_is_older_than_that_and_outlives_captures_meanwhile() {
    let store = Store::open_memory().await.unwrap();
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    let rolling = async |text: &str| {
        let row = CheckpointRow {
            kept: false,
            ..checkpoint(row.id, false)
        };
        let id = row.id;
        let parts = vec![put(&store, row.session, text).await];
        let unpublished = Unpublished { row, parts };
        store.checkpoints().publish(unpublished).await.unwrap();
        id
    };
    rolling("a").await;
    let making = store.blobs().making(row.id, Whose::Known);
    let beside = first(&store, &row).await;
    let id = beside.row.id;
    // More publishes than a part of a capture would outlive.
    for n in 0..5 {
        rolling(&format!("b{n}")).await;
    }
    let newest = rolling("c").await;
    store.checkpoints().publish_beside(beside).await.unwrap();
    making.done();

    let listed = store.checkpoints().list(row.id).await.unwrap().rows;
    let ids: Vec<_> = listed.iter().map(|row| row.id).collect();
    assert_eq!(ids, [newest, id]);
    let stored = store.sessions().get(row.id).await.unwrap().unwrap();
    assert_eq!(stored.latest_checkpoint, Some(newest));
    // The next capture takes the rolling one's place, and the kept one stays.
    let next = rolling("d").await;
    let listed = store.checkpoints().list(row.id).await.unwrap().rows;
    let ids: Vec<_> = listed.iter().map(|row| row.id).collect();
    assert_eq!(ids, [next, id]);
    for part in &listed[1].parts {
        assert!(store.blobs().get(row.id, "tab", *part).await.is_ok());
    }
}
