//! What is stored of a login, and reading it back whole or not at all.

use std::fmt;

use serde::{Deserialize, Serialize};
use store::{BlobAddress, CheckpointRow, Shelf};

use super::LoginInfo;
use crate::Error;
use crate::checkpoint::manifest::{CookiesPart, IndexedDbEntry, Items, kind};
use crate::checkpoint::part::indexed_db::Databases;
use crate::deps::Deps;

/// The kind of [`LoginStorage`], bound into its seal.
pub(super) const STORAGE: &str = "login";
/// The format this version writes.
pub(super) const VERSION: u16 = 1;

/// What holds a login together. Fields are only ever added, each with a default.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LoginManifest {
    /// The format's version.
    pub version: u16,
    /// The origin it is of.
    pub origin: String,
    /// The address of the cookies.
    pub cookies: String,
    /// The address of the web storage.
    pub storage: String,
    /// Where the databases are, and what isn't among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_db: Option<IndexedDbEntry>,
}

/// An origin's web storage.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LoginStorage {
    /// localStorage.
    pub local: Items,
    /// sessionStorage of the tab it was saved from.
    pub session: Items,
}

/// A login, read and checked.
#[derive(Clone)]
pub struct Login {
    pub(super) origin: String,
    pub(super) cookies: CookiesPart,
    pub(super) storage: LoginStorage,
    pub(super) databases: Databases,
    /// The words for what isn't among them.
    pub(super) lost: Vec<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

impl Login {
    pub(super) fn storage_key(&self) -> String {
        format!("{}/", self.origin)
    }
}

/// Returns a login's public face.
pub(crate) fn info(shelf: &Shelf, row: &CheckpointRow) -> LoginInfo {
    LoginInfo {
        id: row.id,
        profile: shelf.profile.clone(),
        origin: shelf.origin.clone(),
        name: row.name.clone(),
        taken_at: row.taken_at,
        bytes: row.bytes,
    }
}

/// Returns the shelf of a profile and an origin with its versions, newest first.
///
/// # Errors
/// [`Error::NoLogin`], and those of the store.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn find(
    deps: &Deps,
    profile: &str,
    origin: &str,
) -> Result<(Shelf, Vec<CheckpointRow>), Error> {
    let none = || Error::NoLogin {
        profile: profile.to_owned(),
        origin: origin.to_owned(),
    };
    let shelf = deps.store.logins().shelf(profile, origin).await?;
    let shelf = shelf.ok_or_else(none)?;
    let listed = deps.store.checkpoints().list(shelf.id).await?;
    for damaged in listed.damaged {
        tracing::error!(id = %damaged.id, reason = %damaged.reason, "a login is damaged");
    }
    Ok((shelf, listed.rows))
}

/// Reads one login.
///
/// # Errors
/// Those of the store; [`Error::Checkpoint`] if its content can't be used.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn read(deps: &Deps, shelf: &Shelf, row: &CheckpointRow) -> Result<Login, Error> {
    let manifest: LoginManifest = parse(&row.manifest)?;
    if VERSION < manifest.version {
        return Err(unusable("a later version of browserd has written it"));
    }
    if manifest.origin != *shelf.origin.expose() {
        return Err(unusable("it is of another origin"));
    }
    let part = async |kind: &str, address: &str| {
        let address: BlobAddress = address
            .parse()
            .map_err(|_| unusable("a part's address is malformed"))?;
        Ok::<_, Error>(deps.store.blobs().get(shelf.id, kind, address).await?)
    };
    let cookies = parse(&part(kind::COOKIES, &manifest.cookies).await?)?;
    let storage = parse(&part(STORAGE, &manifest.storage).await?)?;
    let mut databases = Databases::default();
    let entry = manifest.indexed_db.unwrap_or_default();
    if !entry.part.is_empty() {
        databases = parse(&part(kind::INDEXED_DB, &entry.part).await?)?;
    }
    Ok(Login {
        origin: manifest.origin,
        cookies,
        storage,
        databases,
        lost: entry.lost,
    })
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|err| unusable(&err.to_string()))
}

fn unusable(reason: &str) -> Error {
    Error::Checkpoint {
        reason: reason.to_owned(),
    }
}
