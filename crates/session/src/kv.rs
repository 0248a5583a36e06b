//! The KV store as callers use it: bounds, times, and waiting for what isn't there yet.
//!
//! The rules of versions and claims are in `store`, inside its transactions. Times are the wall
//! clock's: a clock that jumps forward ends claims early, and their epochs keep that safe.

use std::sync::Arc;
use std::time::Duration;

use base::{CallId, Clock, Ctx, TaskKind, Timestamp};
use store::Store;
use store::kv::{LARGEST_VALUE, LONGEST_KEY, LONGEST_NAMESPACE};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use store::kv::{
    KvChange, KvChanges, KvDone, KvEntry, KvLease, KvListed, KvOutcome, KvPage, KvWrite,
};

use crate::Error;
use crate::deps::Deps;

/// How often entries whose time is over are collected, unasked.
const BETWEEN_COLLECTIONS: Duration = Duration::from_secs(60);
/// What a wait leaves of its call's time, to answer in.
const MARGIN: Duration = Duration::from_millis(500);
/// The longest that a wait for a claim's end goes without a look at the clock.
const LONGEST_NAP: Duration = Duration::from_secs(1);
/// Times further away than this are refused: ten years.
const FURTHEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The KV store of a home. Cheap to clone.
#[derive(Clone)]
pub struct Kv {
    store: Store,
    clock: Clock,
    /// Counts changes, so that who waits is woken by one.
    changed: Arc<watch::Sender<u64>>,
    closing: CancellationToken,
}

impl Kv {
    /// Returns the KV store, and has expired entries collected from now on.
    pub(crate) fn start(deps: &Deps) -> Self {
        let kv = Self {
            store: deps.store.clone(),
            clock: deps.clock.clone(),
            changed: Arc::new(watch::channel(0).0),
            closing: CancellationToken::new(),
        };
        let collector = kv.clone();
        deps.tasks.spawn(TaskKind::Background, async move {
            loop {
                tokio::time::sleep(BETWEEN_COLLECTIONS).await;
                collector.collect().await;
            }
        });
        kv
    }

    /// Ends every wait, so that a daemon that stops isn't held up by one.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Makes a change. What has no effect on others isn't waited for.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] over the bounds of names and values; those of the store.
    ///
    /// # Cancel safety
    /// The change is made or not; the same call id tells which.
    pub async fn write(
        &self,
        call: CallId,
        namespace: &str,
        write: &KvWrite,
    ) -> Result<KvOutcome, Error> {
        check_namespace(namespace)?;
        check(write)?;
        let now = self.clock.wall();
        let outcome = self.store.kv().write(call, now, namespace, write).await?;
        self.changed.send_modify(|count| *count += 1);
        Ok(outcome)
    }

