//! The home folder: made for one user, and for nobody else.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use crate::Error;

const FOLDER_MODE: u32 = 0o700;

/// Makes the home folder if it isn't there, and takes every right to it from other users.
///
/// # Errors
/// [`Error::Io`] if it is no folder or belongs to another user.
pub fn prepare_home(home: &Path) -> Result<(), Error> {
    make_folder(home).map_err(|err| Error::io("make the home", home, err))?;
    let found = std::fs::metadata(home).map_err(|err| Error::io("read the home", home, err))?;
    let me = rustix::process::geteuid().as_raw();
    if !found.is_dir() || found.uid() != me {
        let reason = if found.is_dir() {
            "it belongs to another user"
        } else {
            "not a folder"
        };
        let source = io::Error::new(io::ErrorKind::PermissionDenied, reason);
        return Err(Error::Io {
            action: "use the home",
            path: home.to_owned(),
            source,
        });
    }
    if found.mode() & 0o077 != 0 {
        tracing::warn!(home = %home.display(), "other users had rights to the home; taken away");
        std::fs::set_permissions(home, Permissions::from_mode(FOLDER_MODE))
            .map_err(|err| Error::io("close to others the home", home, err))?;
    }
    Ok(())
}

/// Makes a folder 0700, with those above it that are missing.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
}

/// Waits until a folder's own entries are on disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
