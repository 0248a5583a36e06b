//! IndexedDB of every origin visited.
//!
//! It is read and written in a stub of its origin in a page nobody sees: no script of the site
//! is there, its page isn't slowed down, and an origin that was left is read in the same way.
//! What Chromium tells of a change says only that there was one, so an origin that changed is
//! read again as a whole; one that does nothing to IndexedDB costs nothing.
//!
//! What it can't bring back: records that hold what can't be had (keys of `crypto.subtle`, file
//! handles, images, resizable buffers), Blobs over [`MOST_BLOBS`] an origin, origins over
//! [`MOST_TEXT`]. Each is told, none comes back wrong.

mod same;

use std::collections::BTreeMap;

use base::Ctx;
use cdp::Session;
use cdp::protocol::indexed_db as wire;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::aside;
use crate::checkpoint::manifest::IndexedDbEntry;
use crate::checkpoint::place::place_of;
use crate::live::Live;
use crate::tabs::Tabs;

/// How many bytes of Blobs of one origin are kept.
const MOST_BLOBS: usize = 8 << 20;
/// How much the records of one origin may come to, as text and without Blobs.
const MOST_TEXT: usize = 16 << 20;
/// The functions that run in a stub.
const STORE: &str = include_str!("indexed_db/store.js");
/// The word for what is missing.
const MISSING: &str = "indexed_db";
/// The words for what a frame that nobody follows may keep.
const UNSEEN: [&str; 3] = [MISSING, "local_storage", "session_storage"];

/// One origin's databases.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Databases {
    /// The databases, by name.
    pub databases: Vec<Database>,
    /// The words for what isn't among them.
    pub lost: Vec<String>,
}

/// One database. Names, key paths and records are texts of tagged JSON (`store.js`).
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Database {
    pub name: String,
    pub version: u64,
    pub stores: Vec<ObjectStore>,
}

#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ObjectStore {
    pub name: String,
    pub key_path: String,
    pub auto_increment: bool,
    /// The key that the generator gives next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_key: Option<u64>,
    pub indexes: Vec<Index>,
    pub records: Vec<String>,
}

#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Index {
    pub name: String,
    pub key_path: String,
    pub unique: bool,
    pub multi_entry: bool,
}

/// What is known of the session's IndexedDB: where the last picture of each origin is, and
/// which of them have changed since.
#[derive(Default)]
pub(crate) struct Known {
    /// By storage key; an empty part is an origin without a database.
    entries: BTreeMap<String, IndexedDbEntry>,
    /// By storage key; the number tells one change from the next.
    changed: BTreeMap<String, u64>,
    changes: u64,
    /// There were more origins than are followed.
    over: bool,
}

/// How many origins are followed; that there were more is told as lost.
const MOST_ORIGINS: usize = 2_000;

impl Known {
    /// Takes over a checkpoint's picture.
    pub(crate) fn load(&mut self, entries: &[IndexedDbEntry], over: bool) {
        self.over |= over;
        // What nobody followed was lost by then.
        for entry in entries
            .iter()
            .filter(|entry| !entry.storage_key.ends_with('^'))
        {
            self.put(entry.clone());
        }
    }

    /// Notes that an origin's databases may have changed.
    pub(crate) fn note_change(&mut self, storage_key: &str) {
        if !self.changed.contains_key(storage_key) && MOST_ORIGINS <= self.changed.len() {
            self.no_room();
            return;
        }
        self.changes += 1;
        self.changed.insert(storage_key.to_owned(), self.changes);
    }

