//! Restore: from a checkpoint to a new browser that holds the session's state.
//!
//! ```text
//! cookies ──▶ per tab, all at once: stub per origin (localStorage, sessionStorage)
//!                                   ──▶ the real page ──▶ scroll ──▶ read back
//! ```
//!
//! Everything is in place before the first real load, so no page ever sees itself logged out.
//! Each origin's localStorage is seeded by one tab, the one that shows it if there is one; no
//! tab loads its real page before all are seeded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{CheckpointId, Ctx, Part, SessionId, TabId};
use cdp::protocol::page as wire;
use cdp::protocol::{storage as storage_wire, target};
use page::{Gate, Navigate, Page};
use store::{BlobAddress, CheckpointRow};

use super::manifest::{CookiesPart, Items, Manifest, OriginPart, TabPart, kind, origin_of};
use super::part::{cookies, form, indexed_db, storage};
use crate::Error;
use crate::deps::Deps;
use crate::live::Live;
use crate::stub::Stub;
use crate::tabs::Tabs;

/// How long one tab's real page may take to load before the session goes on without.
const LOAD_LIMIT: Duration = Duration::from_secs(15);

/// How often, and how far apart, a history is tried to be reset.
const RESET_TRIES: usize = 50;
const RESET_PAUSE: Duration = Duration::from_millis(20);

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
    /// The tabs in order.
    pub tabs: Vec<TabPart>,
}

