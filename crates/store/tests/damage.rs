//! Damage: it is named, told beside what is good, and never written over or thrown away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy takes only the test functions themselves for tests"
)]

extern crate browserd_store as store;

mod support;

use std::path::Path;

use base::{Code, SessionId, StateName};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use store::{CallState, Error, SessionRow};
use support::*;

/// Turns one bit of a file over.
fn flip(path: &Path, bit: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_session_is_told_beside_the_good_ones_and_is_not_written_over() {
    let home = Home::new();
    let (good, bad) = (session(), keyed("bad"));
    let store = home.open().await;
    store.sessions().insert(&good).await.unwrap();
    store.sessions().insert(&bad).await.unwrap();
    store.close().await.unwrap();
    home.tamper("UPDATE sessions SET private = substr(private, 1, 70) WHERE key_hash IS NOT NULL")
        .await;

    let store = home.open().await;
    let listed = store.sessions().list().await.unwrap();
    assert_eq!(listed.rows, std::slice::from_ref(&good));
    assert_eq!(listed.damaged.len(), 1);
    assert_eq!(listed.damaged[0].id, bad.id.to_string());
    let alive = store
        .sessions()
        .list_states(&[StateName::Alive])
        .await
        .unwrap();
    assert_eq!((alive.rows, alive.damaged.len()), (vec![good], 1));

    assert_eq!(
        store.sessions().get(bad.id).await.unwrap_err().code(),
        Code::Corrupt
    );
    assert_eq!(
        store.sessions().put(&bad).await.unwrap_err().code(),
        Code::Corrupt
    );
    assert!(store.sessions().insert(&bad).await.is_err());
    let again = SessionRow {
        key: bad.key.clone(),
        ..session()
    };
    let err = store.sessions().insert(&again).await.unwrap_err();
    assert_eq!(err.code(), Code::KeyTaken, "it still holds its key");
    assert_eq!(store.sessions().list().await.unwrap().damaged.len(), 1);
}

#[tokio::test]
async fn a_value_out_of_its_bounds_is_damage_in_every_table() {
    let home = Home::new();
    let row = session();
    let store = home.open().await;
    store.sessions().insert(&row).await.unwrap();
    store.browsers().put(&browser(row.id)).await.unwrap();
    store
        .tabs()
        .put_all(row.id, &[tab(row.id, 1, 0), tab(row.id, 2, 1)])
        .await
        .unwrap();
    store
        .checkpoints()
        .publish(unpublished(row.id, true, vec![]))
        .await
        .unwrap();
    store
        .checkpoints()
        .publish(unpublished(row.id, true, vec![]))
        .await
        .unwrap();
    let made = call(row.id);
    store.calls().record(&made).await.unwrap();
    store.close().await.unwrap();
    for statement in [
        "UPDATE sessions SET state = 'asleep'",
        "UPDATE browsers SET browser_pid = 99999999999",
        "UPDATE tabs SET closed = 7 WHERE tab = 2",
        "UPDATE checkpoints SET generation = -1 WHERE number = 2",
        "UPDATE calls SET cdp_id = -1",
    ] {
        home.tamper(statement).await;
    }
    let store = home.open().await;
    assert_eq!(store.sessions().list().await.unwrap().damaged.len(), 1);
    assert_eq!(store.browsers().list_live().await.unwrap().damaged.len(), 1);
    let tabs = store.tabs().list(row.id).await.unwrap();
    assert_eq!((tabs.rows.len(), tabs.damaged.len()), (1, 1));
    assert_eq!(tabs.damaged[0].id, "t2");
    let checkpoints = store.checkpoints().list(row.id).await.unwrap();
    assert_eq!((checkpoints.rows.len(), checkpoints.damaged.len()), (1, 1));
    assert_eq!(
        store.calls().open_of(row.id).await.unwrap().damaged.len(),
        1
    );
    assert_eq!(
        store.calls().get(made.id).await.unwrap_err().code(),
        Code::Corrupt
    );
    // The checkpoint before the damaged one is what a restore starts from.
    assert_eq!(
        store
            .checkpoints()
            .newest(row.id)
            .await
            .unwrap()
            .unwrap()
            .number,
        1
    );
}

#[tokio::test]
async fn sealed_values_of_two_rows_can_not_be_exchanged() {
    let home = Home::new();
    let (one, two) = (keyed("one"), keyed("two"));
    let store = home.open().await;
    store.sessions().insert(&one).await.unwrap();
    store.sessions().insert(&two).await.unwrap();
    let tabs = [tab(one.id, 1, 0), tab(one.id, 2, 1)];
    store.tabs().put_all(one.id, &tabs).await.unwrap();
    store.close().await.unwrap();
    home.tamper(
        "UPDATE sessions SET private = (SELECT private FROM sessions ORDER BY id LIMIT 1) \
         WHERE id = (SELECT id FROM sessions ORDER BY id DESC LIMIT 1)",
    )
    .await;
    home.tamper("UPDATE tabs SET private = (SELECT private FROM tabs WHERE tab = 1) WHERE tab = 2")
        .await;
    let store = home.open().await;
    let err = store.sessions().get(two.id).await.unwrap_err();
    assert_eq!(err.code(), Code::WrongKey, "{err}");
    assert_eq!(
        store.tabs().list(one.id).await.unwrap().rows,
        [tabs[0].clone()]
    );
}

#[tokio::test]
async fn a_session_without_its_data_key_is_damaged_and_the_others_are_not() {
    let home = Home::new();
    let (lost, bent, good) = (session(), session(), session());
    let store = home.open().await;
    for row in [&lost, &bent, &good] {
        store.sessions().insert(row).await.unwrap();
    }
    store.close().await.unwrap();
    let mut connection = home.raw().await;
    for (statement, id) in [
        ("DELETE FROM data_keys WHERE scope = ?", lost.id),
        (
            "UPDATE data_keys SET wrapped = substr(wrapped, 1, 90) WHERE scope = ?",
            bent.id,
        ),
    ] {
        sqlx::query(statement)
            .bind(id.to_string())
            .execute(&mut connection)
            .await
            .unwrap();
    }
    drop(connection);
    let store = home.open().await;
    let listed = store.sessions().list().await.unwrap();
    assert_eq!((listed.rows, listed.damaged.len()), (vec![good], 2));
}

#[tokio::test]
async fn a_damaged_tab_is_set_aside_before_it_is_written_over() {
    let home = Home::new();
    let id = SessionId::new();
    let store = home.open().await;
    store
        .tabs()
        .put_all(id, &[tab(id, 1, 0), tab(id, 2, 1)])
        .await
        .unwrap();
    store.close().await.unwrap();
    home.tamper("UPDATE tabs SET private = x'00', next_ref = 5000 WHERE tab = 2")
        .await;

    let store = home.open().await;
    store
        .tabs()
        .put_all(id, &[tab(id, 1, 0), tab(id, 2, 1)])
        .await
        .unwrap();
    let rows = store.tabs().list(id).await.unwrap().rows;
    assert_eq!(
        rows.iter().map(|row| row.next_ref).collect::<Vec<_>>(),
        [1000, 5000]
    );
    store.close().await.unwrap();
    let mut connection = home.raw().await;
    let kept: Vec<(String, String)> = sqlx::query_as("SELECT id, was FROM set_aside")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].0, format!("{id} t2"));
    assert!(kept[0].1.contains("TARGET2"), "{}", kept[0].1);
}

