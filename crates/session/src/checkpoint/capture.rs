//! Capture: from a living browser to a checkpoint in the store.
//!
//! Order matters here. The service processes are read before anything else and once more
//! right before the manifest is published: had one of them died in between, what was read may
//! be the emptied state, and the last good checkpoint must stay the newest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::{CheckpointId, Ctx, Private, SessionId, TabId};
use cdp::protocol::runtime;
use futures_util::{StreamExt, TryStreamExt, stream};
use page::Page;
use store::{BlobAddress, CheckpointRow, Unpublished};

use super::manifest::{
    self, CookiesPart, IndexedDbEntry, Items, Manifest, OriginEntry, OriginPart, SettingsPart,
    TabEntry, TabPart, kind,
};
use super::part::{cookies, form, history, indexed_db, scrolls, storage, zoom};
use super::shadow::{Area, Shadow};
use crate::Error;
use crate::aside::read_origin;
use crate::deps::Deps;
use crate::live::Live;
use crate::services::Service;
use crate::summary::CheckpointInfo;
use crate::tabs::Tabs;

/// How long a page is asked for its scroll position; a stuck one keeps its last known.
const SCROLL_LIMIT: Duration = Duration::from_millis(300);
/// How long localStorage may take to be read by another way than its page.
const HELD_LIMIT: Duration = Duration::from_secs(1);
/// How long one origin's databases may take to be read.
const INDEXED_DB_LIMIT: Duration = Duration::from_secs(3);
/// How often a page, or cookies and web storage, are read again because they changed meanwhile;
/// of what never rests the last look counts.
const MOST_LOOKS: u32 = 4;
/// How many parts are written at once.
const PUT_AT_ONCE: usize = 8;
/// The cause of what is kept before a restore.
pub(crate) const CAUSE_RESTORE: &str = "restore";

/// What a capture is of, and what for.
pub(crate) struct Order {
    /// The session.
    pub session: SessionId,
    /// Its generation.
    pub generation: u64,
    /// Its tabs in order.
    pub tabs: Vec<Source>,
    /// The table they are from.
    pub table: Tabs,
    /// The active one.
    pub active: Option<TabId>,
    /// Its web storage.
    pub shadow: Arc<Mutex<Shadow>>,
    /// What it is taken for.
    pub cause: String,
    /// Its name, if it was asked for by name.
    pub name: Option<String>,
    /// A version of its own, or the rolling latest.
    pub kept: bool,
    /// What it is told to be.
    pub settings: Arc<SettingsPart>,
    /// What the newest checkpoint holds: an equal one isn't written again.
    pub last: Option<Arc<Manifest>>,
}

/// One tab to be captured.
pub(crate) struct Source {
    /// The tab.
    pub id: TabId,
    /// The page it is read from.
    pub page: Option<Page>,
    /// What is known of it.
    pub known: TabPart,
    /// It is being made what is known of it, so that nothing else is true of it.
    pub filling: bool,
}

/// What came of a capture.
pub(crate) enum Captured {
    /// A checkpoint was published.
    Published(CheckpointInfo, Arc<Manifest>, Vec<TabPart>),
    /// Nothing has changed since the last one.
    Unchanged,
    /// A service process died: nothing of it may be believed.
    Discarded(Service),
}

