//! Durability: the writer is killed and the disk is filled, and nothing that was acknowledged
//! is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy takes only the test functions themselves for tests"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the writer is a process that can be killed"
)]

extern crate browserd_store as store;

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base::{CallId, CheckpointId, Code, SessionId, Tasks};
use store::{CallState, MasterKey, SessionRow, Store};
use support::*;

/// Writes without end and tells each row once it is acknowledged, until it is killed.
#[tokio::test]
async fn the_writer_writes_where_it_is_told() {
    let Some(home) = std::env::var_os("WRITE_HOME") else {
        return;
    };
    let home = PathBuf::from(home);
    let key = store::key::load_or_make(&home).unwrap();
    let store = Store::open(&home, key, &Tasks::new()).await.unwrap();
    let mut row = session();
    store.sessions().insert(&row).await.unwrap();
    println!("session {}", row.id);
    let mut out = std::io::stdout();
    let mut last = None;
    for n in 1_u64.. {
        let made = call(row.id);
        store.calls().record(&made).await.unwrap();
        writeln!(out, "sent {}", made.id).unwrap();
        if n.is_multiple_of(2) {
            store
                .calls()
                .finish(made.id, CallState::Done, Some(b"{}"))
                .await
                .unwrap();
            writeln!(out, "done {}", made.id).unwrap();
        }
        row.generation = n;
        store.sessions().put(&row).await.unwrap();
        writeln!(out, "generation {n}").unwrap();
        if n.is_multiple_of(10) {
            let part = n.to_le_bytes();
            let part = store.blobs().put(row.id, "cookies", &part).await.unwrap();
            let checkpoint = unpublished(row.id, n.is_multiple_of(20), vec![part]);
            let id = checkpoint.row.id;
            store.checkpoints().publish(checkpoint).await.unwrap();
            writeln!(out, "checkpoint {id} {n}").unwrap();
            // Two a shelf; the first shelf goes with its only one.
            let origin = format!("https://{}.test", n / 20);
            let known = store.logins().shelf("work", &origin).await.unwrap();
            let shelf = known.unwrap_or_else(|| store::Shelf {
                id: SessionId::new(),
                profile: "work".into(),
                origin: origin.into(),
            });
            let part = n.to_le_bytes();
            let part = store.blobs().put(shelf.id, "cookies", &part).await.unwrap();
            let version = unpublished(shelf.id, true, vec![part]);
            let id = version.row.id;
            store.logins().publish_login(&shelf, version).await.unwrap();
            writeln!(out, "login {id} {n}").unwrap();
            if let Some(oldest) = last.replace(id).filter(|_| n.is_multiple_of(20)) {
                writeln!(out, "removing {oldest}").unwrap();
                store.logins().remove_login(oldest).await.unwrap();
                writeln!(out, "removed {oldest}").unwrap();
            }
        }
    }
}

/// What a killed writer has told.
#[derive(Default)]
struct Told {
    session: Option<SessionId>,
    sent: Vec<CallId>,
    done: Vec<CallId>,
    generation: u64,
    checkpoints: Vec<(CheckpointId, u64)>,
    logins: Vec<(CheckpointId, u64)>,
    removing: Vec<CheckpointId>,
    removed: Vec<CheckpointId>,
}

