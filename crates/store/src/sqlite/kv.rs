//! The KV store: what each operation reads and writes. The rows are in `rows`, the rules in `rules`.

mod rows;
mod rules;

use std::collections::BTreeMap;

use base::{CallId, Timestamp};
use sqlx::{Connection, SqliteConnection};

use self::rows::{Counter, Head, Row, Rows};
use super::{Sqlite, begin};
use crate::keyring::Scope;
use crate::kv::{
    DELETIONS, ENTRIES, Kv, KvChange, KvChanges, KvDone, KvEntry, KvListed, KvOutcome, KvPage,
    KvWrite, NAMESPACES, PAGE_BYTES, TOTAL_BYTES,
};
use crate::{Answer, Error};

/// Expired entries that a change collects beside its own work.
const COLLECTED: i64 = 32;
/// Expired entries that are collected at a time otherwise.
const COLLECTED_AT_ONCE: i64 = 256;

impl Kv for Sqlite {
    fn write<'a>(
        &'a self,
        call: CallId,
        now: Timestamp,
        namespace: &'a str,
        write: &'a KvWrite,
    ) -> Answer<'a, KvOutcome> {
        Box::pin(async move {
            let key = self.keys.get(Scope::Home).await?;
            let mut connection = self.db.durable().await?;
            let mut change = begin(&mut connection, "change the KV store").await?;
            let mut rows = Rows::new(&mut change, &key);
            let at = rows.hash_of(namespace);
            if let Some(done) = rows.said(call).await? {
                let entry = claimed_before(&mut rows, &at, &done).await?;
                return Ok(KvOutcome { done, entry });
            }
            let mut counter = rows.counter().await?;
            let before = counter.revision;
            collect(&mut rows, &mut counter, now, COLLECTED).await?;
            let mut work = Work {
                rows: &mut rows,
                counter: &mut counter,
                now,
                namespace,
                at,
            };
            let (done, entry) = work.perform(write).await?;
            match done {
                // Nothing was changed: nothing is to be waited for on the disk.
                KvDone::NothingFree { .. } if counter.revision == before => {
                    return Ok(KvOutcome { done, entry });
                }
                KvDone::NothingFree { .. } => {}
                _ => rows.say(call, &done).await?,
            }
            rows.put_counter(&counter).await?;
            change
                .commit()
                .await
                .map_err(|err| Error::sql("change the KV store", err))?;
            Ok(KvOutcome { done, entry })
        })
    }

    fn done(&self, call: CallId) -> Answer<'_, Option<KvDone>> {
        Box::pin(async move {
            let key = self.keys.get(Scope::Home).await?;
            let mut connection = self.db.reader().await?;
            Rows::new(&mut connection, &key).said(call).await
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        namespace: &'a str,
        key: &'a str,
    ) -> Answer<'a, Option<KvEntry>> {
        Box::pin(async move {
            let data_key = self.keys.get(Scope::Home).await?;
            let mut connection = self.db.reader().await?;
            // Head and value have to be of one state, or a value set in between seems damaged.
            let mut view = look(&mut connection).await?;
            let mut rows = Rows::new(&mut view, &data_key);
            let at = rows.hash_of(namespace);
            let Some(row) = rows.find(&at, key).await? else {
                return Ok(None);
            };
            if row.head.is_over(now) {
                return Ok(None);
            }
            rows.entry(&at, row.head, true).await.map(Some)
        })
    }

    fn list<'a>(
        &'a self,
        now: Timestamp,
        namespace: &'a str,
        page: &'a KvPage,
    ) -> Answer<'a, KvListed> {
        Box::pin(async move {
            let key = self.keys.get(Scope::Home).await?;
            let mut connection = self.db.reader().await?;
            let mut view = look(&mut connection).await?;
            let mut rows = Rows::new(&mut view, &key);
            let at = rows.hash_of(namespace);
            let revision = rows.counter().await?.revision;
            let (heads, damaged) = in_order(&mut rows, &at, &page.prefix).await?;
            let after = page.after.as_deref();
            let mut rest = heads
                .into_values()
                .filter(|head| !head.is_over(now) && after.is_none_or(|after| after < &*head.key))
                .peekable();
            let (mut entries, mut bytes) = (Vec::new(), 0);
            while entries.len() < page.limit
                && let Some(head) =
                    rest.next_if(|head| entries.is_empty() || fits(page.values, bytes, head))
            {
                bytes += head.bytes as usize;
                entries.push(rows.entry(&at, head, page.values).await?);
            }
            Ok(KvListed {
                more: rest.peek().is_some(),
                entries,
                revision,
                damaged,
            })
        })
    }

    fn changes<'a>(
        &'a self,
        now: Timestamp,
        namespace: &'a str,
        prefix: &'a str,
        since: Option<u64>,
        limit: usize,
    ) -> Answer<'a, KvChanges> {
        Box::pin(async move {
            let key = self.keys.get(Scope::Home).await?;
            let mut connection = self.db.reader().await?;
            let mut view = look(&mut connection).await?;
            let mut rows = Rows::new(&mut view, &key);
            let at = rows.hash_of(namespace);
            let counter = rows.counter().await?;
            let nothing = |revision, gap| KvChanges {
                changes: Vec::new(),
                revision,
                gap,
            };
            let Some(since) = since else {
                return Ok(nothing(counter.revision, false));
            };
            let space = rows.namespace(&at).await?;
            let cut = space.map_or(counter.dropped, |space| space.cut);
            // A number that was never given comes from another home.
            if since < cut || counter.revision < since {
                return Ok(nothing(counter.revision, true));
            }
            let mut found = rows.set_after(&at, since, limit).await?;
            found.append(&mut rows.gone_after(&at, since, limit).await?);
            found.sort_by_key(|(revision, _)| *revision);
            let all_of_it = found.len() < limit;
            let (mut changes, mut bytes) = (Vec::new(), 0);
            let mut seen = since;
            for (revision, change) in found.into_iter().take(limit) {
                match change {
                    rows::Change::Set(head) if head.key.starts_with(prefix) => {
                        if !changes.is_empty() && !fits(true, bytes, &head) {
                            return Ok(KvChanges {
                                changes,
                                revision: seen,
                                gap: false,
                            });
                        }
                        // Told as gone once it is collected.
                        if !head.is_over(now) {
                            bytes += head.bytes as usize;
                            changes.push(KvChange::Set(rows.entry(&at, head, true).await?));
                        }
                    }
                    rows::Change::Gone(key) if key.starts_with(prefix) => {
                        changes.push(KvChange::Gone { key, revision });
                    }
                    rows::Change::Set(_) | rows::Change::Gone(_) => {}
                }
                seen = revision;
            }
            let revision = if all_of_it { counter.revision } else { seen };
            Ok(KvChanges {
                changes,
                revision,
                gap: false,
            })
        })
    }

    fn collect(&self, now: Timestamp) -> Answer<'_, u64> {
        Box::pin(async move {
            let key = self.keys.get(Scope::Home).await?;
            let mut connection = self.db.writer().await?;
            let mut change = begin(&mut connection, "collect expired entries").await?;
            let mut rows = Rows::new(&mut change, &key);
            let mut counter = rows.counter().await?;
            let collected = collect(&mut rows, &mut counter, now, COLLECTED_AT_ONCE).await?;
            rows.put_counter(&counter).await?;
            change
                .commit()
                .await
                .map_err(|err| Error::sql("collect expired entries", err))?;
            Ok(collected)
        })
    }
}

