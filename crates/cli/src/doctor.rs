//! `browserd doctor`: looks for what could be in the way, changes nothing, starts no daemon.

use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Form;

/// Examines.
pub fn main(_environment: &Environment, _form: Form) -> Result<(), Failure> {
    Err(Failure::new(
        base::Code::NotAvailable,
        "The doctor is still to come.",
    ))
}
