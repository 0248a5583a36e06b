//! The home's rules: whose it is, which key opens it, and when it isn't touched.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy takes only the test functions themselves for tests"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of locks needs a second process"
)]

extern crate browserd_store as store;

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base::{Code, Ctx};
use store::{Error, Patience, lock_home, prepare_home};
use support::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Returns every file of a home with its content. The index of the WAL is left out: it is
/// made by reading and holds nothing of its own.
fn contents(home: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(home)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_file())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                path,
            )
        })
        .filter(|(name, _)| !name.ends_with("-shm"))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .filter(|(name, bytes)| !(name.ends_with("-wal") && bytes.is_empty()))
        .collect()
}

/// A store with a session in it that was left as a killed daemon leaves it, WAL and all.
async fn left_behind() -> Home {
    let home = Home::new();
    let store = home.open().await;
    store.sessions().insert(&session()).await.unwrap();
    // Copied while it is open: closing would tidy up.
    let copy = Home::new();
    for (name, bytes) in contents(home.path()) {
        std::fs::write(copy.path().join(name), bytes).unwrap();
    }
    assert!(contents(copy.path()).contains_key("browserd.db-wal"));
    copy
}

async fn is_refused_untouched(home: &Home, code: Code) {
    let before = contents(home.path());
    let err = home.try_open().await.unwrap_err();
    assert_eq!(err.code(), code, "{err}");
    assert_eq!(
        contents(home.path()).keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    assert!(contents(home.path()) == before, "something was written");
}

#[test]
fn a_home_is_made_for_one_user_only() {
    let outer = tempfile::tempdir().unwrap();
    let home = outer.path().join("deep/home");
    prepare_home(&home).unwrap();
    assert_eq!(mode(&home), 0o700);
    std::fs::set_permissions(&home, PermissionsExt::from_mode(0o755)).unwrap();
    prepare_home(&home).unwrap();
    assert_eq!(mode(&home), 0o700);

    let file = outer.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(prepare_home(&file), Err(Error::Io { .. })));
}

#[tokio::test]
async fn every_file_of_a_home_is_for_its_owner_only() {
    let home = Home::new();
    let store = home.open().await;
    let id = base::SessionId::new();
    store.blobs().put(id, "cookies", b"[]").await.unwrap();
    store.meta().next_epoch().await.unwrap();
    for (name, _) in contents(home.path()) {
        assert_eq!(mode(&home.path().join(&name)), 0o600, "{name}");
    }
    for path in home.blob_files() {
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
}

#[tokio::test]
async fn what_names_a_page_is_in_no_file_in_clear() {
    let home = Home::new();
    let store = home.open().await;
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    store
        .tabs()
        .put_all(row.id, &[tab(row.id, 1, 0)])
        .await
        .unwrap();
    let part = store
        .blobs()
        .put(row.id, "cookies", b"cookie=hunter2")
        .await
        .unwrap();
    let mut checkpoint = unpublished(row.id, true, vec![part]);
    checkpoint.row.manifest = b"example.org".to_vec();
    store.checkpoints().publish(checkpoint).await.unwrap();
    let made = call(row.id);
    store.calls().record(&made).await.unwrap();
    store
        .calls()
        .finish(made.id, store::CallState::Done, Some(b"hunter2"))
        .await
        .unwrap();
    store.meta().put("seen", b"example.org").await.unwrap();
    store.close().await.unwrap();

    let files = contents(home.path()).into_values();
    let blobs = home
        .blob_files()
        .into_iter()
        .map(|path| std::fs::read(path).unwrap());
    let secrets = [
        "hunter2",
        "example.org",
        "Inbox",
        "Tab 1",
        "the page said",
        "scarlet",
        "before the order",
    ];
    for bytes in files.chain(blobs) {
        for secret in secrets {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} is in clear");
        }
    }
}

#[tokio::test]
async fn the_same_key_opens_the_home_again() {
    let home = Home::new();
    let row = session();
    let store = home.open().await;
    store.sessions().insert(&row).await.unwrap();
    let part = store.blobs().put(row.id, "cookies", b"[]").await.unwrap();
    let (nonce, epoch) = (
        store.meta().home_nonce().await.unwrap(),
        store.meta().next_epoch().await.unwrap(),
    );
    store.close().await.unwrap();
    assert_eq!(
        store.sessions().get(row.id).await.unwrap_err().code(),
        Code::ShuttingDown
    );

    let store = home.open().await;
    assert_eq!(
        store.sessions().list().await.unwrap().rows,
        std::slice::from_ref(&row)
    );
    assert_eq!(
        store.blobs().get(row.id, "cookies", part).await.unwrap(),
        b"[]"
    );
    assert_eq!(store.meta().home_nonce().await.unwrap(), nonce);
    assert_eq!(store.meta().next_epoch().await.unwrap(), epoch + 1);
}

#[tokio::test]
async fn a_database_without_its_key_is_refused_and_no_key_is_made() {
    let home = left_behind().await;
    std::fs::remove_file(home.path().join("key")).unwrap();
    is_refused_untouched(&home, Code::WrongKey).await;
}

