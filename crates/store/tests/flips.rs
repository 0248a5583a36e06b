//! One bit turned over anywhere in a home: nothing panics, and nothing is read back that was
//! never stored. What can't be read is told as damaged.
//!
//! The places are spread over every file and shifted by `FLIPS_SEED`; `FLIPS` sets how many of
//! the database's and the WAL's are taken.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy takes only the test functions themselves for tests"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "how much is tested is set from outside"
)]

extern crate browserd_store as store;

mod support;

use std::path::{Path, PathBuf};

use base::{CallId, Code, SessionId};
use store::kv::KvWrite;
use store::{BlobAddress, CheckpointRow, Error, SessionRow, Shelf, Store, TabRow};
use support::*;

/// Everything that was ever stored, whatever took its place since.
#[derive(Default)]
struct Stored {
    sessions: Vec<SessionRow>,
    tabs: Vec<TabRow>,
    checkpoints: Vec<CheckpointRow>,
    parts: Vec<(SessionId, BlobAddress, Vec<u8>)>,
    entries: Vec<(String, Vec<u8>)>,
    shelves: Vec<Shelf>,
}

/// What a bit was turned over in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum File {
    Key,
    Blob,
    Database,
    Wal,
}

const KEYS: [&str; 2] = ["ada:one", "ada:two"];
const ORIGIN: &str = "https://payroll.test";

/// Fills a home; closed in order, or as a killed daemon leaves it, WAL and all.
async fn filled(in_order: bool) -> (Home, Stored) {
    let home = Home::new();
    let store = home.open().await;
    let mut stored = Stored::default();
    for (key, name) in KEYS.into_iter().zip(["first", "second"]) {
        let mut row = keyed(key);
        store.sessions().insert(&row).await.unwrap();
        stored.sessions.push(row.clone());
        let tabs = [tab(row.id, 1, 0), tab(row.id, 2, 1)];
        store.tabs().put_all(row.id, &tabs).await.unwrap();
        stored.tabs.extend(tabs);
        for (n, kept) in [(1_u64, true), (2, true), (3, false)] {
            let part = format!("{name} cookies {n}").into_bytes();
            let at = store.blobs().put(row.id, "cookies", &part).await.unwrap();
            stored.parts.push((row.id, at, part));
            let mut checkpoint = unpublished(row.id, kept, vec![at]);
            checkpoint.row.manifest = format!("{name} manifest {n}").into_bytes();
            let mut expected = checkpoint.row.clone();
            expected.parts = vec![at];
            expected.number = store.checkpoints().publish(checkpoint).await.unwrap();
            row.latest_checkpoint = Some(expected.id);
            stored.checkpoints.push(expected);
        }
        row.generation += 1;
        store.sessions().put(&row).await.unwrap();
        stored.sessions.push(row.clone());
        store.browsers().put(&browser(row.id)).await.unwrap();
        store.calls().record(&call(row.id)).await.unwrap();
        let value = format!("{name} value").into_bytes();
        let write = KvWrite::Set {
            key: "item".into(),
            value: value.clone(),
            expires_at: None,
            if_version: None,
            epoch: None,
        };
        store
            .kv()
            .write(CallId::new(), at(1), name, &write)
            .await
            .unwrap();
        stored.entries.push((name.to_owned(), value));
    }
    let shelf = Shelf {
        id: SessionId::new(),
        profile: "work".into(),
        origin: ORIGIN.to_owned().into(),
    };
    for n in 1..=2 {
        let part = format!("login {n}").into_bytes();
        let at = store.blobs().put(shelf.id, "cookies", &part).await.unwrap();
        stored.parts.push((shelf.id, at, part));
        let version = unpublished(shelf.id, true, vec![at]);
        let mut expected = version.row.clone();
        expected.parts = vec![at];
        expected.number = store.logins().publish_login(&shelf, version).await.unwrap();
        stored.checkpoints.push(expected);
    }
    stored.shelves.push(shelf);
    if in_order {
        store.close().await.unwrap();
        return (home, stored);
    }
    // Copied while it is open: closing would tidy up.
    let copy = copy_of(home.path());
    assert!(copy.path().join("browserd.db-wal").exists());
    (copy, stored)
}

