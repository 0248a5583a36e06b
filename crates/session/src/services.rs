//! The quiet killer: a browser that lives and has lost its state.
//!
//! A killed storage service empties every localStorage, and a killed network service (where
//! it has a process of its own) every cookie, while pages and JS heap live on (Chromium 156).
//! All that CDP says of it are `domStorageItemRemoved` events, as if the page had removed the
//! items. So their processes are known by id and start time, watched, and read again around
//! every capture: a change means that what was captured may be the emptied state.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::{Ctx, TaskKind, Tasks};
use cdp::Connection;
use cdp::protocol::system_info as wire;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::Error;
use crate::live::{FromLink, News};
use crate::notes::NotedService;
use crate::state::LinkId;

/// A service process whose death takes state along.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Holds localStorage and IndexedDB.
    Storage,
    /// Holds cookies, if it has a process of its own.
    Network,
}

impl Service {
    fn of(process_type: &str) -> Option<Self> {
        match process_type {
            "storage.mojom.StorageService" => Some(Self::Storage),
            "network.mojom.NetworkService" => Some(Self::Network),
            _ => None,
        }
    }
}

type Known = BTreeMap<Service, (i32, u64)>;

/// The service processes of one browser.
pub(crate) struct Services {
    link: LinkId,
    news: mpsc::Sender<FromLink>,
    tasks: Tasks,
    known: Arc<Mutex<Known>>,
    /// Its processes are known by id here.
    watched: bool,
}

impl Services {
    pub(crate) fn new(link: LinkId, news: mpsc::Sender<FromLink>, tasks: Tasks) -> Self {
        Self {
            link,
            news,
            tasks,
            known: Arc::default(),
            watched: true,
        }
    }

    /// Returns those of a browser whose processes are none of ours: nothing is told of them.
    pub(crate) fn unwatched(link: LinkId, news: mpsc::Sender<FromLink>, tasks: Tasks) -> Self {
        Self {
            watched: false,
            ..Self::new(link, news, tasks)
        }
    }

    /// Returns the processes that are known, for the next daemon.
    pub(crate) fn noted(&self) -> Vec<NotedService> {
        let noted = |(service, process): (&Service, &(i32, u64))| NotedService {
            service: *service,
            pid: process.0,
            start: process.1,
        };
        self.lock().iter().map(noted).collect()
    }

    /// Takes those that an earlier daemon knew; one that died since is found by
    /// [`Services::ended`].
    pub(crate) fn remember(&self, noted: &[NotedService]) {
        for NotedService {
            service,
            pid,
            start,
        } in noted
        {
            self.lock().insert(*service, (*pid, *start));
            self.watch(*service, (*pid, *start));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a service whose process has ended, without asking the browser.
    ///
    /// The news of an end comes a moment after it, and a page that is loaded in that moment
    /// is loaded without its cookies: so this is asked before a page is, and once more after.
    pub(crate) fn ended(&self) -> Option<Service> {
        let runs = |(pid, start): (i32, u64)| chrome::process::is_running(pid, start);
        self.lock()
            .iter()
            .find(|(_, process)| !runs(**process))
            .map(|(service, _)| *service)
    }

    /// Reads the processes again; tells which of them are not the ones known before.
    ///
    /// One that was not there before is no loss: services start when they are first needed.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn check(
        &self,
        ctx: &Ctx,
        connection: &Connection,
    ) -> Result<Option<Service>, Error> {
        if !self.watched {
            return Ok(None);
        }
        let now = read(ctx, connection).await?;
        let mut known = self.lock();
        for (service, process) in &now {
            match known.get(service) {
                Some(before) if before == process => {}
                Some(_) => return Ok(Some(*service)),
                None => {
                    known.insert(*service, *process);
                    self.watch(*service, *process);
                }
            }
        }
        // One that is gone and not replaced yet is lost all the same.
        Ok(known
            .keys()
            .find(|service| !now.contains_key(service))
            .copied())
    }

    /// Takes the processes as they are now for the good ones.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn accept(&self, ctx: &Ctx, connection: &Connection) -> Result<(), Error> {
        if !self.watched {
            return Ok(());
        }
        let now = read(ctx, connection).await?;
        let mut known = self.lock();
        for (service, process) in &now {
            if known.get(service) != Some(process) {
                self.watch(*service, *process);
            }
        }
        *known = now;
        Ok(())
    }

    fn watch(&self, service: Service, (pid, start): (i32, u64)) {
        let Ok(process) = chrome::process::watch(pid, start) else {
            // It is gone already; the next check sees that.
            return;
        };
        let (news, link) = (self.news.clone(), self.link);
        self.tasks.spawn(TaskKind::ProcessWatch, async move {
            let tell = async |of_it| {
                let of_it = FromLink { link, news: of_it };
                if news.send(of_it).await.is_err() {
                    tracing::trace!(?service, "nobody minds what becomes of a service");
                }
            };
            tell(News::ServiceFound).await;
            process.exited().await;
            tell(News::ServiceLost(service)).await;
        });
    }
}

async fn read(ctx: &Ctx, connection: &Connection) -> Result<Known, Error> {
    let reply = connection
        .root()
        .call(ctx, &wire::GetProcessInfo {})
        .await?;
    let mut known = Known::new();
    for process in reply.process_info {
        let Some(service) = Service::of(&process.r#type) else {
            continue;
        };
        let Ok(pid) = i32::try_from(process.id) else {
            continue;
        };
        // A process that has just ended has no start time; the next check finds its heir.
        if let Ok(start) = chrome::process::start_time(pid) {
            known.insert(service, (pid, start));
        }
    }
    Ok(known)
}