/// One change under way, in its transaction.
struct Work<'w, 'c> {
    rows: &'w mut Rows<'c>,
    counter: &'w mut Counter,
    now: Timestamp,
    namespace: &'w str,
    at: [u8; 32],
}

impl Work<'_, '_> {
    async fn perform(&mut self, write: &KvWrite) -> Result<(KvDone, Option<KvEntry>), Error> {
        let done = match write {
            KvWrite::Set {
                key,
                value,
                expires_at,
                if_version,
                epoch,
            } => {
                let found = self.live(key).await?;
                rules::may_change(found.as_ref(), *if_version, *epoch, self.now)?;
                let head = Head {
                    key: key.clone(),
                    version: self.counter.next(),
                    expires_at: expires_at.map(|at| at.as_millisecond()),
                    bytes: value.len() as u64,
                    lease: epoch.and(found.as_ref().and_then(|head| head.lease)),
                };
                self.make_room(found.as_ref(), value.len() as u64).await?;
                let version = head.version;
                self.rows.put(&self.at, &head, value).await?;
                KvDone::Set { version }
            }
            KvWrite::Delete { key, if_version } => {
                let found = self.live(key).await?;
                rules::may_change(found.as_ref(), *if_version, None, self.now)?;
                let was_there = found.is_some();
                if let Some(head) = found {
                    remove(self.rows, self.counter, &self.at, &head).await?;
                }
                KvDone::Deleted { was_there }
            }
            KvWrite::Finish { key, epoch } => {
                let head = self.held(key, *epoch).await?;
                remove(self.rows, self.counter, &self.at, &head).await?;
                KvDone::Finished
            }
            KvWrite::Renew { key, epoch, until } => {
                let mut head = self.held(key, *epoch).await?;
                head.lease = Some((*epoch, until.as_millisecond()));
                self.rows.put_head(&self.at, &head).await?;
                KvDone::Renewed
            }
            KvWrite::Release { key, epoch } => {
                let mut head = self.held(key, *epoch).await?;
                head.lease = None;
                self.rows.put_head(&self.at, &head).await?;
                KvDone::Released
            }
            KvWrite::Claim { key, prefix, until } => {
                return self.claim(key.as_deref(), prefix, *until).await;
            }
            KvWrite::Clear => {
                let (heads, damaged) = in_order(self.rows, &self.at, "").await?;
                for head in heads.values() {
                    self.counter.bytes = self.counter.bytes.saturating_sub(head.bytes);
                }
                // Told as a gap to those who watch: their pages are to be read anew.
                self.counter.dropped = self.counter.next();
                self.rows.clear(&self.at).await?;
                KvDone::Cleared {
                    entries: heads.len() as u64 + damaged,
                }
            }
        };
        Ok((done, None))
    }

