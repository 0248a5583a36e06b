//! Makes a tab's history anew, of stubs.
//!
//! A stub is answered without the network at a path no site has, and gives itself the URL and
//! the entries of a document, or of several that have an origin in common ([`super::shared`]).
//! The browser keeps no page with such an answer (status 203) in its back/forward cache: when
//! an entry is shown again, its real document is asked for, with its state; the places of one
//! document lead to each other by `popstate`. The current one is loaded for real when every
//! tab is ready.

use std::time::Duration;

use base::Ctx;
use cdp::protocol::page as wire;
use page::Page;

use super::shared::{Places, stubs};
use super::{EntryPart, HistoryPart};
use crate::Error;
use crate::checkpoint::manifest::TabPart;
use crate::stub::Stub;

/// How long one tab's history may take before the tab goes on without.
const LIMIT: Duration = Duration::from_secs(10);
/// Of more stubs than these it is asked first how many fit into half of that: a busy
/// machine shall cost the oldest ones, not all.
const MOST_UNTIMED: usize = 8;
/// How often, and how far apart, a browser is asked that does not know the page yet.
const TRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);
/// The functions that run in a stub.
const STUB: &str = include_str!("stub.js");
const BLANK: &str = "about:blank";

/// How the page that is shown is to be loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// By its URL; what is before it in the history is removed.
    Alone,
    /// By its URL, as the newest entry.
    Append,
    /// The tab is at its entry, in a stub that gives way to it.
    Again,
    /// By showing this entry.
    Entry(i64),
    /// It is shown.
    There,
}

/// What became of a tab's history.
pub(crate) struct Rebuilt {
    pub way: Way,
    /// Every entry is there, or will be when the page is loaded.
    pub whole: bool,
    /// Every state is there as it was.
    pub states: bool,
    /// The entries as they are in this browser.
    pub history: HistoryPart,
}

impl Rebuilt {
    /// A tab that has its current entry only.
    fn none() -> Self {
        Self {
            way: Way::Alone,
            whole: false,
            states: false,
            history: HistoryPart::default(),
        }
    }
}

/// Makes the history that a tab had; `fresh` says that the tab shows its first, empty page,
/// `shared` that documents may share a stub: the browser's session with the tab stays as long
/// as the tab.
///
/// # Errors
/// Those of a lost browser; a history that can't be made is told as lost.
///
/// # Cancel safety
/// No: the tab has a part of its history, at stubs.
pub(crate) async fn rebuild(
    ctx: &Ctx,
    page: &Page,
    stub: &Stub<'_>,
    tab: &TabPart,
    fresh: bool,
    shared: bool,
) -> Result<Rebuilt, Error> {
    let gone_on;
    let part = match tab.history.shown() {
        Some(shown) if shown.url == tab.url => &tab.history,
        // Read before the tab came here: what it came from is not lost by that.
        Some(_) if is_web(&tab.url) => {
            gone_on = tab.history.gone_on(&tab.url);
            &gone_on
        }
        _ => return Ok(Rebuilt::none()),
    };
    let making = Making {
        ctx: &ctx.at_most(LIMIT),
        page,
        stub,
        shared,
    };
    let made = async {
        match making.what_fits(part).await? {
            Some(fitting) => making.make(&fitting, false).await,
            None => making.make(part, fresh).await,
        }
    };
    match made.await {
        Ok(rebuilt) => Ok(rebuilt),
        Err(err) if err.is_loss() || ctx.remaining().is_zero() => Err(err),
        Err(err) => {
            tracing::warn!(%err, "a tab's history could not be made again");
            Ok(Rebuilt::none())
        }
    }
}

/// What a stub tells of the entries it made.
#[derive(serde::Deserialize)]
struct Put {
    /// Every state is what it was.
    whole: bool,
    keys: Vec<String>,
}

struct Making<'a> {
    ctx: &'a Ctx,
    page: &'a Page,
    stub: &'a Stub<'a>,
    shared: bool,
}

