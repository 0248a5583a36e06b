//! The KV store under the faults: a counter of each worker's own, and a queue that all take from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::client::{Client, Outcome};

/// The namespace of the counters.
pub(super) const COUNTERS: &str = "counters";
const JOBS: &str = "jobs";
/// Short, so that what a fault leaves claimed is free again soon.
const LEASE_MS: u64 = 3_000;

/// What all workers know of the queue.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    put: BTreeSet<String>,
    finished: BTreeMap<String, Vec<u64>>,
    /// Those of which it isn't known.
    perhaps: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Queue {
    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a job in.
    pub fn put(&self, call: &mut dyn FnMut(&str, Value) -> Outcome, key: &str) {
        let set = json!({ "namespace": JOBS, "key": key, "value": 1, "if_version": 0 });
        match call("kv_set", set) {
            Outcome::Done(_) => self.with(|known| known.put.extend([key.to_owned()])),
            Outcome::NotStarted(_) => {}
            Outcome::Unknown(_) => self.with(|known| known.perhaps.extend([key.to_owned()])),
        }
    }

    /// Takes a job out and finishes it under the epoch of its claim.
    pub fn take(&self, call: &mut dyn FnMut(&str, Value) -> Outcome) {
        let claim = json!({ "namespace": JOBS, "lease_ms": LEASE_MS });
        let Outcome::Done(claimed) = call("kv_claim", claim) else {
            return;
        };
        let (key, epoch) = (&claimed["entry"]["key"], &claimed["lease"]["epoch"]);
        let (Some(key), Some(epoch)) = (key.as_str(), epoch.as_u64()) else {
            return;
        };
        let finish = json!({ "namespace": JOBS, "key": key, "lease": epoch });
        match call("kv_finish", finish) {
            Outcome::Done(_) => self.with(|known| {
                let epochs = known.finished.entry(key.to_owned()).or_default();
                epochs.push(epoch);
                if 1 < epochs.len() {
                    let wrong = format!("the job {key} was finished under each of {epochs:?}");
                    known.wrong.push(wrong);
                }
            }),
            Outcome::NotStarted(_) => {}
            Outcome::Unknown(_) => self.with(|known| known.perhaps.extend([key.to_owned()])),
        }
    }

    /// Compares what is left with what was acknowledged, and returns what is wrong and how many
    /// jobs were finished.
    pub fn judge(&self, client: &mut Client) -> (Vec<String>, usize) {
        let mut left = BTreeSet::new();
        let mut after = Value::Null;
        loop {
            let mut list = json!({ "namespace": JOBS, "limit": 200, "include_values": false });
            if !after.is_null() {
                list["cursor"] = after;
            }
            let answer = match client.call("kv_list", list) {
                Outcome::Done(answer) => answer,
                other => return (vec![format!("the queue can't be listed: {other:?}")], 0),
            };
            let entries = answer["entries"].as_array();
            let keys = entries.into_iter().flatten();
            left.extend(keys.filter_map(|entry| entry["key"].as_str().map(str::to_owned)));
            after = answer["cursor"].clone();
            if after.is_null() {
                break;
            }
        }
        self.with(|known| {
            let mut wrong = std::mem::take(&mut known.wrong);
            for key in &known.put {
                let finished = known.finished.contains_key(key);
                if !finished && !left.contains(key) && !known.perhaps.contains(key) {
                    wrong.push(format!("the job {key} is lost"));
                }
                if finished && left.contains(key) {
                    wrong.push(format!("the job {key} is back though it was finished"));
                }
            }
            (wrong, known.finished.len())
        })
    }
}