    /// Returns the entry, unless its time is over: then it is removed.
    async fn live(&mut self, key: &str) -> Result<Option<Head>, Error> {
        match self.rows.find(&self.at, key).await? {
            Some(row) if row.head.is_over(self.now) => {
                remove(self.rows, self.counter, &self.at, &row.head).await?;
                Ok(None)
            }
            found => Ok(found.map(|row| row.head)),
        }
    }

    async fn held(&mut self, key: &str, epoch: u64) -> Result<Head, Error> {
        let found = self.live(key).await?;
        found
            .filter(|head| head.lease.is_some_and(|(last, _)| last == epoch))
            .ok_or(Error::LeaseLost { epoch })
    }

    async fn claim(
        &mut self,
        key: Option<&str>,
        prefix: &str,
        until: Timestamp,
    ) -> Result<(KvDone, Option<KvEntry>), Error> {
        let heads = match key {
            Some(key) => self.live(key).await?.into_iter().collect(),
            None => {
                let (heads, _) = in_order(self.rows, &self.at, prefix).await?;
                heads.into_values().collect::<Vec<_>>()
            }
        };
        let (free, next) = rules::first_free(heads, self.now);
        let Some(mut head) = free else {
            return Ok((KvDone::NothingFree { next }, None));
        };
        let epoch = self.counter.next();
        head.lease = Some((epoch, until.as_millisecond()));
        self.rows.put_head(&self.at, &head).await?;
        let key = head.key.clone();
        let entry = self.rows.entry(&self.at, head, true).await?;
        Ok((KvDone::Claimed { key, epoch }, Some(entry)))
    }