/// Captures a session.
///
/// # Errors
/// Those of the browser and of the store; the last good checkpoint stays the newest.
///
/// # Cancel safety
/// Yes: parts without a manifest are swept later.
pub(crate) async fn capture(
    ctx: &Ctx,
    deps: &Deps,
    live: &Live,
    order: Order,
) -> Result<Captured, Error> {
    let writer = Writer {
        deps,
        session: order.session,
    };
    let in_pages = async {
        read_areas(ctx, live, &order).await;
        writer.read_indexed_db(ctx, live, &order).await
    };
    // At once: on a busy machine each answer takes its time, and what has changed is to be in
    // a checkpoint within a second.
    let (lost, tabs, read, first) = tokio::join!(
        live.services.check(ctx, &live.connection),
        read_tabs(ctx, &order),
        in_pages,
        look(ctx, live, &order.shadow),
    );
    if let Some(lost) = lost? {
        return Ok(Captured::Discarded(lost));
    }
    read?;
    let mut storage = read_storage(ctx, live, &order, first?).await?;
    let written = !lock(&order.shadow).indexed_db.changed().is_empty();
    if written || is_held(&order) {
        // Written after it was read: the rest is newer than it.
        read_areas(ctx, live, &order).await;
        writer.read_indexed_db(ctx, live, &order).await?;
        let first = look(ctx, live, &order.shadow).await?;
        storage = read_storage(ctx, live, &order, first).await?;
    }
    // All is read by now, so the services may be looked at while it is written.
    let (put, lost) = tokio::join!(
        writer.put_all(&order, storage, &tabs),
        live.services.check(ctx, &live.connection),
    );
    if let Some(lost) = lost? {
        return Ok(Captured::Discarded(lost));
    }
    let (manifest, parts, bytes) = put?;
    if !order.kept && order.last.as_deref() == Some(&manifest) {
        return Ok(Captured::Unchanged);
    }
    let before_restore = order.cause == CAUSE_RESTORE;
    let row = CheckpointRow {
        id: CheckpointId::new(),
        session: order.session,
        number: 0,
        name: order.name.map(Private::new),
        cause: order.cause,
        taken_at: deps.clock.wall(),
        generation: order.generation,
        bytes,
        kept: order.kept,
        manifest: manifest::encode(&manifest).map_err(unwritable)?,
        parts: parts.clone(),
    };
    let info = info(&row);
    deps.store
        .checkpoints()
        .publish(Unpublished { row, parts })
        .await
        .inspect_err(|_| lock(&order.shadow).indexed_db.doubt_all())?;
    // What was kept before a restore must not make the restored version one too many.
    if order.kept && !before_restore {
        thin(deps, order.session).await;
    }
    Ok(Captured::Published(info, Arc::new(manifest), tabs))
}

/// Removes the versions that the new one makes one too many.
async fn thin(deps: &Deps, session: SessionId) {
    let retentions = deps.store.retentions();
    let (retention, now) = (deps.config.retention, deps.clock.wall());
    if let Err(err) = retentions.thin(session, retention, now).await {
        // The new one is published all the same; the next collection tries again.
        tracing::warn!(%session, %err, "old checkpoints were not removed");
    }
}

/// Returns a checkpoint row's public face.
pub(crate) fn info(row: &CheckpointRow) -> CheckpointInfo {
    CheckpointInfo {
        id: row.id,
        name: row.name.clone(),
        cause: row.cause.clone(),
        taken_at: row.taken_at,
        bytes: row.bytes,
    }
}

async fn read_tabs(ctx: &Ctx, order: &Order) -> Vec<TabPart> {
    let tabs = order.tabs.iter().map(|source| async move {
        let tab = source.id;
        let mut part = TabPart {
            tab: tab.0,
            ..source.known.clone()
        };
        let Some(page) = &source.page else {
            return part;
        };
        for look in 1.. {
            read_page(ctx, page, &mut part).await;
            if *page.state().url.expose() == part.url {
                break;
            }
            // It went on meanwhile: what was read may be of either page.
            (part.form, part.scroll_x, part.scroll_y) = Default::default();
            (part.scrolls, part.zoom) = Default::default();
            if look == MOST_LOOKS {
                break;
            }
        }
        if order.table.get(tab).is_some_and(|tab| tab.history.due) {
            history::follow(&ctx.at_most(SCROLL_LIMIT), &order.table, tab).await;
        }
        if let Some(tab) = order.table.get(tab) {
            part.history = tab.known.history;
        }
        part
    });
    futures_util::future::join_all(tabs).await
}

