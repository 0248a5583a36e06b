//! How logins are shown.

use serde_json::Value;

use super::{Table, page_text, recovered, text};
use crate::failure::Failure;
use crate::output;

/// Shows the logins there are.
pub fn logins(answer: &Value) -> Result<(), Failure> {
    let mut table = Table::new(&["login", "profile", "origin", "name", "taken at"]);
    for login in answer["snapshots"].as_array().into_iter().flatten() {
        let fields = ["snapshot_id", "profile", "origin", "name", "taken_at"];
        table.row(fields.map(|field| text(login, field)));
    }
    page_text(&table.to_string())
}

/// Shows the login that was kept.
pub fn saved_login(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    output::line(&format!(
        "Login kept as {}, with {} cookies, under the profile {}.",
        text(answer, "snapshot_id"),
        answer["cookies"],
        text(answer, "profile")
    ))?;
    page_text(text(answer, "origin"))
}

/// Shows the login that was put in place.
pub fn restored_login(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    let words = |name: &str| {
        let words = answer[name].as_array().into_iter().flatten();
        words
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    output::line(&format!(
        "Login {} of {} is in place.",
        text(answer, "snapshot_id"),
        text(answer, "taken_at")
    ))?;
    output::line(&format!("Restored: {}.", words("restored")))?;
    output::line(&format!("Lost: {}.", words("lost")))?;
    for (field, what) in [
        ("reloaded_tabs", "Tabs loaded again"),
        ("skipped", "Damaged and passed over"),
    ] {
        if !words(field).is_empty() {
            output::line(&format!("{what}: {}.", words(field)))?;
        }
    }
    match answer["expired_cookies"].as_u64() {
        None | Some(0) => Ok(()),
        Some(count) => output::line(&format!("Cookies that have expired: {count}.")),
    }
}
