//! Carrying a whole checkpoint elsewhere: into a new session, into a file.
//!
//! [`parts_of`] is the one place that knows every part a manifest points to. Its patterns name
//! every field, so a part that is added to the manifest doesn't compile before it is carried.
//! A manifest with more in it than this version knows is refused, as its copy would lack that.

use serde_json::Value;
use store::{BlobAddress, CheckpointRow, Making, Unpublished, Whose};

use base::{CheckpointId, Private, SessionId};

use super::manifest::{
    self, CookiesPart, IndexedDbEntry, Manifest, OriginEntry, OriginPart, SettingsPart, TabEntry,
    TabPart, kind,
};
use super::part::indexed_db::Databases;
use crate::Error;
use crate::deps::Deps;

/// Returns every part that a manifest points to: its kind, and where its address stands.
pub(crate) fn parts_of(manifest: &mut Manifest) -> Vec<(&'static str, &mut String)> {
    let Manifest {
        version: _,
        generation: _,
        cookies,
        origins,
        indexed_db,
        indexed_db_over: _,
        settings,
        tabs,
        active: _,
    } = manifest;
    let mut parts = vec![];
    parts.extend(cookies.iter_mut().map(|part| (kind::COOKIES, part)));
    for entry in origins {
        let OriginEntry {
            storage_key: _,
            part,
        } = entry;
        parts.push((kind::ORIGIN, part));
    }
    for entry in indexed_db {
        let IndexedDbEntry {
            storage_key: _,
            part,
            bytes: _,
            lost: _,
        } = entry;
        // An entry without a part is an origin of which nothing could be read.
        if !part.is_empty() {
            parts.push((kind::INDEXED_DB, part));
        }
    }
    parts.extend(settings.iter_mut().map(|part| (kind::SETTINGS, part)));
    for entry in tabs {
        let TabEntry { tab: _, part } = entry;
        parts.push((kind::TAB, part));
    }
    parts
}

/// Reads a manifest that is to be carried: all of it must be known here.
///
/// # Errors
/// [`Error::Checkpoint`].
pub(crate) fn read_manifest(bytes: &[u8]) -> Result<Manifest, Error> {
    let unreadable = |err: serde_json::Error| refused(format!("its manifest: {err}"));
    let written: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(unreadable)?;
    if manifest.version == 0 || manifest::VERSION < manifest.version {
        let (found, known) = (manifest.version, manifest::VERSION);
        return Err(refused(format!(
            "its format is {found}, this version knows {known}"
        )));
    }
    let read = serde_json::to_value(&manifest).map_err(unreadable)?;
    match unknown(&written, &read) {
        None => Ok(manifest),
        Some(field) => Err(refused(format!(
            "its manifest has a field {field:?} that this version doesn't know"
        ))),
    }
}

/// Returns the first field that was written and not read. What says nothing doesn't count.
fn unknown(written: &Value, read: &Value) -> Option<String> {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            written
                .iter()
                .find_map(|(name, value)| match read.get(name) {
                    Some(read) => unknown(value, read),
                    None if says_nothing(value) => None,
                    None => Some(name.clone()),
                })
        }
        (Value::Array(written), Value::Array(read)) => {
            let mut pairs = written.iter().zip(read);
            pairs.find_map(|(written, read)| unknown(written, read))
        }
        (Value::Array(_), Value::Object(_)) => Some("a list in place of an object".to_owned()),
        _ => None,
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A tab as far as a session's row tells of it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    tab: u32,
    url: Private<String>,
    title: Private<String>,
}

/// Makes sure that a part reads as one of its kind; of a tab it returns what a row tells.
///
/// # Errors
/// [`Error::Checkpoint`].
pub(crate) fn check(kind: &str, canonical: &[u8]) -> Result<Option<Shown>, Error> {
    fn as_a<T: serde::de::DeserializeOwned>(kind: &str, canonical: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(canonical)
            .map_err(|err| refused(format!("a part of the kind {kind}: {err}")))
    }
    match kind {
        kind::COOKIES => as_a::<CookiesPart>(kind, canonical).map(|_| None),
        kind::ORIGIN => as_a::<OriginPart>(kind, canonical).map(|_| None),
        kind::INDEXED_DB => as_a::<Databases>(kind, canonical).map(|_| None),
        kind::SETTINGS => as_a::<SettingsPart>(kind, canonical).map(|_| None),
        kind::TAB => {
            let tab: TabPart = as_a(kind, canonical)?;
            Ok(Some(Shown {
                tab: tab.tab,
                url: tab.url.into(),
                title: tab.title.into(),
            }))
        }
        kind => Err(refused(format!("a part of the unknown kind {kind}"))),
    }
}

