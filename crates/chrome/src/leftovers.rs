//! Ending what a dead keeper or a dead daemon left behind.

use std::io;
use std::path::Path;
use std::time::Duration;

use base::Ctx;
use rustix::process::Signal;

use crate::keeper::RUN_MARK;
use crate::keeper::settings::Settings;
use crate::process::{self, Stat};
use crate::{Error, Identity};

/// Between two looks at helpers, of whose end the kernel tells nobody but their parent.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Ends the keeper and the browser of `identity` if they still run, also a stopped browser,
/// and waits until they and their helpers are gone.
///
/// Goes by process id and start time, so that no stranger is hit; helpers are known by the
/// run folder's mark in their environment. The run folder itself is left as it is.
///
/// # Errors
/// [`Error::Stopped`] if the call ended first, [`Error::Io`] if the system refused.
///
/// # Cancel safety
/// Yes: call it again.
pub async fn end_leftovers(ctx: &Ctx, identity: &Identity, run: &Path) -> Result<(), Error> {
    let run = std::path::absolute(run).map_err(Error::io("finding the run folder"))?;
    ctx.race(end(identity, &run))
        .await
        .map_err(Error::stopped("ending what was left of a browser"))?
        .map_err(Error::io("ending what was left of a browser"))
}

async fn end(identity: &Identity, run: &Path) -> io::Result<()> {
    // The keeper first: it would take the browser's end for news.
    kill(identity.keeper_pid, identity.keeper_start).await?;
    kill(identity.browser_pid, identity.browser_start).await?;
    loop {
        let mut n_left = 0;
        for helper in helpers(identity, run) {
            n_left += 1;
            if let Ok(watched) = process::watch(helper.pid, helper.start) {
                watched.signal(Signal::KILL)?;
            }
        }
        if n_left == 0 {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn kill(pid: i32, start: u64) -> io::Result<()> {
    let watched = match process::watch(pid, start) {
        Ok(watched) => watched,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(err) => return Err(err),
    };
    watched.signal(Signal::KILL)?;
    watched.exited().await;
    Ok(())
}

/// Returns the processes that carry the run folder's mark in their environment: what the
/// browser started, wherever it went. No stranger has it.
fn helpers(identity: &Identity, run: &Path) -> Vec<Stat> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let mut all = process::all();
    all.retain(|stat| {
        stat.pid != me
            && !stat.is_dead()
            && identity.keeper_start <= stat.start
            && is_marked(stat.pid, run)
    });
    all
}

fn is_marked(pid: i32, run: &Path) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let run = run.as_os_str().as_encoded_bytes();
    environment
        .split(|byte| *byte == 0)
        .filter_map(|entry| entry.strip_prefix(RUN_MARK.as_bytes())?.strip_prefix(b"="))
        .any(|value| value == run)
}

/// Removes a run folder whose keeper and browser are gone; `Ok(false)` if they live.
///
/// Goes by the profile's lock and the keeper's socket, both of which die with their owners;
/// nothing is signalled.
///
/// # Errors
/// Those of reading and removing the folder.
pub fn sweep(run: &Path) -> io::Result<bool> {
    if base::socket::connect(run, crate::wire::SOCKET).is_ok() || browser_lives(run) {
        return Ok(false);
    }
    match std::fs::remove_dir_all(run) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        _ => Ok(true),
    }
}

fn browser_lives(run: &Path) -> bool {
    let Ok(settings) = Settings::read(run) else {
        return false;
    };
    let profile = settings
        .args
        .iter()
        .find_map(|arg| arg.strip_prefix("--user-data-dir="));
    profile.is_some_and(|profile| {
        let profile = Path::new(profile);
        // A named profile isn't removed with the run folder, and its locks are its own.
        profile.starts_with(run)
            && crate::clear_singleton_locks(profile)
                .is_err_and(|err| err.kind() == io::ErrorKind::ResourceBusy)
    })
}
