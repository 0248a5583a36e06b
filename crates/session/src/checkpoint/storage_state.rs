//! Playwright's `storageState`: cookies, localStorage and IndexedDB by origin, both ways.
//!
//! What the format can't take is told by name and never dropped in silence: tabs,
//! sessionStorage, forms and what frames of other sites store have no place in it.

mod databases;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::manifest::{
    self, Cookie, CookiesPart, IndexedDbEntry, Manifest, OriginEntry, OriginPart, Partition,
    TabEntry, TabPart, origin_of,
};
use super::restore::Content;
use crate::Error;

/// More origins than a file is taken with.
const MOST_ORIGINS: usize = 2_000;

/// The document. Fields that aren't known are kept, so that they can be told of.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
struct State {
    #[serde(default)]
    cookies: Vec<StateCookie>,
    #[serde(default)]
    origins: Vec<StateOrigin>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateCookie {
    name: String,
    value: String,
    domain: String,
    path: String,
    /// Seconds since the epoch; -1 for a session cookie.
    #[serde(default = "no_end")]
    expires: f64,
    #[serde(default)]
    http_only: bool,
    #[serde(default)]
    secure: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    same_site: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partition_key: Option<String>,
    #[serde(
        default,
        rename = "_crHasCrossSiteAncestor",
        skip_serializing_if = "Option::is_none"
    )]
    has_cross_site_ancestor: Option<bool>,
}

#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateOrigin {
    origin: String,
    #[serde(default)]
    local_storage: Vec<Item>,
    #[serde(default, rename = "indexedDB", skip_serializing_if = "Vec::is_empty")]
    indexed_db: Vec<Value>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
struct Item {
    name: String,
    value: String,
}

/// What a document was read as.
pub(crate) struct Taken {
    /// The manifest; its addresses are numbers.
    pub manifest: Manifest,
    /// The parts in its order.
    pub parts: Vec<Vec<u8>>,
    /// What of it was left out.
    pub left_out: Vec<String>,
}

const fn no_end() -> f64 {
    -1.0
}

/// Returns a checkpoint's content as Playwright reads it, and what has no place in it.
///
/// # Errors
/// [`Error::Checkpoint`] if it can't be written down.
pub(crate) fn write(content: &Content) -> Result<(Value, Vec<String>), Error> {
    let mut left_out = vec![];
    let mut state = State::default();
    for cookie in &content.cookies.cookies {
        state.cookies.push(StateCookie {
            name: cookie.name.clone(),
            value: cookie.value.clone(),
            domain: cookie.domain.clone(),
            path: cookie.path.clone(),
            expires: cookie.expires.unwrap_or_else(no_end),
            http_only: cookie.http_only,
            secure: cookie.secure,
            // Playwright has no word for a cookie without one; Chromium takes it for Lax.
            same_site: Some(cookie.same_site.clone().unwrap_or_else(|| "Lax".to_owned())),
            partition_key: cookie
                .partition
                .as_ref()
                .map(|key| key.top_level_site.clone()),
            has_cross_site_ancestor: cookie
                .partition
                .as_ref()
                .map(|key| key.has_cross_site_ancestor),
        });
    }
    let mut origins: BTreeMap<String, StateOrigin> = BTreeMap::new();
    for part in &content.origins {
        match origin_of(&part.storage_key) {
            Some(origin) => {
                let items = part.local.iter().map(|(name, value)| Item {
                    name: name.clone(),
                    value: value.clone(),
                });
                state_of(&mut origins, origin).local_storage = items.collect();
            }
            None => left_out.push(format!("localStorage of {}", part.storage_key)),
        }
    }
    for (storage_key, of) in &content.databases {
        match origin_of(storage_key) {
            Some(origin) => {
                let written = databases::write(origin, of, &mut left_out);
                state_of(&mut origins, origin).indexed_db = written;
            }
            None => left_out.push(format!("IndexedDB of {storage_key}")),
        }
    }
    for entry in &content.manifest.indexed_db {
        if !entry.lost.is_empty() {
            let key = &entry.storage_key;
            left_out.push(format!("of {key} what the checkpoint itself lacks"));
        }
    }
    state.origins = origins.into_values().collect();
    for tab in &content.tabs {
        left_out.push(format!("tab {} with what only it holds", tab.tab));
    }
    let state =
        serde_json::to_value(state).map_err(|err| super::carry::refused(err.to_string()))?;
    Ok((state, left_out))
}

fn state_of<'a>(
    origins: &'a mut BTreeMap<String, StateOrigin>,
    origin: &str,
) -> &'a mut StateOrigin {
    let state = origins.entry(origin.to_owned()).or_default();
    origin.clone_into(&mut state.origin);
    state
}

