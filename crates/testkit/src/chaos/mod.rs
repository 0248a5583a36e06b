//! The chaos run: sessions at work, faults done to them by a seeded plan, and a model of what
//! was acknowledged that is compared after every fault. `docs/chaos.md` tells how to read it.
//!
//! ```text
//! run      the daemon, the workers' threads, the steps one after another, the table
//! plan     which fault when, from the seed    inflict  doing it    client  calls and their outcomes
//! worker   one session at work                model    what may be found after a fault
//! verify   looking what is there              visits   the same for a tab's history
//! queue    the KV store, taken from by all    bare     the start of a bare Chromium
//! summary  the table, and the same as JSON    inside   what the daemon itself holds
//! attached a session at somebody else's browser
//! ```

mod attached;
mod bare;
mod client;
mod fault;
mod inflict;
mod inside;
mod model;
mod plan;
mod queue;
mod run;
mod summary;
mod verify;
mod visits;
mod worker;

pub use plan::{Fault, Moment, Plan, Step};
pub use run::{Settings, run};
pub use summary::Summary;