impl Making<'_> {
    /// Returns how much of a long history there is time for, by the time that one stub takes,
    /// which is then shown; `None` of a short one.
    async fn what_fits(&self, part: &HistoryPart) -> Result<Option<HistoryPart>, Error> {
        let stubs = stubs(part, self.shared);
        let first = part
            .entries
            .first()
            .and_then(|first| stub_at(&first.url, 0));
        let Some(first) = first.filter(|_| MOST_UNTIMED < stubs.len()) else {
            return Ok(None);
        };
        let before = self.ctx.remaining();
        self.stub.run(&first, "return 'there'").await?;
        let took = before.saturating_sub(self.ctx.remaining()).as_millis();
        let fitting = self.ctx.remaining().as_millis() / 2 / took.max(1);
        let fitting = usize::try_from(fitting).unwrap_or(stubs.len());
        let fitting = fitting.max(MOST_UNTIMED);
        let left_out = stubs.len().saturating_sub(fitting);
        if 0 < left_out {
            tracing::warn!(
                left_out,
                fitting,
                "not all of a tab's history is made again"
            );
        }
        let left_out = stubs.iter().take(left_out).map(|stub| stub.len()).sum();
        Ok(Some(part.without(left_out)))
    }

    async fn make(&self, part: &HistoryPart, fresh: bool) -> Result<Rebuilt, Error> {
        let stubs = stubs(part, self.shared);
        let mut places = Places::default();
        let mut rebuilt = Rebuilt {
            way: Way::There,
            whole: part.whole,
            states: part.entries.iter().all(|entry| entry.state.is_some()),
            history: HistoryPart::default(),
        };
        let mut urls: Vec<String> = vec![];
        for (n, entries) in stubs.iter().enumerate() {
            let before = urls.len();
            let is_last = n + 1 == stubs.len();
            let shown = part.current.checked_sub(before);
            let shown = shown.filter(|at| *at < entries.len());
            if let ([entry], true, Some(_)) = (entries, is_last, shown)
                && (entry.is_plain() || entry.state.is_none())
            {
                rebuilt.way = if n == 0 { Way::Alone } else { Way::Append };
                break;
            }
            let back = shown.filter(|_| is_last).map(|at| entries.len() - 1 - at);
            let back = back.unwrap_or(0);
            let keys = self
                .put(entries, back, fresh, &mut rebuilt, &mut urls)
                .await?;
            places.note(entries, keys);
            if is_last && shown.is_some() && is_web(&entries[0].url) {
                rebuilt.way = Way::Again;
            }
            // A tab begins with an empty page, and its storage was seeded in stubs.
            let is_begun = fresh && entries[0].url == BLANK;
            if n == 0 && !is_begun {
                reset(self.ctx, self.page).await?;
            }
        }
        self.number(part, &urls, &mut rebuilt).await?;
        places.guard(self.ctx, self.page).await?;
        Ok(rebuilt)
    }

    /// Makes the entries of one stub, and leaves the tab `back` before the last of them. Returns
    /// the Navigation API's keys of them, if it has any.
    async fn put(
        &self,
        entries: &[EntryPart],
        back: usize,
        fresh: bool,
        rebuilt: &mut Rebuilt,
        urls: &mut Vec<String>,
    ) -> Result<Vec<String>, Error> {
        if let Some(at) = stub_at(&entries[0].url, urls.len()) {
            let script = script(entries, back)?;
            let told = self.stub.run(&at, &script).await?;
            let put: Put = serde_json::from_str(&told).map_err(|err| unlike(&err.to_string()))?;
            rebuilt.states &= put.whole;
            urls.extend(entries.iter().map(|entry| entry.url.clone()));
            return Ok(put.keys);
        }
        for entry in entries {
            // A document of a file or a blob is not asked for before it is shown.
            let there = entry.url == BLANK || entry.url.starts_with("data:");
            let url = if there { &entry.url } else { BLANK };
            rebuilt.whole &= there;
            rebuilt.states &= entry.is_plain();
            // The first page of a tab that is fresh is one already.
            if !(fresh && urls.is_empty() && url == BLANK) {
                let navigate = wire::Navigate {
                    url: url.to_owned(),
                    ..Default::default()
                };
                self.page.session().call(self.ctx, &navigate).await?;
            }
            urls.push(url.to_owned());
        }
        if back != 0 {
            return Err(unlike("a document without the web has several places"));
        }
        Ok(vec![])
    }

    /// Reads back what was made. The browser hears of what a document did to its entries from
    /// the document's process, perhaps after that one has answered.
    async fn made(&self, urls: &[String]) -> Result<wire::GetNavigationHistoryReturns, Error> {
        let mut pauses = base::Backoff::new(PAUSE, PAUSE).take(TRIES);
        loop {
            let there = list(self.ctx, self.page).await?;
            if there.entries.iter().map(|entry| &entry.url).eq(urls) {
                return Ok(there);
            }
            let pause = pauses.next();
            let pause = pause.ok_or_else(|| unlike("it is not what was made"))?;
            self.ctx.pause(pause).await?;
        }
    }

    /// Reads back what was made, and how the current entry is reached.
    async fn number(
        &self,
        part: &HistoryPart,
        urls: &[String],
        rebuilt: &mut Rebuilt,
    ) -> Result<(), Error> {
        if rebuilt.way == Way::Alone {
            return Ok(());
        }
        let there = self.made(urls).await?;
        let ids = there.entries.iter().map(|entry| entry.id);
        let entries = part.entries.iter().zip(ids).map(|(entry, id)| EntryPart {
            id,
            // Whatever they were, this is what they are from now on.
            state: Some(
                entry
                    .state
                    .clone()
                    .unwrap_or_else(|| super::NULL.to_owned()),
            ),
            posted: Some(false),
            unsure: false,
            ..entry.clone()
        });
        rebuilt.history = HistoryPart {
            entries: entries.collect(),
            current: part.current,
            whole: true,
        };
        let at = usize::try_from(there.current_index).unwrap_or_default();
        if rebuilt.way == Way::There && at != part.current {
            let entry = rebuilt.history.shown();
            let entry = entry.ok_or_else(|| unlike("its entry is not there"))?;
            if urls.get(part.current) != Some(&entry.url) {
                return Err(unlike("its entry leads nowhere"));
            }
            rebuilt.way = Way::Entry(entry.id);
        }
        Ok(())
    }
}

