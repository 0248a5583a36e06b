//! Operations: the KV store.

use std::time::Duration;

use api::{
    ApiError, KvChange, KvChanges, KvClaim, KvClaimed, KvClear, KvCleared, KvDelete, KvDeleted,
    KvEntries, KvEntry, KvFinish, KvFinished, KvGet, KvLease, KvList, KvRelease, KvReleased,
    KvRenew, KvRenewed, KvSet, KvStored, KvValue, KvWatch, Outcome,
};
use base::{CallId, Code, Ctx, Timestamp};
use serde_json::Value;
use session::kv::{self, KvDone, KvPage, KvWrite};

use super::Run;
use crate::dispatch::encode;
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;

const LEASE: u64 = 30_000;
const WATCH: u64 = 25_000;
const LONGEST_WAIT: u64 = 60_000;
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1000;

impl Run<KvSet> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: KvSet) -> Result<KvStored, ApiError> {
        if input.value.is_null() {
            return Err(ApiError::invalid("`value` is missing")
                .hint("null means that there is no entry; kv_delete removes one."));
        }
        let expires_at = input
            .ttl_ms
            .map(|ttl| self.kv().after(Duration::from_millis(ttl), "ttl_ms"));
        let value = serde_json::to_vec(&input.value);
        let write = KvWrite::Set {
            key: input.key,
            value: value.map_err(|err| ApiError::invalid(format!("`value`: {err}")))?,
            expires_at: expires_at.transpose().map_err(|err| failure(&err))?,
            if_version: input.if_version,
            epoch: input.lease,
        };
        match self.write(ctx.call, &input.namespace, &write).await? {
            KvDone::Set { version } => Ok(KvStored { version }),
            other => Err(said_else(&other)),
        }
    }
}

impl Run<KvGet> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: KvGet) -> Result<KvValue, ApiError> {
        let found = self.kv().get(&input.namespace, &input.key).await;
        let Some(entry) = found.map_err(|err| failure(&err))? else {
            return Ok(KvValue::default());
        };
        Ok(KvValue {
            value: json(&entry.value)?,
            version: Some(entry.version),
            expires_at: entry.expires_at.map(|at| at.to_string()),
            lease: entry.lease.map(lease),
        })
    }
}

impl Run<KvDelete> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: KvDelete) -> Result<KvDeleted, ApiError> {
        let write = KvWrite::Delete {
            key: input.key,
            if_version: input.if_version,
        };
        match self.write(ctx.call, &input.namespace, &write).await? {
            KvDone::Deleted { was_there } => Ok(KvDeleted { deleted: was_there }),
            other => Err(said_else(&other)),
        }
    }
}

impl Run<KvList> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: KvList) -> Result<KvEntries, ApiError> {
        let values = input.include_values.unwrap_or(true);
        let page = KvPage {
            prefix: input.prefix.unwrap_or_default(),
            after: input.cursor,
            limit: page_limit(input.limit)?,
            values,
        };
        let listed = self.kv().list(&input.namespace, &page).await;
        let listed = listed.map_err(|err| failure(&err))?;
        let last = listed.entries.last().map(|entry| entry.key.clone());
        let entries = listed.entries.into_iter().map(|it| entry(it, values));
        Ok(KvEntries {
            entries: entries.collect::<Result<_, _>>()?,
            cursor: last.filter(|_| listed.more),
            revision: listed.revision,
            damaged: Some(listed.damaged).filter(|count| 0 < *count),
        })
    }
}

impl Run<KvClear> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: KvClear) -> Result<KvCleared, ApiError> {
        let cleared = self.write(ctx.call, &input.namespace, &KvWrite::Clear);
        match cleared.await? {
            KvDone::Cleared { entries } => Ok(KvCleared { cleared: entries }),
            other => Err(said_else(&other)),
        }
    }
}

impl Run<KvClaim> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: KvClaim) -> Result<KvClaimed, ApiError> {
        let wait = wait(input.wait_ms.unwrap_or(0))?;
        let held = Duration::from_millis(input.lease_ms.unwrap_or(LEASE));
        let prefix = input.prefix.unwrap_or_default();
        let claimed = self
            .kv()
            .claim(ctx, &input.namespace, input.key, prefix, held, wait)
            .await
            .map_err(|err| failure(&err))?;
        let Some(claimed) = claimed.entry else {
            return Ok(KvClaimed::default());
        };
        Ok(KvClaimed {
            lease: claimed.lease.map(lease),
            entry: Some(entry(claimed, true)?),
        })
    }
}

impl Run<KvRenew> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: KvRenew) -> Result<KvRenewed, ApiError> {
        let held = Duration::from_millis(input.lease_ms.unwrap_or(LEASE));
        let until = self.kv().after(held, "lease_ms");
        let until = until.map_err(|err| failure(&err))?;
        let write = KvWrite::Renew {
            key: input.key,
            epoch: input.lease,
            until,
        };
        self.write(ctx.call, &input.namespace, &write).await?;
        let epoch = input.lease;
        Ok(KvRenewed {
            lease: lease(kv::KvLease { epoch, until }),
        })
    }
}

