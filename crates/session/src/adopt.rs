//! Adoption: a browser that runs under its keeper becomes this daemon's, with nothing in its
//! pages changed.
//!
//! In this order: hello and identity → the sessions of the notes get their queues → the kept
//! messages are read, in order → pages are attached under the sessions they have (an open
//! dialog is known from the notes and the kept messages, and stays for its answer) → every
//! page is let go (a pop-up paused at its start blocks its opener) → pages that nobody noted
//! are attached anew → what was set aside is closed.

use std::sync::Arc;

use base::{Ctx, TabId, Tasks};
use cdp::protocol::{browser as browser_wire, runtime, target};
use cdp::{Connection, Options, Transport};
use page::{Page, PageOptions};
use store::TabRow;
use tokio::sync::mpsc;

use crate::Error;
use crate::checkpoint::manifest::TabPart;
use crate::deps::Deps;
use crate::dial::Number;
use crate::launch::{EVENTS, LATE, hello, run_folder};
use crate::live::{FromLink, Host, Live};
use crate::notes::{ID_BLOCK, Notes};
use crate::tabs::Tab;

/// A browser that was adopted, with the tabs that were found in it.
pub(crate) struct Adopted {
    /// The browser.
    pub live: Arc<Live>,
    /// Its tabs, attached.
    pub tabs: Vec<(TabId, Tab)>,
    /// Messages were dropped while no daemon read: what events tell is not the whole story.
    pub gap: bool,
    /// It was being made something else when its daemon died, and is neither.
    pub unfinished: bool,
}

/// Takes over the browser that is dialled.
///
/// # Errors
/// Those of the keeper: it may be gone, or hold another browser.
///
/// # Cancel safety
/// The keeper waits for the next daemon.
pub(crate) async fn adopt(
    ctx: &Ctx,
    deps: &Deps,
    number: &Number,
    options: impl Fn(TabId) -> PageOptions,
    news: &mpsc::Sender<FromLink>,
) -> Result<Adopted, Error> {
    let Number {
        browser,
        identity,
        link,
        ..
    } = number;
    let run = run_folder(&deps.config.home, *browser);
    let (chrome_link, welcome) =
        chrome::adopt(ctx, &run, &hello(deps), Some(identity), &deps.tasks).await?;
    if let Some(record) = welcome.exit {
        return Err(chrome::Error::Ended(record).into());
    }
    let notes = Notes::decode(&welcome.notes).map_err(|err| Error::Checkpoint {
        reason: format!("the keeper's notes: {err}"),
    })?;

    // Ids are taken before one is used: should this daemon die now, the next starts higher.
    let first_id = notes.next_id.max(1);
    let taken = Notes {
        next_id: first_id.saturating_add(ID_BLOCK),
        ..notes.clone()
    };
    let bytes = taken.encode().map_err(|err| Error::Checkpoint {
        reason: err.to_string(),
    })?;
    chrome_link.control.write_notes(bytes)?;

    let prepared = Connection::prepare(Options {
        first_id,
        event_capacity: EVENTS,
        late_capacity: LATE,
    });
    for page in notes.pages.iter().filter(|page| !page.filling) {
        // The handle is fetched again below; what counts is the queue made here.
        drop(prepared.attach(&page.session));
    }
    let transport = Transport {
        incoming: chrome_link.incoming,
        outgoing: chrome_link.outgoing,
    };
    let connection = prepared.start(transport, &deps.tasks);
    let live = Live::new(
        *link,
        *browser,
        Host::Keeper {
            identity: welcome.identity,
            control: chrome_link.control,
        },
        connection,
        Some(chrome_link.ended),
        news,
        &deps.tasks,
    );
    live.services.remember(&notes.services);
    match pages(ctx, &live, number, &notes, options, &deps.tasks).await {
        Ok(tabs) => Ok(Adopted {
            live,
            tabs,
            gap: welcome.gap,
            unfinished: notes.unfinished,
        }),
        Err(err) => {
            // The keeper has one daemon at a time, and the next try comes as another.
            live.connection.close();
            Err(err)
        }
    }
}

