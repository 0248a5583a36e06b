//! Ending what a dead keeper or a dead daemon left behind.

use std::io;
use std::path::Path;
use std::time::Duration;

use base::Ctx;
use rustix::process::Signal;

use crate::keeper::settings::Settings;
use crate::process::{self, Stat};
use crate::{Error, Identity};

/// Between two looks at helpers, of whose end the kernel tells nobody but their parent.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Ends the keeper and the browser of `identity` if they still run, also a stopped browser,
/// and waits until they and their helpers are gone.
///
/// Goes by process id and start time only, so that no stranger is hit. Does nothing to the
/// run folder, which is used to tell helpers from strangers.
///
/// # Errors
/// [`Error::Stopped`] if the call ended first, [`Error::Io`] if the system refused.
///
/// # Cancel safety
/// Yes: call it again.
pub async fn end_leftovers(ctx: &Ctx, identity: &Identity, run: &Path) -> Result<(), Error> {
    ctx.race(end(identity, run))
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

/// Returns the processes of a dead keeper's OS session that belong to its run folder.
///
/// The session's number stays taken as long as one of them lives. Should it have passed to
/// another session all the same, its members don't know the run folder.
fn helpers(identity: &Identity, run: &Path) -> Vec<Stat> {
    let mut all = process::all();
    all.retain(|stat| {
        stat.session == identity.keeper_pid
            && !stat.is_dead()
            && identity.keeper_start <= stat.start
            && knows(stat.pid, run)
    });
    all
}

/// Tells whether a process's command line or environment names the run folder.
fn knows(pid: i32, run: &Path) -> bool {
    let run = run.as_os_str().as_encoded_bytes();
    ["cmdline", "environ"].iter().any(|name| {
        let text = std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        text.windows(run.len()).any(|part| part == run)
    })
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
    let Ok(settings) = Settings::read(run) else { return false };
    let profile = settings.args.iter().find_map(|arg| arg.strip_prefix("--user-data-dir="));
    profile.is_some_and(|profile| {
        let profile = Path::new(profile);
        // A named profile isn't removed with the run folder, and its locks are its own.
        profile.starts_with(run)
            && crate::clear_singleton_locks(profile)
                .is_err_and(|err| err.kind() == io::ErrorKind::ResourceBusy)
    })
}
