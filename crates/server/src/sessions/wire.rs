//! What is answered: the sessions' own types as wire types. Here what came from a page is
//! taken out of its wrapper, and named in `untrusted`.

use std::path::Path;

use api::{
    CaptureFailing, Checkpoint, Download, DownloadNews, InTab, LatestCheckpoint, Login, Recovered,
    Session, Tab, TabFields,
};
use base::{Part, Timestamp};
use session::{Acted, CheckpointInfo, LoginInfo, Summary, TabInfo};

/// The fields of most answers that a page wrote.
pub(super) const PLACE: [&str; 2] = ["url", "title"];

/// Returns a session as it is shown, without a recovery.
pub(super) fn session(summary: &Summary, now: Timestamp) -> Session {
    let id = summary.id.to_string();
    Session {
        session_id: id.clone(),
        id,
        key: summary.key.as_ref().map(ToString::to_string),
        state: summary.state.as_str().to_owned(),
        status: summary.state.status().as_str().to_owned(),
        state_cause: summary.cause.to_string(),
        state_detail: summary
            .detail
            .as_ref()
            .map(|detail| detail.expose().clone()),
        generation: summary.generation,
        profile: summary.profile.clone(),
        attached: summary.attached,
        labels: summary.labels.iter().cloned().collect(),
        created_at: summary.created_at.to_string(),
        last_activity: summary.last_activity.to_string(),
        expires_at: summary.expires_at.map(|at| at.to_string()),
        call_count: summary.call_count,
        tab_id: summary.active_tab.map(|tab| tab.to_string()),
        url: summary.url.expose().clone(),
        title: summary.title.expose().clone(),
        checkpoint: summary
            .checkpoint
            .as_ref()
            .map(|newest| latest(newest, now)),
        capture_failing: summary
            .capture_failing
            .as_ref()
            .map(|failing| CaptureFailing {
                times: failing.times,
                since: failing.since.to_string(),
                reason: failing.reason.expose().clone(),
            }),
        recovered: None,
        untrusted: untrusted(&PLACE),
    }
}

/// Returns a checkpoint as it is listed.
pub(super) fn checkpoint(info: &CheckpointInfo) -> Checkpoint {
    Checkpoint {
        id: info.id.to_string(),
        name: info.name.as_ref().map(|name| name.expose().clone()),
        cause: info.cause.clone(),
        taken_at: info.taken_at.to_string(),
        bytes: info.bytes,
    }
}

/// Returns a login as it is listed.
pub(super) fn login(info: &LoginInfo) -> Login {
    Login {
        snapshot_id: info.id.to_string(),
        origin: info.origin.expose().clone(),
        profile: info.profile.clone(),
        name: info.name.as_ref().map(|name| name.expose().clone()),
        taken_at: info.taken_at.to_string(),
        bytes: info.bytes,
    }
}

/// Returns the newest checkpoint of a session.
pub(super) fn latest(newest: &CheckpointInfo, now: Timestamp) -> LatestCheckpoint {
    LatestCheckpoint {
        id: newest.id.to_string(),
        taken_at: newest.taken_at.to_string(),
        age_ms: age_ms(newest.taken_at, now),
    }
}

/// Returns the report of a recovery.
pub(super) fn recovered(report: &session::Recovered) -> Recovered {
    let words = |parts: &[Part]| parts.iter().map(ToString::to_string).collect();
    Recovered {
        generation: report.generation,
        cause: report.cause.to_string(),
        checkpoint_age_ms: u64::try_from(report.checkpoint_age.as_millis()).unwrap_or(u64::MAX),
        restored: words(&report.restored),
        lost: words(&report.lost),
    }
}

/// Returns a tab as it is listed.
pub(super) fn tab(info: &TabInfo) -> Tab {
    let id = info.tab.to_string();
    Tab {
        tab_id: id.clone(),
        target_id: id,
        url: info.url.expose().clone(),
        title: info.title.expose().clone(),
        active: info.active,
    }
}

/// Returns a download as it is listed; `path` is where its file is, once it is whole.
pub(super) fn download(it: &session::Download, path: Option<&Path>) -> Download {
    let time = |at| session::Download::time(at).to_string();
    Download {
        download_id: it.id(),
        name: it.name.clone(),
        url: it.url.clone(),
        state: it.state.as_str().to_owned(),
        bytes: it.bytes,
        total_bytes: it.total_bytes,
        mime_type: it.mime_type.clone(),
        sha256: it.sha256.clone(),
        path: path.map(|path| path.display().to_string()),
        from_tab: it.tab().map(|tab| tab.to_string()),
        began_at: time(it.began_at),
        ended_at: it.ended_at.map(time),
        reason: it.reason.clone(),
    }
}

fn news(it: &session::Download) -> DownloadNews {
    DownloadNews {
        download_id: it.id(),
        name: it.name.clone(),
        state: it.state.as_str().to_owned(),
        bytes: it.bytes,
        reason: it.reason.clone(),
    }
}

/// Returns a tab's fields beside which its `tab_id` stands already.
pub(super) fn tab_fields(info: &TabInfo) -> TabFields {
    let Tab {
        target_id,
        url,
        title,
        active,
        ..
    } = tab(info);
    TabFields {
        target_id,
        url,
        title,
        active,
    }
}

/// Puts an operation's fields into the frame of an answer.
pub(super) fn framed<T>(acted: &Frame, fields: T, from_page: &[&str]) -> InTab<T> {
    let names = (!acted.downloaded.is_empty()).then(|| "downloaded[].name".to_owned());
    InTab {
        fields,
        session_id: acted.session_id.clone(),
        tab_id: acted.tab_id.clone(),
        generation: acted.generation,
        recovered: acted.recovered.clone(),
        downloaded: acted.downloaded.clone(),
        untrusted: untrusted(from_page).into_iter().chain(names).collect(),
    }
}

/// What stands beside the fields of every answer.
pub(super) struct Frame {
    session_id: String,
    tab_id: Option<String>,
    generation: u64,
    recovered: Option<Recovered>,
    downloaded: Vec<DownloadNews>,
}

impl Frame {
    /// Returns the frame of what was done on a tab.
    pub(super) fn of(acted: &Acted) -> Self {
        Self {
            session_id: acted.session.to_string(),
            tab_id: acted.tab.map(|tab| tab.to_string()),
            generation: acted.generation,
            recovered: acted.recovered.as_ref().map(recovered),
            downloaded: acted.downloads.iter().map(news).collect(),
        }
    }

    /// Returns the frame of what was done with a whole session.
    pub(super) fn about(summary: &Summary) -> Self {
        Self {
            session_id: summary.id.to_string(),
            tab_id: None,
            generation: summary.generation,
            recovered: None,
            downloaded: vec![],
        }
    }

    /// Says that the answer is about this tab.
    pub(super) fn in_tab(mut self, tab: base::TabId) -> Self {
        self.tab_id = Some(tab.to_string());
        self
    }
}

/// Names fields that a page wrote.
pub(super) fn untrusted(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn age_ms(taken_at: Timestamp, now: Timestamp) -> u64 {
    // A clock that was set back makes nothing older than now.
    u64::try_from(now.as_millisecond() - taken_at.as_millisecond()).unwrap_or(0)
}
