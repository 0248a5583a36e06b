//! What the daemon itself holds: descriptors and memory, which no number of faults may raise.

use procfs::process::Process;

/// How many descriptors a daemon may have beside those of its sessions, and for each of them.
const DESCRIPTORS: (usize, usize) = (96, 16);
/// How many megabytes it may take beside those for its sessions, and for each of them.
const MEGABYTES: (u64, u64) = (96, 16);

/// The most that was seen.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Most {
    /// Open descriptors.
    pub descriptors: usize,
    /// Proportional set size, in bytes.
    pub bytes: u64,
}

impl Most {
    /// Looks at the daemon, and returns what is wrong with it.
    pub fn look(&mut self, daemon: Option<u32>, sessions: usize) -> Vec<String> {
        // It may have ended just now: then there is nothing to see.
        let Some((descriptors, bytes)) = daemon.and_then(see) else {
            return vec![];
        };
        self.descriptors = self.descriptors.max(descriptors);
        self.bytes = self.bytes.max(bytes);
        let mut wrong = Vec::new();
        if DESCRIPTORS.0 + sessions * DESCRIPTORS.1 < descriptors {
            wrong.push(format!("the daemon has {descriptors} descriptors open"));
        }
        if (MEGABYTES.0 + sessions as u64 * MEGABYTES.1) * 1_000_000 < bytes {
            wrong.push(format!("the daemon takes {bytes} bytes"));
        }
        wrong
    }
}

fn see(daemon: u32) -> Option<(usize, u64)> {
    let process = Process::new(i32::try_from(daemon).ok()?).ok()?;
    let rollup = process.smaps_rollup().ok()?;
    let map = rollup.memory_map_rollup.iter().next()?;
    let bytes = map.extension.map.get("Pss").copied()?;
    Some((process.fd_count().ok()?, bytes))
}
