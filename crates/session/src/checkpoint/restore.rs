//! Restore: from a checkpoint to a new browser that holds the session's state.
//!
//! ```text
//! cookies ──▶ per tab, all at once: stub per origin (localStorage, sessionStorage)
//!                                   ──▶ stub per document of its history
//!                                   ──▶ the real page ──▶ scroll ──▶ read back
//! ```
//!
//! Everything is in place before the first real load, so no page ever sees itself logged out.
//! Each origin's localStorage is seeded by one tab, the one that shows it if there is one; no
//! tab loads its real page before all are seeded.

mod load;
mod read;
mod report;
mod seed;

use std::collections::BTreeMap;
use std::time::Duration;

use base::{Ctx, Part, TabId};
use cdp::protocol::{storage as storage_wire, target};
use page::Page;

use super::manifest::{TabPart, origin_of};
use super::part::{cookies, indexed_db, zoom};
use super::place::place_of;
use crate::Error;
use crate::deps::Deps;
use crate::live::Live;
use crate::tabs::Tabs;

use load::load;
pub(crate) use read::{Content, read, read_one};
pub(crate) use report::Report;
use report::{NEVER, report, sort, sort_loaded};
use seed::{plan, prepare, seeds_of};

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
        clear(ctx, live, tabs, content).await?;
    }
    let jar = cookies::restore(ctx, &live.connection, &content.cookies, deps.clock.wall());
    let pages = futures_util::future::try_join_all(
        content
            .tabs
            .iter()
            .map(|tab| open_tab(ctx, live, tabs, TabId(tab.tab))),
    );
    let (jar, pages) = tokio::try_join!(jar, pages)?;

    let zoomed = zoom_sites(ctx, &pages, content).await?;
    let plan = plan(content);
    let of_tabs = content.tabs.iter().zip(&plan);
    let shared = shares_stubs(live);
    let prepared = futures_util::future::try_join_all(
        pages
            .iter()
            .zip(of_tabs)
            .map(|(page, (tab, seeds))| prepare(ctx, page, tabs, tab, seeds, shared)),
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
            .zip(content.tabs.iter().zip(&prepared))
            .map(|(page, (tab, prepared))| load(ctx, page, tab, &prepared.history)),
    )
    .await?;
    let mut report = report(content, jar, &prepared, &loaded, kept_profile);
    sort(zoomed, Part::Zoom, &mut report.restored, &mut report.lost);
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

/// Zooms each site that a tab shows; one after the other, as tabs of one site share it.
async fn zoom_sites(ctx: &Ctx, pages: &[Page], content: &Content) -> Result<bool, Error> {
    let (mut done, mut all) = (vec![], true);
    for (page, tab) in pages.iter().zip(&content.tabs) {
        if let Some(site) = zoom::site_of(tab)
            && !done.contains(&site)
        {
            all &= zoom::restore(ctx, page, &site, tab.zoom).await?;
            done.push(site);
        }
    }
    Ok(all)
}

/// How long databases of frames of other sites may take; what isn't there by then is lost.
const FRAMES_LIMIT: Duration = Duration::from_secs(8);
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
    let for_frames = ctx.at_most(FRAMES_LIMIT);
    for (storage_key, databases) in &content.databases {
        if storage_key.contains('^') && for_frames.remaining().is_zero() {
            whole = false;
            continue;
        }
        whole &= indexed_db::restore(ctx, live, tabs, storage_key, databases).await?;
    }
    Ok(whole)
}

/// Tells whether the documents of a history may share a stub: what guards them goes with the
/// session that the tab is driven by, and over a link that is made again that is another one.
const fn shares_stubs(live: &Live) -> bool {
    !live.is_attached()
}

/// Brings one tab back in a browser whose other state is in place: after its renderer crashed.
///
/// # Errors
/// Those of the browser.
///
/// # Cancel safety
/// No: the tab must be restored again.
pub(crate) async fn restore_tab(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    page: &Page,
    part: &TabPart,
) -> Result<Report, Error> {
    let seeds = seeds_of(part, &mut BTreeMap::new());
    let prepared = prepare(ctx, page, tabs, part, &seeds, shares_stubs(live)).await?;
    let loaded = load(ctx, page, part, &prepared.history).await?;
    let (mut restored, mut lost) = (vec![Part::Cookies, Part::LocalStorage, Part::Zoom], vec![]);
    sort(
        prepared.session,
        Part::SessionStorage,
        &mut restored,
        &mut lost,
    );
    sort_loaded(&[loaded], &mut restored, &mut lost);
    lost.extend(NEVER);
    lost.sort();
    Ok(Report { restored, lost })
}

async fn clear(ctx: &Ctx, live: &Live, tabs: &Tabs, content: &Content) -> Result<(), Error> {
    let root = live.connection.root();
    root.call(ctx, &storage_wire::ClearCookies::default())
        .await?;
    let local = content.origins.iter().map(|part| &part.storage_key);
    let databases = content.manifest.indexed_db.iter();
    let mut keys: Vec<_> = local
        .chain(databases.map(|entry| &entry.storage_key))
        .filter(|storage_key| place_of(storage_key).is_some())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let Some(first) = keys.first().and_then(|storage_key| place_of(storage_key)) else {
        return Ok(());
    };
    // Only a page's session knows which browser context is meant (Chromium 156: through the
    // browser's own it is an internal error).
    let clear = async |session: cdp::Session, _: String| {
        for storage_key in &keys {
            let storage_types = "all".to_owned();
            if let Some(origin) = origin_of(storage_key) {
                let origin = origin.to_owned();
                let clear = storage_wire::ClearDataForOrigin {
                    origin,
                    storage_types,
                };
                session.call(ctx, &clear).await?;
            } else {
                let storage_key = (*storage_key).clone();
                let clear = storage_wire::ClearDataForStorageKey {
                    storage_key,
                    storage_types,
                };
                session.call(ctx, &clear).await?;
            }
        }
        Ok(())
    };
    crate::aside::run_with(ctx, live, tabs, &first, "return '';", clear).await
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
    live.note_opened(&made.target_id);
    drop(creating);
    live.nudge().await;
    let attached = tabs.of_target(ctx, &made.target_id);
    let (_, page) = live.unless_lost(attached).await?;
    Ok(page)
}
