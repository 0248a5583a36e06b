//! The response store as callers use it: whose a result is, and when its time is over.
//!
//! The bounds are held by `store`, inside its transactions. Times are the wall clock's, as they
//! outlive the process: a clock that jumps forward ends results early, and one that is set back
//! keeps them for longer, within the bounds.

use std::time::Duration;

use base::{Clock, ResultId, SessionId, SessionName, TaskKind, Timestamp};
use store::Store;

pub use store::{FoundResult, KeptResult, NewResult, ResultBounds};

use crate::Error;
use crate::deps::Deps;

/// How often results whose time is over are removed, unasked.
const BETWEEN_COLLECTIONS: Duration = Duration::from_secs(60);

/// The response store of a home. Cheap to clone.
#[derive(Clone)]
pub struct Results {
    store: Store,
    clock: Clock,
    bounds: ResultBounds,
}

impl Results {
    /// Returns the response store, and has what is over its time removed from now on.
    pub(crate) fn start(deps: &Deps) -> Self {
        let results = Self {
            store: deps.store.clone(),
            clock: deps.clock.clone(),
            bounds: deps.config.results,
        };
        let collector = results.clone();
        deps.tasks.spawn(TaskKind::Background, async move {
            loop {
                tokio::time::sleep(BETWEEN_COLLECTIONS).await;
                let now = collector.clock.wall();
                if let Err(err) = collector.store.results().collect(now).await {
                    tracing::warn!(%err, "results whose time is over could not be removed");
                }
            }
        });
        results
    }

    /// Keeps the parts of one answer and returns their handles, and until when they are kept.
    ///
    /// # Errors
    /// Those of the store: `limit_reached` for parts that are too large to be kept at all.
    ///
    /// # Cancel safety
    /// All are kept or none.
    pub async fn keep(
        &self,
        session: Option<SessionId>,
        results: &[NewResult],
    ) -> Result<(Vec<ResultId>, Timestamp), Error> {
        let now = self.clock.wall();
        let table = self.store.results();
        let handles = table.keep(now, &self.bounds, session, results).await?;
        let until = now.saturating_add(self.bounds.ttl).unwrap_or(now);
        Ok((handles, until))
    }

    /// Returns what was kept under a handle.
    ///
    /// # Errors
    /// [`Error::ResultNotFound`], [`Error::ResultExpired`]; those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn read(&self, id: ResultId) -> Result<KeptResult, Error> {
        let now = self.clock.wall();
        match self.store.results().read(now, id).await? {
            FoundResult::Kept(kept) => Ok(*kept),
            FoundResult::Unknown => Err(Error::ResultNotFound { id }),
            FoundResult::Gone { given_at } => {
                let age = Duration::try_from(now.duration_since(given_at));
                let over = age.is_ok_and(|age| self.bounds.ttl <= age);
                Err(Error::ResultExpired { id, over })
            }
        }
    }

    /// Returns the id of a session that is named; `None` if it isn't stored.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn owner(&self, name: &SessionName) -> Result<Option<SessionId>, Error> {
        let sessions = self.store.sessions();
        let row = match name {
            SessionName::Id(id) => sessions.get(*id).await?,
            SessionName::Key(key) => sessions.by_key(key).await?,
        };
        Ok(row.map(|row| row.id))
    }
}

impl std::fmt::Debug for Results {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Results(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> NewResult {
        NewResult {
            field: "content".to_owned(),
            text: "x".to_owned().into(),
        }
    }

    #[tokio::test]
    async fn what_is_gone_says_whether_its_time_is_over_or_something_else_took_it() {
        let clock = Clock::set(Timestamp::UNIX_EPOCH);
        let results = Results {
            store: Store::open_memory().await.unwrap(),
            clock: clock.clone(),
            bounds: ResultBounds {
                items: 1,
                ..ResultBounds::default()
            },
        };
        let (first, until) = results.keep(None, &[part()]).await.unwrap();
        assert_eq!(until, "1970-01-01T00:05:00Z".parse().unwrap());
        assert_eq!(results.read(first[0]).await.unwrap().result, part());
        let (second, _) = results.keep(None, &[part()]).await.unwrap();
        let gone = results.read(first[0]).await.unwrap_err();
        assert!(
            matches!(gone, Error::ResultExpired { over: false, .. }),
            "{gone}"
        );
        clock.advance_wall(Duration::from_secs(300));
        for id in [first[0], second[0]] {
            let gone = results.read(id).await.unwrap_err();
            assert!(
                matches!(gone, Error::ResultExpired { over: true, .. }),
                "{gone}"
            );
        }
        let unknown = results.read(ResultId::new()).await.unwrap_err();
        assert!(matches!(unknown, Error::ResultNotFound { .. }), "{unknown}");
    }
}
