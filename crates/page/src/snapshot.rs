//! Snapshots: the page as compact text, with numbers for what can be acted on.

mod diff;
mod kept;
mod lines;
mod numbers;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use base::{Ctx, Private};

use crate::{Error, Locator, Page};
pub(crate) use kept::Kept;
use kept::Wanted;
use lines::Line;
pub(crate) use numbers::Numbers;

/// How large a snapshot may be when the caller gives no bound.
const MAX_BYTES: usize = 1024 * 1024;
/// How long two snapshots are compared; what is not told apart by then is told at length.
const COMPARING: Duration = Duration::from_millis(300);
/// Said of a page of which a dialog lets nothing through.
const BEHIND: &str = "note: a modal dialog is open; the page behind it is inert and not shown";

/// What a snapshot shall show.
#[derive(Clone, Debug, Default)]
pub struct SnapshotOptions {
    /// Only what can be acted on, without what is around it.
    pub interactive_only: bool,
    /// How many levels of the text are shown.
    pub max_depth: Option<u32>,
    /// The element to show; otherwise the whole page.
    pub scope: Option<Locator>,
    /// How many bytes the text may have; it ends at a whole line.
    pub max_bytes: Option<usize>,
    /// Also what is not drawn, with the state `hidden`.
    pub hidden: bool,
    /// Where links lead, shortened.
    pub urls: bool,
    /// Only what changed since an earlier snapshot of the tab.
    pub since: Option<Since>,
}

/// An earlier snapshot of the tab.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    /// The last one.
    Last,
    /// The one of that number.
    Number(u64),
}

/// The page as text.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// One node a line, indented: `role "name" @e3 [state, …]`. Or what changed.
    pub text: Private<String>,
    /// Its number, for a later diff.
    pub number: u64,
    /// The number of the snapshot that the text tells the changes since; `None` if it is whole.
    pub since: Option<u64>,
    /// The page's URL.
    pub url: Private<String>,
    /// The page's title.
    pub title: Private<String>,
    /// Whether something was left out because a bound was reached.
    pub truncated: bool,
}

impl Page {
    /// Returns the page as text, with a ref for each element that can be acted on.
    ///
    /// An element keeps its number while it lives. Numbers are reserved before they are shown.
    /// With [`SnapshotOptions::since`] only the changes are returned, unless that snapshot is not
    /// kept any more or the page has become another one: then it is told whole.
    ///
    /// # Errors
    /// [`Error::RefStale`] or [`Error::NotActionable`] if the scope is not there.
    ///
    /// # Cancel safety
    /// Yes: numbers that nobody saw are not given out again.
    pub async fn snapshot(&self, ctx: &Ctx, options: &SnapshotOptions) -> Result<Snapshot, Error> {
        // One walk at a time: two would be handed the same numbers.
        let mut tab = ctx
            .race(self.taking().lock())
            .await
            .map_err(Error::Stopped)?;
        let before = match options.since {
            None => None,
            Some(Since::Last) => tab.kept.find(None),
            Some(Since::Number(number)) => tab.kept.find(Some(number)),
        };
        // A diff shows what the snapshot before it showed.
        let wanted = before
            .as_ref()
            .map_or_else(|| Wanted::of(options), |before| before.options.clone());
        let walks = Box::pin(self.walk(ctx, &wanted, &mut tab.numbers));
        let walked = self.not_held_up(ctx, walks).await?;
        if let Some(up_to) = tab.numbers.wanted() {
            let options = &self.shared().options;
            let reserve = options.refs.reserve(options.tab, up_to);
            ctx.race(reserve).await.map_err(Error::Stopped)??;
            tab.numbers.reserved = up_to;
        }
        self.saw_title(&walked.title);
        let lines = Arc::new(walked.lines);
        let cut = walked.truncated;
        let number = tab.kept.keep(wanted, Arc::clone(&lines), cut);
        drop(tab);
        let max = options.max_bytes.unwrap_or(MAX_BYTES).min(MAX_BYTES);
        let until = self.shared().clock.instant().into_std() + COMPARING;
        let changes = before.as_ref().and_then(|before| {
            let changes = diff::diff(&before.lines, &lines, until)?;
            Some((before.number, before.truncated, changes))
        });
        let (text, all, since, cut) = match changes {
            Some((since, cut_before, changes)) => {
                let changes: Vec<Line> = changes.into_iter().map(Line::plain).collect();
                let (text, all) = lines::write(changes.iter(), max);
                (text, all, Some(since), cut || cut_before)
            }
            None => {
                let (text, all) = lines::write(lines.iter(), max);
                (text, all, None, cut)
            }
        };
        Ok(Snapshot {
            text: text.into(),
            number,
            since,
            url: self.shown_url(walked.url).into(),
            title: walked.title.into(),
            truncated: cut || !all,
        })
    }
}

/// What is kept of a tab's snapshots, behind one lock.
#[derive(Debug)]
pub(crate) struct Taking {
    pub numbers: Numbers,
    pub kept: Kept,
}

impl Taking {
    pub fn starting(first: u64) -> Self {
        Self {
            numbers: Numbers::starting(first),
            kept: Kept::default(),
        }
    }
}
