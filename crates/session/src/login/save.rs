//! Saving a login: from a tab that shows its origin to the store.
//!
//! Storage is read by the storage key of the document that is there, so it can't be that of
//! another origin. As with a capture, a browser whose services died meanwhile isn't believed.

use base::{CheckpointId, Ctx, Part, Private, SessionId, TabId};
use page::Page;
use store::{BlobAddress, CheckpointRow, EXPLICIT, LOGIN, Making, Shelf, Unpublished, Whose};

use super::content::{self, LoginManifest, LoginStorage, STORAGE, VERSION};
use super::origin::{belongs, origin};
use super::{SaveLogin, SavedLogin};
use crate::Error;
use crate::call::{Bench, Pending, record};
use crate::checkpoint::manifest::{self, CookiesPart, IndexedDbEntry, kind};
use crate::checkpoint::part::indexed_db::Databases;
use crate::checkpoint::part::{cookies, indexed_db, storage};
use crate::checkpoint::shadow::Area;

/// How often it is begun anew because the shelf came or went meanwhile.
const MOST_TRIES: u32 = 5;

/// How often cookies and web storage are read again because they changed meanwhile; of what
/// never rests the last look counts.
const MOST_LOOKS: u32 = 4;

/// What an origin holds.
struct Held {
    cookies: CookiesPart,
    storage: LoginStorage,
    databases: Databases,
}

/// Saves what the origin that a tab shows holds.
///
/// # Errors
/// [`Error::OtherOrigin`] if the tab is elsewhere than asked for, `dialog_open`, and those of
/// the browser and the store. Nothing is saved then.
///
/// # Cancel safety
/// It may be saved all the same.
pub(crate) async fn save(
    bench: &Bench,
    pending: &Pending,
    page: &Page,
    tab: TabId,
    asked: &SaveLogin,
) -> Result<SavedLogin, Error> {
    let (ctx, live) = (&pending.ctx, &bench.live);
    if live.is_attached() {
        return Err(Error::NotOfAttached { what: "a login" });
    }
    let state = page.state();
    if let Some(dialog) = state.dialog {
        return Err(page::Error::DialogOpen(dialog).into());
    }
    let here = storage::storage_key_of(state.url.expose());
    let wanted = asked.origin.as_ref().map(|text| origin(text.expose()));
    let storage_key = on(here, wanted.transpose()?)?;
    let lost = live.services.check(ctx, &live.connection).await?;
    if let Some(service) = lost {
        return Err(Error::StateLost { service });
    }
    let held = read(bench, ctx, page, tab, &storage_key).await?;
    let lost = live.services.check(ctx, &live.connection).await?;
    if let Some(service) = lost {
        return Err(Error::StateLost { service });
    }
    record(bench, pending, None, None).await?;
    keep(bench, ctx, &storage_key, held, asked).await
}

/// Returns the storage key to save: that of the page, if it is the one that is wanted.
fn on(here: Option<String>, wanted: Option<String>) -> Result<String, Error> {
    let other = |here: Option<&String>| Error::OtherOrigin {
        wanted: wanted.clone(),
        here: here.map(|key| key.trim_end_matches('/').to_owned()),
    };
    let Some(key) = here else {
        return Err(other(None));
    };
    match &wanted {
        Some(wanted) if key.trim_end_matches('/') != wanted => Err(other(Some(&key))),
        _ => Ok(key),
    }
}

/// Reads what the origin holds, until its cookies and web storage are of one moment.
async fn read(
    bench: &Bench,
    ctx: &Ctx,
    page: &Page,
    tab: TabId,
    storage_key: &str,
) -> Result<Held, Error> {
    let databases = indexed_db::read(ctx, &bench.live, &bench.tabs, storage_key).await?;
    let mut seen = look(bench, ctx, page, tab, storage_key).await?;
    for _ in 1..MOST_LOOKS {
        let again = look(bench, ctx, page, tab, storage_key).await?;
        let rests = again == seen;
        seen = again;
        if rests {
            break;
        }
    }
    let (cookies, storage) = seen;
    Ok(Held {
        cookies,
        storage,
        databases: databases.unwrap_or_default(),
    })
}

async fn look(
    bench: &Bench,
    ctx: &Ctx,
    page: &Page,
    tab: TabId,
    storage_key: &str,
) -> Result<(CookiesPart, LoginStorage), Error> {
    let area = |tab| Area {
        storage_key: storage_key.to_owned(),
        tab,
    };
    let (local, session) = (area(None), area(Some(tab)));
    let areas = futures_util::future::try_join(
        storage::read(ctx, page.session(), &local),
        storage::read(ctx, page.session(), &session),
    );
    // A document that is sandboxed has the address of an origin, and none of its storage.
    let (local, session) = areas.await.map_err(|err| match err {
        Error::Cdp(err) if matches!(*err, cdp::Error::Protocol { .. }) => Error::OtherOrigin {
            wanted: Some(storage_key.trim_end_matches('/').to_owned()),
            here: None,
        },
        err => err,
    })?;
    let mut cookies = cookies::capture(ctx, &bench.live.connection).await?;
    let origin = storage_key.trim_end_matches('/');
    cookies.cookies.retain(|cookie| belongs(cookie, origin));
    Ok((cookies, LoginStorage { local, session }))
}