/// Tells whether the tab has the history it had. The document that is shown may have changed
/// its own entries by now, but not their number.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn is_there(ctx: &Ctx, page: &Page, part: &HistoryPart) -> bool {
    let Ok(there) = list(ctx, page).await else {
        return false;
    };
    let shown = part.shown().map(|entry| entry.document);
    let place = usize::try_from(there.current_index).ok() == Some(part.current);
    place
        && there.entries.len() == part.entries.len()
        && part.entries.iter().zip(&there.entries).all(|(had, has)| {
            Some(had.document) == shown || had.url == has.url || !is_web(&had.url)
        })
}

/// Removes every entry but the current one from the tab's history.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn reset(ctx: &Ctx, page: &Page) -> Result<(), Error> {
    match patiently(ctx, page, &wire::ResetNavigationHistory {}).await {
        Err(Error::Cdp(err)) if matches!(*err, cdp::Error::Protocol { .. }) => {
            // Only "back" would show it: a stub that leads on to nothing.
            tracing::warn!(%err, "a tab's history could not be reset");
            Ok(())
        }
        out => out.map(drop),
    }
}

async fn list(ctx: &Ctx, page: &Page) -> Result<wire::GetNavigationHistoryReturns, Error> {
    patiently(ctx, page, &wire::GetNavigationHistory {}).await
}

/// Asks until the page is one: right after a document took another's place Chromium 156 may
/// answer "Not attached to an active page" for some milliseconds.
async fn patiently<C: cdp::Command>(
    ctx: &Ctx,
    page: &Page,
    command: &C,
) -> Result<C::Returns, Error> {
    let mut pauses = base::Backoff::new(PAUSE, PAUSE).take(TRIES);
    loop {
        match (page.session().call(ctx, command).await, pauses.next()) {
            (Err(cdp::Error::Protocol { message, .. }), Some(pause)) => {
                tracing::debug!(%message, "the history can't be had yet");
                ctx.pause(pause).await?;
            }
            (out, _) => return Ok(out?),
        }
    }
}

fn is_web(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

/// Returns where the `n`th entry's stub is made; `None` for what no stub can stand for.
pub(super) fn stub_at(url: &str, n: usize) -> Option<String> {
    let mut at = url::Url::parse(url).ok().filter(|_| is_web(url))?;
    at.set_path(&format!("/browserd-restores/{n}"));
    at.set_query(None);
    at.set_fragment(None);
    Some(at.into())
}

fn script(document: &[EntryPart], back: usize) -> Result<String, Error> {
    let entries = document.iter().map(|entry| {
        let state = match &entry.state {
            Some(state) => serde_json::from_str(state)?,
            None => serde_json::Value::Null,
        };
        Ok((&entry.url, state))
    });
    let entries: Vec<_> = entries
        .collect::<Result<_, serde_json::Error>>()
        .map_err(|err| unlike(&err.to_string()))?;
    // As text to be parsed: in an object literal the key `__proto__` would not be a value.
    let json = serde_json::to_string(&entries)
        .and_then(|json| serde_json::to_string(&json))
        .map_err(|err| unlike(&err.to_string()))?;
    Ok(format!("{STUB}return rebuild(JSON.parse({json}), {back});"))
}

pub(super) fn unlike(reason: &str) -> Error {
    Error::Checkpoint {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stub_is_made_in_the_origin_of_its_entry_and_at_no_path_of_the_site() {
        assert_eq!(
            stub_at("https://ada:x@a.test:81/p?q#f", 3).as_deref(),
            Some("https://ada:x@a.test:81/browserd-restores/3")
        );
        assert_eq!(stub_at("about:blank", 0), None);
        assert_eq!(stub_at("data:text/html,x", 0), None);
    }
}
