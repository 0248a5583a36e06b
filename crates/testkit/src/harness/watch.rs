//! Watches a test's processes: old zombies are noted, what falls to us is reaped and counted.
//!
//! The harness is a subreaper, so what loses its parent falls to it and not to PID 1. It then
//! does what PID 1 would, and tells how often.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::process::{self, Seen};

/// How long an ended child may wait for its parent to reap it.
const ZOMBIE_LIMIT: Duration = Duration::from_secs(1);
/// How long the thread rests between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// How long it rests while something is being measured.
const LONG_PAUSE: Duration = Duration::from_secs(5);

/// What fell to the harness as it would have to PID 1: process names and how often.
#[derive(Clone, Debug, Default)]
pub struct Fallen(BTreeMap<String, u64>);

impl Fallen {
    /// Returns how many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Fallen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        f.write_str(if words.is_empty() { "none" } else { "" })?;
        f.write_str(&words.join(", "))
    }
}

#[derive(Debug, Default)]
struct Notes {
    fallen: Fallen,
    /// Zombies that a parent of ours left unreaped for too long.
    old: Vec<String>,
    /// Since when a zombie (pid, start) has been seen.
    zombies: HashMap<(u32, u64), Instant>,
}

/// The watching thread of one harness.
#[derive(Debug)]
pub(super) struct Watch {
    notes: Arc<Mutex<Notes>>,
    stop: Arc<AtomicBool>,
    rarely: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(folder: &Path) -> Self {
        let notes: Arc<Mutex<Notes>> = Arc::default();
        let stop: Arc<AtomicBool> = Arc::default();
        let rarely: Arc<AtomicBool> = Arc::default();
        let thread = {
            let (notes, stop, folder) = (Arc::clone(&notes), Arc::clone(&stop), folder.to_owned());
            let rarely = Arc::clone(&rarely);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    look(&folder, &notes);
                    let rest = if rarely.load(Ordering::Relaxed) {
                        LONG_PAUSE
                    } else {
                        PAUSE
                    };
                    std::thread::park_timeout(rest);
                }
            })
        };
        Self {
            notes,
            stop,
            rarely,
            thread: Some(thread),
        }
    }

    /// Looks rarely or often: a look takes the processor from what is being measured.
    pub(super) fn look_rarely(&self, rarely: bool) {
        self.rarely.store(rarely, Ordering::Relaxed);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    pub(super) fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().expect("the watch ends well");
        }
    }

    pub(super) fn fallen(&self) -> Fallen {
        lock(&self.notes).fallen.clone()
    }

    /// Waits for the end of everything and names what is left.
    pub(super) fn left(&mut self, folder: &Path) -> Vec<String> {
        let mut left = Vec::new();
        // The last of them end on their own, a moment after the daemon.
        if !process::until(Duration::from_secs(5), || family(folder).is_empty()) {
            left.extend(
                family(folder)
                    .iter()
                    .map(|seen| format!("process {}", tell(seen))),
            );
        }
        let mut zombies = Vec::new();
        let reaped = process::until(ZOMBIE_LIMIT, || {
            zombies = process::descendants();
            zombies.retain(|seen| seen.zombie && !process::is_own(seen.pid));
            zombies.is_empty()
        });
        if !reaped {
            left.extend(zombies.iter().map(|seen| format!("zombie {}", tell(seen))));
        }
        self.stop();
        left.append(&mut lock(&self.notes).old);
        left.extend(
            files(folder)
                .into_iter()
                .map(|file| format!("file {}", file.display())),
        );
        left
    }
}

/// Lists the living processes that were started in `folder`'s environment or name it.
pub(super) fn family(folder: &Path) -> Vec<Seen> {
    let wanted = folder.to_string_lossy().into_owned();
    let me = std::process::id();
    process::all()
        .into_iter()
        .filter(|seen| seen.pid != me && !seen.zombie)
        .filter(|seen| seen.command.contains(&wanted) || lives_in(seen.pid, wanted.as_bytes()))
        .collect()
}

fn lives_in(pid: u32, folder: &[u8]) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .windows(folder.len())
        .any(|window| window == folder)
}

fn look(folder: &Path, notes: &Mutex<Notes>) {
    let me = std::process::id();
    let mut notes = lock(notes);
    let zombies: Vec<Seen> = process::descendants()
        .into_iter()
        .filter(|seen| seen.zombie)
        .collect();
    notes
        .zombies
        .retain(|key, _| zombies.iter().any(|seen| (seen.pid, seen.started) == *key));
    for zombie in zombies {
        if zombie.parent == me {
            // Those started here are waited for by who started them.
            if !process::is_own(zombie.pid) && process::reap(zombie.pid) {
                *notes.fallen.0.entry(zombie.name).or_default() += 1;
            }
            continue;
        }
        let key = (zombie.pid, zombie.started);
        let since = *notes.zombies.entry(key).or_insert_with(Instant::now);
        let parent = process::seen(zombie.parent).filter(|parent| is_ours(parent, folder));
        if let Some(parent) = parent
            && ZOMBIE_LIMIT < since.elapsed()
        {
            let line = format!("zombie {}, not reaped by {}", tell(&zombie), tell(&parent));
            if !notes.old.contains(&line) {
                notes.old.push(line);
            }
        }
    }
}

