//! A browser in use: the connection to it, its keeper, and the news of both.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::{BrowserId, Ctx, TaskKind, Tasks};
use cdp::protocol::target as wire;
use cdp::{Connection, Ended, Events, Next};
use chrome::{Control, Identity, LinkEnd};
use tokio::sync::{mpsc, watch};

use crate::Error;
use crate::downloads::Inbox;
use crate::notes::{ID_BLOCK, Notes};
use crate::readers::Readers;
use crate::services::Services;
use crate::state::LinkId;
use crate::tabs::Tabs;
use crate::targets::{Attached, Targets};

/// How many pieces of a browser's news may wait for the session's task.
pub(crate) const MOST_NEWS: usize = 256;
/// How long a closed connection's reason is waited for.
const REASON: Duration = Duration::from_secs(1);

/// A browser that is connected.
pub(crate) struct Live {
    /// The link this connection is.
    pub link: LinkId,
    /// The browser.
    pub id: BrowserId,
    /// Who holds it.
    pub host: Host,
    /// CDP.
    pub connection: Connection,
    /// Its pages that aren't tabs yet.
    pub targets: Targets,
    /// What it says of downloads.
    pub downloads: Inbox,
    /// The processes whose death takes state along.
    pub services: Services,
    /// Where its news goes.
    news: mpsc::Sender<FromLink>,
    /// CDP ids below this are taken by this daemon.
    ids_below: AtomicU32,
    /// Targets made for reading storage, to be closed by whoever comes.
    aside: Mutex<Vec<String>>,
    /// Its hidden pages that stay.
    pub readers: Readers,
    /// Targets opened in somebody else's browser, to be closed with the session.
    opened: Mutex<Vec<String>>,
    /// What it holds is half of two states.
    unfinished: AtomicBool,
}

/// Who holds a browser.
pub(crate) enum Host {
    /// Its keeper: it was launched here.
    Keeper {
        /// Its processes.
        identity: Identity,
        /// The keeper.
        control: Control,
    },
    /// Somebody else, who started it: it is never ended.
    Attached,
}

/// Something a browser, its link or its keeper did.
#[derive(Debug)]
pub(crate) enum News {
    /// A page was announced; it is among the targets.
    Attached,
    /// The session of a page ended.
    Detached {
        /// The flat session.
        session: String,
    },
    /// The link ended.
    Ended(LinkEnd),
    /// An event came from a flat session nobody here knows.
    Stray {
        /// The flat session.
        session: String,
    },
    /// A reply came to a command of an earlier daemon.
    Late {
        /// The command's id.
        id: u32,
        /// Whether it succeeded.
        ok: bool,
    },
    /// Announcements were lost: look for yourself.
    Lagged,
    /// A process that holds state is known: the next daemon shall know it, too.
    ServiceFound,
    /// A process that holds state died while the browser lives.
    ServiceLost(crate::services::Service),
}

/// News with the link it is of.
#[derive(Debug)]
pub(crate) struct FromLink {
    /// The link.
    pub link: LinkId,
    /// What happened.
    pub news: News,
}

impl Live {
    /// Takes a connection into use and starts to pass on its news.
    pub(crate) fn new(
        link: LinkId,
        id: BrowserId,
        host: Host,
        connection: Connection,
        ended: Option<watch::Receiver<Option<LinkEnd>>>,
        news: &mpsc::Sender<FromLink>,
        tasks: &Tasks,
    ) -> Arc<Self> {
        let targets = Targets::default();
        let events = connection.root().events();
        let downloads = Inbox::default();
        let pump = Pump {
            downloads: downloads.clone(),
            link,
            connection: connection.clone(),
            targets: targets.clone(),
            news: news.clone(),
        };
        tasks.spawn(TaskKind::PageEvents, pump.run(events, ended));
        Arc::new(Self {
            link,
            id,
            services: match host {
                Host::Keeper { .. } => Services::new(link, news.clone(), tasks.clone()),
                Host::Attached => Services::unwatched(link, news.clone(), tasks.clone()),
            },
            host,
            connection,
            targets,
            downloads,
            news: news.clone(),
            ids_below: AtomicU32::new(0),
            aside: Mutex::default(),
            readers: Readers::default(),
            opened: Mutex::default(),
            unfinished: AtomicBool::new(false),
        })
    }

