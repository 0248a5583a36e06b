//! What pages said: `console`, errors nobody caught, and what the browser says of the page.

use base::{Private, TabId, Timestamp};
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

impl Records {
    /// Keeps what a page said by `console`.
    pub(crate) fn said(&self, tab: TabId, event: runtime::ConsoleAPICalledEvent) {
        let text: Vec<_> = event.args.iter().map(text_of).collect();
        let frame = event
            .stack_trace
            .and_then(|stack| stack.call_frames.into_iter().next());
        let place = frame.map(|frame| (frame.url, frame.line_number, frame.column_number));
        self.keep(tab, event.r#type.as_str(), &text.join(" "), place);
    }

    /// Keeps an error that nobody caught.
    pub(crate) fn thrown(&self, tab: TabId, event: runtime::ExceptionThrownEvent) {
        let details = event.exception_details;
        let exception = details
            .exception
            .and_then(|exception| exception.description);
        let text = exception.unwrap_or(details.text);
        let place = details
            .url
            .map(|url| (url, details.line_number, details.column_number));
        self.keep(tab, "exception", &text, place);
    }

    fn keep(&self, tab: TabId, level: &str, text: &str, place: Option<(String, i64, i64)>) {
        let place = place.filter(|(url, ..)| !url.is_empty());
        // Chromium counts both from 0.
        let place = place.map(|(url, line, column)| {
            Private::new(format!("{}:{}:{}", redact::url(&url), line + 1, column + 1))
        });
        let text = cut(text, LONGEST_TEXT);
        let bytes = text.len() + place.as_ref().map_or(0, |it| it.expose().len()) + 64;
        let entry = ConsoleEntry {
            at: self.clock.wall(),
            tab,
            level: level.to_owned(),
            text: text.into(),
            place,
        };
        lock(&self.console).push(entry, bytes, self.clock.instant());
    }
}