    fn no_room(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            tracing::warn!(
                limit = MOST_ORIGINS,
                "more origins have databases than are followed"
            );
        }
    }

    /// Tells whether there were more origins than are followed.
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    /// Tells whether an origin has databases in the picture.
    pub(crate) fn has(&self, storage_key: &str) -> bool {
        self.entries.contains_key(storage_key)
    }

    /// Notes that no part of the picture can be relied on: all of it is read again.
    pub(crate) fn doubt_all(&mut self) {
        for storage_key in self.entries.keys() {
            self.changes += 1;
            self.changed.insert(storage_key.clone(), self.changes);
        }
    }

    /// Returns the origins that have to be read, each with the number of its last change.
    ///
    /// They stay here until they are [`read`](Self::read): a capture can end at any moment.
    pub(crate) fn changed(&self) -> Vec<(String, u64)> {
        let changed = self.changed.iter();
        changed
            .map(|(key, number)| (key.clone(), *number))
            .collect()
    }

    /// Puts an origin's new picture in place, as it was read after change `number`; one
    /// without databases is forgotten.
    pub(crate) fn read(&mut self, entry: IndexedDbEntry, number: u64) {
        self.settle(&entry.storage_key, number);
        self.put(entry);
    }

    /// A later change has to be read again.
    fn settle(&mut self, storage_key: &str, number: u64) {
        if self.changed.get(storage_key) == Some(&number) {
            self.changed.remove(storage_key);
        }
    }

    fn put(&mut self, entry: IndexedDbEntry) {
        if entry.part.is_empty() && entry.lost.is_empty() {
            self.entries.remove(&entry.storage_key);
        } else if self.entries.contains_key(&entry.storage_key) || self.entries.len() < MOST_ORIGINS
        {
            self.entries.insert(entry.storage_key.clone(), entry);
        } else {
            self.no_room();
        }
    }

    /// Notes that an origin could not be read this time: the last picture stays, and says that
    /// it is old.
    pub(crate) fn failed(&mut self, storage_key: &str) {
        let mut entry = self.entries.get(storage_key).cloned().unwrap_or_default();
        storage_key.clone_into(&mut entry.storage_key);
        if !entry.lost.iter().any(|word| word == MISSING) {
            entry.lost.push(MISSING.to_owned());
        }
        self.put(entry);
    }

    /// Notes that an origin can't be read at all, as it is after change `number`.
    pub(crate) fn unreadable(&mut self, storage_key: &str, number: u64) {
        self.settle(storage_key, number);
        self.failed(storage_key);
    }

    /// Notes that a page has more frames of other sites than are followed: what they store isn't
    /// read.
    pub(crate) fn unfollowed(&mut self, of: &str) {
        let storage_key = format!("{of}^");
        if self.has(&storage_key) {
            return;
        }
        let lost = UNSEEN.iter().map(|word| (*word).to_owned()).collect();
        self.put(IndexedDbEntry {
            storage_key,
            lost,
            ..IndexedDbEntry::default()
        });
    }

    /// Returns the picture in order.
    pub(crate) fn entries(&self) -> Vec<IndexedDbEntry> {
        self.entries.values().cloned().collect()
    }
}

/// Tells whether a page has databases of this storage key, without running a script in it.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn follow(ctx: &Ctx, session: &Session, storage_key: &str) -> Result<bool, Error> {
    // First the events, then the look: what comes to be in between is seen by one of them.
    let track = cdp::protocol::storage::TrackIndexedDBForStorageKey {
        storage_key: storage_key.to_owned(),
    };
    session.call(ctx, &track).await?;
    let names = wire::RequestDatabaseNames {
        storage_key: Some(storage_key.to_owned()),
        ..Default::default()
    };
    Ok(!session.call(ctx, &names).await?.database_names.is_empty())
}

/// Reads an origin's databases; `None` for a storage key that no page of ours can have.
///
/// # Cancel safety
/// As [`aside::run_with`].
pub(crate) async fn read(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    storage_key: &str,
) -> Result<Option<Databases>, Error> {
    let Some(place) = place_of(storage_key) else {
        return Ok(None);
    };
    let script = format!("{STORE}return read({});", limits());
    let databases =
        live.readers.run(
            ctx,
            (live, tabs),
            &place,
            &script,
            |session, text| async move {
                with_generators(ctx, &session, storage_key, parse(&text)?).await
            },
        );
    databases.await.map(Some)
}

/// Fills an origin with databases in place of those it has; tells whether they were read back
/// as they were written. What can't be written whole is not written at all.
///
/// # Cancel safety
/// As [`aside::run_with`].
pub(crate) async fn restore(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    storage_key: &str,
    wanted: &Databases,
) -> Result<bool, Error> {
    let Some(place) = place_of(storage_key) else {
        return Ok(false);
    };
    let json = serde_json::to_string(&wanted.databases).map_err(unreadable)?;
    let script = format!(
        "{STORE}return write({json}).then(() => read({}));",
        limits()
    );
    let there = aside::run_with(
        ctx,
        live,
        tabs,
        &place,
        &script,
        |session, text| async move { with_generators(ctx, &session, storage_key, parse(&text)?).await },
    );
    let reason = match there.await {
        Ok(there) if same::is_same(&there.databases, &wanted.databases) => return Ok(true),
        Ok(_) => "it is not what was written".to_owned(),
        Err(err) if err.is_loss() || ctx.remaining().is_zero() => return Err(err),
        Err(err) => err.to_string(),
    };
    tracing::warn!(%reason, "an origin's databases could not be restored");
    // A part of it would look like the whole to the page.
    let script = format!("{STORE}return clear();");
    aside::run_with(ctx, live, tabs, &place, &script, |_, _| async { Ok(()) }).await?;
    Ok(false)
}