/// Where the parts of a draft come from.
pub(crate) enum Source<'a> {
    /// From a stored checkpoint, by the addresses in its manifest.
    Stored(&'a CheckpointRow),
    /// From here, in the order of the manifest.
    Given(std::vec::IntoIter<Vec<u8>>),
}

impl Source<'_> {
    async fn next(&mut self, deps: &Deps, kind: &str, address: &str) -> Result<Vec<u8>, Error> {
        match self {
            Self::Stored(row) => read_part(deps, row, kind, address).await,
            Self::Given(parts) => parts
                .next()
                .ok_or_else(|| refused("it has fewer parts than its manifest says".to_owned())),
        }
    }
}

/// A checkpoint that is being put together for a session, part by part.
///
/// Dropped before it is published, what was put is left behind for the next collection.
pub(crate) struct Draft {
    /// The session it is for.
    pub session: SessionId,
    making: Making,
    manifest: Manifest,
    parts: Vec<BlobAddress>,
    bytes: u64,
    tabs: Vec<Shown>,
}

/// A draft that is whole.
pub(crate) struct Finished {
    /// What to publish.
    pub checkpoint: Unpublished,
    /// To be kept until it is published.
    pub making: Making,
    /// The active tab.
    pub active: Option<u32>,
    /// The URL and title of that tab.
    pub place: Option<(Private<String>, Private<String>)>,
    /// The number the next tab gets.
    pub next_tab: u32,
}

impl Draft {
    /// Begins a checkpoint of a session as `manifest` has it; its parts are yet to be put.
    pub(crate) fn new(deps: &Deps, session: SessionId, whose: Whose, manifest: Manifest) -> Self {
        Self {
            session,
            making: deps.store.blobs().making(session, whose),
            manifest,
            parts: vec![],
            bytes: 0,
            tabs: vec![],
        }
    }

    /// Puts every part, in the order of [`parts_of`].
    ///
    /// # Errors
    /// Those of reading the source, of the store, and [`Error::Checkpoint`] for a part that
    /// doesn't read as one of its kind.
    ///
    /// # Cancel safety
    /// Yes: what was put is left behind.
    pub(crate) async fn put_all(&mut self, deps: &Deps, mut from: Source<'_>) -> Result<(), Error> {
        for (kind, address) in parts_of(&mut self.manifest) {
            let canonical = from.next(deps, kind, address).await?;
            self.tabs.extend(check(kind, &canonical)?);
            let put = deps
                .store
                .blobs()
                .put(self.session, kind, &canonical)
                .await?;
            *address = put.to_string();
            self.parts.push(put);
            self.bytes += canonical.len() as u64;
        }
        Ok(())
    }

    /// Returns what is to be published, as the kept checkpoint of a session's generation.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if it can't be written down.
    pub(crate) fn finish(
        mut self,
        deps: &Deps,
        cause: &str,
        name: Option<String>,
        generation: u64,
    ) -> Result<Finished, Error> {
        self.manifest.generation = generation;
        self.manifest.version = manifest::VERSION;
        let written = manifest::encode(&self.manifest).map_err(|err| refused(err.to_string()))?;
        let active = self.manifest.active;
        let shown = self.tabs.iter().find(|shown| Some(shown.tab) == active);
        let shown = shown.or(self.tabs.first());
        let most = self.tabs.iter().map(|shown| shown.tab).max().unwrap_or(0);
        let row = CheckpointRow {
            id: CheckpointId::new(),
            session: self.session,
            number: 0,
            name: name.map(Private::new),
            cause: cause.to_owned(),
            taken_at: deps.clock.wall(),
            generation,
            bytes: self.bytes,
            kept: true,
            manifest: written,
            parts: self.parts.clone(),
        };
        Ok(Finished {
            active: shown.map(|shown| shown.tab),
            place: shown.map(|shown| (shown.url.clone(), shown.title.clone())),
            next_tab: most.saturating_add(1),
            checkpoint: Unpublished {
                row,
                parts: self.parts,
            },
            making: self.making,
        })
    }
}