#[tokio::test]
async fn a_damaged_rolling_checkpoint_is_not_thrown_away() {
    let home = Home::new();
    let id = SessionId::new();
    let store = home.open().await;
    store
        .checkpoints()
        .publish(unpublished(id, false, vec![]))
        .await
        .unwrap();
    store.close().await.unwrap();
    home.tamper("UPDATE checkpoints SET manifest = x'00'").await;
    let store = home.open().await;
    store
        .checkpoints()
        .publish(unpublished(id, false, vec![]))
        .await
        .unwrap();
    let listed = store.checkpoints().list(id).await.unwrap();
    assert_eq!((listed.rows.len(), listed.damaged.len()), (1, 1));
}

#[tokio::test]
async fn a_damaged_blob_is_moved_aside_named_and_stored_anew_when_it_is_put_again() {
    let home = Home::new();
    let id = SessionId::new();
    let store = home.open().await;
    let at = store.blobs().put(id, "cookies", b"[1]").await.unwrap();
    let path = home.blob_files().remove(0);
    let len = std::fs::metadata(&path).unwrap().len() as usize;
    flip(&path, (len - 1) * 8);
    let damaged = std::fs::read(&path).unwrap();

    for _ in 0..2 {
        let err = store.blobs().get(id, "cookies", at).await.unwrap_err();
        let hint = err.hint().unwrap();
        let Error::Corrupt {
            what,
            kept: Some(kept),
            ..
        } = err
        else {
            panic!("{err}")
        };
        assert!(what.contains(&at.to_string()));
        assert!(hint.contains(".damaged"), "{hint}");
        assert_eq!(std::fs::read(kept).unwrap(), damaged);
    }
    assert_eq!(store.blobs().put(id, "cookies", b"[1]").await.unwrap(), at);
    assert_eq!(store.blobs().get(id, "cookies", at).await.unwrap(), b"[1]");

    // A file that went bad since it was written isn't trusted when the part is put again.
    flip(&path, 500);
    assert_eq!(store.blobs().put(id, "cookies", b"[1]").await.unwrap(), at);
    assert_eq!(store.blobs().get(id, "cookies", at).await.unwrap(), b"[1]");
    // Both bad ones stay, also when a publish sweeps.
    store
        .checkpoints()
        .publish(unpublished(id, false, vec![at]))
        .await
        .unwrap();
    assert_eq!(home.blob_files().len(), 3, "{:?}", home.blob_files());
}

