//! What is told of a restore: what was verified, and what is lost.

use base::Part;

use super::load::Loaded;
use super::read::Content;
use super::seed::Prepared;
use crate::checkpoint::place::place_of;

/// What was brought back and what was not.
pub(crate) struct Report {
    /// Verified.
    pub restored: Vec<Part>,
    /// Not there, or not verified.
    pub lost: Vec<Part>,
}

impl Report {
    /// Returns what is told of a page that was loaded again and of which nothing is kept.
    pub(crate) fn of_reload() -> Self {
        let mut lost = NEVER.to_vec();
        lost.extend([Part::FormValues, Part::Scroll, Part::HistoryState]);
        lost.sort();
        Self {
            restored: vec![],
            lost,
        }
    }
}

/// What a new document never has of the old one, or what is not captured yet.
pub(super) const NEVER: [Part; 7] = [
    Part::JsHeap,
    Part::Timers,
    Part::PendingRequests,
    Part::Websockets,
    Part::Dialogs,
    Part::Downloads,
    Part::FileChoosers,
];

pub(super) fn report(
    content: &Content,
    jar: bool,
    prepared: &[Prepared],
    loaded: &[Loaded],
    kept_profile: bool,
) -> Report {
    let (mut restored, mut lost) = (vec![], vec![]);
    sort(jar, Part::Cookies, &mut restored, &mut lost);
    let mut origins = content.origins.iter();
    let placed = origins.all(|part| place_of(&part.storage_key).is_some());
    let unseen = |word: Part| {
        let mut entries = content.manifest.indexed_db.iter();
        entries.any(|entry| entry.lost.iter().any(|lost| lost == word.as_str()))
    };
    let local = placed && !unseen(Part::LocalStorage) && prepared.iter().all(|tab| tab.local);
    sort(local, Part::LocalStorage, &mut restored, &mut lost);
    let mut tabs = content.tabs.iter();
    let doubtful = tabs.any(|tab| !tab.session_storage_doubtful.is_empty());
    let session =
        !doubtful && !unseen(Part::SessionStorage) && prepared.iter().all(|tab| tab.session);
    sort(session, Part::SessionStorage, &mut restored, &mut lost);
    sort_loaded(loaded, &mut restored, &mut lost);
    lost.extend(NEVER);
    lost.push(Part::ServiceWorkers);
    if kept_profile {
        lost.push(Part::ProfileUnverified);
    }
    lost.sort();
    Report { restored, lost }
}

/// Sorts what the tabs have since their pages were loaded.
pub(super) fn sort_loaded(loaded: &[Loaded], restored: &mut Vec<Part>, lost: &mut Vec<Part>) {
    let all = |kept: fn(&Loaded) -> bool| loaded.iter().all(kept);
    sort(all(|tab| tab.url), Part::Tabs, restored, lost);
    sort(all(|tab| tab.scroll), Part::Scroll, restored, lost);
    sort(all(|tab| tab.history), Part::History, restored, lost);
    sort(all(|tab| tab.states), Part::HistoryState, restored, lost);
    sort(all(|tab| tab.form.fields), Part::FormValues, restored, lost);
    sort(all(|tab| tab.form.focus), Part::Focus, restored, lost);
    // These are never brought back: there were none, or they are lost.
    if !all(|tab| tab.form.secrets) {
        lost.push(Part::PasswordFields);
    }
    if !all(|tab| !tab.posted) {
        lost.push(Part::PostData);
    }
}

pub(super) fn sort(there: bool, part: Part, restored: &mut Vec<Part>, lost: &mut Vec<Part>) {
    if there {
        restored.push(part)
    } else {
        lost.push(part)
    }
}
