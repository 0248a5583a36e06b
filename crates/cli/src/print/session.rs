//! Sessions and checkpoints, as people see them.

use serde_json::Value;

use super::{Table, page_text, recovered, table, text};
use crate::failure::Failure;
use crate::output;

/// Shows a session that was opened or resumed.
pub fn opened(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    let name = named(answer);
    let how = text(answer, "opened");
    output::line(&format!(
        "The session {name} is {}, {how}.",
        text(answer, "state")
    ))?;
    page_text(&format!(
        "URL: {}\nTitle: {}",
        text(answer, "url"),
        text(answer, "title")
    ))
}

/// Returns how a session is called: by its key, if it has one, and its id.
fn named(answer: &Value) -> String {
    match answer["key"].as_str() {
        Some(key) => format!("{key} ({})", text(answer, "session_id")),
        None => text(answer, "session_id").to_owned(),
    }
}

/// Shows a session that was restored from a checkpoint somebody chose.
pub fn restored(answer: &Value) -> Result<(), Failure> {
    skipped(answer);
    output::line(&format!(
        "The session {} is {}, restored from {}; this is generation {}.",
        text(answer, "session_id"),
        text(answer, "state"),
        text(&answer["restored_from"], "id"),
        answer["generation"]
    ))?;
    page_text(&format!(
        "URL: {}\nTitle: {}",
        text(answer, "url"),
        text(answer, "title")
    ))
}

fn skipped(answer: &Value) {
    for id in answer["skipped"].as_array().into_iter().flatten() {
        let id = id.as_str().unwrap_or_default();
        output::note(&format!(
            "The checkpoint {id} is damaged and was passed over."
        ));
    }
}

/// Shows a session that was made from another one.
pub fn forked(answer: &Value) -> Result<(), Failure> {
    skipped(answer);
    output::line(&format!(
        "The session {} is made from {}; it comes up with its first call.",
        named(answer),
        text(&answer["from_checkpoint"], "id")
    ))?;
    page_text(&format!(
        "URL: {}\nTitle: {}",
        text(answer, "url"),
        text(answer, "title")
    ))
}

/// Shows what came from a file.
pub fn imported(answer: &Value) -> Result<(), Failure> {
    let id = text(&answer["imported"], "id");
    let name = named(answer);
    output::line(&if id.is_empty() {
        format!("The session {name} is made from the file; it comes up with its first call.")
    } else {
        format!("The session {name} has the checkpoint {id} from the file; restore it to go there.")
    })?;
    page_text(&format!(
        "URL: {}\nTitle: {}",
        text(answer, "url"),
        text(answer, "title")
    ))
}

/// Shows a checkpoint that was deleted.
pub fn deleted(answer: &Value) -> Result<(), Failure> {
    let newest = match answer["checkpoint"]["id"].as_str() {
        Some(id) => format!("The session comes back to {id}"),
        None => "The session has no checkpoint left".to_owned(),
    };
    let gone = text(&answer["deleted"], "id");
    output::line(&format!("The checkpoint {gone} is deleted. {newest}"))
}

/// Shows the sessions.
pub fn sessions(answer: &Value) -> Result<(), Failure> {
    for damaged in answer["damaged"].as_array().into_iter().flatten() {
        let (id, reason) = (text(damaged, "session_id"), text(damaged, "reason"));
        output::note(&format!("The stored session {id} can't be read: {reason}."));
    }
    let sessions = answer["sessions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if sessions.is_empty() {
        return output::line("There are no sessions.");
    }
    let mut table = Table::new(&[
        "session",
        "key",
        "state",
        "gen",
        "last activity",
        "url",
        "title",
    ]);
    for session in sessions {
        let generation = session["generation"].to_string();
        table.row([
            text(session, "session_id"),
            text(session, "key"),
            text(session, "state"),
            generation.as_str(),
            text(session, "last_activity"),
            text(session, "url"),
            text(session, "title"),
        ]);
    }
    page_text(&table.to_string())
}

/// Shows one session.
pub fn session(answer: &Value) -> Result<(), Failure> {
    let mut lines = Table::new(&["", ""]);
    for field in [
        "session_id",
        "key",
        "state",
        "status",
        "state_cause",
        "generation",
        "profile",
        "created_at",
        "last_activity",
        "expires_at",
        "call_count",
        "tab_id",
    ] {
        let value = &answer[field];
        let shown = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        if !value.is_null() {
            lines.row([field, shown.as_str()]);
        }
    }
    if let Some(id) = answer["checkpoint"]["id"].as_str() {
        let age = answer["checkpoint"]["age_ms"].to_string();
        lines.row(["checkpoint", id]);
        lines.row(["checkpoint_age_ms", age.as_str()]);
    }
    if answer["recovered"].is_object() {
        let report = answer["recovered"].to_string();
        for (number, part) in report.as_bytes().chunks(56).enumerate() {
            let name = if number == 0 { "recovered" } else { "" };
            lines.row([name, &String::from_utf8_lossy(part)]);
        }
    }
    table(&lines)?;
    let detail = text(answer, "state_detail");
    let page = format!(
        "URL: {}\nTitle: {}",
        text(answer, "url"),
        text(answer, "title")
    );
    page_text(&if detail.is_empty() {
        page
    } else {
        format!("{page}\nDetail: {detail}")
    })
}

/// Shows a checkpoint that was taken.
pub fn checkpoint(answer: &Value) -> Result<(), Failure> {
    recovered(answer);
    output::line(&format!(
        "The checkpoint is taken: {}",
        text(&answer["checkpoint"], "id")
    ))
}

/// Shows the checkpoints.
pub fn checkpoints(answer: &Value) -> Result<(), Failure> {
    let checkpoints = answer["checkpoints"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if checkpoints.is_empty() {
        return output::line("There are no checkpoints.");
    }
    let mut lines = Table::new(&["checkpoint", "cause", "taken at", "bytes", "name"]);
    for checkpoint in checkpoints {
        let bytes = checkpoint["bytes"].to_string();
        lines.row([
            text(checkpoint, "id"),
            text(checkpoint, "cause"),
            text(checkpoint, "taken_at"),
            bytes.as_str(),
            text(checkpoint, "name"),
        ]);
    }
    table(&lines)
}
