//! What a connection counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a connection has seen go wrong, or past it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages that are not JSON or not of the protocol's shape.
    pub garbage: u64,
    /// Errors that answer no command.
    pub errors_without_id: u64,
    /// Replies that came after their caller had gone.
    pub late_dropped: u64,
    /// Replies to an earlier daemon's commands that found no room.
    pub late_overflow: u64,
    /// Replies to commands that were posted.
    pub posted: u64,
    /// Events of sessions that are not attached here.
    pub strays: u64,
    /// Events that a full queue lost.
    pub lagged: u64,
    /// Events whose parameters couldn't be read.
    pub undecodable: u64,
}

macro_rules! counters {
    ($($name:ident)*) => {
        /// The running counts behind [`Stats`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter,)* }

        impl Counters {
            pub(crate) fn read(&self) -> Stats {
                Stats { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! { garbage errors_without_id late_dropped late_overflow posted strays lagged undecodable }

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}