#[tokio::test]
async fn an_unchanged_part_is_not_written_again() {
    let home = Home::new();
    let id = SessionId::new();
    let store = home.open().await;
    store.blobs().put(id, "cookies", b"[1]").await.unwrap();
    let path = home.blob_files().remove(0);
    let before = std::fs::read(&path).unwrap();
    store.blobs().put(id, "cookies", b"[1]").await.unwrap();
    store.close().await.unwrap();
    home.open()
        .await
        .blobs()
        .put(id, "cookies", b"[1]")
        .await
        .unwrap();
    // Sealed anew it would have another nonce.
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(home.blob_files().len(), 1);
}

#[tokio::test]
async fn a_restore_falls_back_past_a_checkpoint_whose_part_is_gone() {
    let home = Home::new();
    let id = SessionId::new();
    let store = home.open().await;
    let first = store.blobs().put(id, "cookies", b"[1]").await.unwrap();
    store
        .checkpoints()
        .publish(unpublished(id, true, vec![first]))
        .await
        .unwrap();
    let second = store.blobs().put(id, "cookies", b"[2]").await.unwrap();
    store
        .checkpoints()
        .publish(unpublished(id, true, vec![second]))
        .await
        .unwrap();
    let name = second.to_string();
    let path = home
        .blob_files()
        .into_iter()
        .find(|path| path.ends_with(&name))
        .unwrap();
    std::fs::remove_file(path).unwrap();
    assert_eq!(
        store
            .checkpoints()
            .newest(id)
            .await
            .unwrap()
            .unwrap()
            .number,
        1
    );
}

#[test]
fn no_flipped_bit_and_no_cut_of_a_blob_gives_wrong_data() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let home = Home::new();
    let id = SessionId::new();
    let canonical: Vec<u8> = (0..900u32).flat_map(|n| n.to_le_bytes()).collect();
    let (store, at) = runtime.block_on(async {
        let store = home.open().await;
        let at = store.blobs().put(id, "origin", &canonical).await.unwrap();
        (store, at)
    });
    let path = home.blob_files().remove(0);
    let good = std::fs::read(&path).unwrap();
    let check = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let read = runtime.block_on(store.blobs().get(id, "origin", at));
        let code = read.unwrap_err().code();
        assert!(matches!(code, Code::Corrupt | Code::WrongKey), "{code}");
        for aside in home.blob_files().iter().filter(|file| **file != path) {
            std::fs::remove_file(aside).unwrap();
        }
    };
    // Every bit of the header, then bits and cuts anywhere.
    for bit in 0..50 * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        check(&bytes);
    }
    let mut runner = TestRunner::new(ProptestConfig::with_cases(256));
    let places = (
        0..good.len() * 8,
        prop::option::of(0..good.len()),
        any::<Vec<u8>>(),
    );
    runner
        .run(&places, |(bit, cut, more)| {
            let mut bytes = good.clone();
            match cut {
                Some(cut) => bytes.truncate(cut),
                None => bytes[bit / 8] ^= 1 << (bit % 8),
            }
            check(&bytes);
            if !more.is_empty() {
                check(&[good.as_slice(), &more].concat());
            }
            Ok(())
        })
        .unwrap();
    std::fs::write(&path, &good).unwrap();
    let read = runtime.block_on(store.blobs().get(id, "origin", at));
    assert_eq!(read.unwrap(), canonical);
}

