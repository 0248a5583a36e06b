//! A browser that somebody else started: finding it, linking to it again, leaving it.
//!
//! There is no keeper: with its WebSocket a link loses the flat session ids, the remote
//! objects, the emulation and the scripts of new documents. Targets, their DOM and JS heap and
//! our isolated worlds stay (Chromium 156). So what a page is to have is set anew by
//! [`page::Page::attach`] whenever it is attached, and a tab finds its page by its target.
//!
//! The browser is its id, which changes with every start. Another one behind the same address
//! is never driven: it is not the one whose pages the session's tabs are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::{Backoff, BrowserId, Ctx, Stopped, TabId};
use cdp::protocol::{browser as browser_wire, page as page_wire, target as wire};
use cdp::{BROWSER_PATH, Connection, Options, Transport};
use store::Attached;
use tokio::sync::mpsc;

use crate::Error;
use crate::adopt::Adopted;
use crate::cause::Cause;
use crate::deps::Deps;
use crate::dial::{Dialed, FIRST_PAUSE, LONGEST_PAUSE, ONE_PROBE, ONE_TRY};
use crate::endpoint::Endpoint;
use crate::launch::{EVENTS, LATE};
use crate::live::{FromLink, Host, Live};
use crate::state::LinkId;

/// How many tabs of somebody's browser a session takes: each costs the browser something.
pub(crate) const MOST_TABS: usize = 64;
/// How long whoever listens at the address may take to say which browser it is.
const FIND_LIMIT: Duration = Duration::from_secs(10);
/// How long leaving may take; then the socket is just closed.
const LEAVE_LIMIT: Duration = Duration::from_secs(2);

/// Finds out which browser answers at an endpoint.
///
/// # Errors
/// [`Error::NoBrowserAt`], and [`Error::OtherBrowser`] if the caller meant another one.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn find(ctx: &Ctx, endpoint: &Endpoint) -> Result<Attached, Error> {
    let Endpoint { address, browser } = endpoint;
    let step = ctx.at_most(FIND_LIMIT);
    let browser = match (cdp::discover(&step, *address).await, browser) {
        (Ok(found), Some(meant)) if found != *meant => {
            return Err(Error::OtherBrowser { address: *address });
        }
        (Ok(found), _) => found,
        // It may speak only over the WebSocket that the caller has named.
        (Err(err), Some(meant)) if is_not_found(&err) => meant.clone(),
        (Err(err), _) if !ctx.remaining().is_zero() => return Err(no_browser(*address, &err)),
        (Err(cdp::Error::NotSent(stopped)), _) => return Err(Error::NotSent(stopped)),
        (Err(err), _) => return Err(err.into()),
    };
    Ok(Attached {
        address: address.to_string(),
        browser,
        opened: vec![],
    })
}

/// Returns by what name a browser is held: one session at a time drives it.
pub(crate) fn holding(attached: &Attached) -> String {
    format!("attached {}", attached.browser)
}

/// Returns what is told of a browser that cannot be held.
pub(crate) fn taken(address: &str, err: Error) -> Error {
    match err {
        Error::ProfileBusy { holder, .. } => Error::BrowserTaken {
            address: address.to_owned(),
            holder,
        },
        err => err,
    }
}

/// Links to the browser that is meant, and to no other.
///
/// # Errors
/// [`Error::OtherBrowser`] if it is known not to be there any more, [`Error::NoBrowserAt`] if
/// it doesn't answer.
///
/// # Cancel safety
/// The link is closed.
pub(crate) async fn connect(
    ctx: &Ctx,
    deps: &Deps,
    attached: &Attached,
    link: LinkId,
    news: &mpsc::Sender<FromLink>,
) -> Result<Arc<Live>, Error> {
    let address: SocketAddr = attached.address.parse().map_err(|_| Error::Checkpoint {
        reason: "the stored address is none".to_owned(),
    })?;
    match cdp::discover(ctx, address).await {
        Ok(found) if found == attached.browser => {}
        Ok(_) => return Err(Error::OtherBrowser { address }),
        Err(err) if is_not_found(&err) => {}
        Err(err) => return Err(no_browser(address, &err)),
    }
    let url = format!("ws://{address}{BROWSER_PATH}{}", attached.browser);
    let transport = match Transport::web_socket(ctx, &url).await {
        Ok(transport) => transport,
        // Chromium knows no path but that of its own id.
        Err(err) if is_not_found(&err) => return Err(Error::OtherBrowser { address }),
        Err(err) => return Err(no_browser(address, &err)),
    };
    let options = Options {
        first_id: 1,
        event_capacity: EVENTS,
        late_capacity: LATE,
    };
    let connection = Connection::open(transport, options, &deps.tasks);
    let host = Host::Attached;
    let id = BrowserId::new();
    let live = Live::new(link, id, host, connection, None, news, &deps.tasks);
    for target in &attached.opened {
        live.note_opened(target);
    }
    // Whoever only says that it is a browser is found out here.
    let root = live.connection.root();
    if let Err(err) = root.call(ctx, &browser_wire::GetVersion {}).await {
        live.connection.close();
        return Err(no_browser(address, &err));
    }
    Ok(live)
}