/// What was brought back and what was not.
pub(crate) struct Report {
    /// Verified.
    pub restored: Vec<Part>,
    /// Not there, or not verified.
    pub lost: Vec<Part>,
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
        let mut rows = checkpoints.list(session).await?.rows;
        // Newest first, and `from` before all: it is the one the state names.
        rows.sort_by_key(|row| (row.id != from, std::cmp::Reverse(row.number)));
        let mut replaced = false;
        for row in rows {
            let id = row.id;
            match read_one(deps, row).await {
                Ok(content) => return Ok(content),
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
    let mut tabs = vec![];
    for entry in &manifest.tabs {
        tabs.push(parse(&part(kind::TAB, &entry.part).await?)?);
    }
    Ok(Content {
        manifest: Arc::new(manifest),
        cookies,
        origins,
        databases,
        tabs,
        row,
    })
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|err| unreadable(&err.to_string()))
}

fn unreadable(reason: &str) -> Error {
    Error::Checkpoint {
        reason: reason.to_owned(),
    }
}

/// Fills a new browser with a checkpoint's content.
///
/// `kept_profile` says that the browser runs on a named profile's own folder, which may hold
/// state of another age: what the checkpoint knows is cleared before it is seeded.
///
/// # Errors
/// Those of the browser; it is of no use then.
///
/// # Cancel safety
/// No: the browser must be stopped.
pub(crate) async fn restore(
    ctx: &Ctx,
    deps: &Deps,
    live: &Live,
    tabs: &Tabs,
    content: &Content,
    kept_profile: bool,
) -> Result<Report, Error> {
    if kept_profile {
        clear(ctx, live, content).await?;
    }
    let jar = cookies::restore(ctx, &live.connection, &content.cookies, deps.clock.wall());
    let pages = futures_util::future::try_join_all(
        content
            .tabs
            .iter()
            .map(|tab| open_tab(ctx, live, tabs, TabId(tab.tab))),
    );
    let (jar, pages) = tokio::try_join!(jar, pages)?;

    let plan = plan(content);
    let seeded = futures_util::future::try_join_all(
        pages
            .iter()
            .zip(&plan)
            .map(|(page, seeds)| seed(ctx, page, seeds)),
    )
    .await?;
    if content.tabs.is_empty() {
        for part in &content.origins {
            crate::aside::seed_origin(ctx, live, tabs, &part.storage_key, &part.local).await?;
        }
    }
    let databases = restore_databases(ctx, live, tabs, content).await?;
    let loaded = futures_util::future::try_join_all(
        pages
            .iter()
            .zip(&content.tabs)
            .map(|(page, tab)| load(ctx, page, tab)),
    )
    .await?;
    let mut report = report(content, jar, &seeded, &loaded, kept_profile);
    sort(
        databases,
        Part::IndexedDb,
        &mut report.restored,
        &mut report.lost,
    );
    let over = |entry: &super::manifest::IndexedDbEntry| {
        entry.lost.iter().any(|word| word == BLOBS_OVER_LIMIT)
    };
    if content.manifest.indexed_db.iter().any(over) {
        report.lost.push(Part::BlobsOverLimit);
    }
    report.lost.sort();
    Ok(report)
}

/// The word by which a part tells that it lacks Blobs.
const BLOBS_OVER_LIMIT: &str = "blobs_over_limit";

/// Fills every origin's databases; tells whether all that there was is there again.
async fn restore_databases(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    content: &Content,
) -> Result<bool, Error> {
    let entries = &content.manifest.indexed_db;
    let is_whole = |entry: &super::manifest::IndexedDbEntry| {
        entry.lost.iter().all(|word| word == BLOBS_OVER_LIMIT)
    };
    let mut whole = !content.manifest.indexed_db_over && entries.iter().all(is_whole);
    for (storage_key, databases) in &content.databases {
        whole &= indexed_db::restore(ctx, live, tabs, storage_key, databases).await?;
    }
    Ok(whole)
}

/// Brings one tab back in a browser whose other state is in place: after its renderer crashed.
///
/// # Errors
/// Those of the browser.
///
/// # Cancel safety
/// No: the tab must be restored again.
pub(crate) async fn restore_tab(ctx: &Ctx, page: &Page, part: &TabPart) -> Result<Report, Error> {
    let seeds = seeds_of(part, &mut BTreeMap::new());
    let seeded = seed(ctx, page, &seeds).await?;
    let loaded = load(ctx, page, part).await?;
    let (mut restored, mut lost) = (vec![Part::Cookies, Part::LocalStorage], vec![]);
    sort(
        seeded.session,
        Part::SessionStorage,
        &mut restored,
        &mut lost,
    );
    sort(loaded.url, Part::Tabs, &mut restored, &mut lost);
    sort(loaded.scroll, Part::Scroll, &mut restored, &mut lost);
    sort_forms(&[loaded], &mut restored, &mut lost);
    lost.extend(NEVER);
    lost.sort();
    Ok(Report { restored, lost })
}

/// What a new document never has of the old one, or what is not captured yet.
const NEVER: [Part; 11] = [
    Part::JsHeap,
    Part::Timers,
    Part::PendingRequests,
    Part::Websockets,
    Part::Dialogs,
    Part::Downloads,
    Part::FileChoosers,
    Part::History,
    Part::HistoryState,
    Part::PostData,
    Part::Zoom,
];

async fn clear(ctx: &Ctx, live: &Live, content: &Content) -> Result<(), Error> {
    let root = live.connection.root();
    root.call(ctx, &storage_wire::ClearCookies::default())
        .await?;
    let local = content.origins.iter().map(|part| &part.storage_key);
    let databases = content.manifest.indexed_db.iter();
    let mut origins: Vec<_> = local
        .chain(databases.map(|entry| &entry.storage_key))
        .filter_map(|storage_key| origin_of(storage_key))
        .collect();
    origins.sort_unstable();
    origins.dedup();
    for origin in origins {
        let clear = storage_wire::ClearDataForOrigin {
            origin: origin.to_owned(),
            storage_types: "all".to_owned(),
        };
        root.call(ctx, &clear).await?;
    }
    Ok(())
}

/// Makes a new target for a tab and waits until its page is attached.
///
/// # Cancel safety
/// A target may be left; it is a tab of the session then.
pub(crate) async fn open_tab(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    tab: TabId,
) -> Result<Page, Error> {
    let creating = live.targets.creating();
    let create = target::CreateTarget {
        url: "about:blank".to_owned(),
        ..Default::default()
    };
    let made = live.connection.root().call(ctx, &create).await?;
    live.targets.claim(&made.target_id, tab);
    drop(creating);
    live.nudge().await;
    let (_, page) = tabs.of_target(ctx, &made.target_id).await?;
    Ok(page)
}

/// One document to seed: where, and with what.
struct Seed {
    url: String,
    local: Option<Items>,
    session: Option<Items>,
}

/// Returns what each tab seeds, in the order of the tabs.
fn plan(content: &Content) -> Vec<Vec<Seed>> {
    let mut local: BTreeMap<String, Items> = content
        .origins
        .iter()
        .map(|part| (part.storage_key.clone(), part.local.clone()))
        .collect();
    let mut plan: Vec<_> = content
        .tabs
        .iter()
        .map(|tab| seeds_of(tab, &mut local))
        .collect();
    // What no tab shows is seeded by the first.
    if let Some(first) = plan.first_mut() {
        let rest = std::mem::take(&mut local)
            .into_iter()
            .filter_map(|(storage_key, items)| {
                let url = stub_url(&storage_key)?;
                Some(Seed {
                    url,
                    local: Some(items),
                    session: None,
                })
            });
        first.splice(0..0, rest);
    }
    plan
}

fn seeds_of(tab: &TabPart, local: &mut BTreeMap<String, Items>) -> Vec<Seed> {
    let own = storage::storage_key_of(&tab.url);
    let mut keys: Vec<&String> = tab.session_storage.keys().collect();
    if let Some(own) = &own
        && !keys.contains(&own)
    {
        keys.push(own);
    }
    let seeds = keys.into_iter().filter_map(|storage_key| {
        let url = stub_url(storage_key)?;
        let local = local.remove(storage_key);
        let session = tab.session_storage.get(storage_key).cloned();
        (local.is_some() || session.is_some()).then_some(Seed {
            url,
            local,
            session,
        })
    });
    seeds.collect()
}

fn stub_url(storage_key: &str) -> Option<String> {
    origin_of(storage_key).map(|origin| format!("{origin}/browserd-restores"))
}

/// Whether what was seeded was read back.
struct Seeded {
    local: bool,
    session: bool,
}

async fn seed(ctx: &Ctx, page: &Page, seeds: &[Seed]) -> Result<Seeded, Error> {
    let mut out = Seeded {
        local: true,
        session: true,
    };
    if seeds.is_empty() {
        return Ok(out);
    }
    let stub = Stub::begin(page.session(), ctx).await?;
    for seed in seeds {
        let script = storage::seed_script(seed.local.as_ref(), seed.session.as_ref());
        let verified = match stub.run(&seed.url, &script).await {
            Ok(verified) => verified,
            // A quota or a strange origin is that origin's loss, not the session's.
            Err(err) if !err.is_loss() && !ctx.remaining().is_zero() => {
                tracing::warn!(%err, "an origin's storage could not be restored");
                out.local &= seed.local.is_none();
                out.session &= seed.session.is_none();
                continue;
            }
            Err(err) => return Err(err),
        };
        let (local, session): (bool, bool) = parse(verified.as_bytes())?;
        out.local &= local;
        out.session &= session;
    }
    stub.end().await?;
    Ok(out)
}

/// Whether the tab is where it was.
struct Loaded {
    url: bool,
    scroll: bool,
    form: form::Restored,
}

async fn load(ctx: &Ctx, page: &Page, tab: &TabPart) -> Result<Loaded, Error> {
    if tab.url.is_empty() || tab.url == "about:blank" {
        let navigate = wire::Navigate {
            url: "about:blank".to_owned(),
            ..Default::default()
        };
        page.session().call(ctx, &navigate).await?;
        reset_history(ctx, page).await?;
        return Ok(Loaded {
            url: true,
            scroll: true,
            form: form::restore(ctx, page, "", &tab.form).await,
        });
    }
    let step = ctx.at_most(LOAD_LIMIT);
    let went = page
        .navigate(
            &step,
            &Gate::open(),
            &Navigate {
                url: tab.url.clone(),
            },
        )
        .await;
    if let Err(err) = went {
        let err = Error::from(err);
        if err.is_loss() {
            return Err(err);
        }
        // The site may be down or slow: the tab stays at its URL, and the report says so.
        tracing::warn!(%err, "a tab's page did not load while it was restored");
        let form = form::Restored {
            fields: false,
            secrets: false,
            focus: false,
        };
        return Ok(Loaded {
            url: false,
            scroll: false,
            form,
        });
    }
    // The stubs before it must not be what "back" leads to.
    reset_history(ctx, page).await?;
    let url = *page.state().url.expose() == tab.url;
    let scroll = url && scroll_to(&step, page, tab).await;
    let there = page.state().url;
    let form = form::restore(ctx, page, there.expose(), &tab.form).await;
    Ok(Loaded { url, scroll, form })
}

/// Removes every entry but the current one from the tab's history.
///
/// Right after a document took another's place Chromium 156 may answer "Not attached to an
/// active page" for some milliseconds.
async fn reset_history(ctx: &Ctx, page: &Page) -> Result<(), Error> {
    for pause in base::Backoff::new(RESET_PAUSE, RESET_PAUSE).take(RESET_TRIES) {
        match page
            .session()
            .call(ctx, &wire::ResetNavigationHistory {})
            .await
        {
            Ok(_) => return Ok(()),
            Err(cdp::Error::Protocol { message, .. }) => {
                tracing::debug!(%message, "the history can't be reset yet");
                ctx.pause(pause).await?;
            }
            Err(err) => return Err(err.into()),
        }
    }
    // Only "back" would show it: a stub that leads on to nothing.
    tracing::warn!("a tab's history could not be reset");
    Ok(())
}

async fn scroll_to(ctx: &Ctx, page: &Page, tab: &TabPart) -> bool {
    if tab.scroll_x == 0.0 && tab.scroll_y == 0.0 {
        return true;
    }
    if page
        .set_scroll(ctx, tab.scroll_x, tab.scroll_y)
        .await
        .is_err()
    {
        return false;
    }
    match page.scroll_position(ctx).await {
        Ok((x, y)) => (x - tab.scroll_x).abs() < 1.5 && (y - tab.scroll_y).abs() < 1.5,
        Err(_) => false,
    }
}

fn report(
    content: &Content,
    jar: bool,
    seeded: &[Seeded],
    loaded: &[Loaded],
    kept_profile: bool,
) -> Report {
    let (mut restored, mut lost) = (vec![], vec![]);
    sort(jar, Part::Cookies, &mut restored, &mut lost);
    let third_party = content
        .origins
        .iter()
        .any(|part| origin_of(&part.storage_key).is_none());
    let local = !third_party && seeded.iter().all(|seeded| seeded.local);
    sort(local, Part::LocalStorage, &mut restored, &mut lost);
    let session = seeded.iter().all(|seeded| seeded.session);
    sort(session, Part::SessionStorage, &mut restored, &mut lost);
    sort(
        loaded.iter().all(|loaded| loaded.url),
        Part::Tabs,
        &mut restored,
        &mut lost,
    );
    sort(
        loaded.iter().all(|loaded| loaded.scroll),
        Part::Scroll,
        &mut restored,
        &mut lost,
    );
    sort_forms(loaded, &mut restored, &mut lost);
    lost.extend(NEVER);
    lost.push(Part::ServiceWorkers);
    if kept_profile {
        lost.push(Part::ProfileUnverified);
    }
    lost.sort();
    Report { restored, lost }
}

fn sort_forms(loaded: &[Loaded], restored: &mut Vec<Part>, lost: &mut Vec<Part>) {
    let all = |kept: fn(&form::Restored) -> bool| loaded.iter().all(|loaded| kept(&loaded.form));
    sort(all(|form| form.fields), Part::FormValues, restored, lost);
    sort(all(|form| form.focus), Part::Focus, restored, lost);
    // Secrets are never brought back: there were none, or they are lost.
    if !all(|form| form.secrets) {
        lost.push(Part::PasswordFields);
    }
}

fn sort(there: bool, part: Part, restored: &mut Vec<Part>, lost: &mut Vec<Part>) {
    if there {
        restored.push(part)
    } else {
        lost.push(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(value: &str) -> Items {
        Items::from([("k".to_owned(), value.to_owned())])
    }

    fn tab(number: u32, url: &str) -> TabPart {
        TabPart {
            tab: number,
            url: url.to_owned(),
            ..TabPart::default()
        }
    }

    fn content(tabs: Vec<TabPart>, origins: &[&str]) -> Content {
        let origins = origins
            .iter()
            .map(|key| OriginPart {
                storage_key: (*key).to_owned(),
                local: items(key),
            })
            .collect();
        let row = CheckpointRow {
            id: CheckpointId::new(),
            session: SessionId::new(),
            number: 1,
            name: None,
            cause: String::new(),
            taken_at: base::Timestamp::UNIX_EPOCH,
            generation: 1,
            bytes: 0,
            kept: false,
            manifest: vec![],
            parts: vec![],
        };
        Content {
            row,
            manifest: Arc::default(),
            cookies: CookiesPart::default(),
            origins,
            databases: vec![],
            tabs,
        }
    }

    #[test]
    fn every_origin_is_seeded_once() {
        let content = content(
            vec![tab(1, "https://a.test/x"), tab(2, "https://a.test/y")],
            &["https://a.test/", "https://left.test/"],
        );
        let plan = plan(&content);
        let urls: Vec<Vec<&str>> = plan
            .iter()
            .map(|seeds| seeds.iter().map(|seed| seed.url.as_str()).collect())
            .collect();
        let left = "https://left.test/browserd-restores";
        let own = "https://a.test/browserd-restores";
        assert_eq!(urls, [vec![left, own], vec![]]);
    }

    #[test]
    fn each_tab_seeds_its_own_session_storage() {
        let mut one = tab(1, "https://a.test/x");
        one.session_storage
            .insert("https://b.test/".to_owned(), items("one"));
        let mut two = tab(2, "https://b.test/");
        two.session_storage
            .insert("https://b.test/".to_owned(), items("two"));
        let plan = plan(&content(vec![one, two], &[]));
        let session: Vec<_> = plan
            .iter()
            .flatten()
            .map(|seed| seed.session.clone().unwrap())
            .collect();
        assert_eq!(session, [items("one"), items("two")]);
    }
}
