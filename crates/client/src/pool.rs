//! Connections kept for the next call. Bounded: a burst opens more and drops them after.

use std::sync::{Mutex, PoisonError};

use crate::exchange::Connection;

/// How many idle connections are kept.
const KEPT: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Connection>>);

impl Pool {
    /// Takes an idle connection that still lives.
    pub(crate) async fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = self.lock().pop()?;
            if connection.is_usable().await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next call.
    pub(crate) fn give_back(&self, connection: Connection) {
        let mut kept = self.lock();
        if kept.len() < KEPT {
            kept.push(connection);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // Nothing that holds the lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
