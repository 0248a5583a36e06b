//! How a daemon tells its starter that it is ready: one line of JSON on its stdout.
//!
//! ```text
//! {"ready":true,"pid":4711}                       it answers calls from now on
//! {"code":"home_locked","message":"…","hint":…}   it ends, and why
//! ```
//!
//! After the line, stdout leads nowhere: the starter may go at any time.

use std::io::{self, Write as _};

use serde_json::{Value, json};

use crate::failure::Failure;

/// Tells the starter that the daemon answers.
///
/// # Errors
/// Those of giving stdout up. A starter that has gone is none.
pub fn tell_ready() -> io::Result<()> {
    let line = json!({ "ready": true, "pid": std::process::id() });
    tell(&line);
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(nowhere)?;
    Ok(())
}

/// Tells the starter why the daemon ends.
pub fn tell_failure(failure: &Failure) {
    if let Failure::Coded(error) = failure {
        tell(&json!(error));
    }
}

fn tell(line: &Value) {
    let mut out = io::stdout().lock();
    // The starter may have gone. That is no reason for the daemon to go too.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

/// Returns what the starter read.
///
/// # Errors
/// The failure that the daemon told, or that it told nothing.
pub fn heard(line: &str, log: &std::path::Path) -> Result<(), Failure> {
    let value: Value = serde_json::from_str(line).unwrap_or(Value::Null);
    if value["ready"] == true {
        return Ok(());
    }
    match serde_json::from_value::<api::ApiError>(value) {
        Ok(error) => Err(Failure::Coded(error)),
        Err(_) => {
            let message = "The daemon ended before it was ready.";
            Err(Failure::new(base::Code::Internal, message)
                .hint(format!("Its log says why: tail {}", log.display())))
        }
    }
}
