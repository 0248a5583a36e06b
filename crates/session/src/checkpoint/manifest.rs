//! What a checkpoint consists of, as it is stored.
//!
//! A manifest points to parts by address; equal parts of two checkpoints are one blob. Parts
//! are canonical JSON: maps are sorted and every list has one order, so that unchanged state
//! gives the same bytes and therefore the same address. Fields are only ever added, each
//! with a default, so an older part still reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::part::form::FormPart;
pub use super::part::history::HistoryPart;
pub use super::part::scrolls::ScrollsPart;
pub use super::part::settings::SettingsPart;

/// A storage area's items, by key.
pub type Items = BTreeMap<String, String>;

/// The kinds of part, bound into each blob's seal.
pub mod kind {
    /// [`super::CookiesPart`].
    pub const COOKIES: &str = "cookies";
    /// [`super::OriginPart`].
    pub const ORIGIN: &str = "origin";
    /// The databases of one storage key.
    pub const INDEXED_DB: &str = "indexed_db";
    /// [`super::TabPart`].
    pub const TAB: &str = "tab";
    /// [`super::SettingsPart`].
    pub const SETTINGS: &str = "settings";
}

/// What holds a checkpoint together.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// The format's version.
    pub version: u16,
    /// The session's generation when it was taken.
    pub generation: u64,
    /// The address of the cookie jar.
    pub cookies: Option<String>,
    /// One entry per storage key, in the order of the keys.
    pub origins: Vec<OriginEntry>,
    /// IndexedDB, one entry per storage key, in the order of the keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexed_db: Vec<IndexedDbEntry>,
    /// There were more origins with databases than are followed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub indexed_db_over: bool,
    /// The address of what the session was told to be, if it was told anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    /// The tabs in order.
    pub tabs: Vec<TabEntry>,
    /// The number of the active tab.
    pub active: Option<u32>,
}

/// Where one storage key's part is.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OriginEntry {
    /// Chromium's storage key, such as `https://example.com/`.
    pub storage_key: String,
    /// The part's address.
    pub part: String,
}

/// Where the databases of one storage key are.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexedDbEntry {
    /// Chromium's storage key.
    pub storage_key: String,
    /// The part's address; empty if none could be read.
    pub part: String,
    /// The part's size.
    pub bytes: u64,
    /// The words for what the part doesn't hold.
    pub lost: Vec<String>,
}

/// Where one tab's part is.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TabEntry {
    /// The tab's number.
    pub tab: u32,
    /// The part's address.
    pub part: String,
}

/// All cookies of the session, sorted.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CookiesPart {
    /// The cookies.
    pub cookies: Vec<Cookie>,
}

/// A cookie with every attribute CDP tells (`Network.Cookie`).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cookie {
    /// Its domain; with a leading dot it holds for subdomains too.
    pub domain: String,
    /// Its path.
    pub path: String,
    /// Its name.
    pub name: String,
    /// The partition it belongs to (CHIPS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// Its value.
    pub value: String,
    /// When it expires, in seconds since the epoch; `None` for a session cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<f64>,
    /// Hidden from scripts.
    pub http_only: bool,
    /// Sent over secure connections only.
    pub secure: bool,
    /// `Strict`, `Lax` or `None`; absent when the site set none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_site: Option<String>,
    /// `Low`, `Medium` or `High`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// The scheme it was set over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_scheme: Option<String>,
    /// The port it was set over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_port: Option<i64>,
}

/// A cookie's partition key.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Partition {
    /// The site of the top-level page.
    pub top_level_site: String,
    /// Whether a frame of another site stood between.
    pub has_cross_site_ancestor: bool,
}

/// What one storage key holds for the whole session.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OriginPart {
    /// Chromium's storage key.
    pub storage_key: String,
    /// localStorage.
    pub local: Items,
}

/// What one tab holds.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TabPart {
    /// The tab's number.
    pub tab: u32,
    /// Where it is.
    pub url: String,
    /// Its title.
    pub title: String,
    /// How far its main frame is scrolled, in CSS pixels.
    pub scroll_x: f64,
    /// See `scroll_x`.
    pub scroll_y: f64,
    /// How far its site is zoomed, 1 being not at all; 0 if it was not read.
    #[serde(skip_serializing_if = "super::part::zoom::is_none")]
    pub zoom: f64,
    /// What is scrolled inside of it.
    #[serde(skip_serializing_if = "ScrollsPart::is_nothing")]
    pub scrolls: ScrollsPart,
    /// sessionStorage by storage key.
    pub session_storage: BTreeMap<String, Items>,
    /// The storage keys of which it may lack what was written while the tab left the site.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub session_storage_doubtful: Vec<String>,
    /// What was typed into its page, and its focus.
    #[serde(skip_serializing_if = "FormPart::is_unread")]
    pub form: FormPart,
    /// Where it came from and can go on to.
    #[serde(skip_serializing_if = "HistoryPart::is_unread")]
    pub history: HistoryPart,
}

/// The format this version writes.
pub const VERSION: u16 = 1;

/// Returns the canonical bytes of a part or manifest.
///
/// # Errors
/// Those of serde_json; none of these types gives one.
pub fn encode<T: Serialize>(part: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(part)
}

/// Returns the origin a storage key of a first party stands for: `https://example.com`.
///
/// A partitioned key (`https://embedded.test/^0https://top.test`) has none here: its storage
/// is reached through a page of the top site only.
#[must_use]
pub fn origin_of(storage_key: &str) -> Option<&str> {
    if storage_key.contains('^') {
        return None;
    }
    let origin = storage_key.strip_suffix('/').unwrap_or(storage_key);
    (origin.starts_with("http://") || origin.starts_with("https://")).then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_state_gives_equal_bytes() {
        let mut one = TabPart::default();
        let mut other = TabPart::default();
        for key in ["a", "b", "c"] {
            one.session_storage
                .entry("k/".into())
                .or_default()
                .insert(key.into(), "1".into());
        }
        for key in ["c", "b", "a"] {
            other
                .session_storage
                .entry("k/".into())
                .or_default()
                .insert(key.into(), "1".into());
        }
        assert_eq!(encode(&one).unwrap(), encode(&other).unwrap());
    }

    #[test]
    fn a_part_of_a_later_version_still_reads() {
        let part: TabPart = serde_json::from_str(r#"{"tab":3,"later":[1]}"#).unwrap();
        assert_eq!(part.tab, 3);
    }

    #[test]
    fn only_first_party_keys_name_an_origin() {
        assert_eq!(origin_of("https://a.test/"), Some("https://a.test"));
        assert_eq!(
            origin_of("http://127.0.0.1:80/"),
            Some("http://127.0.0.1:80")
        );
        assert_eq!(origin_of("https://emb.test/^0https://top.test"), None);
        assert_eq!(origin_of("chrome://newtab/"), None);
    }
}