/// Asks for the next key of each generator: no script can.
async fn with_generators(
    ctx: &Ctx,
    session: &Session,
    storage_key: &str,
    mut read: Databases,
) -> Result<Databases, Error> {
    let mut unknown = false;
    for database in &mut read.databases {
        for store in &mut database.stores {
            if !store.auto_increment {
                continue;
            }
            let (Some(database_name), Some(object_store_name)) =
                (plain(&database.name), plain(&store.name))
            else {
                unknown = true;
                continue;
            };
            let ask = wire::GetMetadata {
                storage_key: Some(storage_key.to_owned()),
                database_name,
                object_store_name,
                ..Default::default()
            };
            let next = session.call(ctx, &ask).await?.key_generator_value;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a generator goes from 1 to 2^53 + 1"
            )]
            let next = next as u64;
            store.next_key = Some(next);
        }
    }
    if unknown && !read.lost.iter().any(|word| word == MISSING) {
        read.lost.push(MISSING.to_owned());
    }
    Ok(read)
}

/// Returns the text a name stands for, unless it holds half a surrogate pair.
fn plain(name: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Plain {
        v: String,
    }
    serde_json::from_str::<Plain>(name).ok().map(|name| name.v)
}

fn limits() -> String {
    format!("{{most_blobs: {MOST_BLOBS}, most_text: {MOST_TEXT}}}")
}

fn parse(text: &str) -> Result<Databases, Error> {
    serde_json::from_str(text).map_err(unreadable)
}

fn unreadable(err: serde_json::Error) -> Error {
    Error::Checkpoint {
        reason: err.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "https://a.test/";

    fn entry(part: &str) -> IndexedDbEntry {
        IndexedDbEntry {
            storage_key: KEY.to_owned(),
            part: part.to_owned(),
            ..IndexedDbEntry::default()
        }
    }

    #[test]
    fn an_origin_that_could_not_be_read_keeps_its_last_picture_and_says_so() {
        let mut known = Known::default();
        known.note_change(KEY);
        known.read(entry("good"), known.changed()[0].1);
        known.note_change(KEY);
        let changed = known.changed();
        known.failed(KEY);
        assert_eq!(known.entries()[0].part, "good");
        assert_eq!(known.entries()[0].lost, [MISSING]);
        assert_eq!(known.changed(), changed, "it is to be read again");
        known.read(entry("new"), changed[0].1);
        assert!(known.entries()[0].lost.is_empty());
        assert!(known.changed().is_empty());
        known.read(entry(""), 0);
        assert!(known.entries().is_empty());
    }

    #[test]
    fn a_change_is_forgotten_only_when_it_was_read() {
        let mut known = Known::default();
        known.note_change(KEY);
        let seen = known.changed();
        assert_eq!(known.changed(), seen, "looking takes nothing");
        known.note_change(KEY);
        known.read(entry("before the second change"), seen[0].1);
        assert_eq!(known.changed().len(), 1, "the second change is to be read");
        let seen = known.changed();
        known.unreadable(KEY, seen[0].1);
        assert!(known.changed().is_empty());
        assert_eq!(known.entries()[0].lost, [MISSING]);
    }

    #[test]
    fn more_origins_than_are_followed_are_told() {
        let mut known = Known::default();
        for number in 0..MOST_ORIGINS {
            known.note_change(&format!("https://{number}.test/"));
        }
        known.note_change("https://0.test/");
        assert!(!known.is_over(), "one that is followed takes no more room");
        known.note_change(KEY);
        assert!(known.is_over());
        assert_eq!(known.changed().len(), MOST_ORIGINS);

        let mut loaded = Known::default();
        loaded.load(&[], true);
        assert!(loaded.is_over(), "what was lost before stays lost");
        for number in 0..=MOST_ORIGINS {
            loaded.failed(&format!("https://{number}.test/"));
        }
        assert_eq!(loaded.entries().len(), MOST_ORIGINS);
    }

    #[test]
    fn a_name_with_half_a_surrogate_pair_is_no_plain_text() {
        assert_eq!(plain(r#"{"v":"a"}"#).as_deref(), Some("a"));
        assert_eq!(plain(r#"{"v":["s",[55296]]}"#), None);
    }
}
