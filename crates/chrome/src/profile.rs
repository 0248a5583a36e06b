//! Profile folders.

use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::system::uname;

/// What Chromium links in a profile that is in use. `SingletonLock` leads to `host-pid`.
const LOCK: &str = "SingletonLock";
const SOCKET: &str = "SingletonSocket";
const COOKIE: &str = "SingletonCookie";

/// Where a profile keeps its preferences.
const PREFERENCES: &str = "Default/Preferences";
/// "Continue where you left off". With any other choice the browser deletes every session
/// cookie when its last window closes, and a tab may close itself at any time (measured,
/// Chromium 156). At its start it makes no difference: headless, it restores nothing.
const KEEP_SESSION_COOKIES: &str = r#"{"session":{"restore_on_startup":1}}"#;

/// Makes a new profile one that keeps its session cookies without a window.
///
/// A profile that has preferences already keeps them: they may be a person's own.
///
/// # Errors
/// Those of making the file.
pub(crate) fn begin(user_data_dir: &Path) -> io::Result<()> {
    let file = user_data_dir.join(PREFERENCES);
    if let Some(folder) = file.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(&file) {
        Ok(mut file) => file.write_all(KEEP_SESSION_COOKIES.as_bytes()),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(err) => Err(err),
    }
}

/// Removes the locks that a killed browser left in a profile, if their owner is gone.
///
/// # Errors
/// `ResourceBusy` if the owner lives; else those of reading and removing.
pub fn clear_singleton_locks(user_data_dir: &Path) -> io::Result<()> {
    let lock = match std::fs::read_link(user_data_dir.join(LOCK)) {
        Ok(lock) => lock,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(err) => return Err(err),
    };
    if owner_lives(user_data_dir, &lock.to_string_lossy()) {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    for name in [LOCK, SOCKET, COOKIE] {
        match std::fs::remove_file(user_data_dir.join(name)) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => {}
        }
    }
    Ok(())
}

fn owner_lives(user_data_dir: &Path, lock: &str) -> bool {
    let Some((host, pid)) = lock.rsplit_once('-') else {
        return false;
    };
    if host.as_bytes() != uname().nodename().to_bytes() {
        // Another machine, or this one under another name, as containers are at each start.
        // A browser that answers is here in any case.
        return UnixStream::connect(user_data_dir.join(SOCKET)).is_ok();
    }
    let Ok(pid) = pid.parse::<i32>() else {
        return false;
    };
    // The id may have passed to a stranger; a browser names its profile.
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let folder = user_data_dir.as_os_str().as_encoded_bytes();
    line.windows(folder.len()).any(|part| part == folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn locked_by(owner: &str) -> tempfile::TempDir {
        let profile = tempfile::tempdir().unwrap();
        symlink(owner, profile.path().join(LOCK)).unwrap();
        symlink("/nowhere/socket", profile.path().join(SOCKET)).unwrap();
        symlink("123", profile.path().join(COOKIE)).unwrap();
        profile
    }

    fn host() -> String {
        uname().nodename().to_str().unwrap().to_owned()
    }

    #[test]
    fn locks_of_a_browser_that_is_gone_are_removed() {
        for owner in [
            format!("{}-{}", host(), i32::MAX),
            "other-host-1".to_owned(),
            // Runs, and is no browser of this profile.
            format!("{}-{}", host(), std::process::id()),
        ] {
            let profile = locked_by(&owner);
            clear_singleton_locks(profile.path()).unwrap();
            assert_eq!(
                std::fs::read_dir(profile.path()).unwrap().count(),
                0,
                "{owner}"
            );
        }
    }

    #[test]
    fn a_profile_without_locks_is_left_alone() {
        let profile = tempfile::tempdir().unwrap();
        clear_singleton_locks(profile.path()).unwrap();
    }
}
