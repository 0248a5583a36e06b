//! The picture: what is known of a page from its events, without asking it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use base::{Instant, Private};
use cdp::LinkLost;

use crate::Dialog;

/// Requests in flight that are told apart; beyond, the page just counts as busy.
const MAX_IN_FLIGHT: usize = 4096;
/// Frames that are kept; a page that makes more is walked through its main frame only.
const MAX_FRAMES: usize = 1024;
/// How many characters of a title are kept; our script tells no fewer.
const MAX_TITLE: usize = 4096;
/// Statuses of documents that are kept until a navigation asks for them.
const MAX_STATUSES: usize = 16;
/// Documents of the main frame that are remembered.
const MAX_SHOWN: usize = 64;

/// A page as its events have it.
#[derive(Clone, Debug)]
pub struct PageState {
    /// The main frame's URL.
    pub url: Private<String>,
    /// The title when it was last read.
    pub title: Private<String>,
    /// The main frame's id.
    pub main_frame: String,
    /// The dialog that is open and waits for an answer.
    pub dialog: Option<Dialog>,
    /// Whether the renderer has crashed.
    pub crashed: bool,
    /// Whether the target or its session is gone, or the link to it is.
    pub gone: bool,
    /// Whether the main frame is loading a document.
    pub loading: bool,
}

/// A frame of a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its id.
    pub id: String,
    /// The id of the frame it is in; `None` for the main frame.
    pub parent: Option<String>,
    /// Its URL.
    pub url: Private<String>,
    /// Its origin, as Chromium writes it.
    pub origin: Private<String>,
}

/// Why nothing can be asked of the page any more.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Crashed,
    Gone,
    /// The page may well be there; only nobody here can reach it.
    Lost(Arc<LinkLost>),
}

/// One frame's part of the picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct FramePicture {
    pub parent: Option<String>,
    pub url: String,
    pub origin: String,
    /// The document that is shown.
    pub loader: String,
    /// The context of our world in that document, if it is known.
    pub world: Option<i64>,
    pub dom_ready: bool,
    pub loaded: bool,
    /// Another document was asked for and neither came nor failed yet.
    pub navigating: bool,
}

/// A document the main frame came to show.
#[derive(Debug)]
struct Shown {
    url: String,
    /// It went to another place within itself, or gave its place another state.
    moved: bool,
}

/// The picture itself. Only the pump changes it, but for what a call learns on its way.
#[derive(Debug)]
pub(crate) struct Picture {
    pub main_frame: String,
    pub frames: BTreeMap<String, FramePicture>,
    pub title: String,
    /// What a document from the back/forward cache told of its title.
    pub title_again: Option<String>,
    pub dialog: Option<Dialog>,
    /// Dialogs that were closed since we attached.
    pub dialogs_closed: u64,
    pub end: Option<End>,
    /// Documents the main frame has come to show since we attached.
    pub documents: u64,
    /// The main frame's URL may be another than the one noted: the page has to be asked.
    pub url_unsure: bool,
    /// HTTP statuses by loader id, newest last.
    pub statuses: VecDeque<(String, u16)>,
    /// Whether documents of the main frame were asked for by POST, by loader id, newest last.
    pub posted: VecDeque<(String, bool)>,
    /// Documents the main frame came to show, newest last.
    shown: VecDeque<Shown>,
    /// When the renderer last answered us.
    pub alive_at: Option<Instant>,
    in_flight: HashSet<String>,
    /// When the last request in flight ended.
    quiet_since: Instant,
}

impl Picture {
    pub fn new(main_frame: &str, now: Instant) -> Self {
        let main = (main_frame.to_owned(), FramePicture::default());
        Self {
            main_frame: main_frame.to_owned(),
            frames: BTreeMap::from([main]),
            title: String::new(),
            title_again: None,
            dialog: None,
            dialogs_closed: 0,
            end: None,
            documents: 0,
            url_unsure: true,
            statuses: VecDeque::new(),
            posted: VecDeque::new(),
            shown: VecDeque::new(),
            alive_at: None,
            in_flight: HashSet::new(),
            quiet_since: now,
        }
    }

    pub fn main(&self) -> Option<&FramePicture> {
        self.frames.get(&self.main_frame)
    }

    /// Returns the frame, made if need be; `None` only when there are too many.
    pub fn frame(&mut self, id: &str) -> Option<&mut FramePicture> {
        if !self.frames.contains_key(id) && self.frames.len() >= MAX_FRAMES {
            return None;
        }
        Some(self.frames.entry(id.to_owned()).or_default())
    }

    /// Forgets a frame and those in it.
    pub fn forget(&mut self, id: &str) {
        let mut doomed = vec![id.to_owned()];
        while let Some(id) = doomed.pop() {
            self.frames.remove(&id);
            let children = self
                .frames
                .iter()
                .filter(|(_, frame)| frame.parent.as_ref() == Some(&id));
            doomed.extend(children.map(|(child, _)| child.clone()));
        }
    }

    /// Forgets every context: they are learnt anew when they are needed.
    pub fn forget_worlds(&mut self) {
        for frame in self.frames.values_mut() {
            frame.world = None;
        }
    }

    /// Tells whether the main frame waits for another document.
    pub fn is_navigating(&self) -> bool {
        self.main().is_some_and(|main| main.navigating)
    }