/// Reads where the page is and what was done there; what it doesn't tell stays as it was known
/// of this URL.
async fn read_page(ctx: &Ctx, page: &Page, part: &mut TabPart) {
    let state = page.state();
    if part.url != *state.url.expose() {
        (part.form, part.scroll_x, part.scroll_y) = Default::default();
        (part.scrolls, part.zoom) = Default::default();
    }
    part.url = state.url.expose().clone();
    part.title = state.title.expose().clone();
    // At once, so that a page that is stuck costs a capture the time of one answer only.
    let step = ctx.at_most(SCROLL_LIMIT);
    let (scroll, zoom, scrolls, form) = tokio::join!(
        page.scroll_position(&step),
        zoom::read(&step, page.session()),
        scrolls::capture(&step, page),
        form::capture(&step, page),
    );
    if let Ok((x, y)) = scroll {
        (part.scroll_x, part.scroll_y) = (x, y);
    }
    if let Ok(zoom) = zoom {
        // As a part that tells of none is read back.
        part.zoom = if zoom::is_none(&zoom) { 0.0 } else { zoom };
    }
    if let Some(scrolls) = scrolls {
        part.scrolls = scrolls;
    }
    if let Some(form) = form {
        part.form = form;
    }
}

/// Tells whether a page that a dialog holds has storage that is in doubt.
fn is_held(order: &Order) -> bool {
    let pages = order.tabs.iter().filter_map(|tab| tab.page.as_ref());
    pages
        .filter(|page| page.state().dialog.is_some())
        .flat_map(storage::local_areas)
        .any(|area| lock(&order.shadow).is_unread(&area))
}

/// Reads the areas whose picture is in doubt; for a kept version every open one.
async fn read_areas(ctx: &Ctx, live: &Live, order: &Order) {
    for Source { id, page, .. } in &order.tabs {
        let Some(page) = page else { continue };
        if page.state().dialog.is_some() {
            read_held(ctx, live, order, page).await;
            continue;
        }
        let step = ctx.at_most(SCROLL_LIMIT);
        for storage::Open { area, session } in
            storage::open_areas(&step, *id, page, storage::Which::All).await
        {
            let wanted = {
                let mut shadow = lock(&order.shadow);
                let wanted = shadow.opened(&area) || order.kept;
                if wanted {
                    shadow.read_begins(&area);
                }
                wanted
            };
            if wanted {
                let step = ctx.at_most(SCROLL_LIMIT);
                let items = storage::read(&step, &session, &area).await.ok();
                lock(&order.shadow).read_ended(&area, items);
            }
        }
    }
}

/// Reads the localStorage of a page that answers nothing because a dialog holds it.
async fn read_held(ctx: &Ctx, live: &Live, order: &Order, page: &Page) {
    for area in storage::local_areas(page) {
        {
            let mut shadow = lock(&order.shadow);
            if !shadow.is_unread(&area) {
                continue;
            }
            shadow.read_begins(&area);
        }
        let step = ctx.at_most(HELD_LIMIT);
        let items = read_origin(&step, live, &order.table, &area.storage_key).await;
        if let Err(err) = &items {
            tracing::debug!(%err, "the storage of a page behind a dialog could not be read");
        }
        lock(&order.shadow).read_ended(&area, items.ok().flatten());
    }
}

struct Writer<'a> {
    deps: &'a Deps,
    session: SessionId,
}