#[tokio::test]
async fn a_database_of_another_key_is_refused() {
    let (home, other) = (left_behind().await, Home::new());
    store::key::load_or_make(other.path()).unwrap();
    std::fs::copy(other.path().join("key"), home.path().join("key")).unwrap();
    is_refused_untouched(&home, Code::WrongKey).await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let home = left_behind().await;
    home.tamper(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .await;
    let err = home.try_open().await.unwrap_err();
    assert!(
        matches!(err, Error::Newer { found: 9999, known } if 3 <= known),
        "{err}"
    );
    is_refused_untouched(&home, Code::NotAvailable).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let home = left_behind().await;
    std::fs::remove_file(home.path().join("browserd.db-wal")).unwrap();
    std::fs::write(home.path().join("browserd.db"), vec![b'x'; 8192]).unwrap();
    is_refused_untouched(&home, Code::Corrupt).await;
}

#[tokio::test]
async fn a_damaged_key_file_is_refused() {
    let home = left_behind().await;
    let path = home.path().join("key");
    let good = std::fs::read_to_string(&path).unwrap();
    let other_digit = if good.as_bytes()[20] == b'0' {
        "1"
    } else {
        "0"
    };
    let mut flipped = good.clone();
    flipped.replace_range(20..21, other_digit);
    for bad in ["", "no key", &flipped, &good[..40], &good.to_uppercase()] {
        std::fs::write(&path, bad).unwrap();
        is_refused_untouched(&home, Code::Corrupt).await;
    }
    std::fs::write(&path, good).unwrap();
    assert_eq!(
        home.open()
            .await
            .sessions()
            .list()
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
}

#[test]
fn a_key_that_others_could_read_is_closed_to_them() {
    let home = Home::new();
    store::key::load_or_make(home.path()).unwrap();
    let path = home.path().join("key");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    store::key::load_or_make(home.path()).unwrap();
    assert_eq!(mode(&path), 0o600);
}

const NOW: Patience = Patience {
    running: Duration::ZERO,
    stopping: Duration::ZERO,
};

#[tokio::test]
async fn a_home_has_one_holder_and_the_next_waits_for_it() {
    let home = Home::new();
    let ctx = Ctx::within(Duration::from_secs(20));
    let lock = lock_home(&ctx, home.path(), NOW).await.unwrap();
    let err = lock_home(&ctx, home.path(), NOW).await.unwrap_err();
    let me = i32::try_from(std::process::id()).unwrap();
    assert!(
        matches!(&err, Error::Locked { pid: Some(pid), .. } if *pid == me),
        "{err}"
    );
    assert_eq!(err.code(), Code::HomeLocked);

    let waiting = lock_home(&ctx, home.path(), Patience::default());
    let leaving = async {
        tokio::task::yield_now().await;
        drop(lock);
    };
    let (next, ()) = tokio::join!(waiting, leaving);
    next.unwrap();
}

#[tokio::test]
async fn a_holder_that_is_stopping_is_waited_for_longer() {
    let home = Home::new();
    let ctx = Ctx::within(Duration::from_secs(20));
    let mut lock = lock_home(&ctx, home.path(), NOW).await.unwrap();
    lock.mark_stopping().unwrap();
    let patience = Patience {
        running: Duration::ZERO,
        stopping: Duration::from_millis(100),
    };
    let before = ctx.remaining();
    let err = lock_home(&ctx, home.path(), patience).await.unwrap_err();
    assert!(matches!(err, Error::Locked { stopping: true, .. }), "{err}");
    assert!(Duration::from_millis(100) <= before - ctx.remaining());
}

#[tokio::test]
async fn a_cancelled_wait_for_a_home_ends() {
    let home = Home::new();
    let ctx = Ctx::within(Duration::from_secs(20));
    let _lock = lock_home(&ctx, home.path(), NOW).await.unwrap();
    ctx.cancel.cancel();
    let err = lock_home(&ctx, home.path(), Patience::default())
        .await
        .unwrap_err();
    assert!(
        matches!(err, Error::Stopped(base::Stopped::Cancelled)),
        "{err}"
    );
}

/// Starts this very program to hold a home's lock, and waits until it does.
fn holder(home: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "the_other_process_holds_the_home_it_is_told",
            "--nocapture",
        ])
        .env("HOLD_HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(
        lines
            .map_while(Result::ok)
            .any(|line| line.ends_with("held"))
    );
    child
}

#[tokio::test]
async fn the_other_process_holds_the_home_it_is_told() {
    let Some(home) = std::env::var_os("HOLD_HOME") else {
        return;
    };
    let ctx = Ctx::within(Duration::from_secs(5));
    let _lock = lock_home(&ctx, Path::new(&home), NOW).await.unwrap();
    println!("held");
    std::io::stdout().flush().unwrap();
    // Until the parent closes its end, or is gone.
    std::io::stdin().lines().for_each(drop);
}

#[tokio::test]
async fn another_process_is_named_and_its_death_frees_the_home() {
    let home = Home::new();
    let mut child = holder(home.path());
    let ctx = Ctx::within(Duration::from_secs(20));
    let err = lock_home(&ctx, home.path(), NOW).await.unwrap_err();
    let pid = child.id();
    assert_eq!(
        err.to_string(),
        format!(
            "the home {} is held by process {pid}",
            home.path().display()
        )
    );
    assert!(err.hint().unwrap().contains(&format!("kill {pid}")));
    child.kill().unwrap();
    child.wait().unwrap();
    lock_home(&ctx, home.path(), NOW).await.unwrap();
}
