//! `key`: which key seals the home, and another one in its place. Neither needs a daemon.

use std::time::Duration;

use base::{Code, Ctx};
use clap::Subcommand;
use serde_json::json;
use store::Patience;
use store::key::{Seen, Source};

use crate::arguments::Common;
use crate::config::{Config, KeySource, Layer, key};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::home::{Home, with_causes};
use crate::output;

/// How long a daemon is waited for that is stopping.
const STOPPING: Duration = Duration::from_secs(30);

/// What can be done with the key.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Show where the key comes from and which one it is, never the key
    Show,
    /// Put another key in its place; the daemon must not run
    Rotate {
        /// Where the key comes from now [default: as configured]
        #[arg(long, value_enum)]
        from: Option<KeySource>,
        /// Where the new key is to come from [default: from where the old one does]
        #[arg(long, value_enum)]
        to: Option<KeySource>,
    },
}

/// Runs the command.
pub fn main(environment: &Environment, words: &Key, common: &Common) -> Result<(), Failure> {
    let home = Home::of(environment)?;
    match words {
        Key::Show => show(environment, &home, common),
        Key::Rotate { from, to } => rotate(environment, &home, *from, *to, common),
    }
}

fn show(environment: &Environment, home: &Home, common: &Common) -> Result<(), Failure> {
    let source = Config::load(home, environment, Layer::default())?.key;
    let seen = super::runtime()?.block_on(store::key::seen(home.folder(), &source));
    let Seen { fingerprint, opens } = seen.map_err(|err| failed(&err))?;
    if common.json {
        return output::json(&json!({
            "source": source.name(),
            "fingerprint": fingerprint,
            "opens_home": opens,
            "home": home.folder(),
        }));
    }
    let place = place(&source);
    output::line(&match (fingerprint, opens) {
        (None, Some(_)) => format!("{place} has no key, and there is a database that needs one."),
        (None, None) => format!("There is no key yet. The first start makes one, in {place}."),
        (Some(key), None) => format!("The key {key}, in {place}. There is no database yet."),
        (Some(key), Some(true)) => format!("The key {key}, in {place}, opens this home."),
        (Some(key), Some(false)) => {
            format!("The key {key}, in {place}, does NOT open this home: it was made with another.")
        }
    })
}

fn place(source: &Source) -> &'static str {
    match source {
        Source::File => "the home's file `key`",
        Source::Given(_) => "the environment",
        Source::Passphrase(_) => "your passphrase and the salt in the home's file `key`",
        Source::Keychain => "the operating system's keychain",
    }
}

fn rotate(
    environment: &Environment,
    home: &Home,
    from: Option<KeySource>,
    to: Option<KeySource>,
    common: &Common,
) -> Result<(), Failure> {
    let config = Config::load(home, environment, Layer::default());
    let old = match from {
        // What is configured may be the new source already.
        Some(from) => key::source(environment, Some(from), key::CURRENT)?,
        None => config?.key,
    };
    let new = match (to, &old) {
        (None, Source::File) => Source::File,
        (None, Source::Keychain) => Source::Keychain,
        (None, Source::Given(_)) => {
            key::source(environment, Some(KeySource::Environment), key::NEW)?
        }
        (None, Source::Passphrase(_)) => {
            key::source(environment, Some(KeySource::Passphrase), key::NEW)?
        }
        (Some(to), _) => key::source(environment, Some(to), key::NEW)?,
    };
    home.prepare()?;
    let rotated = super::runtime()?.block_on(async {
        let patience = Patience {
            running: Duration::ZERO,
            stopping: STOPPING,
        };
        let ctx = Ctx::within(common.timeout.unwrap_or(STOPPING * 2));
        let _lock = store::lock_home(&ctx, home.folder(), patience)
            .await
            .map_err(|err| {
                let failure = failed(&err);
                match err.code() {
                    Code::HomeLocked => {
                        failure.hint("Stop the daemon first; its browsers run on: browserd stop")
                    }
                    _ => failure,
                }
            })?;
        store::rotate(home.folder(), &old, &new)
            .await
            .map_err(|err| failed(&err))
    })?;
    if common.json {
        return output::json(&json!({
            "from": { "source": old.name(), "fingerprint": rotated.from },
            "to": { "source": new.name(), "fingerprint": rotated.to },
            "data_keys": rotated.data_keys,
            "damaged": rotated.damaged,
        }));
    }
    let (count, to, place) = (rotated.data_keys, rotated.to, place(&new));
    output::line(&match rotated.from {
        Some(from) => format!(
            "The key {to}, in {place}, took the place of {from}; {count} data keys were wrapped anew."
        ),
        None => format!("The key {to}, in {place}, is in force already."),
    })?;
    if 0 < rotated.damaged {
        let damaged = rotated.damaged;
        output::note(&format!("{damaged} data keys were damaged, and stay so."));
    }
    if old.name() != new.name() {
        let name = new.name();
        output::note(&format!(
            "From now on: BROWSERD_KEY_SOURCE={name}, or [key] source = \"{name}\""
        ));
    }
    Ok(())
}

fn failed(err: &store::Error) -> Failure {
    let failure = Failure::new(err.code(), with_causes(err));
    match err.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
