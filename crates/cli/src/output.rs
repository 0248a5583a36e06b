//! What is printed: results on stdout, words to people about them on stderr.
//!
//! Every print can fail, as the reader may have gone (`browserd text | head`); that ends the
//! command quietly.

use std::io::{self, IsTerminal as _, Write as _};

use api::ApiError;
use serde::Serialize;

use crate::failure::{Failure, sentence};

/// Who reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// People: sentences and tables.
    Human,
    /// Programs: one JSON value.
    Json,
}

/// Prints a line on stdout.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    settle(writeln!(out, "{text}"))
}

/// Prints bytes on stdout as they are.
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    settle(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Prints a JSON value on stdout: indented for a person who watches, else on one line.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = if io::stdout().is_terminal() {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    match text {
        Ok(text) => line(&text),
        Err(err) => Err(Failure::new(
            base::Code::Internal,
            format!("The answer is no JSON: {err}."),
        )),
    }
}

/// Tells a person something beside the result, on stderr.
pub fn note(text: &str) {
    let mut err = anstream::stderr().lock();
    // Nobody is left to tell that nobody is left.
    drop(writeln!(err, "{text}"));
}

/// Tells why the command failed, in the form the caller asked for.
pub fn failure(failure: &Failure, form: Form) {
    match (failure, form) {
        (Failure::Hangup | Failure::Told, _) => {}
        (Failure::Usage(text), _) => note(text.trim_end()),
        (Failure::Coded(error), Form::Human) => human(error),
        // Nobody is left to tell if this one fails too.
        (Failure::Coded(error), Form::Json) => drop(json(error)),
    }
}

fn human(error: &ApiError) {
    note(&format!("{} ({})", sentence(&error.message), error.code));
    if !error.hint.is_empty() {
        note(&format!("Hint: {}", error.hint));
    }
}

fn settle(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Ok(()) => Ok(()),
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Hangup),
        Err(err) => Err(Failure::new(
            crate::failure::code_of(&err),
            format!("The output can't be written: {err}."),
        )),
    }
}
