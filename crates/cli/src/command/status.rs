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

/// Shows the status; without a daemon, says so and fails.
pub fn status(home: &Home, common: &Common) -> Result<(), Failure> {
    let ctx = Ctx::within(common.timeout.unwrap_or(LIMIT));
    let asked = super::runtime()?.block_on(async {
        Client::unix(home.folder())
            .send(&ctx, "get_status", &json!({}))
            .await
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
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        table.row([name.as_str(), text.as_str()]);
    }
    print::table(&table)?;
    let (ours, theirs) = (env!("CARGO_PKG_VERSION"), print::text(status, "version"));
    if ours != theirs {
        output::note(&format!(
            "The daemon has version {theirs}, this command {ours}."
        ));
        output::note("Hint: browserd stop ends it, and the next command starts the new version.");
    }
    Ok(())
}