    /// Claims the first free entry; waits up to `wait` for one.
    ///
    /// # Errors
    /// As [`Kv::write`]; [`Error::ShuttingDown`] if the daemon stops meanwhile.
    ///
    /// # Cancel safety
    /// As [`Kv::write`].
    pub async fn claim(
        &self,
        ctx: &Ctx,
        namespace: &str,
        key: Option<String>,
        prefix: String,
        lease: Duration,
        wait: Duration,
    ) -> Result<KvOutcome, Error> {
        check_namespace(namespace)?;
        let waiting = ctx.at_most(wait.min(ctx.remaining().saturating_sub(MARGIN)));
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let write = KvWrite::Claim {
                key: key.clone(),
                prefix: prefix.clone(),
                until: self.after(lease, "lease_ms")?,
            };
            check(&write)?;
            let now = self.clock.wall();
            let tried = self
                .store
                .kv()
                .write(ctx.call, now, namespace, &write)
                .await?;
            let KvDone::NothingFree { next } = tried.done else {
                return Ok(tried);
            };
            if waiting.remaining().is_zero() {
                return Ok(tried);
            }
            let nap = next.map_or(LONGEST_NAP, |next| {
                let left = next.saturating_sub(now.as_millisecond()).max(1);
                Duration::from_millis(left.unsigned_abs()).min(LONGEST_NAP)
            });
            self.woken(&waiting.at_most(nap), &mut changed).await?;
        }
    }

    /// Returns what a call came to, if it made a change.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn done(&self, call: CallId) -> Result<Option<KvDone>, Error> {
        Ok(self.store.kv().done(call).await?)
    }

    /// Returns an entry.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]; those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn get(&self, namespace: &str, key: &str) -> Result<Option<KvEntry>, Error> {
        check_namespace(namespace)?;
        check_key(key)?;
        let now = self.clock.wall();
        Ok(self.store.kv().get(now, namespace, key).await?)
    }

    /// Returns a page of entries in key order.
    ///
    /// # Errors
    /// As [`Kv::get`].
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn list(&self, namespace: &str, page: &KvPage) -> Result<KvListed, Error> {
        check_namespace(namespace)?;
        let now = self.clock.wall();
        Ok(self.store.kv().list(now, namespace, page).await?)
    }

    /// Returns what changed after `since`; waits up to `wait` for the first change.
    ///
    /// # Errors
    /// As [`Kv::get`]; [`Error::ShuttingDown`] if the daemon stops meanwhile.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn watch(
        &self,
        ctx: &Ctx,
        namespace: &str,
        prefix: &str,
        since: Option<u64>,
        limit: usize,
        wait: Duration,
    ) -> Result<KvChanges, Error> {
        check_namespace(namespace)?;
        let waiting = ctx.at_most(wait.min(ctx.remaining().saturating_sub(MARGIN)));
        let mut changed = self.changed.subscribe();
        let mut since = since;
        loop {
            changed.borrow_and_update();
            let now = self.clock.wall();
            let found = self
                .store
                .kv()
                .changes(now, namespace, prefix, since, limit)
                .await?;
            let waits = since.is_some() && found.changes.is_empty() && !found.gap;
            if !waits || waiting.remaining().is_zero() {
                return Ok(found);
            }
            let moved = since != Some(found.revision);
            since = Some(found.revision);
            // Changes of other prefixes were passed over; more may follow them at once.
            if !moved {
                self.woken(&waiting, &mut changed).await?;
            }
        }
    }

    /// Returns the time `span` from now.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if that is nonsense.
    pub fn after(&self, span: Duration, argument: &'static str) -> Result<Timestamp, Error> {
        if span.is_zero() || FURTHEST < span {
            return Err(invalid(argument, "it must be from 1 ms to ten years"));
        }
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let at = self.clock.wall().as_millisecond().saturating_add(span);
        Timestamp::from_millisecond(at).map_err(|_| invalid(argument, "it is too far away"))
    }

    /// Waits for a change, or for as long as `waiting` lasts.
    async fn woken(&self, waiting: &Ctx, changed: &mut watch::Receiver<u64>) -> Result<(), Error> {
        tokio::select! {
            biased;
            () = self.closing.cancelled() => Err(Error::ShuttingDown),
            woken = waiting.race(changed.changed()) => match woken {
                Err(base::Stopped::Cancelled) => Err(Error::not_sent(base::Stopped::Cancelled)),
                Ok(_) | Err(base::Stopped::Deadline) => Ok(()),
            },
        }
    }

    async fn collect(&self) {
        match self.store.kv().collect(self.clock.wall()).await {
            Ok(0) => {}
            Ok(_) => self.changed.send_modify(|count| *count += 1),
            Err(err) => tracing::warn!(%err, "expired entries could not be collected"),
        }
    }
}

impl std::fmt::Debug for Kv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kv(..)")
    }
}

fn check(write: &KvWrite) -> Result<(), Error> {
    match write {
        KvWrite::Set { key, value, .. } => {
            check_key(key)?;
            if LARGEST_VALUE < value.len() {
                let (found, most) = (value.len(), LARGEST_VALUE);
                let reason = format!("it has {found} bytes as JSON, and may have {most}");
                return Err(invalid("value", reason));
            }
            Ok(())
        }
        KvWrite::Delete { key, .. }
        | KvWrite::Renew { key, .. }
        | KvWrite::Release { key, .. }
        | KvWrite::Finish { key, .. }
        | KvWrite::Claim { key: Some(key), .. } => check_key(key),
        KvWrite::Claim { key: None, .. } | KvWrite::Clear => Ok(()),
    }
}

fn check_namespace(name: &str) -> Result<(), Error> {
    check_length("namespace", name, LONGEST_NAMESPACE)
}

fn check_key(key: &str) -> Result<(), Error> {
    check_length("key", key, LONGEST_KEY)
}

fn check_length(argument: &'static str, text: &str, most: usize) -> Result<(), Error> {
    if text.is_empty() || most < text.len() {
        let found = text.len();
        let reason = format!("it has {found} bytes, and must have 1 to {most}");
        return Err(invalid(argument, reason));
    }
    Ok(())
}

fn invalid(argument: &'static str, reason: impl Into<String>) -> Error {
    Error::InvalidArgument {
        argument,
        reason: reason.into(),
    }
}