    pub fn set_navigating(&mut self, navigating: bool) {
        if let Some(main) = self.frames.get_mut(&self.main_frame) {
            main.navigating = navigating;
        }
    }

    /// Notes the title, cut to what is kept; returns whether it is another.
    pub fn note_title(&mut self, title: &str) -> bool {
        let kept = match title.char_indices().nth(MAX_TITLE) {
            Some((end, _)) => &title[..end],
            None => title,
        };
        let changed = self.title != kept;
        if changed {
            kept.clone_into(&mut self.title);
        }
        changed
    }

    pub fn request_started(&mut self, id: &str) {
        if self.in_flight.len() < MAX_IN_FLIGHT {
            self.in_flight.insert(id.to_owned());
        }
    }

    pub fn request_ended(&mut self, id: &str, now: Instant) {
        if self.in_flight.remove(id) && self.in_flight.is_empty() {
            self.quiet_since = now;
        }
    }

    /// Forgets the requests of a document that is no longer shown.
    pub fn forget_requests(&mut self, now: Instant) {
        self.in_flight.clear();
        self.quiet_since = now;
    }

    /// Returns since when no request has been in flight; `None` while one is.
    pub fn quiet_since(&self) -> Option<Instant> {
        self.in_flight.is_empty().then_some(self.quiet_since)
    }

    pub fn note_status(&mut self, loader: &str, status: u16) {
        if self.statuses.len() >= MAX_STATUSES {
            self.statuses.pop_front();
        }
        self.statuses.push_back((loader.to_owned(), status));
    }

    pub fn status_of(&self, loader: &str) -> Option<u16> {
        self.statuses
            .iter()
            .rev()
            .find(|(of, _)| of == loader)
            .map(|(_, status)| *status)
    }

    /// Notes a document that the main frame shows from now on.
    pub fn note_shown(&mut self, url: &str) {
        if self.shown.len() >= MAX_SHOWN {
            self.shown.pop_front();
        }
        let url = url.to_owned();
        self.shown.push_back(Shown { url, moved: false });
    }

    /// Notes that the shown document went on within itself.
    pub fn note_moved(&mut self) {
        if let Some(shown) = self.shown.back_mut() {
            shown.moved = true;
        }
    }

    /// Forgets which documents were shown: some came or moved unheard.
    pub fn forget_shown(&mut self) {
        self.shown.clear();
    }

    /// Tells whether a document came and went at this URL without ever moving within itself,
    /// so that its entry in the history has no state.
    pub fn is_unmoved(&self, url: &str) -> bool {
        let mut at_url = self
            .shown
            .iter()
            .filter(|shown| shown.url == url)
            .peekable();
        at_url.peek().is_some() && at_url.all(|shown| !shown.moved)
    }

    /// Notes how a document was asked for; a redirect may ask for it in another way.
    pub fn note_method(&mut self, loader: &str, posted: bool) {
        if let Some((_, noted)) = self.posted.iter_mut().find(|(of, _)| of == loader) {
            *noted = posted;
            return;
        }
        if self.posted.len() >= MAX_STATUSES {
            self.posted.pop_front();
        }
        self.posted.push_back((loader.to_owned(), posted));
    }

    /// Tells whether the document that is shown was asked for by POST, if that was heard.
    pub fn is_posted(&self) -> Option<bool> {
        let main = self.main()?;
        if !main.url.starts_with("http") {
            return Some(false);
        }
        let noted = self.posted.iter().find(|(of, _)| *of == main.loader)?;
        Some(noted.1)
    }

    pub fn state(&self) -> PageState {
        let main = self.main();
        PageState {
            url: main.map(|main| main.url.clone()).unwrap_or_default().into(),
            title: self.title.clone().into(),
            main_frame: self.main_frame.clone(),
            dialog: self.dialog.clone(),
            crashed: matches!(self.end, Some(End::Crashed)),
            gone: matches!(self.end, Some(End::Gone | End::Lost(_))),
            loading: main.is_some_and(|main| main.navigating || !main.loaded),
        }
    }

    pub fn listed(&self) -> Vec<Frame> {
        let frame = |(id, frame): (&String, &FramePicture)| Frame {
            id: id.clone(),
            parent: frame.parent.clone(),
            url: frame.url.clone().into(),
            origin: frame.origin.clone().into(),
        };
        self.frames.iter().map(frame).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture::new("main", base::Clock::system().instant())
    }

    #[test]
    fn a_frame_takes_those_in_it_along() {
        let mut picture = picture();
        for (id, parent) in [("a", "main"), ("b", "a"), ("c", "b"), ("d", "main")] {
            picture.frame(id).unwrap().parent = Some(parent.to_owned());
        }
        picture.forget("a");
        assert_eq!(picture.frames.keys().collect::<Vec<_>>(), ["d", "main"]);
    }

    #[test]
    fn frames_requests_and_statuses_are_bounded() {
        let mut picture = picture();
        for number in 0..10_000 {
            picture.frame(&format!("f{number}"));
            picture.request_started(&format!("r{number}"));
            picture.note_status(&format!("l{number}"), 200);
        }
        assert_eq!(picture.frames.len(), MAX_FRAMES);
        assert_eq!(picture.in_flight.len(), MAX_IN_FLIGHT);
        assert_eq!(picture.statuses.len(), MAX_STATUSES);
        assert_eq!(picture.status_of("l9999"), Some(200));
    }
}
