//! `kv`: values, and work that is shared by claiming it.

use clap::Subcommand;
use serde_json::Value;

use super::call::Call;
use crate::config::Span;
use crate::print;

/// What can be done with the KV store.
#[derive(Debug, Subcommand)]
pub enum Kv {
    /// Store a value
    Set {
        /// The namespace
        namespace: String,
        /// The key
        key: String,
        /// JSON; anything else is stored as a text
        value: String,
        /// Remove it after so long
        #[arg(long, value_name = "TIME")]
        ttl: Option<Span>,
        /// Only if it has this version; 0: only if it isn't there
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u64>,
        /// The claim it is held by
        #[arg(long, value_name = "EPOCH")]
        lease: Option<u64>,
    },
    /// Print a value
    Get {
        /// The namespace
        namespace: String,
        /// The key
        key: String,
    },
    /// Remove a key
    Delete {
        /// The namespace
        namespace: String,
        /// The key
        key: String,
        /// Only if it has this version
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u64>,
    },
    /// List the keys of a namespace in order
    List {
        /// The namespace
        namespace: String,
        /// Only keys that begin so
        #[arg(long)]
        prefix: Option<String>,
        /// Without their values
        #[arg(long)]
        keys: bool,
        /// At most so many
        #[arg(long)]
        limit: Option<u32>,
        /// Where the last page ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Remove every key of a namespace
    Clear {
        /// The namespace
        namespace: String,
    },
    /// Claim the first free key in order
    Claim {
        /// The namespace
        namespace: String,
        /// Only this key
        key: Option<String>,
        /// Only keys that begin so
        #[arg(long)]
        prefix: Option<String>,
        /// How long it is held unless renewed [default: 30s]
        #[arg(long, value_name = "TIME")]
        lease: Option<Span>,
        /// Wait so long for one
        #[arg(long, value_name = "TIME")]
        wait: Option<Span>,
    },
    /// Hold a claimed key for longer
    Renew {
        /// The namespace
        namespace: String,
        /// The key
        key: String,
        /// The claim's epoch
        epoch: u64,
        /// How long from now [default: 30s]
        #[arg(long, value_name = "TIME")]
        lease: Option<Span>,
    },
    /// Remove a claimed key, as its work is done
    Finish {
        /// The namespace
        namespace: String,
        /// The key
        key: String,
        /// The claim's epoch
        epoch: u64,
    },
    /// Give a claimed key back
    Release {
        /// The namespace
        namespace: String,
        /// The key
        key: String,
        /// The claim's epoch
        epoch: u64,
    },
    /// Wait for changes
    Watch {
        /// The namespace
        namespace: String,
        /// Only keys that begin so
        #[arg(long)]
        prefix: Option<String>,
        /// The revision to go on from; without it only the current one is printed
        #[arg(long, value_name = "REVISION")]
        since: Option<u64>,
        /// Wait so long for the first change [default: 25s]
        #[arg(long, value_name = "TIME")]
        wait: Option<Span>,
    },
}

/// Returns the call that the words ask for.
pub fn call(kv: &Kv) -> Call {
    let about = |operation: &str, namespace: &str| {
        Call::new(operation, print::any).with("namespace", namespace)
    };
    match kv {
        Kv::Set {
            namespace,
            key,
            value,
            ttl,
            if_version,
            lease,
        } => about("kv_set", namespace)
            .with("key", key.as_str())
            .with("value", json_or_text(value))
            .with("ttl_ms", ms(ttl.as_ref()))
            .with("if_version", *if_version)
            .with("lease", *lease),
        Kv::Get { namespace, key } => about("kv_get", namespace).with("key", key.as_str()),
        Kv::Delete {
            namespace,
            key,
            if_version,
        } => about("kv_delete", namespace)
            .with("key", key.as_str())
            .with("if_version", *if_version),
        Kv::List {
            namespace,
            prefix,
            keys,
            limit,
            cursor,
        } => about("kv_list", namespace)
            .with("prefix", prefix.clone())
            .with("include_values", keys.then_some(false))
            .with("limit", *limit)
            .with("cursor", cursor.clone()),
        Kv::Clear { namespace } => about("kv_clear", namespace),
        Kv::Claim {
            namespace,
            key,
            prefix,
            lease,
            wait,
        } => about("kv_claim", namespace)
            .with("key", key.clone())
            .with("prefix", prefix.clone())
            .with("lease_ms", ms(lease.as_ref()))
            .with("wait_ms", ms(wait.as_ref())),
        Kv::Renew {
            namespace,
            key,
            epoch,
            lease,
        } => about("kv_renew", namespace)
            .with("key", key.as_str())
            .with("lease", *epoch)
            .with("lease_ms", ms(lease.as_ref())),
        Kv::Finish {
            namespace,
            key,
            epoch,
        } => about("kv_finish", namespace)
            .with("key", key.as_str())
            .with("lease", *epoch),
        Kv::Release {
            namespace,
            key,
            epoch,
        } => about("kv_release", namespace)
            .with("key", key.as_str())
            .with("lease", *epoch),
        Kv::Watch {
            namespace,
            prefix,
            since,
            wait,
        } => about("kv_watch", namespace)
            .with("prefix", prefix.clone())
            .with("since", *since)
            .with("wait_ms", ms(wait.as_ref())),
    }
}

fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn ms(span: Option<&Span>) -> Option<u64> {
    span.map(|span| u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX))
}