    /// Sees to it that an entry fits: its namespace, its number, its bytes.
    async fn make_room(&mut self, replaced: Option<&Head>, bytes: u64) -> Result<(), Error> {
        let too_large = |what, found, limit| Error::TooLarge { what, found, limit };
        let freed = replaced.map_or(0, |head| head.bytes);
        let total = (self.counter.bytes + bytes).saturating_sub(freed);
        if TOTAL_BYTES < total && freed < bytes {
            return Err(too_large("the bytes of the KV store", total, TOTAL_BYTES));
        }
        self.counter.bytes = total;
        if replaced.is_some() {
            return Ok(());
        }
        if self.rows.namespace(&self.at).await?.is_none() {
            let count = self.rows.namespaces().await?;
            if NAMESPACES <= count {
                return Err(too_large("the number of namespaces", count + 1, NAMESPACES));
            }
            let space = rows::Namespace {
                name: self.namespace.to_owned(),
                cut: self.counter.dropped,
            };
            self.rows.put_namespace(&self.at, &space).await?;
        }
        let count = self.rows.entries(&self.at).await?;
        if ENTRIES <= count {
            return Err(too_large(
                "the number of the namespace's entries",
                count + 1,
                ENTRIES,
            ));
        }
        Ok(())
    }
}

/// Removes an entry and remembers that, in the bounds there are.
async fn remove(
    rows: &mut Rows<'_>,
    counter: &mut Counter,
    at: &[u8; 32],
    head: &Head,
) -> Result<(), Error> {
    counter.bytes = counter.bytes.saturating_sub(head.bytes);
    rows.remove(at, &head.key, counter.next()).await?;
    if let Some(cut) = rows.cut_gone(at, DELETIONS).await?
        && let Some(mut space) = rows.namespace(at).await?
    {
        space.cut = space.cut.max(cut);
        rows.put_namespace(at, &space).await?;
    }
    Ok(())
}

async fn collect(
    rows: &mut Rows<'_>,
    counter: &mut Counter,
    now: Timestamp,
    limit: i64,
) -> Result<u64, Error> {
    let mut collected = 0;
    for (at, head) in rows.over(now, limit).await? {
        remove(rows, counter, &at, &head).await?;
        collected += 1;
    }
    Ok(collected)
}

/// Returns what an earlier call of the same id has claimed, if it still holds it.
async fn claimed_before(
    rows: &mut Rows<'_>,
    at: &[u8; 32],
    done: &KvDone,
) -> Result<Option<KvEntry>, Error> {
    let KvDone::Claimed { key, epoch } = done else {
        return Ok(None);
    };
    match rows.find(at, key).await? {
        Some(Row { head }) if head.lease.is_some_and(|(last, _)| last == *epoch) => {
            rows.entry(at, head, true).await.map(Some)
        }
        _ => Err(Error::LeaseLost { epoch: *epoch }),
    }
}

/// Returns the entries that begin with `prefix` by their keys, and how many don't read back.
///
/// Names are sealed, so order is made here, from at most [`ENTRIES`] of them.
async fn in_order(
    rows: &mut Rows<'_>,
    at: &[u8; 32],
    prefix: &str,
) -> Result<(BTreeMap<String, Head>, u64), Error> {
    let (heads, damaged) = rows.heads(at).await?;
    let ordered = heads
        .into_iter()
        .filter(|head| head.key.starts_with(prefix))
        .map(|head| (head.key.clone(), head))
        .collect();
    Ok((ordered, damaged))
}

const fn fits(values: bool, bytes: usize, head: &Head) -> bool {
    !values || bytes + head.bytes as usize <= PAGE_BYTES
}

/// Begins a look at one state of the database.
async fn look(
    connection: &mut SqliteConnection,
) -> Result<sqlx::Transaction<'_, sqlx::Sqlite>, Error> {
    let begun = connection.begin().await;
    begun.map_err(|err| Error::sql("read the KV store", err))
}