    /// Returns the browser's processes, if it was launched here.
    pub(crate) const fn identity(&self) -> Option<&Identity> {
        match &self.host {
            Host::Keeper { identity, .. } => Some(identity),
            Host::Attached => None,
        }
    }

    /// Tells whether the browser is somebody else's.
    pub(crate) const fn is_attached(&self) -> bool {
        matches!(self.host, Host::Attached)
    }

    /// Remembers a target that was opened for the session.
    pub(crate) fn note_opened(&self, target: &str) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_attached() && !opened.iter().any(|other| other == target) {
            opened.push(target.to_owned());
        }
    }

    /// Returns the targets that were opened for the session in somebody else's browser.
    pub(crate) fn opened(&self) -> Vec<String> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.clone()
    }

    /// Has the browser announce every page, before its scripts run.
    ///
    /// # Cancel safety
    /// Yes: asking twice announces nothing twice.
    pub(crate) async fn announce_pages(&self, ctx: &Ctx) -> Result<(), Error> {
        let page = wire::FilterEntry {
            r#type: Some("page".to_owned()),
            exclude: Some(false),
        };
        let rest = wire::FilterEntry {
            r#type: None,
            exclude: Some(true),
        };
        let auto_attach = wire::SetAutoAttach {
            auto_attach: true,
            wait_for_debugger_on_start: true,
            flatten: Some(true),
            filter: Some(vec![page, rest]),
        };
        self.connection.root().call(ctx, &auto_attach).await?;
        Ok(())
    }

    /// Waits for what only a linked browser brings about, such as a tab's page.
    ///
    /// # Errors
    /// Those of `work`, and the link's loss, which is not waited out.
    ///
    /// # Cancel safety
    /// That of `work`.
    pub(crate) async fn unless_lost<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            // What goes with it, such as a tab, is not what the caller is to hear of.
            lost = self.connection.lost() => Err(cdp::Error::from(Ended::Lost(lost)).into()),
            out = work => out,
        }
    }

    /// Has the session look at the targets again: one was claimed.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn nudge(&self) {
        let news = FromLink {
            link: self.link,
            news: News::Attached,
        };
        if self.news.send(news).await.is_err() {
            tracing::debug!("the session has let its browser go");
        }
    }

    /// Leaves notes of the tabs as they are for the next daemon.
    ///
    /// The keeper has them before any message that is sent later. Where there is no keeper
    /// the next daemon asks the browser.
    pub(crate) fn note(&self, tabs: &Tabs) {
        let Host::Keeper { control, .. } = &self.host else {
            return;
        };
        let next = self.connection.next_id();
        if self.ids_below.load(Ordering::Relaxed) < next.saturating_add(ID_BLOCK / 4) {
            self.ids_below
                .store(next.saturating_add(ID_BLOCK), Ordering::Relaxed);
        }
        let aside = self
            .aside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let notes = Notes {
            next_id: self.ids_below.load(Ordering::Relaxed),
            pages: tabs.noted(),
            aside,
            unfinished: self.is_unfinished(),
            services: self.services.noted(),
        };
        let written = match notes.encode() {
            Ok(bytes) => control.write_notes(bytes).map_err(|err| err.to_string()),
            Err(err) => Err(err.to_string()),
        };
        if let Err(reason) = written {
            // The link is going or gone; its end comes as news of its own.
            tracing::debug!(%reason, "notes could not be left");
        }
    }

    /// Says that the browser is being made something else and is neither until that is done; the
    /// next daemon is told before any message that is sent later.
    pub(crate) fn set_unfinished(&self, unfinished: bool, tabs: &Tabs) {
        self.unfinished.store(unfinished, Ordering::SeqCst);
        self.note(tabs);
    }

    /// Tells whether what the browser holds is half of two states: it may not be captured.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.unfinished.load(Ordering::SeqCst)
    }

    /// Tells whether the ids used come near the end of the block the notes tell of.
    pub(crate) fn ids_run_out(&self) -> bool {
        let below = self.ids_below.load(Ordering::Relaxed);
        below < self.connection.next_id().saturating_add(ID_BLOCK / 8)
    }

    /// Tells whether a target is one that has to be closed.
    pub(crate) fn is_aside(&self, target: &str) -> bool {
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.iter().any(|other| other == target)
    }

    /// Remembers a target that has to be closed, or forgets one that is.
    pub(crate) fn set_aside(&self, target: &str, open: bool) {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.retain(|other| other != target);
        if open {
            aside.push(target.to_owned());
        }
    }
}

