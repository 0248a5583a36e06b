//! A wall clock that a test can set, for the real binary.
//!
//! Setting the machine's own would set it for everything that runs there. A few lines of C
//! loaded before libc add an offset to what browserd's processes read as the wall clock;
//! monotonic and boot time stay as they are, as they do when a person sets the clock.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use crate::harness::Harness;
use crate::process;

const SOURCE: &str = include_str!("clock.c");

/// How far off browserd's wall clock is.
#[derive(Debug)]
pub struct WallClock {
    file: File,
    millis: i64,
}

impl WallClock {
    /// Gives every browserd that is started in the harness from now on such a clock; `None`
    /// where there is no C compiler.
    #[must_use]
    pub fn install(harness: &mut Harness) -> Option<Self> {
        let folder = harness.folder().join("clock");
        std::fs::create_dir_all(&folder).ok()?;
        let (offset, library) = (folder.join("offset"), folder.join("clock.so"));
        let file = File::create(&offset).ok()?;
        file.write_all_at(&0_i64.to_ne_bytes(), 0).ok()?;
        compile(&folder, &library)?;
        harness.set("TESTKIT_CLOCK", &offset.to_string_lossy());
        harness.set("LD_PRELOAD", &library.to_string_lossy());
        Some(Self { file, millis: 0 })
    }

    /// Sets it that far off the real time.
    ///
    /// # Panics
    /// If the file can't be written.
    pub fn set(&mut self, millis: i64) {
        self.millis = millis;
        self.file
            .write_all_at(&millis.to_ne_bytes(), 0)
            .expect("the offset can be written");
    }

    /// Returns how far off it is, in milliseconds.
    #[must_use]
    pub const fn offset(&self) -> i64 {
        self.millis
    }
}

fn compile(folder: &Path, library: &Path) -> Option<()> {
    let source = folder.join("clock.c");
    std::fs::write(&source, SOURCE).ok()?;
    let mut command = Command::new("cc");
    command
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(library)
        .arg(&source)
        .arg("-ldl");
    let output = process::output(&mut command).ok()?;
    output.status.success().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_meant_sees_another_time() {
        let mut harness = Harness::new("browserd");
        let mut clock = WallClock::install(&mut harness).expect("there is a C compiler");
        clock.set(-86_400_500);
        let date = |name: &str| -> i64 {
            let program = harness.folder().join(name);
            std::fs::copy("/bin/date", &program).expect("a copy of date");
            let mut command = Command::new(program);
            harness.seal(&mut command);
            let output = process::output(command.arg("+%s%3N")).expect("it runs");
            String::from_utf8_lossy(&output.stdout)
                .trim()
                .parse()
                .expect("milliseconds")
        };
        let (real, set) = (date("other"), date("browserd"));
        assert!(
            (86_380_000..86_420_000).contains(&(real - set)),
            "{real} {set}"
        );
        harness.finish();
    }
}
