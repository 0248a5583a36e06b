//! One call on a session's pages: how it waits, how it is journalled, how it is done.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::{CallId, Ctx, SessionId, TabId};
use cdp::protocol::target;
use page::Gate;
use store::{CallRow, CallState};
use tokio::sync::oneshot;

use crate::Error;
use crate::act::{Act, Acted, Outcome};
use crate::attached::MOST_TABS;
use crate::checkpoint::shadow::Shadow;
use crate::deps::Deps;
use crate::downloads::{Downloads, WantedDownload};
use crate::live::Live;
use crate::login;
use crate::tabs::Tabs;

/// What Chromium answers when the target it is asked to close is gone (156).
const NO_TARGET: &str = "No target with given id";

/// How long the beginning of a download may take that a navigation turned out to be.
const DOWNLOAD_BEGINS: Duration = Duration::from_secs(2);

/// A call that waits for its turn, or runs.
pub(crate) struct Pending {
    /// How long it may take and whether it is still wanted.
    pub ctx: Ctx,
    /// The tab it names.
    pub tab: Option<TabId>,
    /// What is to be done.
    pub act: Act,
    /// Whether something that can change a page may have been sent.
    pub sent: Arc<AtomicBool>,
    /// How many messages the link had taken when the call was about to send its first effect.
    pub sent_after: Arc<AtomicU64>,
    /// Whether a failed navigation of it was looked into.
    pub checked: bool,
    /// The session's generation when it came.
    pub generation: u64,
    /// Who waits for it.
    pub reply: oneshot::Sender<Result<Acted, Error>>,
}

impl Pending {
    /// Tells whether anybody still waits, and has time to.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
            && !self.ctx.cancel.is_cancelled()
            && !self.ctx.remaining().is_zero()
    }
}

/// What a call needs beside itself.
#[derive(Clone)]
pub(crate) struct Bench {
    /// The daemon's parts.
    pub deps: Arc<Deps>,
    /// The session.
    pub session: SessionId,
    /// Its browser.
    pub live: Arc<Live>,
    /// Its tabs.
    pub tabs: Tabs,
    /// What its pages have downloaded.
    pub downloads: Downloads,
    /// Its web storage.
    pub shadow: Arc<Mutex<Shadow>>,
    /// Held by whoever captures, and by whoever must not be captured half-way.
    pub capture_turn: Arc<tokio::sync::Mutex<()>>,
}

/// Does what a call asks for; returns the tab it was done on, too.
///
/// # Cancel safety
/// What was sent stays sent; `sent` of the call says whether anything was.
pub(crate) async fn perform(
    bench: &Bench,
    pending: &Pending,
) -> (Option<TabId>, Result<Outcome, Error>) {
    if let Act::NewTab { url } = &pending.act {
        let made = new_tab(bench, pending, url.as_deref()).await;
        return match made {
            Ok(tab) => (Some(tab), tab_outcome(bench, tab)),
            Err(err) => (None, Err(err)),
        };
    }
    if let Act::WaitDownload(text) = &pending.act {
        let tab = pending.tab.or_else(|| bench.tabs.active());
        return (tab, wait_download(bench, &pending.ctx, text).await);
    }
    let tab = match bench.tabs.meant(pending.tab) {
        Ok(tab) => tab,
        Err(err) => return (None, Err(err)),
    };
    (Some(tab), on_tab(bench, pending, tab).await)
}

async fn on_tab(bench: &Bench, pending: &Pending, tab: TabId) -> Result<Outcome, Error> {
    let ctx = &pending.ctx;
    let page = bench.live.unless_lost(bench.tabs.page(ctx, tab)).await?;
    let gate = || gate(bench, pending, page.session().id());
    Ok(match &pending.act {
        Act::Navigate(to) => {
            let before = bench.downloads.newest();
            match page.navigate(ctx, &gate(), to).await {
                Err(page::Error::BecameDownload) => {
                    return Err(became_download(bench, ctx, before).await);
                }
                navigated => Outcome::Navigated(navigated?),
            }
        }
        Act::Snapshot(options) => Outcome::Snapshot(page.snapshot(ctx, options).await?),
        Act::Interact(action) => Outcome::Interacted(page.interact(ctx, &gate(), action).await?),
        Act::WaitFor(wait) => Outcome::Waited(page.wait_for(ctx, wait).await?),
        Act::Content(options) => Outcome::Content(page.content(ctx, options).await?),
        Act::Pdf(options) => Outcome::Pdf(page.pdf(ctx, options).await?),
        Act::Evaluate(script) => Outcome::Evaluated(page.evaluate(ctx, &gate(), script).await?),
        Act::Screenshot(options) => Outcome::Image(page.screenshot(ctx, options).await?),
        Act::CloseTab => {
            record(bench, pending, None, None).await?;
            let close = target::CloseTarget {
                target_id: page.target_id().to_owned(),
            };
            match bench.live.connection.root().call(ctx, &close).await {
                // It closed itself a moment before, and its news is still under way.
                Err(cdp::Error::Protocol { message, .. }) if message.contains(NO_TARGET) => {}
                out => {
                    out?;
                }
            }
            Outcome::Done
        }
        Act::HandleDialog { accept, text } => {
            record(bench, pending, None, None).await?;
            page.handle_dialog(ctx, *accept, text.clone()).await?;
            Outcome::Done
        }
        Act::SaveLogin(asked) => {
            Outcome::LoginSaved(login::save(bench, pending, &page, tab, asked).await?)
        }
        Act::RestoreLogin(login) => {
            Outcome::LoginPlaced(login::restore(bench, pending, tab, login).await?)
        }
        Act::ListTabs => Outcome::Tabs(bench.tabs.infos()),
        Act::ActivateTab | Act::NewTab { .. } | Act::WaitDownload(_) => tab_outcome(bench, tab)?,
    })
}

