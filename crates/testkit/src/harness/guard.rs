//! Cleans up after a test that was itself killed, and could not.
//!
//! A runner ends a test that hangs with SIGKILL; daemons, keepers and browsers are in sessions
//! of their own and would live on. So a small shell waits for the end of a pipe that only the
//! test holds, and then kills whatever was started in the test's environment.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::process::{self, Signal};

/// The folder comes by the pipe: in the arguments it would make the guard one of the test's own.
const SCRIPT: &str = r#"
trap '' TERM INT HUP
read -r folder || exit 0
read -r _ && exit 0
for round in 1 2 3; do
    for environ in /proc/[0-9]*/environ; do
        grep -qzF "$folder" "$environ" 2>/dev/null || continue
        pid=${environ#/proc/}
        kill -KILL "${pid%/environ}" 2>/dev/null
    done
    sleep 0.2
done
rm -rf "$folder"
"#;

/// The waiting shell. Dropping it tells it that all is well.
#[derive(Debug)]
pub(super) struct Guard {
    child: Child,
    to: Option<ChildStdin>,
}

impl Guard {
    pub(super) fn over(folder: &Path) -> Self {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SCRIPT])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = process::spawn(&mut command).expect("a shell starts");
        let mut to = child.stdin.take();
        if let Some(to) = &mut to {
            writeln!(to, "{}", folder.display()).expect("the guard listens");
        }
        Self { child, to }
    }

    /// Ends the pipe without a word, as the test's own death does.
    #[cfg(test)]
    pub(super) fn abandon(&mut self) {
        self.to = None;
        self.child.wait().expect("the guard ends");
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut to) = self.to.take()
            && writeln!(to, "all is well").is_err()
        {
            process::kill(self.child.id(), Signal::KILL);
        }
        self.child.wait().expect("the guard can be waited for");
        process::forget(self.child.id());
    }
}