/// Takes over the pages that are noted, and has those attached that aren't.
async fn pages(
    ctx: &Ctx,
    live: &Live,
    number: &Number,
    notes: &Notes,
    options: impl Fn(TabId) -> PageOptions,
    tasks: &Tasks,
) -> Result<Vec<(TabId, Tab)>, Error> {
    let known = &number.known;
    // Behind this answer lies everything that was kept.
    live.connection
        .root()
        .call(ctx, &browser_wire::GetVersion {})
        .await?;

    let there = live
        .connection
        .root()
        .call(ctx, &target::GetTargets::default())
        .await?;
    let there: Vec<_> = there
        .target_infos
        .into_iter()
        .filter(|info| info.r#type == "page")
        .collect();
    let mut tabs = vec![];
    for noted in &notes.pages {
        let tab = TabId(noted.tab);
        let row = known.iter().find(|row| row.tab == tab);
        let first_ref = row.map_or(1, |row| row.next_ref.max(1));
        if noted.filling {
            // What it shows is nothing that anybody asked for: it gets another page.
            let half = Tab {
                target: noted.target.clone(),
                known: row.map(last_known).unwrap_or_default(),
                next_ref: first_ref,
                filling: true,
                ..Tab::default()
            };
            tabs.push((tab, half));
            continue;
        }
        if !there.iter().any(|info| info.target_id == noted.target) {
            continue;
        }
        let session = live.connection.attach(&noted.session);
        let mut options = options(tab);
        options.open_dialog = noted.dialog.as_ref().map(|dialog| dialog.dialog());
        let dialog = options.open_dialog.clone();
        let attached = Page::attach(
            ctx,
            session.clone(),
            &noted.target,
            options,
            first_ref,
            true,
            tasks,
        );
        let page = match attached.await {
            Ok(page) => page,
            // Without its session nothing of it can be driven; it is attached anew below.
            Err(err) => {
                tracing::warn!(%tab, %err, "a page could not be taken over as it was");
                continue;
            }
        };
        if let Err(err) = session.post(&runtime::RunIfWaitingForDebugger {}) {
            // It has crashed or closed meanwhile, which costs the others nothing.
            tracing::debug!(%tab, %err, "a page could not be let go");
        }
        let tab_of = Tab {
            target: noted.target.clone(),
            cdp_session: noted.session.clone(),
            page: Some(page),
            known: row.map(last_known).unwrap_or_default(),
            next_ref: first_ref,
            dialog,
            ..Tab::default()
        };
        tabs.push((tab, tab_of));
    }
    for info in &there {
        let noted = tabs.iter().any(|(_, tab)| tab.target == info.target_id);
        if noted {
            continue;
        }
        if notes.aside.contains(&info.target_id) {
            let close = target::CloseTarget {
                target_id: info.target_id.clone(),
            };
            live.connection.root().post(&close)?;
            continue;
        }
        if live.targets.known().contains(&info.target_id) {
            // Its announcement was kept; it is a page that opened while no daemon was there.
            continue;
        }
        attach_anew(ctx, live, info, known).await?;
    }
    Ok(tabs)
}

/// Returns what the last daemon knew of a tab: its title is told by no event.
fn last_known(row: &TabRow) -> TabPart {
    TabPart {
        tab: row.tab.0,
        url: row.url.expose().clone(),
        title: row.title.expose().clone(),
        ..TabPart::default()
    }
}

/// Attaches a page whose session is not known: its announcement died with the last daemon.
///
/// The new session is announced like any other, and the claim says which tab it is.
async fn attach_anew(
    ctx: &Ctx,
    live: &Live,
    info: &target::TargetInfo,
    known: &[TabRow],
) -> Result<(), Error> {
    if let Some(row) = known.iter().find(|row| row.target == info.target_id) {
        live.targets.claim(&info.target_id, row.tab);
    }
    let attach = target::AttachToTarget {
        target_id: info.target_id.clone(),
        flatten: Some(true),
    };
    live.connection.root().call(ctx, &attach).await?;
    Ok(())
}
