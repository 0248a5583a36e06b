//! Blob files: written whole or not at all, never written over.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base::SessionId;
use rand::RngCore;

use super::{BlobAddress, LARGEST};
use crate::Error;
use crate::home::{make_folder, sync_folder};

/// Frame, length and what zstd adds to bytes it can't make smaller.
const LARGEST_FILE: u64 = (LARGEST + (LARGEST >> 7) + 4096) as u64;
/// How many damaged files of one name are kept; further ones take the last one's place.
const KEPT: u32 = 16;

/// A folder of blobs.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    /// In the names of files that are being written here. Others of that kind are leftovers: a
    /// home has one daemon.
    mine: String,
}

/// What a file looks like from outside. A file that was good and looks the same is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    length: u64,
    inode: u64,
    written: (i64, i64),
}

impl Files {
    pub fn new(root: PathBuf) -> Self {
        let mine = format!("{:08x}", rand::rng().next_u32());
        Self { root, mine }
    }

    pub fn path(&self, session: SessionId, address: &BlobAddress) -> PathBuf {
        let name = address.to_string();
        self.root
            .join(session.to_string())
            .join(&name[..2])
            .join(name)
    }

    /// Returns what a file looks like; `None` if it isn't there, or no file.
    pub fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.stamp_of(path).ok()
    }

    pub fn stamp_of(&self, path: &Path) -> Result<Stamp, Error> {
        let fail = |err| Error::io("read", path, err);
        let found = std::fs::symlink_metadata(path).map_err(fail)?;
        if !found.is_file() || found.len() == 0 {
            return Err(fail(io::Error::new(ErrorKind::InvalidData, "not a blob")));
        }
        let written = (found.mtime(), found.mtime_nsec());
        Ok(Stamp {
            length: found.len(),
            inode: found.ino(),
            written,
        })
    }

    /// Reads a file; `None` if it isn't there. What is too long comes back cut, and won't open.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Error> {
        let fail = |err| Error::io("read", path, err);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(fail(err)),
        };
        let length = file.metadata().map_err(fail)?.len().min(LARGEST_FILE);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(LARGEST_FILE)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        Ok(Some(bytes))
    }

    /// Writes a file that has its name only once all of it is on disk.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let folder = path.parent().unwrap_or(&self.root);
        self.ensure(folder)
            .map_err(|err| Error::io("make", folder, err))?;
        // A name of its own: the same part may be put twice at once.
        let new = path.with_extension(format!("{}{:08x}.new", self.mine, rand::rng().next_u32()));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&new, path))
            .and_then(|()| sync_folder(folder));
        if written.is_err() {
            self.remove(&new);
        }
        written.map_err(|err| Error::io("write", path, err))
    }

    /// Makes a folder and puts its name on disk, up to the root and the home it is in.
    fn ensure(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let Some(above) = folder.parent() else {
            return make_folder(folder);
        };
        if folder != self.root {
            self.ensure(above)?;
        }
        make_folder(folder)?;
        sync_folder(above)
    }

    /// Moves a damaged file out of the way and returns where it is now.
    pub fn set_aside(&self, path: &Path) -> Result<PathBuf, Error> {
        let kept = (0..KEPT).map(|n| aside_name(path, n));
        let kept = kept.into_iter().find(|kept| !kept.exists());
        let kept = kept.unwrap_or_else(|| aside_name(path, KEPT - 1));
        std::fs::rename(path, &kept).map_err(|err| Error::io("move aside", path, err))?;
        Ok(kept)
    }

    /// Returns where a damaged file of this name was moved to.
    pub fn aside(&self, path: &Path) -> Option<PathBuf> {
        let kept = aside_name(path, 0);
        kept.exists().then_some(kept)
    }

    pub fn remove(&self, path: &Path) {
        match std::fs::remove_file(path) {
            Ok(()) => {}
            Err(err) if err.kind() == ErrorKind::NotFound => {}
            Err(err) => tracing::warn!(%err, path = %path.display(), "can't remove a blob"),
        }
    }

    /// Removes the files of a session that a crash kept from getting their names, and returns
    /// the parts that are there.
    pub fn sweep(&self, session: SessionId) -> Vec<BlobAddress> {
        let folder = self.root.join(session.to_string());
        let mut parts = Vec::new();
        for path in entries(&folder).iter().flat_map(|folder| entries(folder)) {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            match name.parse::<BlobAddress>() {
                Ok(address) => parts.push(address),
                Err(_) if name.ends_with(".new") && !name.contains(&self.written_here()) => {
                    self.remove(&path);
                }
                // Damaged files are kept.
                Err(_) => {}
            }
        }
        parts
    }

    fn written_here(&self) -> String {
        format!(".{}", self.mine)
    }

    /// Returns the sessions that have a folder.
    pub fn sessions(&self) -> BTreeSet<SessionId> {
        let name = |path: &PathBuf| path.file_name()?.to_str()?.parse().ok();
        entries(&self.root).iter().filter_map(name).collect()
    }

    /// Removes a session's folder with all that is in it, damaged files, too.
    pub fn forget(&self, session: SessionId) -> Result<(), Error> {
        let folder = self.root.join(session.to_string());
        match std::fs::remove_dir_all(&folder) {
            Err(err) if err.kind() != ErrorKind::NotFound => Err(Error::io("remove", &folder, err)),
            _ => Ok(()),
        }
    }
}

fn aside_name(path: &Path, n: u32) -> PathBuf {
    match n {
        0 => path.with_extension("damaged"),
        n => path.with_extension(format!("{n}.damaged")),
    }
}

/// Returns what is in a folder; what can't be read isn't swept.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(read) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    read.filter_map(|entry| Some(entry.ok()?.path())).collect()
}