impl Run<KvFinish> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: KvFinish) -> Result<KvFinished, ApiError> {
        let write = KvWrite::Finish {
            key: input.key,
            epoch: input.lease,
        };
        self.write(ctx.call, &input.namespace, &write).await?;
        Ok(KvFinished { finished: true })
    }
}

impl Run<KvRelease> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: KvRelease) -> Result<KvReleased, ApiError> {
        let write = KvWrite::Release {
            key: input.key,
            epoch: input.lease,
        };
        self.write(ctx.call, &input.namespace, &write).await?;
        Ok(KvReleased { released: true })
    }
}

impl Run<KvWatch> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: KvWatch) -> Result<KvChanges, ApiError> {
        let wait = wait(input.wait_ms.unwrap_or(WATCH))?;
        let limit = page_limit(input.limit)?;
        let prefix = input.prefix.unwrap_or_default();
        let seen = self
            .kv()
            .watch(ctx, &input.namespace, &prefix, input.since, limit, wait)
            .await
            .map_err(|err| failure(&err))?;
        let change = |change| match change {
            kv::KvChange::Set(entry) => Ok(KvChange {
                value: Some(json(&entry.value)?),
                key: entry.key,
                deleted: false,
                version: entry.version,
            }),
            kv::KvChange::Gone { key, revision } => Ok(KvChange {
                key,
                deleted: true,
                value: None,
                version: revision,
            }),
        };
        let changes: Result<_, ApiError> = seen.changes.into_iter().map(change).collect();
        Ok(KvChanges {
            changes: changes?,
            revision: seen.revision,
            gap: seen.gap,
        })
    }
}

impl OnSessions {
    fn kv(&self) -> &kv::Kv {
        self.sessions.kv()
    }

    async fn write(
        &self,
        call: CallId,
        namespace: &str,
        write: &KvWrite,
    ) -> Result<KvDone, ApiError> {
        let outcome = self.kv().write(call, namespace, write).await;
        Ok(outcome.map_err(|err| failure(&err))?.done)
    }

    /// Returns the operation and answer of a call that changed the KV store: it was done in one
    /// transaction with what is known of it, so its outcome is never in doubt.
    ///
    /// What was claimed or renewed may have moved on since, so of those only the end is told: a
    /// call that is repeated under its id gets the entry, if it still holds it.
    pub(super) async fn kv_outcome(
        &self,
        call: CallId,
    ) -> Result<Option<(&'static str, Option<Outcome>)>, ApiError> {
        let done = self.kv().done(call).await.map_err(|err| failure(&err))?;
        let Some(done) = done else { return Ok(None) };
        let (name, answer) = match done {
            KvDone::Set { version } => ("kv_set", encode(&KvStored { version })?),
            KvDone::Deleted { was_there } => {
                ("kv_delete", encode(&KvDeleted { deleted: was_there })?)
            }
            KvDone::Cleared { entries } => ("kv_clear", encode(&KvCleared { cleared: entries })?),
            KvDone::Finished => ("kv_finish", encode(&KvFinished { finished: true })?),
            KvDone::Released => ("kv_release", encode(&KvReleased { released: true })?),
            KvDone::Claimed { .. } => return Ok(Some(("kv_claim", None))),
            KvDone::Renewed => return Ok(Some(("kv_renew", None))),
            KvDone::NothingFree { .. } => return Ok(None),
        };
        Ok(Some((name, Some(Outcome::Answer(answer)))))
    }
}

fn entry(entry: kv::KvEntry, value: bool) -> Result<KvEntry, ApiError> {
    Ok(KvEntry {
        key: entry.key,
        value: value.then(|| json(&entry.value)).transpose()?,
        version: Some(entry.version),
        expires_at: entry.expires_at.map(|at| at.to_string()),
        lease: entry.lease.map(lease),
    })
}

fn lease(lease: kv::KvLease) -> KvLease {
    KvLease {
        epoch: lease.epoch,
        expires_at: Timestamp::to_string(&lease.until),
    }
}

fn json(bytes: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(bytes)
        .map_err(|err| ApiError::new(Code::Corrupt, format!("a stored value is no JSON: {err}")))
}

fn wait(ms: u64) -> Result<Duration, ApiError> {
    if LONGEST_WAIT < ms {
        let told = format!("`wait_ms`: {ms} is over the limit of {LONGEST_WAIT}");
        return Err(ApiError::invalid(told));
    }
    Ok(Duration::from_millis(ms))
}

fn page_limit(limit: Option<u32>) -> Result<usize, ApiError> {
    let limit = limit.unwrap_or(PAGE);
    if limit == 0 || LARGEST_PAGE < limit {
        let told = format!("`limit`: {limit} is not from 1 to {LARGEST_PAGE}");
        return Err(ApiError::invalid(told));
    }
    Ok(limit as usize)
}

/// A call id was used for another operation before.
fn said_else(done: &KvDone) -> ApiError {
    tracing::warn!(?done, "a call id was used for two operations");
    ApiError::invalid("the call's id was used for another operation before")
        .hint("Give each call an id of its own.")
}
