//! The home: the one folder that holds all state of a user's browserd.
//!
//! ```text
//! $BROWSERD_HOME/       0700, default ~/.browserd
//!   config.toml         what the user configured; browserd never writes it
//!   browserd.sock       the daemon's socket for the local user
//!   browserd.db, key    the store and the key its blobs are sealed with
//!   token               the local admin token for HTTP, 0600
//!   lock                held by the daemon, names its pid
//!   daemon.log[.1]      what the daemon logged
//!   blobs/ profiles/ run/
//! ```

use std::path::{Path, PathBuf};

use base::Code;

use crate::environment::Environment;
use crate::failure::Failure;

/// A home's place. Making one touches nothing on disk.
#[derive(Clone, Debug)]
pub struct Home {
    folder: PathBuf,
}

impl Home {
    /// The socket's name in the home.
    pub const SOCKET: &'static str = "browserd.sock";

    /// Returns the home that the environment names.
    ///
    /// # Errors
    /// When neither `BROWSERD_HOME` nor `HOME` says where it is.
    pub fn of(environment: &Environment) -> Result<Self, Failure> {
        let folder = match (environment.raw("BROWSERD_HOME"), environment.raw("HOME")) {
            (Some(home), _) => PathBuf::from(home),
            (None, Some(user)) => Path::new(user).join(".browserd"),
            (None, None) => {
                let message = "Neither BROWSERD_HOME nor HOME is set.";
                return Err(Failure::new(Code::InvalidArgument, message)
                    .hint("BROWSERD_HOME=/path/to/a/folder browserd …"));
            }
        };
        // The daemon it may start changes its folder; a relative home must stay the same one.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Ok(Self { folder })
    }

    /// Makes the folder if it isn't there and makes sure that it is the user's alone.
    ///
    /// # Errors
    /// When it can't be made, belongs to somebody else or is open to others and can't be shut.
    pub fn prepare(&self) -> Result<(), Failure> {
        store::prepare_home(&self.folder).map_err(|err| {
            Failure::new(err.code(), with_causes(&err))
                .hint("Set BROWSERD_HOME to a folder that you may write to.")
        })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of a file or folder in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the socket's path.
    pub fn socket(&self) -> PathBuf {
        self.join(Self::SOCKET)
    }
}

/// Returns an error with what caused it, in one line.
pub fn with_causes(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text.push_str(": ");
        text.push_str(&err.to_string());
        cause = err.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn the_home_is_where_the_environment_says() {
        let home = Home::of(&Environment::from([("HOME", "/h")])).unwrap();
        assert_eq!(home.folder(), Path::new("/h/.browserd"));
        let moved = Environment::from([("HOME", "/h"), ("BROWSERD_HOME", "/x/y")]);
        assert_eq!(Home::of(&moved).unwrap().folder(), Path::new("/x/y"));
        assert!(Home::of(&Environment::default()).is_err());
    }

    #[test]
    fn a_home_is_shut_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/home");
        let environment = Environment::from([("BROWSERD_HOME", path.to_str().unwrap())]);
        let home = Home::of(&environment).unwrap();
        home.prepare().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        home.prepare().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    }
}