/// Puts the parts and publishes the login, on the shelf there is or on a new one.
async fn keep(
    bench: &Bench,
    ctx: &Ctx,
    storage_key: &str,
    held: Held,
    asked: &SaveLogin,
) -> Result<SavedLogin, Error> {
    let deps = &bench.deps;
    let origin = storage_key.trim_end_matches('/');
    let mut tries = 1;
    let (shelf, row) = loop {
        let (shelf, making) = shelf(bench, &asked.profile, origin).await?;
        let (manifest, parts, bytes) = put_all(bench, &shelf, storage_key, &held).await?;
        let row = CheckpointRow {
            id: CheckpointId::new(),
            session: shelf.id,
            number: 0,
            name: asked.name.clone().map(Private::new),
            cause: asked.name.as_ref().map_or(LOGIN, |_| EXPLICIT).to_owned(),
            taken_at: deps.clock.wall(),
            generation: 0,
            bytes,
            kept: true,
            manifest: manifest::encode(&manifest).map_err(unwritable)?,
            parts: parts.clone(),
        };
        let version = Unpublished {
            row: row.clone(),
            parts,
        };
        match deps.store.logins().publish_login(&shelf, version).await {
            Ok(_) => {
                making.done();
                break (shelf, row);
            }
            // Somebody else kept the first login of this origin at the same time.
            Err(store::Error::Exists { .. })
                if tries < MOST_TRIES && !ctx.remaining().is_zero() =>
            {
                tries += 1;
            }
            Err(err) => return Err(err.into()),
        }
    };
    let (retention, now) = (deps.config.retention, deps.clock.wall());
    if let Err(err) = deps.store.retentions().thin(shelf.id, retention, now).await {
        // The new one is there all the same; the next collection tries again.
        tracing::warn!(%err, "old logins were not removed");
    }
    let lost = held
        .databases
        .lost
        .iter()
        .filter_map(|word| word.parse().ok());
    let lost: Vec<Part> = lost.chain([Part::ServiceWorkers]).collect();
    Ok(SavedLogin {
        login: content::info(&shelf, &row),
        cookies: held.cookies.cookies.len(),
        lost,
    })
}

/// Returns the shelf to put on, and what keeps what is put from removal.
///
/// A shelf goes with its last login, and its data key with the next collection. So it is looked
/// for once more when nothing can be collected of it any more.
async fn shelf(bench: &Bench, profile: &str, origin: &str) -> Result<(Shelf, Making), Error> {
    let store = &bench.deps.store;
    loop {
        let Some(shelf) = store.logins().shelf(profile, origin).await? else {
            let shelf = Shelf {
                id: SessionId::new(),
                profile: profile.to_owned(),
                origin: origin.to_owned().into(),
            };
            let making = store.blobs().making(shelf.id, Whose::New);
            return Ok((shelf, making));
        };
        let making = store.blobs().making(shelf.id, Whose::Known);
        if store.logins().shelf(profile, origin).await?.as_ref() == Some(&shelf) {
            return Ok((shelf, making));
        }
    }
}

async fn put_all(
    bench: &Bench,
    shelf: &Shelf,
    storage_key: &str,
    held: &Held,
) -> Result<(LoginManifest, Vec<BlobAddress>, u64), Error> {
    let (mut parts, mut bytes) = (vec![], 0);
    let mut put = async |kind: &str, part: serde_json::Result<Vec<u8>>| {
        let canonical = part.map_err(unwritable)?;
        let address = bench.deps.store.blobs().put(shelf.id, kind, &canonical);
        let address = address.await?;
        bytes += canonical.len() as u64;
        parts.push(address);
        Ok::<_, Error>((address.to_string(), canonical.len() as u64))
    };
    let (cookies, _) = put(kind::COOKIES, manifest::encode(&held.cookies)).await?;
    let (storage, _) = put(STORAGE, manifest::encode(&held.storage)).await?;
    let mut entry = IndexedDbEntry {
        storage_key: storage_key.to_owned(),
        lost: held.databases.lost.clone(),
        ..IndexedDbEntry::default()
    };
    if !held.databases.databases.is_empty() {
        let part = manifest::encode(&held.databases);
        (entry.part, entry.bytes) = put(kind::INDEXED_DB, part).await?;
    }
    let manifest = LoginManifest {
        version: VERSION,
        origin: storage_key.trim_end_matches('/').to_owned(),
        cookies,
        storage,
        indexed_db: Some(entry),
    };
    Ok((manifest, parts, bytes))
}

fn unwritable(err: serde_json::Error) -> Error {
    Error::Checkpoint {
        reason: err.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_of_another_origin_than_the_tab_is_on_is_refused() {
        let key = || Some("https://a.test/".to_owned());
        let wanted = |origin: &str| Some(origin.to_owned());
        assert_eq!(on(key(), None).unwrap(), "https://a.test/");
        assert_eq!(
            on(key(), wanted("https://a.test")).unwrap(),
            "https://a.test/"
        );
        for refused in [
            on(key(), wanted("https://b.test")),
            on(key(), wanted("http://a.test")),
            on(key(), wanted("https://a.test:81")),
            on(None, wanted("https://a.test")),
            on(None, None),
        ] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), base::Code::InvalidArgument, "{refused}");
            assert!(refused.hint().is_some());
        }
    }
}
