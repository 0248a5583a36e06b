//! The page after an action, in the answer of the action.

use api::{ApiError, View};
use base::Ctx;
use session::page::{Since, SnapshotOptions};
use session::{Act, Acted, Outcome};

use crate::sessions::OnSessions;
use crate::sessions::failure::failure;

/// The fields of such an answer that a page wrote.
pub(super) const VIEWED: [&str; 3] = ["url", "title", "snapshot"];

/// What of the page an action's answer shall show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    Nothing,
    /// What changed since the tab's last snapshot; all of it if there was none.
    Diff,
    Full,
}

impl Wanted {
    pub fn read(word: Option<&str>) -> Result<Self, ApiError> {
        match word {
            None | Some("none") => Ok(Self::Nothing),
            Some("diff") => Ok(Self::Diff),
            Some("full") => Ok(Self::Full),
            Some(_) => Err(ApiError::invalid("`snapshot` is diff, full or none")),
        }
    }
}

impl OnSessions {
    /// Takes the snapshot that an action's caller wants with its answer.
    ///
    /// It never fails the call: the action is done.
    pub(super) async fn view(&self, ctx: &Ctx, acted: &Acted, wanted: Wanted) -> View {
        let since = match wanted {
            Wanted::Nothing => return View::default(),
            Wanted::Diff => Some(Since::Last),
            Wanted::Full => None,
        };
        let options = SnapshotOptions {
            since,
            ..SnapshotOptions::default()
        };
        let who = base::SessionName::Id(acted.session);
        let act = Act::Snapshot(options);
        match self.sessions.act(ctx, &who, acted.tab, act).await {
            Ok(Acted {
                outcome: Outcome::Snapshot(out),
                ..
            }) => View {
                snapshot: Some(out.text.into_exposed()),
                snapshot_id: Some(out.number),
                since: out.since,
                truncated: Some(out.truncated),
                snapshot_error: None,
            },
            Ok(_) => View::default(),
            Err(err) => {
                let err = failure(&err);
                View {
                    snapshot_error: Some(format!("{}: {}", err.code, err.message)),
                    ..View::default()
                }
            }
        }
    }
}
