//! A disk so small that it can be filled.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// How much is written at a time.
const PIECE: usize = 1 << 20;

/// A file system in memory, mounted over a folder until it is dropped. Only root can.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts one over `at`, which is made if it isn't there; `None` where that is not allowed.
    #[must_use]
    pub fn mount(at: &Path, mebibytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let options = format!("size={mebibytes}m,mode=0700");
        let done = run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"], at);
        done.then(|| Self { at: at.to_owned() })
    }

    /// Takes all the room there is.
    pub fn fill(&self) {
        let mut piece = vec![0_u8; PIECE];
        let mut file = std::fs::File::create(self.at.join("filler")).expect("a file");
        while !piece.is_empty() {
            let half = piece.len() / 2;
            if file.write_all(&piece).is_err() {
                piece.truncate(half);
            }
        }
    }

    /// Gives it back.
    pub fn empty(&self) {
        std::fs::remove_file(self.at.join("filler")).expect("the filler");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a test that fails may still have a daemon on it.
        let gone = run("umount", &["--lazy"], &self.at);
        // A second panic would hide the first.
        assert!(
            gone || std::thread::panicking(),
            "{} stays mounted",
            self.at.display()
        );
    }
}

fn run(program: &str, arguments: &[&str], at: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).arg(at);
    process::output(&mut command).is_ok_and(|output| output.status.success())
}
