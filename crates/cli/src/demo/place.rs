//! A home made for one run of the demo.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base::Ctx;

use super::outside;
use crate::environment::{self, Environment};
use crate::failure::Failure;

const LIMIT: Duration = Duration::from_secs(40);
/// `/proc` has no event for the end of processes that aren't ours.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The home. Its folder goes when this does.
pub struct Place {
    home: PathBuf,
}

impl Place {
    /// Makes an empty home.
    ///
    /// # Errors
    /// When the folder for temporary files can't be written to.
    pub fn make(environment: &Environment) -> Result<Self, Failure> {
        let home = environment
            .temporary_folder()
            .join(format!("browserd-demo-{:016x}", rand::random::<u64>()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&home)
            .map_err(|err| Failure::io(format_args!("{} can't be made", home.display()), &err))?;
        Ok(Self { home })
    }

    /// Returns the home's folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Stops what runs there and removes the folder; tells what didn't stop by itself.
    ///
    /// # Errors
    /// What was left, after it has been killed.
    pub async fn clear(&self) -> Result<(), String> {
        let ctx = Ctx::within(LIMIT);
        let stopped = ctx
            .race(self.stop())
            .await
            .unwrap_or(Err("it takes too long".to_owned()));
        let left = self.left(&ctx.at_most(Duration::from_secs(5))).await;
        for process in &left {
            // It may end by itself this very moment.
            drop(outside::kill(process.pid));
        }
        fs::remove_dir_all(&self.home)
            .map_err(|err| format!("the home can't be removed: {err}"))?;
        stopped?;
        match left.len() {
            0 => Ok(()),
            n_left => Err(format!("{n_left} processes were left and had to be killed")),
        }
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the demo stops its daemon as people do"
    )]
    async fn stop(&self) -> Result<(), String> {
        let program = environment::program().map_err(|err| err.to_string())?;
        let stopped = tokio::process::Command::new(program)
            .args(["stop", "--browsers"])
            .env("BROWSERD_HOME", &self.home)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await
            .map_err(|err| err.to_string())?;
        if stopped.success() {
            Ok(())
        } else {
            Err("`browserd stop --browsers` failed".to_owned())
        }
    }

    /// Returns the processes that are still there when the time is over.
    async fn left(&self, ctx: &Ctx) -> Vec<outside::Process> {
        loop {
            let left = outside::processes_of(&self.home);
            if left.is_empty() || ctx.pause(BETWEEN_LOOKS).await.is_err() {
                return left;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // After `clear` there is nothing left to remove.
        drop(fs::remove_dir_all(&self.home));
    }
}
