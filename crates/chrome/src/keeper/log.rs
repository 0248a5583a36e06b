//! `keeper.log`: what the browser and the keeper had to say, bounded.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The log's name in the run folder.
pub(crate) const FILE: &str = "keeper.log";
const OLD: &str = "keeper.log.old";
/// One file's bound; there are at most two.
const LIMIT: u64 = 128 << 10;
/// How much of it goes into an error.
const TAIL: u64 = 2048;

/// The log, open for writing.
pub(super) struct Log {
    run: PathBuf,
    file: Option<File>,
    length: u64,
}

impl Log {
    pub(super) fn open(run: &Path) -> Self {
        let file = append(&run.join(FILE));
        let length = file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map_or(0, |m| m.len());
        Self {
            run: run.to_owned(),
            file,
            length,
        }
    }

    /// Adds bytes. A log that can't be written stops nothing.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if LIMIT < self.length + bytes.len() as u64 {
            let path = self.run.join(FILE);
            let _best_effort = std::fs::rename(&path, self.run.join(OLD));
            self.file = append(&path);
            self.length = 0;
        }
        if let Some(file) = &mut self.file {
            let _best_effort = file.write_all(bytes);
            self.length += bytes.len() as u64;
        }
    }

    /// Adds a line of the keeper's own.
    pub(super) fn say(&mut self, line: &str) {
        self.write(format!("keeper: {line}\n").as_bytes());
    }
}

/// Opens the log of a run folder for appending.
pub(crate) fn append(path: &Path) -> Option<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .ok()
}

/// Returns the last lines of a run folder's log.
pub(crate) fn tail(run: &Path) -> String {
    let Ok(mut file) = File::open(run.join(FILE)) else {
        return String::new();
    };
    let length = file.metadata().map_or(0, |meta| meta.len());
    let mut bytes = Vec::new();
    let start = length.saturating_sub(TAIL);
    if file.seek(SeekFrom::Start(start)).is_err()
        || file.take(TAIL).read_to_end(&mut bytes).is_err()
    {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    // A line cut in the middle says nothing.
    let text = if start == 0 {
        &text
    } else {
        text.split_once('\n').map_or(&*text, |cut| cut.1)
    };
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_two_bounded_files_and_the_last_words() {
        let run = tempfile::tempdir().unwrap();
        let mut log = Log::open(run.path());
        for number in 0..20_000 {
            log.say(&format!("line {number} of many, each of about sixty bytes"));
        }
        for name in [FILE, OLD] {
            assert!(std::fs::metadata(run.path().join(name)).unwrap().len() <= LIMIT);
        }
        assert!(tail(run.path()).ends_with("line 19999 of many, each of about sixty bytes"));
        assert!(tail(run.path()).starts_with("keeper: line"));
    }
}