/// Copies a stored checkpoint for another session, sealed by that session's own key.
///
/// # Errors
/// Those of reading it; [`Error::Checkpoint`] if there is more in it than can be copied.
///
/// # Cancel safety
/// Yes: what was copied is left behind.
pub(crate) async fn copy(deps: &Deps, row: &CheckpointRow, to: SessionId) -> Result<Draft, Error> {
    let mut draft = Draft::new(deps, to, Whose::New, read_manifest(&row.manifest)?);
    draft.put_all(deps, Source::Stored(row)).await?;
    Ok(draft)
}

/// Reads one part of a stored checkpoint.
pub(crate) async fn read_part(
    deps: &Deps,
    row: &CheckpointRow,
    kind: &str,
    address: &str,
) -> Result<Vec<u8>, Error> {
    let address: BlobAddress = address
        .parse()
        .map_err(|_| refused("a part's address is malformed".to_owned()))?;
    match deps.store.blobs().get(row.session, kind, address).await {
        Ok(canonical) => Ok(canonical),
        Err(store::Error::NotFound { .. }) => Err(refused(format!("its part {address} is gone"))),
        Err(err) => Err(err.into()),
    }
}

pub(crate) fn refused(reason: String) -> Error {
    Error::Checkpoint { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_manifest(text: &str, expect: Option<&str>) {
        let read = read_manifest(text.as_bytes());
        match (read, expect) {
            (Ok(_), None) => {}
            (Err(err), Some(expect)) => {
                assert!(err.to_string().contains(expect), "{text}: {err}");
            }
            (read, _) => panic!("{text}: {:?}", read.map(|_| ())),
        }
    }

    #[test]
    fn a_manifest_that_holds_more_than_is_known_is_refused_and_not_cut() {
        check_manifest(r#"{"version":1}"#, None);
        check_manifest(r#"{"version":1,"indexed_db":[]}"#, None);
        check_manifest(r#"{"version":1,"later":null}"#, None);
        check_manifest(r#"{"version":2}"#, Some("its format is 2"));
        check_manifest(r#"{"version":1,"later":{"part":"x"}}"#, Some("\"later\""));
        check_manifest(
            r#"{"version":1,"tabs":[{"tab":1,"part":"a"},{"tab":2,"part":"b","pictures":"c"}]}"#,
            Some("\"pictures\""),
        );
        check_manifest("[]", Some("its format is 0"));
        check_manifest(r#"{"version":1,"tabs":[[1,"a"]]}"#, Some("a list"));
        check_manifest("", Some("its manifest"));
    }

    #[test]
    fn every_part_is_visited_with_its_kind() {
        let text = r#"{"version":1,"cookies":"a","origins":[{"storage_key":"k/","part":"b"}],
            "indexed_db":[{"storage_key":"k/","part":"c","bytes":1},{"storage_key":"l/"}],
            "settings":"e","tabs":[{"tab":1,"part":"d"}]}"#;
        let mut manifest = read_manifest(text.as_bytes()).unwrap();
        let seen: Vec<_> = parts_of(&mut manifest)
            .into_iter()
            .map(|(kind, part)| (kind, part.clone()))
            .collect();
        let expect = [
            (kind::COOKIES, "a"),
            (kind::ORIGIN, "b"),
            (kind::INDEXED_DB, "c"),
            (kind::SETTINGS, "e"),
            (kind::TAB, "d"),
        ];
        assert_eq!(seen, expect.map(|(kind, part)| (kind, part.to_owned())));
    }

    #[test]
    fn a_part_must_read_as_one_of_its_kind() {
        assert!(check(kind::COOKIES, br#"{"cookies":[]}"#).is_ok());
        assert!(check(kind::COOKIES, br#"{"cookies":3}"#).is_err());
        assert!(check("pictures", b"{}").is_err());
        let shown = check(kind::TAB, br#"{"tab":4,"url":"about:blank"}"#).unwrap();
        assert_eq!(shown.map(|shown| shown.tab), Some(4));
    }
}
