//! Programs that pretend to be Chromium, each with one way of misbehaving.
//!
//! They are shell scripts: their debugging pipe is on descriptors 3 and 4 as Chromium's is,
//! their working folder is the `tmp` of their run folder. All of them take any argument.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a fake browser behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fake {
    /// Ends at once, content.
    ExitsNow,
    /// Says that it can't, and ends with code 1.
    ExitsOne,
    /// Ends as the loader does when a library is missing.
    LibraryMissing,
    /// Reads its commands and never writes a message.
    NeverAnswers,
    /// Answers the first command, keeps what it reads in `received`, and ends with its pipe.
    Answers,
    /// As [`Fake::Answers`], and does what is written to the fifo `commands` by [`tell`].
    Scripted,
    /// Answers, then ignores the end of its pipe and SIGTERM.
    IgnoresTerm,
    /// Ends with its pipe, leaving one helper in its process group and one in a session of
    /// its own; their ids are in `helpers`.
    LeavesHelper,
    /// Answers, then writes events without end and as fast as it can.
    Floods,
    /// Answers, then reads no more.
    StopsReading,
}

/// Waits for a command of the length of the first one, and answers it.
const ANSWER: &str = r#"head -c 48 <&3 >/dev/null
printf '{"id":2147483647,"result":{"product":"Fake/1"}}\000' >&4
"#;

impl Fake {
    /// Writes the program into `folder` and returns its path.
    ///
    /// # Panics
    /// If it can't be written.
    #[must_use]
    pub fn install(self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("fake-{self:?}"));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o755)
            .open(&path)
            .unwrap();
        write!(file, "#!/bin/sh\n{}", self.script()).unwrap();
        path
    }

    fn script(self) -> String {
        let answers = |rest: &str| format!("{ANSWER}{rest}");
        match self {
            Self::ExitsNow => "exit 0\n".to_owned(),
            Self::ExitsOne => "echo 'the display is on fire' >&2\nexit 1\n".to_owned(),
            Self::LibraryMissing => "echo \"$0: error while loading shared libraries: libnss3.so: \
                                     cannot open shared object file\" >&2\nexit 127\n"
                .to_owned(),
            Self::NeverAnswers => "echo 'thinking' >&2\nexec cat <&3 >/dev/null\n".to_owned(),
            Self::Answers => answers("exec cat <&3 >received\n"),
            Self::Scripted => answers(
                "mkfifo commands\n(cat <&3 >received; kill -9 $$) &\nwhile :; do . ./commands; \
                 done\n",
            ),
            Self::IgnoresTerm => {
                format!("trap '' TERM\n{ANSWER}while :; do sleep 1000; done\n")
            }
            Self::LeavesHelper => answers(
                "sleep 1000 &\necho $! >helpers.new\nsetsid sleep 1000 &\necho $! >>helpers.new\n\
                 mv helpers.new helpers\ncat <&3 >received\nexit 0\n",
            ),
            Self::Floods => answers(
                "exec yes '{\"method\":\"Runtime.consoleAPICalled\",\"params\":{\"text\":\"all \
                 work and no play makes this a long line\"}}' | tr '\\n' '\\000' >&4\n",
            ),
            Self::StopsReading => answers("exec sleep 1000\n"),
        }
    }
}

/// Has the [`Fake::Scripted`] browser of a run folder run shell commands; returns when it has
/// read them.
///
/// # Panics
/// If the browser is gone.
pub fn tell(run: &Path, commands: &str) {
    let fifo = run.join("tmp/commands");
    // The browser makes the fifo after it has answered: a moment may pass.
    let there = crate::process::until(Duration::from_secs(10), || fifo.exists());
    assert!(there, "no fifo at {}", fifo.display());
    // Opening waits for the reader.
    let mut file = std::fs::OpenOptions::new().write(true).open(fifo).unwrap();
    file.write_all(commands.as_bytes()).unwrap();
    file.write_all(b"\n").unwrap();
}

/// Returns the shell command that writes a message to the pipe.
#[must_use]
pub fn say(message: &str) -> String {
    format!("printf '%s\\000' '{message}' >&4\n")
}