/// Tells whether a zombie's parent is a daemon or keeper of this test; what Chromium's own
/// processes do with theirs is Chromium's.
fn is_ours(parent: &Seen, folder: &Path) -> bool {
    // A stopped parent was stopped by the test, and reaps when it goes on.
    (super::is_daemon(parent) || super::is_keeper(parent))
        && !parent.stopped
        && lives_in(parent.pid, folder.to_string_lossy().as_bytes())
}

/// Lists what may not outlive a closed session and a stopped daemon: sockets anywhere, and
/// whatever is in the folders of runs and in TMPDIR.
fn files(folder: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::FileTypeExt as _;
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("a file's kind can be read");
            let of_a_run = path.parent() == Some(&folder.join("home/run"));
            let temporary = path.parent() == Some(&folder.join("tmp"));
            if kind.is_socket() || of_a_run || temporary {
                found.push(path);
            } else if kind.is_dir() {
                open.push(path);
            }
        }
    }
    found
}

fn tell(seen: &Seen) -> String {
    let command: String = seen.command.chars().take(160).collect();
    format!("{} {} ({command})", seen.pid, seen.name)
}

fn lock(notes: &Mutex<Notes>) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::harness::Harness;
    use crate::process::Signal;

    fn end(mut child: Child) {
        process::kill(child.id(), Signal::KILL);
        child.wait().unwrap();
        process::forget(child.id());
    }

    #[test]
    fn a_process_that_is_left_is_named() {
        let mut test = Harness::new("/bin/false");
        let mut command = Command::new("sleep");
        test.seal(command.arg("600"));
        let child = process::spawn(&mut command).unwrap();
        let folder = test.folder().to_owned();
        let left = test.watch.left(&folder);
        assert!(
            left.iter().any(|line| line.contains("sleep 600")),
            "{left:?}"
        );
        end(child);
        test.finish();
    }

    #[test]
    fn what_a_killed_test_leaves_is_killed() {
        let test = Harness::new("/bin/false");
        let folder = test.folder().to_owned();
        // A test of its own, in a process that is killed: its guard's pipe ends with it.
        let script = "exec 3>&1; (read -r word; exec sleep 600) & exec sleep 500";
        let mut victim = Command::new("sh");
        test.seal(victim.args(["-c", script]));
        let child = process::spawn(&mut victim).unwrap();
        assert!(process::until(Duration::from_secs(5), || family(&folder)
            .len()
            == 2));
        let mut guard = crate::harness::guard::Guard::over(&folder);
        guard.abandon();
        let gone = process::until(Duration::from_secs(10), || family(&folder).is_empty());
        assert!(gone, "{:?}", family(&folder));
        drop(guard);
        end(child);
        assert!(!folder.exists());
    }

    #[test]
    fn sockets_and_files_that_are_left_are_named() {
        let test = Harness::new("/bin/false");
        std::fs::create_dir_all(test.home().join("run/b_1/profile")).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(test.home().join("x.sock")).unwrap();
        std::fs::write(test.folder().join("tmp/scrap"), "").unwrap();
        std::fs::write(test.home().join("browserd.db"), "kept").unwrap();
        let mut found = files(test.folder());
        found.sort();
        let named = |path: &str| test.folder().join(path);
        assert_eq!(
            found,
            [
                named("home/run/b_1"),
                named("home/x.sock"),
                named("tmp/scrap")
            ]
        );
        drop(socket);
        std::fs::remove_dir_all(test.home()).unwrap();
        std::fs::remove_file(named("tmp/scrap")).unwrap();
        test.finish();
    }

    #[test]
    fn a_zombie_that_a_keeper_leaves_is_named_and_one_that_falls_to_us_is_counted() {
        let test = Harness::new("/bin/false");
        // A keeper that never reaps: Perl waits for nobody unless told to.
        let script =
            "if (!fork) { exit } if (!fork) { if (!fork) { sleep 1; exit } exit } sleep 600";
        std::fs::write(test.folder().join("user/keeper"), script).unwrap();
        let mut command = Command::new("perl");
        test.seal(&mut command);
        command
            .arg0("browserd")
            .arg("keeper")
            .current_dir(test.folder().join("user"));
        let child = process::spawn(command.stdin(Stdio::null())).unwrap();
        let counted = process::until(Duration::from_secs(10), || test.watch.fallen().count() == 1);
        assert!(counted, "what falls to us is not reaped");
        let noted = || lock(&test.watch.notes).old.clone();
        assert!(
            process::until(Duration::from_secs(10), || noted().len() == 2),
            "{:?}",
            noted()
        );
        assert!(noted()[0].contains("not reaped by"), "{:?}", noted());
        end(child);
        lock(&test.watch.notes).old.clear();
        test.finish();
    }
}
