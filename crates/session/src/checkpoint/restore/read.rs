//! Reading a checkpoint from the store, whole or not at all.

use std::sync::Arc;

use base::{CheckpointId, SessionId};
use store::{BlobAddress, CheckpointRow};

use crate::Error;
use crate::checkpoint::manifest::{CookiesPart, Manifest, OriginPart, SettingsPart, TabPart, kind};
use crate::checkpoint::part::indexed_db;
use crate::deps::Deps;

/// A checkpoint's content, read and checked.
pub(crate) struct Content {
    /// Its row.
    pub row: CheckpointRow,
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// The cookies.
    pub cookies: CookiesPart,
    /// localStorage per origin.
    pub origins: Vec<OriginPart>,
    /// IndexedDB by storage key.
    pub databases: Vec<(String, indexed_db::Databases)>,
    /// What the session was told to be.
    pub settings: SettingsPart,
    /// The tabs in order.
    pub tabs: Vec<TabPart>,
    /// Whether a newer one is damaged, and was passed over.
    pub passed_over: bool,
}

/// How often the checkpoints are listed anew because one of them was replaced meanwhile.
const MOST_READS: u32 = 5;

/// Reads the newest checkpoint of a session that can be read, `from` first.
///
/// A damaged one is named in the log, stays where it is, and is passed over.
///
/// # Errors
/// The error of `from` if no other can be read either.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn read(
    deps: &Deps,
    session: SessionId,
    from: CheckpointId,
) -> Result<Content, Error> {
    let checkpoints = deps.store.checkpoints();
    let mut first = None;
    for _ in 0..MOST_READS {
        let listed = checkpoints.list(session).await?;
        let (mut rows, damaged) = (listed.rows, listed.damaged);
        // Newest first, and `from` before all: it is the one the state names.
        rows.sort_by_key(|row| (row.id != from, std::cmp::Reverse(row.number)));
        let mut replaced = false;
        for row in rows.clone() {
            let id = row.id;
            match read_one(deps, row).await {
                Ok(mut content) => {
                    // Ids rise with time.
                    let id = id.to_string();
                    content.passed_over = first.is_some()
                        || damaged.iter().any(|damaged| id < damaged.id)
                        || has_damaged_newer(deps, &content.row, rows).await;
                    return Ok(content);
                }
                // A rolling one that a newer one took the place of meanwhile isn't damaged.
                Err(_) if checkpoints.get(id).await.is_ok_and(|row| row.is_none()) => {
                    replaced = true;
                    break;
                }
                Err(err) => {
                    tracing::warn!(checkpoint = %id, %err, "checkpoint is damaged; trying an older one");
                    first.get_or_insert(err);
                }
            }
        }
        if !replaced {
            break;
        }
    }
    Err(first.unwrap_or(Error::CheckpointNotFound { id: from }))
}

async fn has_damaged_newer(deps: &Deps, used: &CheckpointRow, rows: Vec<CheckpointRow>) -> bool {
    for row in rows {
        let (id, is_newer) = (row.id, used.number < row.number);
        // One that was replaced meanwhile isn't damaged.
        if is_newer
            && read_one(deps, row).await.is_err()
            && !matches!(deps.store.checkpoints().get(id).await, Ok(None))
        {
            return true;
        }
    }
    false
}

/// Reads one checkpoint and no other.
///
/// # Errors
/// Those of the store; [`Error::Checkpoint`] if its content can't be.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn read_one(deps: &Deps, row: CheckpointRow) -> Result<Content, Error> {
    let manifest: Manifest = parse(&row.manifest)?;
    let part = async |kind: &str, address: &str| {
        let address: BlobAddress = address
            .parse()
            .map_err(|_| unreadable("a part's address is malformed"))?;
        Ok::<_, Error>(deps.store.blobs().get(row.session, kind, address).await?)
    };
    let cookies = match &manifest.cookies {
        Some(address) => parse(&part(kind::COOKIES, address).await?)?,
        None => CookiesPart::default(),
    };
    let mut origins = vec![];
    for entry in &manifest.origins {
        origins.push(parse(&part(kind::ORIGIN, &entry.part).await?)?);
    }
    let mut databases = vec![];
    for entry in manifest
        .indexed_db
        .iter()
        .filter(|entry| !entry.part.is_empty())
    {
        let bytes = part(kind::INDEXED_DB, &entry.part).await?;
        databases.push((entry.storage_key.clone(), parse(&bytes)?));
    }
    let settings = match &manifest.settings {
        Some(address) => parse(&part(kind::SETTINGS, address).await?)?,
        None => SettingsPart::default(),
    };
    let mut tabs = vec![];
    for entry in &manifest.tabs {
        tabs.push(parse(&part(kind::TAB, &entry.part).await?)?);
    }
    Ok(Content {
        manifest: Arc::new(manifest),
        cookies,
        origins,
        databases,
        settings,
        tabs,
        row,
        passed_over: false,
    })
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|err| unreadable(&err.to_string()))
}

fn unreadable(reason: &str) -> Error {
    Error::Checkpoint {
        reason: reason.to_owned(),
    }
}
