//! Putting a login in place, in a browser that lives.
//!
//! ```text
//! journal ──▶ the origin's pages go ──▶ its cookies and storage are cleared ──▶ all is seeded
//!     ──▶ the tabs are brought back, in new pages ──▶ read back
//! ```
//!
//! Pages of the origin hold its old state in memory and would write it back, so every tab that
//! has something of the origin gets a new page, as after a crash. Meanwhile nothing is captured
//! and the keeper's notes say so: whatever cuts it off half-way, the session comes back to what
//! it was before.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use base::{Ctx, Part, TabId};
use cdp::protocol::{network, storage as wire, target};
use page::Page;

use super::origin::belongs;
use super::{Login, PlacedLogin};
use crate::Error;
use crate::aside;
use crate::call::{Bench, Pending, record};
use crate::checkpoint::manifest::{Cookie, TabPart};
use crate::checkpoint::part::{cookies, indexed_db, storage};
use crate::checkpoint::place::Place;
use crate::checkpoint::restore::{Report, open_tab, restore_tab};
use crate::checkpoint::shadow::Area;
use crate::tabs::{Tab, known};

/// How long it may take once it has begun: half a login is worse than a late answer.
const LIMIT: Duration = Duration::from_secs(30);
/// What is cleared of an origin beside its cookies.
const CLEARED: &str = "file_systems,indexeddb,local_storage,service_workers,cache_storage,\
    storage_buckets,shared_storage,interest_groups";

/// Puts a login in place.
///
/// # Errors
/// [`Error::StateLost`], `dialog_open` and those of the store before anything is changed. After
/// any other the browser is of no use, and says so ([`crate::live::Live::is_unfinished`]).
///
/// # Cancel safety
/// No: the browser must be replaced.
pub(crate) async fn restore(
    bench: &Bench,
    pending: &Pending,
    tab: TabId,
    login: &Login,
) -> Result<PlacedLogin, Error> {
    let (ctx, live) = (&pending.ctx, &bench.live);
    // What is captured meanwhile would be half of each.
    let turn = bench.capture_turn.lock();
    let _turn = ctx.race(turn).await.map_err(Error::not_sent)?;
    if let Some(service) = live.services.check(ctx, &live.connection).await? {
        return Err(Error::StateLost { service });
    }
    let touched = touched(bench, tab, login);
    for (_, tab) in &touched {
        let dialog = tab.page.as_ref().and_then(|page| page.state().dialog);
        if let Some(dialog) = dialog {
            return Err(page::Error::DialogOpen(dialog).into());
        }
    }
    record(bench, pending, None, None).await?;
    live.set_unfinished(true, &bench.tabs);
    let ctx = Ctx::within(LIMIT);
    let work = place(&ctx, bench, tab, login, touched);
    let placed = ctx.race(work).await.map_err(Error::not_sent)??;
    if let Some(service) = live.services.check(&ctx, &live.connection).await? {
        return Err(Error::StateLost { service });
    }
    live.set_unfinished(false, &bench.tabs);
    Ok(placed)
}

/// Returns the tabs that get a new page: those that show the origin, those with sessionStorage
/// of it, and the one that is to have some.
fn touched(bench: &Bench, meant: TabId, login: &Login) -> Vec<(TabId, Tab)> {
    let key = login.storage_key();
    let has_items: BTreeSet<TabId> = {
        let shadow = bench.shadow.lock().unwrap_or_else(PoisonError::into_inner);
        let areas = shadow.areas();
        areas
            .filter(|(area, items)| area.storage_key == key && !items.is_empty())
            .filter_map(|(area, _)| area.tab)
            .collect()
    };
    let mut tabs = bench.tabs.all();
    tabs.retain(|(id, tab)| {
        // The origin in a frame of another site's page has storage of its own there.
        let mut frames = tab.page.iter().flat_map(page::Page::frames);
        let shown = |frame: page::Frame| storage::storage_key_of(frame.url.expose());
        frames.any(|frame| shown(frame).is_some_and(|shown| shown == key))
            || has_items.contains(id)
            || *id == meant && !login.storage.session.is_empty()
    });
    tabs
}

