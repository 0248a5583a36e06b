//! Web storage: localStorage of every origin visited, sessionStorage of every tab.
//!
//! What it can't bring back: sessionStorage written while a page leaves for another site, and
//! what a frame of another site writes while its page leaves it.

use base::{Ctx, TabId};
use cdp::Session;
use cdp::protocol::dom_storage as wire;
use page::Page;

use crate::Error;
use crate::checkpoint::manifest::Items;
use crate::checkpoint::place::place_of;
use crate::checkpoint::shadow::Area;

/// An area that is open in a page, and the session it is reached by.
pub(crate) struct Open {
    /// The area.
    pub area: Area,
    /// The session of the page, or of the frame whose it is.
    pub session: Session,
}

/// Which of the open areas are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// Those of frames that have come or gone on since they were asked for so.
    NewFrames,
}

/// Returns the storage areas that are open in a page and in its frames.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn open_areas(ctx: &Ctx, tab: TabId, page: &Page, which: Which) -> Vec<Open> {
    let own = match which {
        Which::All => page.frames(),
        Which::NewFrames if page.take_new_frames() => page.frames(),
        Which::NewFrames => vec![],
    };
    let shown = storage_key_of(page.state().url.expose());
    let own = own.into_iter().filter_map(|frame| {
        let storage_key = storage_key_of(frame.url.expose())?;
        // The page's own is followed since it came.
        let wanted = which == Which::All || Some(&storage_key) != shown.as_ref();
        wanted.then(|| (storage_key, page.session().clone()))
    });
    let apart = page.storage_apart(ctx, which == Which::NewFrames).await;
    // What has no place can't be brought back, and is gone with its document in any case.
    let apart = apart
        .into_iter()
        .filter(|open| place_of(&open.storage_key).is_some())
        .map(|open| (open.storage_key, open.session));
    let mut areas: Vec<Open> = vec![];
    for (storage_key, session) in own.chain(apart) {
        for tab in [None, Some(tab)] {
            let area = Area {
                storage_key: storage_key.clone(),
                tab,
            };
            if !areas.iter().any(|open| open.area == area) {
                let session = session.clone();
                areas.push(Open { area, session });
            }
        }
    }
    areas
}

/// Returns the localStorage areas of a page and of the frames in its process, which are known
/// without asking it.
pub(crate) fn local_areas(page: &Page) -> Vec<Area> {
    let urls = page.frames().into_iter().map(|frame| frame.url);
    let urls = urls.chain([page.state().url]);
    let mut areas: Vec<Area> = vec![];
    for storage_key in urls.filter_map(|url| storage_key_of(url.expose())) {
        let area = Area {
            storage_key,
            tab: None,
        };
        if !areas.contains(&area) {
            areas.push(area);
        }
    }
    areas
}

/// Returns the storage key of a first-party document at this URL, if it has storage.
pub(crate) fn storage_key_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    matches!(url.scheme(), "http" | "https")
        .then(|| format!("{}/", url.origin().ascii_serialization()))
}

/// Reads one area through the session of a page it is open in.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn read(ctx: &Ctx, session: &Session, area: &Area) -> Result<Items, Error> {
    let get = wire::GetDOMStorageItems {
        storage_id: storage_id(area),
    };
    let reply = session.call(ctx, &get).await?;
    Ok(reply.entries.into_iter().filter_map(pair).collect())
}

/// Writes one area through the session of a page it is open in.
///
/// # Cancel safety
/// Some of the items may be written.
pub(crate) async fn write(
    ctx: &Ctx,
    session: &Session,
    area: &Area,
    items: &Items,
) -> Result<(), Error> {
    for (key, value) in items {
        let set = wire::SetDOMStorageItem {
            storage_id: storage_id(area),
            key: key.clone(),
            value: value.clone(),
        };
        session.call(ctx, &set).await?;
    }
    Ok(())
}

/// Returns a script for a stub that fills its origin's storage and tells whether all is there.
pub(crate) fn seed_script(local: Option<&Items>, session: Option<&Items>) -> String {
    // As text to be parsed: in an object literal the key `__proto__` would not be an item.
    let literal = |items: Option<&Items>| {
        let json = serde_json::to_string(&items).unwrap_or_else(|_| "null".to_owned());
        serde_json::to_string(&json).unwrap_or_else(|_| "'null'".to_owned())
    };
    format!(
        "const put = (area, items) => {{ \
           if (items === null) return true; \
           area.clear(); \
           for (const [key, value] of Object.entries(items)) area.setItem(key, value); \
           return area.length === Object.keys(items).length \
             && Object.entries(items).every(([key, value]) => area.getItem(key) === value); \
         }}; \
         return JSON.stringify([put(localStorage, JSON.parse({})), \
           put(sessionStorage, JSON.parse({}))]);",
        literal(local),
        literal(session),
    )
}

/// A script for a stub that returns its origin's localStorage.
pub(crate) const READ_SCRIPT: &str = "return JSON.stringify(Object.fromEntries(\
    Array.from({length: localStorage.length}, (_, n) => localStorage.key(n))\
    .map(key => [key, localStorage.getItem(key)])));";

fn storage_id(area: &Area) -> wire::StorageId {
    wire::StorageId {
        storage_key: Some(area.storage_key.clone()),
        is_local_storage: area.tab.is_none(),
        ..Default::default()
    }
}

fn pair(item: Vec<String>) -> Option<(String, String)> {
    let mut item = item.into_iter();
    Some((item.next()?, item.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_have_storage() {
        assert_eq!(
            storage_key_of("https://a.test/x?y").as_deref(),
            Some("https://a.test/")
        );
        assert_eq!(
            storage_key_of("http://a.test:81/").as_deref(),
            Some("http://a.test:81/")
        );
        assert_eq!(storage_key_of("about:blank"), None);
        assert_eq!(storage_key_of("data:text/html,x"), None);
    }
}