impl Writer<'_> {
    async fn put<T: serde::Serialize>(&self, kind: &str, part: &T) -> Result<Stored, Error> {
        let canonical = manifest::encode(part).map_err(unwritable)?;
        self.put_bytes(kind, canonical).await
    }

    /// Stores parts, some at a time: each waits for the disk.
    async fn put_each<T: serde::Serialize>(
        &self,
        kind: &str,
        parts: &[T],
    ) -> Result<Vec<Stored>, Error> {
        let canonical: Result<Vec<_>, _> = parts.iter().map(manifest::encode).collect();
        let puts = canonical.map_err(unwritable)?.into_iter();
        let puts: Vec<_> = puts.map(|part| self.put_bytes(kind, part)).collect();
        stream::iter(puts).buffered(PUT_AT_ONCE).try_collect().await
    }

    async fn put_bytes(&self, kind: &str, canonical: Vec<u8>) -> Result<Stored, Error> {
        let blobs = self.deps.store.blobs();
        Ok(Stored {
            address: blobs.put(self.session, kind, &canonical).await?,
            bytes: canonical.len() as u64,
        })
    }

    /// Reads the databases that have changed; of what can't be read the last picture stays.
    async fn read_indexed_db(&self, ctx: &Ctx, live: &Live, order: &Order) -> Result<(), Error> {
        let changed = lock(&order.shadow).indexed_db.changed();
        for (storage_key, number) in changed {
            let step = ctx.at_most(INDEXED_DB_LIMIT);
            let read = indexed_db::read(&step, live, &order.table, &storage_key).await;
            let databases = match read {
                Ok(Some(databases)) => databases,
                Ok(None) => {
                    let mut shadow = lock(&order.shadow);
                    shadow.indexed_db.unreadable(&storage_key, number);
                    continue;
                }
                Err(err) => {
                    lock(&order.shadow).indexed_db.failed(&storage_key);
                    if err.is_loss() {
                        return Err(err);
                    }
                    tracing::warn!(%err, "an origin's databases could not be read");
                    continue;
                }
            };
            if databases.databases.is_empty() && !databases.lost.is_empty() {
                let mut shadow = lock(&order.shadow);
                shadow.indexed_db.unreadable(&storage_key, number);
                continue;
            }
            let mut entry = IndexedDbEntry {
                storage_key,
                lost: databases.lost.clone(),
                ..IndexedDbEntry::default()
            };
            if !databases.databases.is_empty() {
                let stored = self.put(kind::INDEXED_DB, &databases).await?;
                entry.part = stored.address.to_string();
                entry.bytes = stored.bytes;
            }
            lock(&order.shadow).indexed_db.read(entry, number);
        }
        Ok(())
    }

    async fn put_all(
        &self,
        order: &Order,
        storage: Storage,
        tabs: &[TabPart],
    ) -> Result<(Manifest, Vec<BlobAddress>, u64), Error> {
        let Storage {
            jar,
            origins,
            mut of_tabs,
        } = storage;
        let of_tabs = order.tabs.iter().zip(tabs).map(|(source, tab)| {
            let told = of_tabs.remove(&tab.tab).unwrap_or_default();
            TabPart {
                session_storage: match source.filling {
                    true => source.known.session_storage.clone(),
                    false => told,
                },
                session_storage_doubtful: lock(&order.shadow).doubtful_of(TabId(tab.tab)),
                ..tab.clone()
            }
        });
        let of_tabs: Vec<TabPart> = of_tabs.collect();
        let told: Vec<&SettingsPart> = match order.settings.is_nothing() {
            true => vec![],
            false => vec![&order.settings],
        };
        let (jar, settings, of_origins, of_tabs) = tokio::try_join!(
            self.put(kind::COOKIES, &jar),
            self.put_each(kind::SETTINGS, &told),
            self.put_each(kind::ORIGIN, &origins),
            self.put_each(kind::TAB, &of_tabs),
        )?;
        let name = |stored: &Stored| stored.address.to_string();
        let origins = origins.into_iter().zip(&of_origins);
        let tabs = tabs.iter().zip(&of_tabs);
        let (databases, databases_over) = {
            let shadow = lock(&order.shadow);
            (shadow.indexed_db.entries(), shadow.indexed_db.is_over())
        };
        let stored = [&jar]
            .into_iter()
            .chain(&of_origins)
            .chain(&settings)
            .chain(&of_tabs);
        let (mut parts, mut bytes) = (vec![], 0);
        for stored in stored {
            parts.push(stored.address);
            bytes += stored.bytes;
        }
        for entry in &databases {
            parts.extend(entry.part.parse::<BlobAddress>().ok());
            bytes += entry.bytes;
        }
        let manifest = Manifest {
            version: manifest::VERSION,
            generation: order.generation,
            active: order.active.map(|tab| tab.0),
            cookies: Some(name(&jar)),
            settings: settings.first().map(name),
            origins: origins
                .map(|(part, stored)| OriginEntry {
                    storage_key: part.storage_key,
                    part: name(stored),
                })
                .collect(),
            indexed_db: databases,
            indexed_db_over: databases_over,
            tabs: tabs
                .map(|(tab, stored)| TabEntry {
                    tab: tab.tab,
                    part: name(stored),
                })
                .collect(),
        };
        Ok((manifest, parts, bytes))
    }
}

