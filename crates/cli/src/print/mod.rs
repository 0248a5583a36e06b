//! How answers are shown to people.
//!
//! Every function takes an answer as the daemon gave it; a field that isn't there is shown as
//! nothing, since a newer daemon may leave one out.

mod boundary;
mod login;
mod picture;
mod session;
mod table;

use serde_json::Value;

use crate::failure::Failure;
use crate::output;

pub use boundary::{harmless, page_text};
pub use login::{logins, restored_login, saved_login};
pub use picture::picture;
pub use session::{
    checkpoint, checkpoints, deleted, forked, imported, opened, restored, session, sessions,
};
pub use table::{Table, table};

/// Shows where a call left the page.
pub fn place(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    let tab = text(answer, "tab_id");
    let status = match answer["http_status"].as_u64() {
        Some(status) => format!(", HTTP status {status}"),
        None => String::new(),
    };
    output::line(&format!("Done in tab {tab}{status}"))?;
    page_text(&format!(
        "URL: {}\nTitle: {}",
        text(answer, "url"),
        text(answer, "title")
    ))
}

/// Shows that a call is done.
pub fn done(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    output::line("Done.")
}

/// Shows a snapshot.
pub fn snapshot(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    let page = format!(
        "URL: {}\nTitle: {}",
        text(answer, "url"),
        text(answer, "title")
    );
    page_text(&format!("{page}\n{}", text(answer, "snapshot")))?;
    if answer["truncated"] == true {
        output::note(
            "The snapshot was cut. Ask for a part with --selector or more with --max-bytes.",
        );
    }
    Ok(())
}

/// Shows a page's content.
pub fn content(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    page_text(text(answer, "content"))
}

/// Shows what an expression came to. Numbers and the like carry no words; all else is framed.
pub fn evaluated(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    for line in answer["console"].as_array().into_iter().flatten() {
        output::note(&harmless(&format!(
            "{}: {}",
            text(line, "level"),
            text(line, "text")
        )));
    }
    if let Some(message) = answer["exception"]["message"].as_str() {
        output::note("The expression threw.");
        page_text(message)?;
        return Err(Failure::Told);
    }
    match &answer["value"] {
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => {
            output::line(&plain.to_string())
        }
        value => page_text(&serde_json::to_string_pretty(value).unwrap_or_default()),
    }
}

/// Shows the tabs.
pub fn tabs(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    let mut table = Table::new(&["", "tab", "url", "title"]);
    for tab in answer["tabs"].as_array().into_iter().flatten() {
        let active = if tab["active"] == true { "*" } else { "" };
        table.row([
            active,
            text(tab, "tab_id"),
            text(tab, "url"),
            text(tab, "title"),
        ]);
    }
    page_text(&table.to_string())
}

/// Shows an answer that no command knows better: as it is.
pub fn any(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    page_text(&serde_json::to_string_pretty(answer).unwrap_or_default())
}

/// Tells that a session was brought back, if this answer says so.
fn recovered(answer: &Value) {
    let report = &answer["recovered"];
    // `session show` keeps the last report; only an answer about a page brings news.
    if !report.is_object() || !answer["state"].is_null() {
        return;
    }
    let words = |name: &str| {
        let words = report[name]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        words.collect::<Vec<_>>().join(", ")
    };
    output::note(&format!(
        "The session was restored after a loss ({}), from a checkpoint {} ms old; this is generation {}.",
        text(report, "cause"),
        report["checkpoint_age_ms"],
        report["generation"]
    ));
    output::note(&format!(
        "Restored: {}. Lost: {}.",
        words("restored"),
        words("lost")
    ));
}

/// Returns a field's text; nothing if it has none.
pub fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap_or_default()
}