impl Told {
    fn line(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            // The test runner's own words may stand before the first line.
            [.., "session", id] => self.session = id.parse().ok(),
            ["sent", id] => self.sent.push(id.parse().unwrap()),
            ["done", id] => self.done.push(id.parse().unwrap()),
            ["generation", n] => self.generation = n.parse().unwrap(),
            ["checkpoint", id, n] => {
                self.checkpoints
                    .push((id.parse().unwrap(), n.parse().unwrap()));
            }
            ["login", id, n] => self.logins.push((id.parse().unwrap(), n.parse().unwrap())),
            ["removing", id] => self.removing.push(id.parse().unwrap()),
            ["removed", id] => self.removed.push(id.parse().unwrap()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    for lines in [40, 301, 800] {
        let home = Home::new();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "the_writer_writes_where_it_is_told",
                "--nocapture",
            ])
            .env("WRITE_HOME", home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = Told::default();
        let mut out = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
        for line in out.by_ref().take(lines) {
            told.line(&String::from_utf8(line.unwrap()).unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was in the pipe was acknowledged as well; only the last line may be cut short.
        let mut rest: Vec<_> = out.map(Result::unwrap).collect();
        rest.pop();
        rest.iter()
            .for_each(|line| told.line(std::str::from_utf8(line).unwrap()));
        check(&home, &told).await;
    }
}

async fn check(home: &Home, told: &Told) {
    let store = home.open().await;
    let listed = store.sessions().list().await.unwrap();
    assert!(listed.damaged.is_empty());
    assert_eq!(listed.rows.len(), 1);
    let row: &SessionRow = &listed.rows[0];
    assert_eq!(Some(row.id), told.session);
    assert!(told.generation <= row.generation);
    assert!(10 < told.sent.len(), "{}", told.sent.len());
    for id in &told.sent {
        assert!(
            store.calls().get(*id).await.unwrap().is_some(),
            "{id} is lost"
        );
    }
    for id in &told.done {
        let found = store.calls().get(*id).await.unwrap().unwrap();
        assert_eq!(found.state, CallState::Done);
    }
    let listed = store.checkpoints().list(row.id).await.unwrap();
    assert!(listed.damaged.is_empty());
    for (id, n) in told
        .checkpoints
        .iter()
        .filter(|(_, n)| n.is_multiple_of(20))
    {
        assert!(
            listed.rows.iter().any(|row| row.id == *id),
            "checkpoint {n} is lost"
        );
    }
    if let Some((_, n)) = told.checkpoints.last() {
        let newest = store.checkpoints().newest(row.id).await.unwrap().unwrap();
        let part = store
            .blobs()
            .get(row.id, "cookies", newest.parts[0])
            .await
            .unwrap();
        assert!(*n <= u64::from_le_bytes(part.try_into().unwrap()));
    }
    check_logins(&store, told).await;
    // The home goes on where it was: the next publish works and takes the leftovers along.
    let part = store.blobs().put(row.id, "cookies", b"next").await.unwrap();
    store
        .checkpoints()
        .publish(unpublished(row.id, false, vec![part]))
        .await
        .unwrap();
    assert!(
        home.blob_files()
            .iter()
            .all(|path| path.extension().is_none())
    );
}

/// Every login that was told is there whole, every one that was removed is gone, and there is no
/// shelf without one.
async fn check_logins(store: &Store, told: &Told) {
    let shelves = store.logins().shelves().await.unwrap();
    assert!(shelves.damaged.is_empty());
    let mut there = vec![];
    for shelf in shelves.rows {
        let listed = store.checkpoints().list(shelf.id).await.unwrap();
        assert!(listed.damaged.is_empty());
        assert!(!listed.rows.is_empty(), "an empty shelf");
        for row in listed.rows {
            let part = store.blobs().get(shelf.id, "cookies", row.parts[0]).await;
            let n = u64::from_le_bytes(part.unwrap().try_into().unwrap());
            assert_eq!(*shelf.origin.expose(), format!("https://{}.test", n / 20));
            there.push((row.id, n));
        }
    }
    for login in &told.logins {
        let gone = !there.contains(login);
        assert!(
            !gone || told.removing.contains(&login.0),
            "{login:?} is lost"
        );
        assert!(
            gone || !told.removed.contains(&login.0),
            "{login:?} is back"
        );
    }
}

/// A file system of a few megabytes; it goes with the value.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Returns `None` where mounting isn't allowed.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs"])
            .arg(folder.path());
        mount.stderr(Stdio::null());
        mount
            .status()
            .is_ok_and(|status| status.success())
            .then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills what is left, but for so many bytes.
    fn fill(&self, but: u64) -> PathBuf {
        let path = self.path().join("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        let len = file.metadata().unwrap().len();
        file.set_len(len.saturating_sub(but)).unwrap();
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the store's connections close a moment after it is dropped.
        let done = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(done.unwrap().success());
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_takes_nothing_with_it() {
    let Some(disk) = SmallDisk::mount() else {
        println!("not allowed to mount here: the full disk was not tested");
        return;
    };
    for but in [0, 8192, 65536] {
        let home = disk.path().join(format!("home-{but}"));
        store::prepare_home(&home).unwrap();
        let key = store::key::load_or_make(&home).unwrap();
        let store = Store::open(&home, key.clone(), &Tasks::new())
            .await
            .unwrap();
        let mut row = session();
        store.sessions().insert(&row).await.unwrap();
        let part = store
            .blobs()
            .put(row.id, "cookies", b"small")
            .await
            .unwrap();
        store
            .checkpoints()
            .publish(unpublished(row.id, false, vec![part]))
            .await
            .unwrap();
        row.latest_checkpoint = store
            .sessions()
            .get(row.id)
            .await
            .unwrap()
            .unwrap()
            .latest_checkpoint;

        let ballast = disk.fill(but);
        let noise: Vec<u8> = (0..200_000).map(|_| rand::random()).collect();
        let err = store
            .blobs()
            .put(row.id, "origin", &noise)
            .await
            .unwrap_err();
        assert_eq!(err.code(), Code::DiskFull, "{err}");
        // The database goes on inside the room its files have, and then says so too.
        let mut acknowledged = Vec::new();
        let err = loop {
            let made = call(row.id);
            match store.calls().record(&made).await {
                Ok(()) => acknowledged.push(made.id),
                Err(err) => break err,
            }
        };
        assert_eq!(err.code(), Code::DiskFull, "{err}");
        assert!(err.hint().is_some());
        let refused = store
            .checkpoints()
            .publish(unpublished(row.id, false, vec![part]))
            .await;
        assert_eq!(refused.unwrap_err().code(), Code::DiskFull);
        is_all_there(&store, &row, &acknowledged).await;

        // With room again it goes on; and the next daemon finds the same.
        std::fs::remove_file(&ballast).unwrap();
        store.calls().record(&call(row.id)).await.unwrap();
        store.close().await.unwrap();
        let store = Store::open(&home, key, &Tasks::new()).await.unwrap();
        is_all_there(&store, &row, &acknowledged).await;
        store.close().await.unwrap();
        std::fs::remove_dir_all(&home).unwrap();
    }
}

#[tokio::test]
async fn a_publish_that_found_the_disk_full_is_no_hindrance_to_the_next() {
    let Some(disk) = SmallDisk::mount() else {
        println!("not allowed to mount here: the full disk was not tested");
        return;
    };
    let home = disk.path().join("home");
    store::prepare_home(&home).unwrap();
    let key = store::key::load_or_make(&home).unwrap();
    let store = Store::open(&home, key, &Tasks::new()).await.unwrap();
    let row = session();
    store.sessions().insert(&row).await.unwrap();
    let part = store.blobs().put(row.id, "cookies", b"a").await.unwrap();
    let publish = async |size: usize| {
        let mut checkpoint = unpublished(row.id, true, vec![part]);
        checkpoint.row.manifest = vec![7; size];
        store.checkpoints().publish(checkpoint).await
    };
    for (round, but) in [0, 8192, 65536, 200_000].into_iter().enumerate() {
        let before = publish(10).await.unwrap();
        let ballast = disk.fill(but);
        // Larger than what is left, also than the room that the database has in its files.
        for size in [1_000_000, 1_000_000, 300_000] {
            let err = publish(size).await.unwrap_err();
            assert_eq!(err.code(), Code::DiskFull, "round {round}: {err}");
        }
        std::fs::remove_file(&ballast).unwrap();
        assert_eq!(publish(10).await.unwrap(), before + 1);
        let tabs = [tab(row.id, 1, 0), tab(row.id, 2, 1)];
        store.tabs().put_all(row.id, &tabs).await.unwrap();
        assert_eq!(store.tabs().list(row.id).await.unwrap().rows, tabs);
        let listed = store.checkpoints().list(row.id).await.unwrap().rows;
        assert_eq!(listed.len(), 2 * (round + 1), "none that failed is there");
    }
    store.close().await.unwrap();
}

async fn is_all_there(store: &Store, row: &SessionRow, calls: &[CallId]) {
    let listed = store.sessions().list().await.unwrap();
    assert_eq!(
        (listed.rows.as_slice(), listed.damaged.len()),
        (std::slice::from_ref(row), 0)
    );
    // The newest thousand; the journal may have been cut to them.
    for id in calls.iter().rev().take(900) {
        assert!(store.calls().get(*id).await.unwrap().is_some());
    }
    let newest = store.checkpoints().newest(row.id).await.unwrap().unwrap();
    assert_eq!(newest.number, 1);
    let part = store
        .blobs()
        .get(row.id, "cookies", newest.parts[0])
        .await
        .unwrap();
    assert_eq!(part, b"small");
}

#[tokio::test]
async fn a_home_on_a_full_disk_is_refused_and_opens_once_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        println!("not allowed to mount here: the full disk was not tested");
        return;
    };
    let home = disk.path().join("home");
    store::prepare_home(&home).unwrap();
    let ballast = disk.fill(0);
    let err = store::key::load_or_make(&home).unwrap_err();
    assert_eq!(err.code(), Code::DiskFull, "{err}");
    assert!(!home.join("key").exists());
    std::fs::remove_file(&ballast).unwrap();
    let key = store::key::load_or_make(&home).unwrap();

    let ballast = disk.fill(20_000);
    let err = Store::open(&home, key.clone(), &Tasks::new())
        .await
        .unwrap_err();
    assert_eq!(err.code(), Code::DiskFull, "{err}");
    std::fs::remove_file(&ballast).unwrap();
    Store::open(&home, key, &Tasks::new())
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_write_that_is_given_up_half_way_leaves_the_store_whole() {
    let home = Home::new();
    let store = home.open().await;
    let id = SessionId::new();
    let old = [tab(id, 1, 0), tab(id, 2, 1)];
    let new = [tab(id, 3, 0), tab(id, 4, 1), tab(id, 5, 2)];
    store.tabs().put_all(id, &old).await.unwrap();
    // Dropped after each number of steps it can be dropped after.
    for steps in 0..200 {
        let mut put = store.tabs().put_all(id, &new);
        let mut polls = 0;
        let ended = std::future::poll_fn(|cx| {
            polls += 1;
            match put.as_mut().poll(cx) {
                std::task::Poll::Ready(done) => std::task::Poll::Ready(Some(done)),
                std::task::Poll::Pending if steps < polls => std::task::Poll::Ready(None),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        })
        .await;
        drop(put);
        let rows = store.tabs().list(id).await.unwrap().rows;
        assert!(rows == old || rows == new, "after {steps} steps: {rows:?}");
        if ended.is_some() {
            assert_eq!(rows, new);
            return;
        }
        store.tabs().put_all(id, &old).await.unwrap();
    }
    panic!("it never ended");
}

#[tokio::test]
async fn a_key_that_is_not_the_stores_own_opens_nothing() {
    let home = Home::new();
    home.open().await.close().await.unwrap();
    let other = MasterKey::random().unwrap();
    let err = Store::open(home.path(), other, &Tasks::new())
        .await
        .unwrap_err();
    assert_eq!(err.code(), Code::WrongKey);
}