/// Returns the targets of the pages a session may have as tabs.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn pages(ctx: &Ctx, live: &Live) -> Result<Vec<String>, Error> {
    let get = wire::GetTargets::default();
    let there = live.connection.root().call(ctx, &get).await?;
    let shown = |info: &wire::TargetInfo| {
        let own = info.url.starts_with("chrome://") || info.url.starts_with("devtools://");
        info.r#type == "page" && !own
    };
    Ok(there
        .target_infos
        .into_iter()
        .filter(shown)
        .map(|info| info.target_id)
        .collect())
}

/// What a lost link is made again with.
pub(crate) struct Line {
    /// The browser.
    pub attached: Attached,
    /// The link that dropped or fell silent, if this daemon had one.
    pub live: Option<Arc<Live>>,
    /// The session's tabs, and the target of each.
    pub tabs: Vec<(TabId, String)>,
    /// The link the session waits for.
    pub link: LinkId,
}

/// Tries with growing pauses until the browser answers, is known to be gone, or the call ends.
///
/// # Cancel safety
/// Yes: the browser stays as it is.
pub(crate) async fn dial(
    ctx: &Ctx,
    deps: &Deps,
    line: &Line,
    news: &mpsc::Sender<FromLink>,
) -> Dialed {
    for pause in Backoff::new(FIRST_PAUSE, LONGEST_PAUSE) {
        let silent = line.live.as_ref();
        let silent = silent.filter(|live| live.connection.is_lost().is_none());
        if let Some(live) = silent {
            let step = ctx.at_most(ONE_PROBE);
            let root = live.connection.root();
            if root.call(&step, &browser_wire::GetVersion {}).await.is_ok() {
                return Dialed::Answers;
            }
        }
        // A socket that fell silent may be dead while its browser is not.
        match relink(&ctx.at_most(ONE_TRY), deps, line, news).await {
            Ok(adopted) => {
                if let Some(live) = silent {
                    live.connection.close();
                }
                return Dialed::Again(Box::new(adopted));
            }
            Err(Error::OtherBrowser { .. }) => return Dialed::Gone(Cause::AttachedGone),
            Err(err) => tracing::debug!(%err, "the attached browser can't be reached yet"),
        }
        if ctx.pause(pause).await.is_err() {
            break;
        }
    }
    Dialed::Spent
}

/// Links again and has every page announced; those that are tabs already are claimed as such.
async fn relink(
    ctx: &Ctx,
    deps: &Deps,
    line: &Line,
    news: &mpsc::Sender<FromLink>,
) -> Result<Adopted, Error> {
    let live = connect(ctx, deps, &line.attached, line.link, news).await?;
    let work = async {
        let there = pages(ctx, &live).await?;
        for (tab, target) in &line.tabs {
            if there.contains(target) {
                live.targets.claim(target, *tab);
            }
        }
        live.announce_pages(ctx).await
    };
    if let Err(err) = work.await {
        live.connection.close();
        return Err(err);
    }
    Ok(Adopted {
        live,
        tabs: vec![],
        gap: false,
        // No login is put into somebody else's browser.
        unfinished: false,
    })
}

/// Leaves the browser as it is; closes the tabs that were opened for the session, if it is
/// over.
///
/// # Cancel safety
/// The link must be closed all the same.
pub(crate) async fn leave(live: &Live, dialogs: Vec<cdp::Session>, over: bool) {
    let ctx = Ctx::within(LEAVE_LIMIT);
    let root = live.connection.root();
    let work = async {
        // Without the session that was told of it, a dialog can be answered by nobody.
        for session in dialogs {
            let dismiss = page_wire::HandleJavaScriptDialog {
                accept: false,
                prompt_text: None,
            };
            if let Err(err) = session.call(&ctx, &dismiss).await {
                tracing::debug!(%err, "a dialog could not be dismissed");
            }
        }
        if over {
            for target_id in live.opened() {
                let close = wire::CloseTarget { target_id };
                // Its owner may have closed it.
                if let Err(err) = root.call(&ctx, &close).await {
                    tracing::debug!(%err, "a tab of the session's own could not be closed");
                }
            }
        }
        // Whatever is paused at its start goes on.
        let none = wire::SetAutoAttach {
            auto_attach: false,
            wait_for_debugger_on_start: false,
            flatten: Some(true),
            filter: None,
        };
        root.call(&ctx, &none).await
    };
    if let Err(err) = work.await {
        tracing::debug!(%err, "the attached browser could not be told that it is left");
    }
    live.connection.close();
}

fn is_not_found(err: &cdp::Error) -> bool {
    matches!(err, cdp::Error::Connect(err) if err.kind() == std::io::ErrorKind::NotFound)
}

fn no_browser(address: SocketAddr, err: &cdp::Error) -> Error {
    let reason = match err {
        cdp::Error::Connect(err) => err.to_string(),
        cdp::Error::NotSent(Stopped::Deadline) | cdp::Error::Stopped(Stopped::Deadline) => {
            "nothing is answered".to_owned()
        }
        err => err.to_string(),
    };
    Error::NoBrowserAt { address, reason }
}
