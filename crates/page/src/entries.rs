//! The tab's back/forward history, as it is read for checkpoints.
//!
//! Three know of it: the browser has the entries, the document knows which of them are its
//! own, and `history.state` is read where the page's scripts run. That one must not be read in
//! our world: Chromium 156 then takes the page's own last read of it for a current one.

use base::{Ctx, Private};
use cdp::protocol::{page, runtime};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::world::Ask;
use crate::{Error, Page};

/// What a document that moves on while it is read is given another try for.
const TRIES: u32 = 3;
/// The group of what the page's state left in its world.
const GROUP: &str = "browserd-history";
/// The current entry as the Navigation API knows it, and the state: of one moment.
const STATE: &str = "[globalThis.navigation?.currentEntry?.key ?? '', history.state]";

/// A tab's history at one moment.
#[derive(Clone, Debug)]
pub struct HistorySeen {
    /// Every entry, oldest first.
    pub entries: Vec<EntrySeen>,
    /// Which of them is shown.
    pub current: usize,
    /// The entries of the shown document's origin around it, as it sees them.
    pub near: Vec<NearSeen>,
    /// Which of these is shown; `None` if the document can't see any.
    pub near_current: Option<usize>,
    /// `history.state`, as the JSON that CDP serializes it deeply to; `None` if it could not be had.
    pub state: Option<Private<String>>,
    /// Whether the shown document was asked for by POST, if that is known.
    pub posted: Option<bool>,
    /// Whether the document told its part; the list itself is the browser's, which answers also
    /// where a page is busy, moves on or has a dialog open.
    pub is_told: bool,
}

/// An entry as the browser has it.
#[derive(Clone, Debug)]
pub struct EntrySeen {
    /// The browser's number for it.
    pub id: i64,
    /// Where it leads.
    pub url: Private<String>,
    /// Whether a form led there, and so perhaps a POST.
    pub submitted: bool,
    /// Whether its document is known to have given it no state.
    pub stateless: bool,
}

/// An entry as the shown document has it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct NearSeen {
    /// Where it leads; empty if its document keeps that to itself.
    pub url: String,
    /// Whether it is another place of the shown document.
    pub own: bool,
}

#[derive(PartialEq, Eq, Deserialize)]
struct Near {
    current: Option<usize>,
    key: String,
    entries: Vec<NearSeen>,
}

/// An entry's key, and its state.
type StateOf = (String, Private<String>);

/// What came of one look.
enum Once {
    Told(HistorySeen),
    /// The document went on meanwhile.
    MovedOn(page::GetNavigationHistoryReturns),
    /// It doesn't answer.
    Silent(page::GetNavigationHistoryReturns),
}

impl Page {
    /// Reads the tab's history and the current entry's state; of a document that doesn't tell its
    /// part, or goes on each time, only what the browser knows.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the browser did not answer in time, and those of the page's end.
    ///
    /// # Cancel safety
    /// Yes: nothing is changed.
    pub async fn read_history(&self, ctx: &Ctx) -> Result<HistorySeen, Error> {
        let mut tries = 1;
        loop {
            match self.history_once(ctx).await? {
                Once::Told(seen) => return Ok(seen),
                Once::MovedOn(_) if tries < TRIES => tries += 1,
                Once::MovedOn(listed) | Once::Silent(listed) => {
                    return Ok(self.history_of(listed, None));
                }
            }
        }
    }

    async fn history_once(&self, ctx: &Ctx) -> Result<Once, Error> {
        let list = page::GetNavigationHistory {};
        // Sent together: the sooner it is read, the less has moved on by then.
        let (state, near, history, still) = tokio::join!(
            biased;
            self.state_of_entry(ctx),
            self.near_entries(ctx),
            self.session().call(ctx, &list),
            self.near_entries(ctx),
        );
        let history = history.map_err(Error::from_cdp)?;
        let (Ok(state), Ok(near), Ok(still)) = (state, near, still) else {
            return Ok(Once::Silent(history));
        };
        // The parts are of one moment only if the document is still where it was.
        if still != near {
            return Ok(Once::MovedOn(history));
        }
        let current = usize::try_from(history.current_index).unwrap_or_default();
        let shown = near.current.and_then(|at| near.entries.get(at));
        let there = history.entries.get(current);
        let agree = match (shown, there) {
            (Some(shown), Some(there)) => shown.url == there.url || shown.url.is_empty(),
            (None, there) => there.is_some(),
            (Some(_), None) => false,
        };
        if !agree {
            return Ok(Once::MovedOn(history));
        }
        Ok(Once::Told(self.history_of(history, Some((state, near)))))
    }

    fn history_of(
        &self,
        history: page::GetNavigationHistoryReturns,
        told: Option<(Option<StateOf>, Near)>,
    ) -> HistorySeen {
        let picture = self.shared().picture.borrow();
        let is_told = told.is_some();
        let (state, near) = told.map_or((None, None), |(state, near)| (state, Some(near)));
        let key = near.as_ref().map(|near| near.key.clone());
        let state = state.filter(|(of, _)| Some(of) == key.as_ref());
        let entry = |entry: page::NavigationEntry| EntrySeen {
            id: entry.id,
            // In an empty page nothing runs.
            stateless: entry.url == "about:blank" || picture.is_unmoved(&entry.url),
            url: entry.url.into(),
            submitted: entry.transition_type == page::TransitionType::FormSubmit,
        };
        HistorySeen {
            current: usize::try_from(history.current_index).unwrap_or_default(),
            entries: history.entries.into_iter().map(entry).collect(),
            near_current: near.as_ref().and_then(|near| near.current),
            near: near.map(|near| near.entries).unwrap_or_default(),
            state: state.map(|(_, state)| state),
            posted: picture.is_posted().filter(|_| is_told),
            is_told,
        }
    }

    async fn near_entries(&self, ctx: &Ctx) -> Result<Near, Error> {
        let frame = self.main_frame();
        let ask = Ask {
            frame: &frame,
            function: "nearEntries",
            arguments: json!({}),
        };
        self.ask_once(ctx, &ask).await
    }

    /// Returns the current entry's key and state; `None` if the state can't be told.
    async fn state_of_entry(&self, ctx: &Ctx) -> Result<Option<StateOf>, Error> {
        let evaluate = runtime::Evaluate {
            expression: STATE.to_owned(),
            object_group: Some(GROUP.to_owned()),
            silent: Some(true),
            serialization_options: Some(runtime::SerializationOptions {
                serialization: runtime::SerializationOptionsSerialization::Deep,
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = match self.call(ctx, &evaluate).await {
            Ok(answer) => answer,
            // Half a surrogate pair, or nested too deeply: it is there, and can't be had.
            Err(Error::Cdp(cdp::Error::Decode { .. })) => return Ok(None),
            Err(err) => return Err(err),
        };
        let release = runtime::ReleaseObjectGroup {
            object_group: GROUP.to_owned(),
        };
        self.session().post(&release).map_err(Error::from_cdp)?;
        let told = answer.result.deep_serialized_value;
        let Some(Value::Array(mut pair)) = told.and_then(|told| told.value) else {
            return Ok(None);
        };
        let (Some(state), Some(key), None) = (pair.pop(), pair.pop(), pair.pop()) else {
            return Ok(None);
        };
        let key = key.get("value").and_then(Value::as_str).unwrap_or_default();
        Ok(Some((key.to_owned(), state.to_string().into())))
    }
}
