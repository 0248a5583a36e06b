//! `cargo xtask walls`: who may use whom (ARCHITECTURE.md "Crates" and "Invariants").
//!
//! [`crates`] judges what Cargo knows, [`text`] what only the source shows. What clippy's
//! `disallowed-methods` already denies (spawning, clocks, environment) is not repeated here,
//! except where an allowance could slip past it.

mod crates;
pub mod source;
mod text;

use std::fmt;

use anyhow::bail;

/// One thing that stands where it may not, in one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The crate, or the file and line.
    pub place: String,
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong.
    pub what: String,
    /// Whether it fails the run.
    pub weight: Weight,
}

/// Whether a violation fails the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// It does.
    Error,
    /// It is listed only.
    Warning,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Error => "error",
            Weight::Warning => "warning",
        };
        write!(f, "{weight}: {}: {} [{}]", self.place, self.what, self.rule)
    }
}

/// Prints every violation.
///
/// # Errors
/// If one of them is an error.
pub fn run() -> anyhow::Result<()> {
    let root = source::root();
    let mut violations = crates::check(&crates::metadata(&root)?);
    violations.extend(crates::check_manifests(&root)?);
    violations.extend(text::check(&root)?);
    for violation in &violations {
        println!("{violation}");
    }
    let errors = violations
        .iter()
        .filter(|one| one.weight == Weight::Error)
        .count();
    if 0 < errors {
        bail!("{errors} walls are broken");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_project_keeps_its_walls() {
        super::run().expect("`cargo xtask walls` says which one is broken");
    }
}
