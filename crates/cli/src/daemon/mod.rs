//! The daemon: how it is started, what it is made of, how it stops.

mod listen;
mod log;
mod ready;
mod starter;
mod token;

use crate::arguments::Serve;
use crate::environment::Environment;
use crate::failure::Failure;

pub use starter::{Starter, is_answering, joined};

/// `serve`.
pub fn main(_environment: &Environment, _flags: &Serve) -> Result<(), Failure> {
    Err(Failure::new(
        base::Code::NotAvailable,
        "The daemon is still to come.",
    ))
}
