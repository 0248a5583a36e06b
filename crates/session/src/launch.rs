//! From nothing to a browser in use, and back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::{BrowserId, Ctx, SessionId, TaskKind, Tasks};
use cdp::{Connection, Options, Transport};
use chrome::{Hello, Identity, LaunchSpec};
use store::BrowserRow;
use tokio::sync::mpsc;

use crate::Error;
use crate::deps::Deps;
use crate::downloads;
use crate::live::{FromLink, Host, Live};
use crate::settings::{self, SettingsPart};
use crate::state::{LinkId, MOST_TRIES};

/// How long a browser that is asked to close may take.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// How long the end of a browser may take altogether.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// When a run folder that was removed is looked at again.
const LOOK_AGAIN: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_secs(2),
    Duration::from_secs(8),
];
/// Events that may wait in one flat session's queue.
pub(crate) const EVENTS: usize = 4096;
/// Replies to earlier daemons' commands that may wait.
pub(crate) const LATE: usize = 1024;

/// Launches a browser for a session and connects to it.
///
/// One that is cut off by somebody else, by a kill or a broken link, is tried again.
///
/// # Errors
/// Those of the launch; nothing of the browser is left then.
///
/// # Cancel safety
/// If it is dropped, the keeper ends its browser; its run folder is swept at the next start.
pub(crate) async fn launch(
    ctx: &Ctx,
    deps: &Deps,
    session: SessionId,
    profile: Option<&str>,
    told: &SettingsPart,
    link: LinkId,
    news: &mpsc::Sender<FromLink>,
) -> Result<Arc<Live>, Error> {
    let config = &deps.config;
    let Started {
        spec,
        link: chrome_link,
        welcome,
    } = start(ctx, deps, profile, told).await?;
    let browser = spec.browser;
    let row = BrowserRow {
        id: browser,
        session,
        run: relative(&config.home, &spec.run),
        profile_dir: relative(&config.home, &spec.user_data_dir),
        browser_pid: welcome.identity.browser_pid,
        browser_start: welcome.identity.browser_start,
        keeper_pid: welcome.identity.keeper_pid,
        keeper_start: welcome.identity.keeper_start,
        nonce: welcome.identity.nonce.clone(),
        launched_at: deps.clock.wall(),
        ended: None,
    };
    if let Err(err) = deps.store.browsers().put(&row).await {
        // Nobody would find it again.
        end(
            deps,
            &chrome_link.control,
            browser,
            &welcome.identity,
            GRACE,
        )
        .await;
        return Err(err.into());
    }
    let options = Options {
        first_id: 1,
        event_capacity: EVENTS,
        late_capacity: LATE,
    };
    let transport = Transport {
        incoming: chrome_link.incoming,
        outgoing: chrome_link.outgoing,
    };
    let connection = Connection::open(transport, options, &deps.tasks);
    let live = Live::new(
        link,
        browser,
        Host::Keeper {
            identity: welcome.identity,
            control: chrome_link.control,
        },
        connection,
        Some(chrome_link.ended),
        news,
        &deps.tasks,
    );
    if let Err(err) = settings::permit(ctx, &live, told).await {
        tracing::warn!(%err, "the browser grants no permissions");
    }
    // Before there is a page that could begin one.
    let prepared = downloads::prepare(ctx, deps, &live, session).await;
    match prepared.and(live.announce_pages(ctx).await) {
        Ok(()) => Ok(live),
        Err(err) => {
            // The session never hears of it.
            stop(deps, &live, Duration::ZERO).await;
            Err(err)
        }
    }
}

/// A browser that answers.
struct Started {
    spec: LaunchSpec,
    link: chrome::Link,
    welcome: chrome::Welcome,
}

/// Starts a browser; one that is cut off is begun anew, with a folder of its own.
async fn start(
    ctx: &Ctx,
    deps: &Deps,
    profile: Option<&str>,
    told: &SettingsPart,
) -> Result<Started, Error> {
    let config = &deps.config;
    let mut tries = 1;
    loop {
        let browser = BrowserId::new();
        let run = run_folder(&config.home, browser);
        let user_data_dir = match profile {
            Some(name) => config.home.join("profiles").join(name),
            None => run.join("profile"),
        };
        let spec = LaunchSpec {
            browser,
            run,
            program: chrome::find(config.program.as_deref(), &config.path)?,
            user_data_dir,
            headless: config.headless,
            sandbox: config.sandbox,
            extra_args: [config.extra_args.clone(), settings::flags(told)].concat(),
            guard: false,
            orphan_timeout: config.orphan_timeout,
            keeper: config.keeper.clone(),
        };
        match chrome::launch(ctx, &spec, &hello(deps), &deps.tasks).await {
            Ok((link, welcome)) => {
                return Ok(Started {
                    spec,
                    link,
                    welcome,
                });
            }
            Err(err) => {
                // Nothing of it runs, and what it said is in the error.
                clear(deps, browser).await;
                if !err.is_interruption() || MOST_TRIES <= tries {
                    return Err(err.into());
                }
                tracing::warn!(%err, tries, "a launch was cut off; launching again");
                tries += 1;
            }
        }
    }
}

