//! What the tests of the store share: rows with something in every field, and homes.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};

use base::{
    BrowserId, CallId, CheckpointId, Private, SessionId, StateName, TabId, Tasks, Timestamp,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use store::{
    Attached, BlobAddress, BrowserRow, CallRow, CallState, CheckpointRow, Lifetime, SessionRow,
    Store, TabRow,
};

/// A home in a folder that goes with it.
pub struct Home(pub tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub async fn try_open(&self) -> Result<Store, store::Error> {
        let key = store::key::load_or_make(self.path())?;
        Store::open(self.path(), key, &Tasks::new()).await
    }

    /// Opens the database past the store, to damage it.
    pub async fn raw(&self) -> SqliteConnection {
        let path = self.path().join("browserd.db");
        SqliteConnectOptions::new()
            .filename(path)
            .connect()
            .await
            .unwrap()
    }

    /// Runs one statement past the store.
    pub async fn tamper(&self, statement: &'static str) {
        let mut connection = self.raw().await;
        let done = sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
        assert!(0 < done.rows_affected(), "nothing was changed: {statement}");
        connection.close().await.unwrap();
    }

    /// Returns the files of blobs, those set aside with them.
    pub fn blob_files(&self) -> Vec<PathBuf> {
        files(&self.path().join("blobs"))
    }
}

/// Returns every file below a folder, in order; none if there is no such folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// Fails if one of these words stands in a file of a home.
pub fn is_in_no_file(home: &Path, words: &[&str]) {
    for path in files(home) {
        let bytes = std::fs::read(&path).unwrap();
        for word in words {
            let found = bytes
                .windows(word.len())
                .any(|part| part == word.as_bytes());
            assert!(!found, "`{word}` stands in {}", path.display());
        }
    }
}

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000 + ms).unwrap()
}

pub fn session() -> SessionRow {
    SessionRow {
        id: SessionId::new(),
        key: None,
        profile: Some("work".into()),
        labels: vec![
            ("team".into(), "scarlet".into()),
            ("empty".into(), String::new()),
        ],
        state: StateName::Alive,
        cause: "opened".into(),
        detail: Some(Private::new("the page said: no".into())),
        generation: 3,
        created_at: at(0),
        last_activity: at(5),
        closed_at: None,
        call_count: 7,
        url: Private::new("https://example.org/?token=hunter2".into()),
        title: Private::new("Inbox of Ada".into()),
        browser: Some(BrowserId::new()),
        active_tab: Some(TabId(2)),
        next_tab: 3,
        latest_checkpoint: None,
        recovered: Some(b"report".to_vec()),
        recovered_told: true,
        failures: 1,
        lifetime: Lifetime {
            idle_timeout_ms: Some(0),
            boot: "b".into(),
            idle_ms: 7,
            ..Lifetime::default()
        },
        attached: Some(Attached {
            address: "127.0.0.1:9222".into(),
            browser: "9fae-hunter2".into(),
            opened: vec!["T1".into()],
        }),
    }
}

pub fn keyed(key: &str) -> SessionRow {
    SessionRow {
        key: Some(key.parse().unwrap()),
        ..session()
    }
}

pub fn closed(row: &SessionRow, ms: i64) -> SessionRow {
    SessionRow {
        state: StateName::Closed,
        closed_at: Some(at(ms)),
        ..row.clone()
    }
}

pub fn browser(session: SessionId) -> BrowserRow {
    BrowserRow {
        id: BrowserId::new(),
        session,
        run: "run/b_1".into(),
        profile_dir: "run/b_1/profile".into(),
        browser_pid: 4242,
        browser_start: 123_456_789,
        keeper_pid: 4241,
        keeper_start: 123_456_700,
        nonce: "00112233445566778899aabbccddeeff".into(),
        launched_at: at(1),
        ended: None,
    }
}

pub fn tab(session: SessionId, number: u32, position: u32) -> TabRow {
    TabRow {
        session,
        tab: TabId(number),
        position,
        target: format!("TARGET{number}"),
        url: Private::new(format!("https://example.org/{number}")),
        title: Private::new(format!("Tab {number}")),
        next_ref: 1000,
        closed: false,
    }
}

pub fn checkpoint(session: SessionId, kept: bool) -> CheckpointRow {
    CheckpointRow {
        id: CheckpointId::new(),
        session,
        number: 0,
        name: Some(Private::new("before the order".into())),
        cause: "navigation".into(),
        taken_at: at(9),
        generation: 2,
        bytes: 12_345,
        kept,
        manifest: b"{\"tabs\":[]}".to_vec(),
        parts: Vec::new(),
    }
}

pub fn unpublished(session: SessionId, kept: bool, parts: Vec<BlobAddress>) -> store::Unpublished {
    store::Unpublished {
        row: checkpoint(session, kept),
        parts,
    }
}

pub fn call(session: SessionId) -> CallRow {
    CallRow {
        id: CallId::new(),
        session: Some(session),
        operation: "click".into(),
        state: CallState::Sent,
        epoch: 4,
        cdp_id: Some(77),
        cdp_session: Some("ABCDEF".into()),
        at: at(11),
        outcome: None,
    }
}
