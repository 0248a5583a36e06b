//! The chaos run: sessions at work, faults done to them by a seeded plan, and a model of what
//! was acknowledged that is compared after every fault. `docs/chaos.md` tells how to read it.
//!
//! ```text
//! run      the daemon, the workers' threads, the steps one after another, the table
//! plan     which fault when, from the seed    inflict  doing it    client  calls and their outcomes
//! worker   one session at work                model    what may be found after a fault
//! ```

mod client;
mod inflict;
mod model;
mod plan;
mod run;
mod worker;

pub use plan::{Fault, Moment, Plan, Step};
pub use run::{Settings, Summary, run};