async fn wait_download(bench: &Bench, ctx: &Ctx, text: &str) -> Result<Outcome, Error> {
    if bench.live.is_attached() {
        return Err(Error::NotOfAttached {
            what: "a folder of downloads",
        });
    }
    let wanted = WantedDownload::parse(text);
    let number = bench.downloads.wait(ctx, &wanted).await?;
    let published = bench.downloads.now();
    let found = published.all.iter().find(|it| it.number == number);
    let found = found.ok_or(Error::DownloadNotFound { number })?;
    Ok(Outcome::Downloaded(found.clone()))
}

/// Returns what is said of a navigation to a URL that is a download, with its number.
async fn became_download(bench: &Bench, ctx: &Ctx, before: u32) -> Error {
    let begun = match bench.live.is_attached() {
        true => None,
        false => {
            let step = ctx.at_most(DOWNLOAD_BEGINS);
            bench.downloads.begins(&step, before).await
        }
    };
    Error::BecameDownload {
        number: begun.map(|download| download.number),
    }
}

async fn new_tab(bench: &Bench, pending: &Pending, url: Option<&str>) -> Result<TabId, Error> {
    let ctx = &pending.ctx;
    if bench.live.is_attached() && MOST_TABS <= bench.tabs.ids().len() {
        return Err(Error::LimitReached {
            what: "tabs of an attached browser",
            limit: MOST_TABS,
        });
    }
    record(bench, pending, None, None).await?;
    let creating = bench.live.targets.creating();
    let create = target::CreateTarget {
        url: "about:blank".to_owned(),
        ..Default::default()
    };
    let made = bench.live.connection.root().call(ctx, &create).await?;
    bench.live.note_opened(&made.target_id);
    drop(creating);
    bench.live.nudge().await;
    let attached = bench.tabs.of_target(ctx, &made.target_id);
    let attached = bench.live.unless_lost(attached).await;
    let (tab, page) = attached.map_err(|err| match err {
        // It is there, and may yet become a tab; or was one for a moment.
        Error::NotSent(_) | Error::TabNotFound { .. } => Error::OutcomeUnknown {
            reason: format!("the new page can't be driven: {err}"),
        },
        err => err,
    })?;
    bench.tabs.activate(tab);
    if let Some(url) = url {
        let before = bench.downloads.newest();
        let to = page::Navigate {
            url: url.to_owned(),
        };
        match page.navigate(ctx, &Gate::open(), &to).await {
            Err(page::Error::BecameDownload) => {
                return Err(became_download(bench, ctx, before).await);
            }
            navigated => drop(navigated?),
        }
    }
    Ok(tab)
}

fn tab_outcome(bench: &Bench, tab: TabId) -> Result<Outcome, Error> {
    let info = bench.tabs.info(tab);
    info.map(Outcome::Tab).ok_or_else(|| Error::TabNotFound {
        tab: Some(tab),
        open: bench.tabs.ids(),
    })
}

/// Returns the gate that journals a call before its first effect.
fn gate(bench: &Bench, pending: &Pending, cdp_session: Option<&str>) -> Gate {
    let journal = Journal::of(bench, pending);
    let cdp_session = cdp_session.map(str::to_owned);
    Gate::new(Arc::new(move |cdp_id| {
        let (journal, cdp_session) = (journal.clone(), cdp_session.clone());
        Box::pin(async move {
            journal
                .sent(Some(cdp_id), cdp_session)
                .await
                .map_err(|err| page::Error::Refused {
                    code: err.code(),
                    message: err.to_string(),
                })
        })
    }))
}

/// Journals a call before its first effect.
pub(crate) async fn record(
    bench: &Bench,
    pending: &Pending,
    cdp_id: Option<u32>,
    cdp_session: Option<String>,
) -> Result<(), Error> {
    Ok(Journal::of(bench, pending)
        .sent(cdp_id, cdp_session)
        .await?)
}

#[derive(Clone)]
struct Journal {
    deps: Arc<Deps>,
    session: SessionId,
    call: CallId,
    operation: &'static str,
    sent: Arc<AtomicBool>,
    sent_after: Arc<AtomicU64>,
    live: Arc<Live>,
}

impl Journal {
    fn of(bench: &Bench, pending: &Pending) -> Self {
        Self {
            deps: Arc::clone(&bench.deps),
            session: bench.session,
            call: pending.ctx.call,
            operation: pending.act.name(),
            sent: Arc::clone(&pending.sent),
            sent_after: Arc::clone(&pending.sent_after),
            live: Arc::clone(&bench.live),
        }
    }

    /// Stores that the call is about to be sent; only then may a byte of it go out.
    async fn sent(
        &self,
        cdp_id: Option<u32>,
        cdp_session: Option<String>,
    ) -> Result<(), store::Error> {
        let row = CallRow {
            id: self.call,
            session: Some(self.session),
            operation: self.operation.to_owned(),
            state: CallState::Sent,
            epoch: self.deps.config.epoch,
            cdp_id,
            cdp_session,
            at: self.deps.clock.wall(),
            outcome: None,
        };
        self.deps.store.calls().record(&row).await?;
        self.sent_after
            .store(self.live.connection.n_sent(), Ordering::SeqCst);
        self.sent.store(true, Ordering::SeqCst);
        Ok(())
    }
}