/// Ends a browser and removes what is left of it; it may use `grace` to end by itself.
///
/// One that somebody else started goes on without us.
///
/// # Cancel safety
/// The end goes on; what is left is swept at the next start.
pub(crate) async fn stop(deps: &Deps, live: &Live, grace: Duration) {
    if let Host::Keeper { identity, control } = &live.host {
        end(deps, control, live.id, identity, grace).await;
    }
    live.connection.close();
}

/// Ends a browser that an earlier daemon launched and this one never reached.
///
/// # Cancel safety
/// As [`stop`].
pub(crate) async fn end_unadopted(deps: &Deps, row: &BrowserRow) {
    let identity = Identity {
        browser_pid: row.browser_pid,
        browser_start: row.browser_start,
        keeper_pid: row.keeper_pid,
        keeper_start: row.keeper_start,
        nonce: row.nonce.clone(),
    };
    let run = run_folder(&deps.config.home, row.id);
    let ctx = Ctx::within(STOP_LIMIT);
    if let Err(err) = chrome::end_leftovers(&ctx, &identity, &run).await {
        tracing::error!(browser = %row.id, %err, "a browser could not be ended");
        return;
    }
    let how = chrome::exit_record(&run).map(|record| record.to_string());
    forget(deps, row.id, how.as_deref().unwrap_or("gone")).await;
}

async fn end(
    deps: &Deps,
    control: &chrome::Control,
    browser: BrowserId,
    identity: &Identity,
    grace: Duration,
) {
    let run = run_folder(&deps.config.home, browser);
    let ctx = Ctx::within(STOP_LIMIT);
    let how = match control.stop(&ctx, grace).await {
        Ok(record) => record.to_string(),
        Err(err) => {
            // Its keeper is gone or doesn't answer: by id and start time, then.
            tracing::debug!(%browser, %err, "the keeper could not be asked to stop its browser");
            match chrome::end_leftovers(&ctx, identity, &run).await {
                Ok(()) => "ended with its keeper".to_owned(),
                Err(err) => {
                    tracing::error!(%browser, %err, "a browser could not be ended");
                    return;
                }
            }
        }
    };
    forget(deps, browser, &how).await;
}

/// Stores the end of a browser and removes its run folder.
async fn forget(deps: &Deps, browser: BrowserId, how: &str) {
    if let Err(err) = deps.store.browsers().end(browser, how).await {
        tracing::warn!(%browser, %err, "the end of a browser could not be stored");
    }
    clear(deps, browser).await;
}

/// Removes a browser's run folder.
///
/// A process of the browser's may outlive it by a moment and write there once more as it ends,
/// as the network service does: so it is looked at again.
async fn clear(deps: &Deps, browser: BrowserId) {
    let run = run_folder(&deps.config.home, browser);
    if let Err(err) = remove(&deps.tasks, run.clone()).await {
        tracing::warn!(%browser, %err, "a browser's run folder could not be removed");
    }
    let tasks = deps.tasks.clone();
    deps.tasks.spawn(TaskKind::Background, async move {
        let ctx = Ctx::within(STOP_LIMIT);
        for pause in LOOK_AGAIN {
            if ctx.pause(pause).await.is_err() {
                return;
            }
            if let Err(err) = remove(&tasks, run.clone()).await {
                tracing::debug!(%browser, %err, "what a dying process wrote stays");
            }
        }
    });
}

async fn remove(tasks: &Tasks, run: PathBuf) -> std::io::Result<()> {
    let removed = tasks.blocking(move || std::fs::remove_dir_all(&run)).await;
    match removed {
        Ok(Err(err)) if err.kind() != std::io::ErrorKind::NotFound => Err(err),
        Ok(_) => Ok(()),
        Err(fate) => Err(std::io::Error::other(format!("{fate:?}"))),
    }
}

pub(crate) fn run_folder(home: &Path, browser: BrowserId) -> PathBuf {
    home.join("run").join(browser.to_string())
}

pub(crate) fn hello(deps: &Deps) -> Hello {
    Hello {
        nonce: deps.config.nonce.clone(),
        epoch: deps.config.epoch,
    }
}

fn relative(home: &Path, path: &Path) -> String {
    path.strip_prefix(home)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}
