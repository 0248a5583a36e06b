//! What a start finds: browsers to adopt, browsers to end, folders to sweep.

use std::collections::HashSet;

use base::{Ctx, SessionName, StateName};

use super::Sessions;
use crate::Error;
use crate::attached;
use crate::launch;
use crate::session::Begin;

impl Sessions {
    pub(super) async fn reconcile(&self) -> Result<(), Error> {
        let store = &self.deps().store;
        let listed = store.sessions().list().await?;
        for damaged in listed.damaged {
            tracing::error!(id = %damaged.id, reason = %damaged.reason, "a session's row is damaged");
        }
        let browsers = store.browsers().list_live().await?;
        for damaged in browsers.damaged {
            tracing::error!(id = %damaged.id, reason = %damaged.reason, "a browser's row is damaged");
        }
        let mut browsers = browsers.rows;
        for row in listed.rows {
            if row.is_closed() {
                continue;
            }
            let browser = row.browser.and_then(|id| {
                let at = browsers.iter().position(|browser| browser.id == id)?;
                Some(browsers.swap_remove(at))
            });
            let adopts = matches!(row.state, StateName::Alive | StateName::Reconnecting);
            let known = store.tabs().list(row.id).await?.rows;
            let id = row.id;
            let begin = match browser {
                Some(browser) if adopts => Begin::Adopt(browser, known.clone()),
                // Half launched or half restored: not a browser to go on with.
                Some(browser) => {
                    browsers.push(browser);
                    Begin::Rest
                }
                None if adopts && row.attached.is_some() => Begin::Relink,
                None => Begin::Rest,
            };
            let holds = matches!(begin, Begin::Adopt(..) | Begin::Relink);
            let holding = row.attached.as_ref().map(attached::holding);
            let holding = holding.or_else(|| row.profile.clone());
            let slot = holds.then(|| self.inner.slots.take_anyway(id, holding.as_deref()));
            self.spawn(row, known, slot, begin);
        }
        let ends = browsers
            .iter()
            .map(|browser| launch::end_unadopted(self.deps(), browser));
        futures_util::future::join_all(ends).await;
        self.sweep().await;
        if self.deps().config.auto_resume {
            self.resume_all();
        }
        Ok(())
    }

    /// Removes run folders of browsers that no row tells of: launched by a daemon that died
    /// before it could say so.
    async fn sweep(&self) {
        let run = self.deps().config.home.join("run");
        let Ok(folders) = std::fs::read_dir(&run) else {
            return;
        };
        let known: HashSet<String> = self
            .deps()
            .store
            .browsers()
            .list_live()
            .await
            .map(|live| live.rows.iter().map(|row| row.id.to_string()).collect())
            .unwrap_or_default();
        for folder in folders.flatten() {
            if known.contains(&*folder.file_name().to_string_lossy()) {
                continue;
            }
            let path = folder.path();
            let swept = self
                .deps()
                .tasks
                .blocking(move || chrome::sweep(&path))
                .await;
            if let Ok(Err(err)) = swept {
                tracing::warn!(folder = %folder.path().display(), %err, "a run folder could not be swept");
            }
        }
    }

    fn resume_all(&self) {
        for handle in self.handles().values().cloned() {
            if handle.summary().state != StateName::Recoverable {
                continue;
            }
            let sessions = self.clone();
            self.deps().tasks.spawn(base::TaskKind::Background, async move {
                let ctx = Ctx::within(sessions.deps().config.recovery_limit);
                let name = SessionName::Id(handle.id);
                if let Err(err) = sessions.resume(&ctx, &name).await {
                    tracing::warn!(session = %handle.id, %err, "a session could not be resumed");
                }
            });
        }
    }
}