/// Returns every file below a folder, by its path from there, but for the index of the WAL.
fn files(folder: &Path) -> Vec<PathBuf> {
    let found = support::files(folder).into_iter();
    let found = found.filter(|path| !path.to_string_lossy().ends_with("-shm"));
    found
        .map(|path| path.strip_prefix(folder).unwrap().to_owned())
        .collect()
}

fn copy_of(from: &Path) -> Home {
    // In memory: what is tested isn't what a disk keeps.
    let memory = Path::new("/dev/shm");
    let home = match memory.is_dir() {
        true => Home(tempfile::tempdir_in(memory).unwrap()),
        false => Home::new(),
    };
    for path in files(from) {
        let to = home.path().join(&path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from.join(&path), to).unwrap();
    }
    home
}

fn kind(path: &Path) -> File {
    match path.to_str().unwrap() {
        "key" => File::Key,
        "browserd.db" => File::Database,
        "browserd.db-wal" => File::Wal,
        _ => File::Blob,
    }
}

fn setting(name: &str, default: usize) -> usize {
    let given = std::env::var(name).ok();
    given.map_or(default, |text| text.parse().unwrap())
}

/// Returns the bits of a file that are turned over.
fn places(file: File, bytes: &[u8]) -> Vec<usize> {
    let seed = setting("FLIPS_SEED", 0);
    let every = match file {
        File::Key => 1,
        // Each of their bits has a test of its own in `damage`.
        File::Blob => 23,
        File::Database | File::Wal => bytes.len().div_ceil(setting("FLIPS", 150)),
    };
    let at = (seed % every..bytes.len()).step_by(every);
    let bits = at.enumerate().map(|(n, at)| {
        // Most of a database is zeros that mean nothing: something near that does is better.
        let near = (at..bytes.len().min(at + every)).find(|at| bytes[*at] != 0);
        near.unwrap_or(at) * 8 + (n + seed) % 8
    });
    bits.collect()
}

/// Opens a home and reads all there is. `Err` is a home that was refused.
async fn check(home: &Home, stored: &Stored, file: File) -> Result<(), Error> {
    let store = home.try_open().await?;
    let told = |err: Error| {
        let code = err.code();
        assert!(matches!(code, Code::Corrupt | Code::WrongKey), "{err:?}");
    };
    sessions(&store, stored, file, told).await;
    logins(&store, stored, file, told).await;
    for (id, at, part) in &stored.parts {
        match store.blobs().get(*id, "cookies", *at).await {
            Ok(read) => assert_eq!(&read, part),
            // With the end of the WAL its data key may be lost, and it was never published.
            Err(Error::NotFound { .. }) => assert_eq!(file, File::Wal, "a part is gone"),
            Err(err) => told(err),
        }
    }
    for (space, value) in &stored.entries {
        match store.kv().get(at(2), space, "item").await {
            Ok(Some(read)) => assert_eq!(&read.value, value),
            Ok(None) => assert_eq!(file, File::Wal, "an entry is gone without a word"),
            Err(err) => told(err),
        }
    }
    match store.close().await {
        Ok(()) => {}
        Err(err) => told(err),
    }
    Ok(())
}

async fn sessions(store: &Store, stored: &Stored, file: File, told: impl Fn(Error)) {
    let listed = match store.sessions().list().await {
        Ok(listed) => listed,
        Err(err) => return told(err),
    };
    // What was lost with the end of the WAL was never there; anything else is told. A page whose
    // count of rows is wrong may tell of more damaged ones than there were rows.
    let there = listed.rows.len() + listed.damaged.len();
    assert!(file == File::Wal || KEYS.len() <= there, "{listed:?}");
    for row in &listed.rows {
        let same = |known: &&SessionRow| {
            // That a checkpoint is named that isn't the newest does no harm: it is looked for.
            let mut known = (*known).clone();
            known.latest_checkpoint = row.latest_checkpoint;
            known == *row
        };
        assert!(stored.sessions.iter().any(|known| same(&known)), "{row:?}");
        let key = row.key.as_ref().unwrap();
        match store.sessions().by_key(key).await {
            Ok(found) => {
                let found = found.expect("its key leads nowhere");
                assert_eq!(found.id, row.id, "its key leads elsewhere");
            }
            Err(err) => told(err),
        }
        match store.tabs().list(row.id).await {
            Ok(listed) => {
                let there = listed.rows.len() + listed.damaged.len();
                assert!(file == File::Wal || 1 <= there, "{listed:?}");
                for tab in listed.rows {
                    assert!(stored.tabs.contains(&tab), "{tab:?}");
                }
            }
            Err(err) => told(err),
        }
        checkpoints(store, stored, row.id, file, &told).await;
    }
}

