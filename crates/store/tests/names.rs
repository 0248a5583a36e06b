//! Names that say something about their owner: hashed, sealed, and still found. Homes of earlier
//! versions are brought to that.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy takes only the test functions themselves for tests"
)]

extern crate browserd_store as store;

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base::{Code, SessionId, TabId};
use store::{Error, SessionRow, Store};
use support::*;

const OLD_KEY: &str = "ada:payroll-run";
const LIKE_A_HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Returns a copy of a home that an earlier version left.
fn earlier(name: &str) -> Home {
    let home = Home::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/homes")
        .join(name);
    for path in files(&from) {
        let to = home.path().join(path.strip_prefix(&from).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&path, &to).unwrap();
        std::fs::set_permissions(&to, PermissionsExt::from_mode(0o600)).unwrap();
    }
    home
}

async fn by_key(store: &Store, key: &str) -> Option<SessionRow> {
    store
        .sessions()
        .by_key(&key.parse().unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_names_of_sessions_are_in_no_file_and_are_found_all_the_same() {
    let home = Home::new();
    let store = home.open().await;
    let row = SessionRow {
        profile: Some("treasury".into()),
        ..keyed("ada:payroll")
    };
    store.sessions().insert(&row).await.unwrap();
    let renamed = SessionRow {
        key: Some("ada:bonus".parse().unwrap()),
        ..row.clone()
    };
    store.sessions().put(&renamed).await.unwrap();
    store.sessions().put(&row).await.unwrap();
    let gone = closed(&keyed("ada:severance"), 1);
    store.sessions().insert(&gone).await.unwrap();
    assert_eq!(by_key(&store, "ada:payroll").await, Some(row.clone()));
    assert_eq!(by_key(&store, "ada:severance").await, Some(gone));
    assert_eq!(by_key(&store, "ada:bonus").await, None);
    let content = b"payslip.pdf".to_vec();
    let download = store::DownloadRow { number: 1, content };
    let downloads = store.downloads();
    downloads.change(row.id, &[download], &[]).await.unwrap();
    let names = [
        "payslip",
        "ada:",
        "payroll",
        "bonus",
        "severance",
        "treasury",
        "scarlet",
    ];
    // While it runs, with the WAL, and afterwards.
    is_in_no_file(home.path(), &names);
    store.close().await.unwrap();
    is_in_no_file(home.path(), &names);
    let store = home.open().await;
    assert_eq!(by_key(&store, "ada:payroll").await, Some(row));
}

#[tokio::test]
async fn two_homes_have_different_hashes_of_one_name() {
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let home = Home::new();
        let store = home.open().await;
        store
            .sessions()
            .insert(&keyed("ada:payroll"))
            .await
            .unwrap();
        let hash: String = sqlx::query_scalar("SELECT key_hash FROM sessions")
            .fetch_one(&mut home.raw().await)
            .await
            .unwrap();
        hashes.push(hash);
    }
    assert_ne!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn of_many_that_ask_for_one_key_at_once_one_gets_it() {
    let home = Home::new();
    let store = home.open().await;
    let rows: Vec<_> = (0..8).map(|_| keyed("ada:race")).collect();
    let inserts = rows.iter().map(|row| store.sessions().insert(row));
    let results = futures_util::future::join_all(inserts).await;
    let winner = by_key(&store, "ada:race").await.unwrap();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results {
        match result {
            Ok(()) => {}
            Err(Error::KeyTaken { key, holder }) => {
                assert_eq!((key.as_str(), holder), ("ada:race", winner.id));
            }
            Err(err) => panic!("{err}"),
        }
    }
}

async fn is_the_earlier_home(store: &Store) {
    let listed = store.sessions().list().await.unwrap();
    assert_eq!(
        (listed.rows.len(), listed.damaged.len()),
        (3, 0),
        "{:?}",
        listed.damaged
    );
    let row = by_key(store, OLD_KEY).await.unwrap();
    assert_eq!(row.profile.as_deref(), Some("treasury"));
    assert_eq!(row.title.expose(), "Inbox of Ada");
    assert_eq!(row.recovered.as_deref(), Some(&b"report"[..]));
    assert!(
        by_key(store, "ada:payroll-run-old")
            .await
            .unwrap()
            .is_closed()
    );
    assert!(by_key(store, LIKE_A_HASH).await.is_some());
    let tabs = store.tabs().list(row.id).await.unwrap();
    assert_eq!((tabs.rows.len(), tabs.damaged.len()), (2, 0));
    assert_eq!(tabs.rows[1].next_ref, 3000);
    let checkpoints = store.checkpoints().list(row.id).await.unwrap();
    assert_eq!((checkpoints.rows.len(), checkpoints.damaged.len()), (2, 0));
    let named = checkpoints.rows[1].name.as_ref().unwrap();
    assert_eq!(named.expose(), "before the order");
    let newest = store.checkpoints().newest(row.id).await.unwrap().unwrap();
    assert_eq!(newest.number, 2);
    let part = store.blobs().get(row.id, "cookies", newest.parts[0]).await;
    assert_eq!(part.unwrap(), b"cookie=hunter2");
    assert_eq!(
        store.meta().get("seen").await.unwrap().unwrap(),
        b"example.org"
    );
    // The key is still held.
    let again = store.sessions().insert(&keyed(OLD_KEY)).await.unwrap_err();
    assert_eq!(again.code(), Code::KeyTaken);
}

#[tokio::test]
async fn a_home_of_an_earlier_version_is_whole_and_its_names_are_gone_from_every_file() {
    let home = earlier("schema-3");
    let names = ["ada:", "payroll", "treasury", LIKE_A_HASH];
    let all: Vec<u8> = files(home.path())
        .iter()
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect();
    for name in names {
        let found = all.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(
            found,
            "{name} isn't in clear in the earlier home: nothing is tested"
        );
    }
    let store = home.open().await;
    is_the_earlier_home(&store).await;
    is_in_no_file(home.path(), &names);
    store.close().await.unwrap();
    is_in_no_file(home.path(), &names);
    is_the_earlier_home(&home.open().await).await;
}

#[tokio::test]
async fn rewriting_that_was_cut_off_is_done_by_the_next_start() {
    // Cut off before the old pages were wiped, and thought not to have been done at all.
    for form in ["UPDATE home SET form = 1", "UPDATE home SET form = 0"] {
        let home = earlier("schema-3");
        home.open().await.close().await.unwrap();
        home.tamper(form).await;
        let store = home.open().await;
        is_the_earlier_home(&store).await;
        store.close().await.unwrap();
        let form: i64 = sqlx::query_scalar("SELECT form FROM home")
            .fetch_one(&mut home.raw().await)
            .await
            .unwrap();
        assert_eq!(form, 2);
    }
}

#[tokio::test]
async fn a_damaged_row_of_an_earlier_version_stays_damaged_and_holds_its_key() {
    let home = earlier("schema-3");
    let mut connection = home.raw().await;
    sqlx::query("UPDATE sessions SET private = substr(private, 1, 70) WHERE key = ?")
        .bind(OLD_KEY)
        .execute(&mut connection)
        .await
        .unwrap();
    drop(connection);
    let store = home.open().await;
    let listed = store.sessions().list().await.unwrap();
    assert_eq!((listed.rows.len(), listed.damaged.len()), (2, 1));
    let err = store.sessions().insert(&keyed(OLD_KEY)).await.unwrap_err();
    assert_eq!(err.code(), Code::KeyTaken);
    is_in_no_file(home.path(), &["payroll", "treasury"]);
}

#[tokio::test]
async fn a_home_that_lost_its_own_data_key_is_refused_and_gets_no_new_one() {
    let home = Home::new();
    let store = home.open().await;
    store
        .sessions()
        .insert(&keyed("ada:payroll"))
        .await
        .unwrap();
    store.close().await.unwrap();
    home.tamper("UPDATE data_keys SET scope = 'iome' WHERE scope = 'home'")
        .await;
    // A new key would find no session by its name, and would make a second one of it.
    for _ in 0..2 {
        assert_eq!(home.try_open().await.unwrap_err().code(), Code::Corrupt);
    }
}

#[tokio::test]
async fn a_part_of_a_session_without_its_data_key_is_damaged_and_makes_no_new_key() {
    let home = Home::new();
    let id = SessionId::new();
    let store = home.open().await;
    let at = store.blobs().put(id, "cookies", b"[1]").await.unwrap();
    store.tabs().put_all(id, &[tab(id, 1, 0)]).await.unwrap();
    store.close().await.unwrap();
    home.tamper("DELETE FROM data_keys WHERE scope <> 'home'")
        .await;
    let store = home.open().await;
    let err = store.blobs().get(id, "cookies", at).await.unwrap_err();
    assert_eq!(err.code(), Code::Corrupt, "{err}");
    let err = store
        .tabs()
        .reserve_refs(id, TabId(1), 5)
        .await
        .unwrap_err();
    assert_eq!(err.code(), Code::Corrupt, "{err}");
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM data_keys")
        .fetch_one(&mut home.raw().await)
        .await
        .unwrap();
    assert_eq!(keys, 1);
}
