//! What pages said: `console`, errors nobody caught, and what the browser says of the page.

use base::{Private, TabId, Timestamp};
use cdp::RawEvent;
use cdp::protocol::runtime;

use super::{Records, cut, lock, redact};
use crate::evaluate::text_of;

/// How long one entry may be.
const LONGEST_TEXT: usize = 4096;

/// Something a page said.
#[derive(Clone, Debug)]
pub struct ConsoleEntry {
    /// When.
    pub at: Timestamp,
    /// In which tab.
    pub tab: TabId,
    /// `log`, `warning`, `error`, … or `exception`.
    pub level: String,
    /// What, bounded.
    pub text: Private<String>,
    /// Where in which script, without secrets.
    pub place: Option<Private<String>>,
}

/// What a page said, as it was told. A noisy page says more than anybody reads: it is read
/// when somebody asks for it.
#[derive(Clone, Debug)]
pub(super) struct Said {
    at: Timestamp,
    tab: TabId,
    event: RawEvent,
}

impl Records {
    /// Keeps what a page said by `console`, or an error that nobody caught.
    pub(crate) fn said(&self, tab: TabId, event: &RawEvent) {
        let said = Said {
            at: self.clock.wall(),
            tab,
            event: event.clone(),
        };
        let bytes = event.params.get().len() + 128;
        lock(&self.console).push(said, bytes, self.clock.instant());
    }
}

impl Said {
    pub(super) fn entry(&self) -> Option<ConsoleEntry> {
        let (level, text, place) = match self.event.decode::<runtime::ConsoleAPICalledEvent>() {
            Some(event) => said(event.ok()?),
            None => thrown(self.event.decode::<runtime::ExceptionThrownEvent>()?.ok()?),
        };
        let place = place.filter(|(url, ..)| !url.is_empty());
        // Chromium counts both from 0.
        let place = place.map(|(url, line, column)| {
            Private::new(format!("{}:{}:{}", redact::url(&url), line + 1, column + 1))
        });
        Some(ConsoleEntry {
            at: self.at,
            tab: self.tab,
            level,
            text: cut(&text, LONGEST_TEXT).into(),
            place,
        })
    }
}

type Place = Option<(String, i64, i64)>;

fn said(event: runtime::ConsoleAPICalledEvent) -> (String, String, Place) {
    let text: Vec<_> = event.args.iter().map(text_of).collect();
    let stack = event.stack_trace;
    let frame = stack.and_then(|stack| stack.call_frames.into_iter().next());
    let place = frame.map(|frame| (frame.url, frame.line_number, frame.column_number));
    (event.r#type.as_str().to_owned(), text.join(" "), place)
}

fn thrown(event: runtime::ExceptionThrownEvent) -> (String, String, Place) {
    let details = event.exception_details;
    let exception = details.exception;
    let exception = exception.and_then(|exception| exception.description);
    let place = details
        .url
        .map(|url| (url, details.line_number, details.column_number));
    (
        "exception".to_owned(),
        exception.unwrap_or(details.text),
        place,
    )
}