async fn place(
    ctx: &Ctx,
    bench: &Bench,
    meant: TabId,
    login: &Login,
    touched: Vec<(TabId, Tab)>,
) -> Result<PlacedLogin, Error> {
    let mut pages = vec![];
    for (id, old) in touched {
        pages.push(renew(ctx, bench, login, id, old, id == meant).await?);
    }
    clear(ctx, bench, login).await?;
    let (mut restored, mut lost) = (BTreeSet::new(), BTreeSet::from([Part::ServiceWorkers]));
    let mut sort = |there: bool, part| {
        if there {
            restored.insert(part)
        } else {
            lost.insert(part)
        }
    };
    let (live, now) = (&bench.live, bench.deps.clock.wall());
    let jar = cookies::restore(ctx, &live.connection, &login.cookies, now).await?;
    sort(jar, Part::Cookies);
    let local = aside::seeded(ctx, live, &bench.tabs, &login.origin, &login.storage.local);
    sort(local.await?, Part::LocalStorage);
    let key = login.storage_key();
    let whole = indexed_db::restore(ctx, live, &bench.tabs, &key, &login.databases).await?;
    sort(whole, Part::IndexedDb);
    for word in &login.lost {
        if let Ok(part) = word.parse() {
            sort(false, part);
        }
    }
    picture(bench, meant, login, &pages);
    let tabs = &bench.tabs;
    let back = pages
        .iter()
        .map(|(_, page, part)| restore_tab(ctx, live, tabs, page, part));
    for Report {
        restored: came,
        lost: went,
    } in futures_util::future::try_join_all(back).await?
    {
        // Of the session these two are, and told above.
        let own = |part: &Part| !matches!(part, Part::Cookies | Part::LocalStorage);
        came.into_iter().filter(own).for_each(|part| {
            sort(true, part);
        });
        went.into_iter().for_each(|part| {
            sort(false, part);
        });
    }
    let is_expired = |cookie: &&Cookie| !cookies::lives(cookie, now);
    Ok(PlacedLogin {
        restored: restored.difference(&lost).copied().collect(),
        lost: lost.into_iter().collect(),
        expired: login.cookies.cookies.iter().filter(is_expired).count(),
        reloaded: pages.into_iter().map(|(id, ..)| id).collect(),
    })
}

/// Gives a tab a new page, still empty, and has the old one closed: no script of it runs any
/// more. Returns what the tab is to hold.
async fn renew(
    ctx: &Ctx,
    bench: &Bench,
    login: &Login,
    id: TabId,
    old: Tab,
    is_meant: bool,
) -> Result<(TabId, Page, TabPart), Error> {
    let key = login.storage_key();
    let known = known(&old);
    let mut part = TabPart {
        tab: id.0,
        ..known.clone()
    };
    {
        let shadow = bench.shadow.lock().unwrap_or_else(PoisonError::into_inner);
        let areas = shadow.areas().filter(|(area, _)| area.tab == Some(id));
        part.session_storage = areas
            .map(|(area, items)| (area.storage_key.clone(), items.clone()))
            .collect();
    }
    part.session_storage.remove(&key);
    if is_meant && !login.storage.session.is_empty() {
        part.session_storage
            .insert(key, login.storage.session.clone());
    }
    bench.tabs.update(id, |tab| {
        tab.known = known;
        tab.page = None;
        tab.dialog = None;
        tab.target.clear();
        tab.cdp_session.clear();
    });
    // The new one first: a browser whose last window closes may give up state.
    let page = open_tab(ctx, &bench.live, &bench.tabs, id).await?;
    let close = target::CloseTarget {
        target_id: old.target.clone(),
    };
    match bench.live.connection.root().call(ctx, &close).await {
        Ok(_) => {}
        // It has closed by itself.
        Err(cdp::Error::Protocol { .. }) => {}
        Err(err) => return Err(err.into()),
    }
    if let Some(old) = old.page {
        // What it writes while it leaves is cleared after it.
        old.ended(ctx).await?;
    }
    Ok((id, page, part))
}

/// Removes everything the origin has.
async fn clear(ctx: &Ctx, bench: &Bench, login: &Login) -> Result<(), Error> {
    let (live, origin) = (&bench.live, login.origin.as_str());
    let mut jar = cookies::capture(ctx, &live.connection).await?;
    jar.cookies.retain(|cookie| belongs(cookie, origin));
    // Only a page's session knows which browser context is meant (Chromium 156).
    let delete = async |session: cdp::Session, _: String| {
        let clear = wire::ClearDataForOrigin {
            origin: origin.to_owned(),
            storage_types: CLEARED.to_owned(),
        };
        session.call(ctx, &clear).await?;
        for cookie in &jar.cookies {
            let partition = cookie.partition.as_ref();
            let delete = network::DeleteCookies {
                name: cookie.name.clone(),
                domain: Some(cookie.domain.clone()),
                path: Some(cookie.path.clone()),
                partition_key: partition.map(|key| network::CookiePartitionKey {
                    top_level_site: key.top_level_site.clone(),
                    has_cross_site_ancestor: key.has_cross_site_ancestor,
                }),
                ..Default::default()
            };
            session.call(ctx, &delete).await?;
        }
        Ok(())
    };
    let place = Place {
        page: origin.to_owned(),
        frames: vec![],
    };
    aside::run_with(ctx, live, &bench.tabs, &place, "return '';", delete).await?;
    let left = cookies::capture(ctx, &live.connection).await?;
    if left.cookies.iter().any(|cookie| belongs(cookie, origin)) {
        return Err(Error::Checkpoint {
            reason: "the origin's old cookies could not be removed".to_owned(),
        });
    }
    Ok(())
}

/// Has the next capture know what no event tells: the origin may be open in no page.
fn picture(bench: &Bench, meant: TabId, login: &Login, pages: &[(TabId, Page, TabPart)]) {
    let key = login.storage_key();
    let mut shadow = bench.shadow.lock().unwrap_or_else(PoisonError::into_inner);
    let area = |tab| Area {
        storage_key: key.clone(),
        tab,
    };
    shadow.load(area(None), login.storage.local.clone());
    for (id, ..) in pages {
        let items = match *id == meant {
            true => login.storage.session.clone(),
            false => Default::default(),
        };
        shadow.load(area(Some(*id)), items);
    }
    shadow.indexed_db.note_change(&key);
}