/// Reads a document.
///
/// # Errors
/// [`store::Error::File`] if it isn't one.
pub(crate) fn read(document: &Value) -> Result<Taken, Error> {
    let state: State = State::deserialize(document).map_err(|err| bad(&err.to_string()))?;
    if MOST_ORIGINS < state.origins.len() {
        return Err(bad("it has more origins than are taken"));
    }
    let mut left_out: Vec<String> = state.more.keys().cloned().collect();
    let mut jar = CookiesPart::default();
    for cookie in state.cookies {
        if cookie.domain.is_empty() || !cookie.expires.is_finite() {
            return Err(bad(&format!(
                "the cookie {:?} has no domain or no end",
                cookie.name
            )));
        }
        jar.cookies.push(Cookie {
            domain: cookie.domain,
            path: cookie.path,
            name: cookie.name,
            value: cookie.value,
            expires: (0.0 <= cookie.expires).then_some(cookie.expires),
            http_only: cookie.http_only,
            secure: cookie.secure,
            same_site: cookie.same_site,
            partition: cookie.partition_key.map(|top_level_site| Partition {
                top_level_site,
                has_cross_site_ancestor: cookie.has_cross_site_ancestor.unwrap_or(false),
            }),
            ..Cookie::default()
        });
    }
    let mut origins = BTreeMap::new();
    let mut of_origins = BTreeMap::new();
    for of in state.origins {
        let url = url::Url::parse(&of.origin).map_err(|_| bad("an origin that is no URL"))?;
        let origin = url.origin().ascii_serialization();
        let storage_key = format!("{origin}/");
        if origin_of(&storage_key).is_none() {
            return Err(bad(&format!("{:?} is no origin of the web", of.origin)));
        }
        for (name, value) in &of.more {
            if value.as_array().is_none_or(|items| !items.is_empty()) {
                left_out.push(format!("{name} of {origin}"));
            }
        }
        let taken = databases::read(&origin, &of.indexed_db, &mut left_out);
        if !taken.databases.is_empty() {
            of_origins.insert(storage_key.clone(), taken);
        }
        let items = of.local_storage.into_iter();
        let local: manifest::Items = items.map(|item| (item.name, item.value)).collect();
        if !local.is_empty() {
            origins.insert(storage_key.clone(), OriginPart { storage_key, local });
        }
    }
    let mut manifest = Manifest {
        version: manifest::VERSION,
        cookies: Some("0".to_owned()),
        active: Some(1),
        ..Manifest::default()
    };
    let mut parts = vec![encoded(&jar)?];
    for (storage_key, part) in origins {
        manifest.origins.push(OriginEntry {
            storage_key,
            part: parts.len().to_string(),
        });
        parts.push(encoded(&part)?);
    }
    for (storage_key, databases) in of_origins {
        let part = encoded(&databases)?;
        manifest.indexed_db.push(IndexedDbEntry {
            storage_key,
            part: parts.len().to_string(),
            bytes: part.len() as u64,
            lost: vec![],
        });
        parts.push(part);
    }
    manifest.tabs.push(TabEntry {
        tab: 1,
        part: parts.len().to_string(),
    });
    parts.push(encoded(&TabPart {
        tab: 1,
        url: "about:blank".to_owned(),
        ..TabPart::default()
    })?);
    Ok(Taken {
        manifest,
        parts,
        left_out,
    })
}

fn encoded<T: Serialize>(part: &T) -> Result<Vec<u8>, Error> {
    manifest::encode(part).map_err(|err| bad(&err.to_string()))
}

fn bad(reason: &str) -> Error {
    store::Error::File {
        reason: format!("it is no storageState: {reason}"),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_can_not_be_taken_is_told_and_what_is_no_state_is_refused() {
        let taken = read(&json!({
            "cookies": [{ "name": "a", "value": "b", "domain": ".x.test", "path": "/", "expires": -1,
                "httpOnly": true, "secure": true, "sameSite": "None",
                "partitionKey": "https://top.test", "_crHasCrossSiteAncestor": true }],
            "origins": [
                { "origin": "https://x.test", "localStorage": [{ "name": "k", "value": "v" }],
                  "indexedDB": [{ "name": "d" }] },
                { "origin": "https://y.test", "localStorage": [], "indexedDB": [] },
            ],
            "later": 1,
        }))
        .unwrap();
        assert_eq!(
            taken.left_out,
            ["later", "indexedDB \"d\" of https://x.test"]
        );
        let jar: CookiesPart = serde_json::from_slice(&taken.parts[0]).unwrap();
        let cookie = &jar.cookies[0];
        assert_eq!((cookie.expires, cookie.http_only), (None, true));
        let partition = cookie.partition.as_ref().unwrap();
        assert!(
            partition.has_cross_site_ancestor && partition.top_level_site == "https://top.test"
        );
        assert_eq!(taken.manifest.origins.len(), 1);
        assert_eq!(taken.manifest.origins[0].storage_key, "https://x.test/");
        for wrong in [
            json!([1]),
            json!({ "cookies": 3 }),
            json!({ "cookies": [{ "name": "a" }] }),
            json!({ "origins": [{ "origin": "no" }] }),
            json!({ "origins": [{ "origin": "file:///etc" }] }),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
