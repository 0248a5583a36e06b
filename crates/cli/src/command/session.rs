//! Commands that look after sessions.

use super::call::Call;
use super::exchange;
use super::page::{Place, labelled};
use crate::arguments::Session;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::print;

/// `session`.
pub fn session(
    place: &Place,
    session: &Session,
    environment: &Environment,
) -> Result<Call, Failure> {
    let about = |which: &Option<String>, operation, show| {
        let named = which.as_deref().unwrap_or(&place.session);
        Call::new(operation, show).with("session_id", named)
    };
    Ok(match session {
        Session::List { state } => {
            Call::new("list_sessions", print::sessions).with("state", state.clone())
        }
        Session::Show { which } => about(which, "get_session", print::session),
        Session::Close { which } => about(which, "close_session", print::done),
        Session::Park { which } => about(which, "park_session", print::session),
        Session::Resume { which } => about(which, "resume_session", print::opened),
        Session::Checkpoint { name } => {
            about(&None, "save_session_checkpoint", print::checkpoint).with("name", name.clone())
        }
        Session::Restore { checkpoint } => {
            about(&None, "restore_session_checkpoint", print::restored)
                .with("checkpoint_id", checkpoint.clone())
        }
        Session::DeleteCheckpoint { checkpoint, force } => {
            about(&None, "delete_session_checkpoint", print::deleted)
                .with("checkpoint_id", checkpoint.as_str())
                .with_switch("force", *force)
        }
        Session::Fork {
            checkpoint,
            key,
            labels,
        } => {
            let call = about(&None, "fork_session", print::forked)
                .with("checkpoint_id", checkpoint.clone())
                .with("key", key.clone());
            labelled(call, labels)?
        }
        Session::Export(words) => exchange::export(place, words, environment)?,
        Session::Import(words) => exchange::import(place, words, environment)?,
        Session::Checkpoints { which } => {
            about(which, "list_session_checkpoints", print::checkpoints)
        }
    })
}