struct Pump {
    link: LinkId,
    connection: Connection,
    targets: Targets,
    downloads: Inbox,
    news: mpsc::Sender<FromLink>,
}

impl Pump {
    async fn run(self, mut events: Events, mut ended: Option<watch::Receiver<Option<LinkEnd>>>) {
        let mut strays = self.connection.strays();
        let mut late = self.connection.late();
        loop {
            let next = tokio::select! {
                biased;
                // The reason is the better news than the loss.
                end = told_end(&mut ended) => {
                    Ok(News::Ended(end.unwrap_or(LinkEnd::KeeperGone)))
                }
                next = events.next() => Err(next),
                Some(stray) = next_of(&mut strays) => {
                    Ok(News::Stray { session: stray.session_id })
                }
                Some(reply) = next_of(&mut late) => {
                    Ok(News::Late { id: reply.id, ok: reply.result.is_ok() })
                }
            };
            let news = match next {
                Ok(news) => news,
                Err(Next::Event(event)) => match self.on_event(&event) {
                    Some(news) => news,
                    None => continue,
                },
                Err(Next::Lagged(_)) => {
                    self.downloads.miss();
                    News::Lagged
                }
                Err(Next::Ended(_)) => News::Ended(self.reason(&mut ended).await),
            };
            let last = matches!(news, News::Ended(_));
            // A session that doesn't listen any more has let the browser go.
            if self
                .news
                .send(FromLink {
                    link: self.link,
                    news,
                })
                .await
                .is_err()
                || last
            {
                return;
            }
        }
    }

    fn on_event(&self, event: &cdp::RawEvent) -> Option<News> {
        if let Some(Ok(attached)) = event.decode::<wire::AttachedToTargetEvent>() {
            // Hidden targets ("other") are announced to whoever attaches to them, and no tabs.
            if attached.target_info.r#type != "page" {
                return None;
            }
            self.targets.attached(Attached {
                session: attached.session_id,
                target: attached.target_info.target_id,
                has_opener: attached.target_info.opener_id.is_some(),
                url: attached.target_info.url,
            });
            return Some(News::Attached);
        }
        if let Some(Ok(detached)) = event.decode::<wire::DetachedFromTargetEvent>() {
            self.targets.detached(&detached.session_id);
            return Some(News::Detached {
                session: detached.session_id,
            });
        }
        self.downloads.hear(event);
        None
    }

    async fn reason(&self, ended: &mut Option<watch::Receiver<Option<LinkEnd>>>) -> LinkEnd {
        let told = match ended {
            Some(_) => tokio::time::timeout(REASON, told_end(ended)).await,
            None => Ok(None),
        };
        told.ok().flatten().unwrap_or_else(|| {
            LinkEnd::Closed(Arc::new(std::io::ErrorKind::ConnectionAborted.into()))
        })
    }
}

/// Waits until the keeper's link tells its end, `None` if it went without; for ever if there
/// is no keeper.
async fn told_end(ended: &mut Option<watch::Receiver<Option<LinkEnd>>>) -> Option<LinkEnd> {
    match ended {
        Some(ended) => {
            let end = ended.wait_for(Option::is_some).await;
            end.ok().and_then(|end| end.clone())
        }
        None => std::future::pending().await,
    }
}

/// Waits for the next item of a channel that may not be there; for ever if it is closed.
async fn next_of<T>(from: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    let next = match from {
        Some(receiver) => receiver.recv().await,
        None => None,
    };
    if next.is_none() {
        std::future::pending::<()>().await;
    }
    next
}
