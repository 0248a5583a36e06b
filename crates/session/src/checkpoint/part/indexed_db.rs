//! IndexedDB of every origin visited.
//!
//! It is read and written in a stub of its origin in a page nobody sees: no script of the site
//! is there, its page isn't slowed down, and an origin that was left is read in the same way.
//! What Chromium tells of a change says only that there was one, so an origin that changed is
//! read again as a whole; one that does nothing to IndexedDB costs nothing.
//!
//! What it can't bring back: records that hold what can't be had (keys of `crypto.subtle`, file
//! handles, images, resizable buffers), Blobs over [`MOST_BLOBS`] an origin, origins over
//! [`MOST_TEXT`], and databases of frames of other sites. Each is told, none comes back wrong.

use std::collections::BTreeMap;

use base::Ctx;
use cdp::Session;
use cdp::protocol::indexed_db as wire;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::aside;
use crate::checkpoint::manifest::{IndexedDbEntry, origin_of};
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
    name: String,
    version: u64,
    stores: Vec<ObjectStore>,
}

#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
struct ObjectStore {
    name: String,
    key_path: String,
    auto_increment: bool,
    /// The key that the generator gives next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_key: Option<u64>,
    indexes: Vec<Index>,
    records: Vec<String>,
}

#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
struct Index {
    name: String,
    key_path: String,
    unique: bool,
    multi_entry: bool,
}

/// What is known of the session's IndexedDB: where the last picture of each origin is, and
/// which of them have changed since.
#[derive(Default)]
pub(crate) struct Known {
    /// By storage key; an empty part is an origin without a database.
    entries: BTreeMap<String, IndexedDbEntry>,
    changed: std::collections::BTreeSet<String>,
}

/// How many origins are followed; what has no room is told as lost.
const MOST_ORIGINS: usize = 2_000;

impl Known {
    /// Takes over a checkpoint's picture.
    pub(crate) fn load(&mut self, entry: IndexedDbEntry) {
        self.entries.insert(entry.storage_key.clone(), entry);
    }

    /// Notes that an origin's databases may have changed.
    pub(crate) fn note_change(&mut self, storage_key: &str) {
        if self.changed.len() < MOST_ORIGINS {
            self.changed.insert(storage_key.to_owned());
        } else {
            tracing::warn!(
                limit = MOST_ORIGINS,
                "more origins change than are followed"
            );
        }
    }

    /// Tells whether an origin has databases in the picture.
    pub(crate) fn has(&self, storage_key: &str) -> bool {
        self.entries.contains_key(storage_key)
    }

    /// Notes that no part of the picture can be relied on: all of it is read again.
    pub(crate) fn doubt_all(&mut self) {
        self.changed.extend(self.entries.keys().cloned());
    }

    /// Takes the origins that have to be read.
    pub(crate) fn take_changed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.changed).into_iter().collect()
    }

    /// Puts an origin's new picture in place; one without databases is forgotten.
    pub(crate) fn put(&mut self, entry: IndexedDbEntry) {
        if entry.part.is_empty() && entry.lost.is_empty() {
            self.entries.remove(&entry.storage_key);
        } else {
            self.load(entry);
        }
    }

    /// Notes that an origin could not be read: the last picture stays, and says that it is old.
    pub(crate) fn failed(&mut self, storage_key: String, again: bool) {
        let entry = self
            .entries
            .entry(storage_key.clone())
            .or_insert_with(|| IndexedDbEntry {
                storage_key: storage_key.clone(),
                ..IndexedDbEntry::default()
            });
        if !entry.lost.iter().any(|word| word == MISSING) {
            entry.lost.push(MISSING.to_owned());
        }
        if again {
            self.changed.insert(storage_key);
        }
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
    let Some(origin) = origin_of(storage_key) else {
        return Ok(None);
    };
    let script = format!("{STORE}return read({});", limits());
    let databases = aside::run_with(
        ctx,
        live,
        tabs,
        origin,
        &script,
        |session, text| async move { with_generators(ctx, &session, storage_key, parse(&text)?).await },
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
    let Some(origin) = origin_of(storage_key) else {
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
        origin,
        &script,
        |session, text| async move { with_generators(ctx, &session, storage_key, parse(&text)?).await },
    );
    let reason = match there.await {
        Ok(there) if there.databases == wanted.databases => return Ok(true),
        Ok(_) => "it is not what was written".to_owned(),
        Err(err) if err.is_loss() || ctx.remaining().is_zero() => return Err(err),
        Err(err) => err.to_string(),
    };
    tracing::warn!(%reason, "an origin's databases could not be restored");
    // A part of it would look like the whole to the page.
    let script = format!("{STORE}return clear();");
    aside::run_with(ctx, live, tabs, origin, &script, |_, _| async { Ok(()) }).await?;
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

    fn entry(part: &str) -> IndexedDbEntry {
        IndexedDbEntry {
            storage_key: "https://a.test/".to_owned(),
            part: part.to_owned(),
            ..IndexedDbEntry::default()
        }
    }

    #[test]
    fn an_origin_that_could_not_be_read_keeps_its_last_picture_and_says_so() {
        let mut known = Known::default();
        known.put(entry("good"));
        known.failed("https://a.test/".to_owned(), true);
        assert_eq!(known.entries()[0].part, "good");
        assert_eq!(known.entries()[0].lost, [MISSING]);
        assert_eq!(known.take_changed(), ["https://a.test/"]);
        known.put(entry("new"));
        assert!(known.entries()[0].lost.is_empty());
        known.put(entry(""));
        assert!(known.entries().is_empty());
    }

    #[test]
    fn a_name_with_half_a_surrogate_pair_is_no_plain_text() {
        assert_eq!(plain(r#"{"v":"a"}"#).as_deref(), Some("a"));
        assert_eq!(plain(r#"{"v":["s",[55296]]}"#), None);
    }
}
