//! What every session stands on.

use base::{Clock, Tasks};
use store::Store;

use crate::config::Config;

/// The daemon's shared parts, as the sessions use them.
#[derive(Clone)]
pub struct Deps {
    /// Tables and blobs.
    pub store: Store,
    /// Where tasks are spawned.
    pub tasks: Tasks,
    /// The time.
    pub clock: Clock,
    /// The settings.
    pub config: Config,
}