async fn logins(store: &Store, stored: &Stored, file: File, told: impl Fn(Error)) {
    let listed = match store.logins().shelves().await {
        Ok(listed) => listed,
        Err(err) => return told(err),
    };
    let there = listed.rows.len() + listed.damaged.len();
    assert!(file == File::Wal || there == 1, "{listed:?}");
    match store.logins().shelf("work", ORIGIN).await {
        Ok(Some(shelf)) => assert!(stored.shelves.contains(&shelf)),
        Ok(None) => assert!(file == File::Wal || !listed.damaged.is_empty()),
        Err(err) => told(err),
    }
    for shelf in &listed.rows {
        assert!(stored.shelves.contains(shelf), "{shelf:?}");
        match store.checkpoints().list(shelf.id).await {
            Ok(listed) => {
                let there = listed.rows.len() + listed.damaged.len();
                assert!(file == File::Wal || 1 <= there, "{listed:?}");
                for row in &listed.rows {
                    assert!(stored.checkpoints.contains(row), "{row:?}");
                }
            }
            Err(err) => told(err),
        }
    }
}

async fn checkpoints(
    store: &Store,
    stored: &Stored,
    session: SessionId,
    file: File,
    told: impl Fn(Error),
) {
    let listed = match store.checkpoints().list(session).await {
        Ok(listed) => listed,
        Err(err) => return told(err),
    };
    let there = listed.rows.len() + listed.damaged.len();
    // One whose session's id is another now is found under no session, and told at the start.
    assert!(file == File::Wal || 2 <= there, "{listed:?}");
    for row in &listed.rows {
        assert!(stored.checkpoints.contains(row), "{row:?}");
    }
    match store.checkpoints().newest(session).await {
        // One of three may be damaged; the one before it is used.
        Ok(newest) => match file {
            File::Wal => {}
            _ => {
                let newest = newest.unwrap_or_else(|| panic!("no newest one of {listed:?}"));
                assert!(2 <= newest.number, "{listed:?}");
            }
        },
        Err(err) => told(err),
    }
}

async fn every_flip_is_harmless(in_order: bool) {
    let (home, stored) = filled(in_order).await;
    let (mut refused, mut opened) = (0, 0);
    for path in files(home.path()) {
        let (file, good) = (kind(&path), std::fs::read(home.path().join(&path)).unwrap());
        for bit in places(file, &good) {
            let flipped = copy_of(home.path());
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(flipped.path().join(&path), bytes).unwrap();
            println!("bit {} of byte {} of {}", bit % 8, bit / 8, path.display());
            match check(&flipped, &stored, file).await {
                Ok(()) => opened += 1,
                Err(err) => {
                    let code = err.code();
                    let known = [Code::Corrupt, Code::WrongKey, Code::NotAvailable];
                    assert!(known.contains(&code), "{err:?}");
                    assert_ne!(file, File::Blob, "a part keeps no home from opening");
                    refused += 1;
                }
            }
        }
    }
    println!("{refused} homes were refused, {opened} opened");
    assert!(0 < refused && 0 < opened);
}

#[tokio::test]
async fn a_bit_turned_over_in_a_home_at_rest_gives_no_wrong_data() {
    every_flip_is_harmless(true).await;
}

#[tokio::test]
async fn a_bit_turned_over_in_a_home_whose_daemon_was_killed_gives_no_wrong_data() {
    every_flip_is_harmless(false).await;
}