#[tokio::test]
async fn an_outcome_that_does_not_open_is_told() {
    let home = Home::new();
    let row = call(SessionId::new());
    let store = home.open().await;
    store.calls().record(&row).await.unwrap();
    store
        .calls()
        .finish(row.id, CallState::Done, Some(b"{}"))
        .await
        .unwrap();
    store.close().await.unwrap();
    home.tamper("UPDATE calls SET outcome = x'00'").await;
    let store = home.open().await;
    assert_eq!(
        store.calls().get(row.id).await.unwrap_err().code(),
        Code::Corrupt
    );
    assert!(
        !store
            .calls()
            .finish(row.id, CallState::Failed, None)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn an_index_that_lacks_a_row_is_built_anew_before_anything_is_looked_up() {
    let home = Home::new();
    let row = keyed("ada");
    let store = home.open().await;
    store.sessions().insert(&row).await.unwrap();
    store.close().await.unwrap();
    // The hash as it stands in the row and in the two indexes; one bit of each index is turned.
    let hash: String = sqlx::query_scalar("SELECT key_hash FROM sessions")
        .fetch_one(&mut home.raw().await)
        .await
        .unwrap();
    let path = home.path().join("browserd.db");
    let bytes = std::fs::read(&path).unwrap();
    let places: Vec<_> = bytes
        .windows(64)
        .enumerate()
        .filter(|(_, part)| *part == hash.as_bytes())
        .map(|(place, _)| place)
        .collect();
    assert_eq!(places.len(), 3);
    for place in places {
        std::fs::write(&path, &bytes).unwrap();
        flip(&path, place * 8);
        let store = home.open().await;
        let found = store.sessions().by_key(row.key.as_ref().unwrap()).await;
        match found {
            // In the row itself it is the row that is damaged.
            Err(err) => assert_eq!(err.code(), Code::Corrupt),
            Ok(found) => match found {
                Some(found) => assert_eq!(found, row),
                None => assert_eq!(store.sessions().list().await.unwrap().damaged.len(), 1),
            },
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_damaged_wal_is_kept_aside_and_what_was_committed_before_is_there() {
    let home = Home::new();
    let store = home.open().await;
    let mut row = session();
    store.sessions().insert(&row).await.unwrap();
    let wal = home.path().join("browserd.db-wal");
    let before = std::fs::metadata(&wal).unwrap().len() as usize;
    for generation in 4..9 {
        row.generation = generation;
        store.sessions().put(&row).await.unwrap();
    }
    let left = std::fs::read(&wal).unwrap();
    let database = std::fs::read(home.path().join("browserd.db")).unwrap();
    let reopened = async |wal_bytes: &[u8]| {
        let copy = Home::new();
        for (name, bytes) in [
            ("browserd.db", &database[..]),
            ("browserd.db-wal", wal_bytes),
        ] {
            std::fs::write(copy.path().join(name), bytes).unwrap();
        }
        std::fs::copy(home.path().join("key"), copy.path().join("key")).unwrap();
        let found = copy
            .open()
            .await
            .sessions()
            .get(row.id)
            .await
            .unwrap()
            .unwrap();
        let aside = copy.path().join("browserd.db-wal.0.damaged");
        (found.generation, std::fs::read(aside).ok())
    };
    assert_eq!(reopened(&left).await, (8, None));
    // A bit of a page in the middle of what was written after the first commit.
    let mut flipped = left.clone();
    flipped[before + 24 + 4000] ^= 4;
    let (generation, kept) = reopened(&flipped).await;
    assert!((3..8).contains(&generation), "{generation}");
    assert_eq!(
        kept.as_deref(),
        Some(&flipped[..]),
        "it isn't kept as it was"
    );
    // What a crash cuts off is no damage.
    let (generation, kept) = reopened(&left[..left.len() - 100]).await;
    assert_eq!((generation, kept), (7, None));
}

#[tokio::test]
async fn a_column_in_clear_that_is_not_what_was_sealed_beside_is_damage() {
    let home = Home::new();
    let row = session();
    let store = home.open().await;
    store.sessions().insert(&row).await.unwrap();
    store
        .tabs()
        .put_all(row.id, &[tab(row.id, 1, 0), tab(row.id, 2, 1)])
        .await
        .unwrap();
    for _ in 0..2 {
        let part = store.blobs().put(row.id, "cookies", b"[]").await.unwrap();
        store
            .checkpoints()
            .publish(unpublished(row.id, true, vec![part]))
            .await
            .unwrap();
    }
    store.close().await.unwrap();
    for statement in [
        "UPDATE sessions SET generation = 4",
        "UPDATE sessions SET state = 'closed', closed_at = 1",
        "UPDATE sessions SET profile_hash = NULL",
        "UPDATE tabs SET target = 'TARGET3' WHERE tab = 2",
        "UPDATE tabs SET next_ref = 1 WHERE tab = 2",
        "UPDATE checkpoints SET number = 9 WHERE number = 1",
        "UPDATE checkpoints SET taken_at = 1 WHERE number = 2",
        "UPDATE checkpoints SET kept = 0 WHERE number = 2",
        "UPDATE checkpoints SET name = NULL WHERE number = 2",
        "DELETE FROM checkpoint_parts WHERE checkpoint = (SELECT id FROM checkpoints LIMIT 1)",
    ] {
        let copy = Home::new();
        for name in ["browserd.db", "key"] {
            std::fs::copy(home.path().join(name), copy.path().join(name)).unwrap();
        }
        copy.tamper(statement).await;
        let store = copy.open().await;
        let damaged = store.sessions().list().await.unwrap().damaged.len()
            + store.tabs().list(row.id).await.unwrap().damaged.len()
            + store
                .checkpoints()
                .list(row.id)
                .await
                .unwrap()
                .damaged
                .len();
        assert_eq!(damaged, 1, "{statement}");
    }
}