/// A part that is in the store.
struct Stored {
    address: BlobAddress,
    bytes: u64,
}

type OfTabs = BTreeMap<u32, BTreeMap<String, Items>>;

/// Cookies and web storage of one moment.
struct Storage {
    jar: CookiesPart,
    origins: Vec<OriginPart>,
    of_tabs: OfTabs,
}

/// The jar, and how often the picture of web storage had changed before it was read.
type Look = (u64, CookiesPart);

async fn look(ctx: &Ctx, live: &Live, shadow: &Mutex<Shadow>) -> Result<Look, Error> {
    let seen = lock(shadow).changes();
    Ok((seen, cookies::capture(ctx, &live.connection).await?))
}

/// Reads the jar until neither it nor the picture of web storage has changed since the last
/// look: a page that writes both at once must not come back with one of them older.
async fn read_storage(
    ctx: &Ctx,
    live: &Live,
    order: &Order,
    (mut seen, mut jar): Look,
) -> Result<Storage, Error> {
    let shadow = &order.shadow;
    let pages = order.tabs.iter().filter_map(|tab| tab.page.as_ref());
    let mut pages: Vec<&Page> = pages.collect();
    let mut looks = 1;
    loop {
        rest(ctx, &mut pages).await;
        // What a page wrote before the first look is told by events that came by the second.
        let again = cookies::capture(ctx, &live.connection).await?;
        looks += 1;
        let shadow = lock(shadow);
        if (seen == shadow.changes() && jar == again) || MOST_LOOKS <= looks {
            let (origins, of_tabs) = split(&shadow);
            return Ok(Storage {
                jar: again,
                origins,
                of_tabs,
            });
        }
        (seen, jar) = (shadow.changes(), again);
    }
}

/// Waits until every page has come to the end of the script that it is at: in the middle of one
/// its cookies may be written and its storage not yet.
///
/// One that is busy for longer is taken as it is, and not asked again.
async fn rest(ctx: &Ctx, pages: &mut Vec<&Page>) {
    let look = runtime::Evaluate {
        expression: "0".to_owned(),
        ..Default::default()
    };
    let step = ctx.at_most(SCROLL_LIMIT);
    pages.retain(|page| page.state().dialog.is_none());
    let answers = pages.iter().map(|page| page.session().call(&step, &look));
    let mut answers = futures_util::future::join_all(answers).await.into_iter();
    pages.retain(|_| answers.next().is_some_and(|answer| answer.is_ok()));
}

/// Returns the shadow's picture as parts: per origin, and per tab.
fn split(shadow: &Shadow) -> (Vec<OriginPart>, OfTabs) {
    let mut origins = vec![];
    let mut tabs = OfTabs::new();
    for (Area { storage_key, tab }, items) in shadow.areas() {
        if items.is_empty() {
            continue;
        }
        match tab {
            Some(tab) => {
                tabs.entry(tab.0)
                    .or_default()
                    .insert(storage_key.clone(), items.clone());
            }
            None => {
                let storage_key = storage_key.clone();
                origins.push(OriginPart {
                    storage_key,
                    local: items.clone(),
                });
            }
        }
    }
    (origins, tabs)
}

fn lock(shadow: &Mutex<Shadow>) -> std::sync::MutexGuard<'_, Shadow> {
    shadow.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unwritable(err: serde_json::Error) -> Error {
    Error::Checkpoint {
        reason: err.to_string(),
    }
}
