//! `status`: what runs, and where. It never starts a daemon.

use std::time::Duration;

use base::Ctx;
use client::Client;
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::failure::Failure;
use crate::home::Home;
use crate::output::{self, Form};
use crate::print::{self, Table};

const LIMIT: Duration = Duration::from_secs(10);

/// How long a collection may take.
const COLLECTING_LIMIT: Duration = Duration::from_secs(120);

/// Shows the status; without a daemon, says so and fails. With `gc`, has it remove what need
/// not be kept first, and says what that was.
pub fn status(home: &Home, common: &Common, gc: bool) -> Result<(), Failure> {
    let limit = if gc { COLLECTING_LIMIT } else { LIMIT };
    let ctx = Ctx::within(common.timeout.unwrap_or(limit));
    let asked = super::runtime()?.block_on(async {
        let client = Client::unix(home.folder());
        let removed = match gc {
            true => Some(client.send(&ctx, "collect_garbage", &json!({})).await?),
            false => None,
        };
        let mut status = client.send(&ctx, "get_status", &json!({})).await?;
        if let (Some(removed), Some(status)) = (removed, status.as_object_mut()) {
            status.insert("removed".to_owned(), removed);
        }
        Ok(status)
    });
    let form = if common.json { Form::Json } else { Form::Human };
    match asked {
        Ok(status) => shown(&status, form),
        Err(client::Error::Unavailable { .. }) => {
            let version = env!("CARGO_PKG_VERSION");
            match form {
                Form::Json => output::json(&json!({ "version": version, "running": false }))?,
                Form::Human => {
                    output::line("No daemon is running.")?;
                    output::note(
                        "Hint: browserd serve starts one, and so does any command that needs it.",
                    );
                }
            }
            Err(Failure::Told)
        }
        Err(err) => Err(api::ApiError::from(err).into()),
    }
}

fn shown(status: &Value, form: Form) -> Result<(), Failure> {
    if form == Form::Json {
        return output::json(status);
    }
    let mut table = Table::wide(&["", ""]);
    for (name, value) in status.as_object().into_iter().flatten() {
        if name == "removed" {
            continue;
        }
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        table.row([name.as_str(), text.as_str()]);
    }
    print::table(&table)?;
    if let Some(removed) = status.get("removed") {
        let count = |what| removed.get(what).and_then(Value::as_u64).unwrap_or(0);
        let (checkpoints, sessions) = (count("checkpoints"), count("sessions"));
        let logins = count("logins");
        let (results, leftovers) = (count("results"), count("leftovers"));
        output::line(&format!(
            "Removed: {checkpoints} checkpoints, {logins} logins, {sessions} closed sessions, \
             {results} results, {leftovers} leftovers."
        ))?;
    }
    let (ours, theirs) = (env!("CARGO_PKG_VERSION"), print::text(status, "version"));
    if ours != theirs {
        output::note(&format!(
            "The daemon has version {theirs}, this command {ours}."
        ));
        output::note("Hint: browserd stop ends it, and the next command starts the new version.");
    }
    Ok(())
}
