//! What pages asked for: one entry a request, filled as its events come.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{Instant, Private, TabId, Timestamp};
use cdp::protocol::network as wire;

use super::{LONGEST, Records, cut, lock, redact};

/// How many requests are kept.
const MOST: usize = 1000;
/// How many bytes all of them may have, without bodies.
const MOST_BYTES: usize = 4 << 20;
/// How many bodies are kept, how long one may be, all of them, and how old.
const MOST_BODIES: usize = 100;
pub(crate) const LONGEST_BODY: usize = 1 << 20;
const MOST_BODY_BYTES: usize = 16 << 20;
const BODY_AGE: Duration = Duration::from_secs(300);

/// A request of a page, and what came of it.
#[derive(Clone, Debug)]
pub struct NetworkEntry {
    /// Its number; it rises.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// In which tab.
    pub tab: TabId,
    /// The method.
    pub method: String,
    /// The URL, without secrets.
    pub url: Private<String>,
    /// The kind of resource, in lower case.
    pub resource: String,
    /// The HTTP status, once there is one.
    pub status: Option<u16>,
    /// The words beside it.
    pub status_text: String,
    /// The protocol, such as `h2`.
    pub protocol: String,
    /// The kind of content.
    pub mime_type: String,
    /// How much came over the network.
    pub bytes: Option<u64>,
    /// How long it took.
    pub took: Option<Duration>,
    /// Why it failed.
    pub failure: Option<String>,
    /// It came from the cache.
    pub from_cache: bool,
    /// By name, without secrets.
    pub request_headers: BTreeMap<String, Private<String>>,
    /// By name, without secrets.
    pub response_headers: BTreeMap<String, Private<String>>,
    /// The response's body, if bodies are recorded.
    pub body: Option<RecordedBody>,
}

/// The body of a response.
#[derive(Clone, Debug)]
pub struct RecordedBody {
    /// It, as text or in base64.
    pub data: Private<String>,
    /// Whether it is in base64.
    pub is_base64: bool,
}

#[derive(Debug)]
struct Kept {
    entry: NetworkEntry,
    request: String,
    began: f64,
    bytes: usize,
    at: Instant,
    body_at: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<Kept>,
    bytes: usize,
    next: u64,
    dropped: u64,
    /// How many bodies there are at most.
    bodies: usize,
}

impl Log {
    pub(super) fn all(&mut self, now: Instant) -> (Vec<NetworkEntry>, u64) {
        self.bound(now);
        let all = self.entries.iter().map(|kept| kept.entry.clone());
        (all.collect(), self.dropped)
    }

    /// Returns what the newest answer of a URL said it is.
    pub(super) fn mime_type_of(&self, url: &str) -> Option<String> {
        let mut newest = self.entries.iter().rev();
        let of_url = newest.find(|kept| kept.entry.url.expose() == url)?;
        let mime_type = &of_url.entry.mime_type;
        (!mime_type.is_empty()).then(|| mime_type.clone())
    }

    fn change(&mut self, tab: TabId, request: &str, change: impl FnOnce(&mut Kept)) {
        let mut entries = self.entries.iter_mut().rev();
        let found = entries.find(|kept| kept.request == request && kept.entry.tab == tab);
        if let Some(kept) = found {
            change(kept);
            let bytes = size(&kept.entry);
            self.bytes = self.bytes + bytes - kept.bytes;
            kept.bytes = bytes;
        }
    }

    fn bound(&mut self, now: Instant) {
        let old = |kept: &Kept| LONGEST < now.saturating_duration_since(kept.at);
        while self.entries.front().is_some_and(old)
            || MOST < self.entries.len()
            || MOST_BYTES < self.bytes
        {
            let Some(gone) = self.entries.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(gone.bytes);
            self.dropped += 1;
        }
        if self.bodies == 0 {
            return;
        }
        let (mut count, mut bytes) = (0, 0);
        for kept in self.entries.iter_mut().rev() {
            let (Some(at), Some(body)) = (kept.body_at, &kept.entry.body) else {
                continue;
            };
            count += 1;
            bytes += body.data.expose().len();
            let old = BODY_AGE < now.saturating_duration_since(at);
            if old || MOST_BODIES < count || MOST_BODY_BYTES < bytes {
                (kept.body_at, kept.entry.body) = (None, None);
                count -= 1;
            }
        }
        self.bodies = count;
    }
}

/// Returns how much an entry takes, without its body.
fn size(entry: &NetworkEntry) -> usize {
    let headers = entry.request_headers.iter().chain(&entry.response_headers);
    let headers: usize = headers
        .map(|(name, value)| name.len() + value.expose().len() + 64)
        .sum();
    512 + entry.url.expose().len() + headers
}

impl Records {
    /// Keeps that a request was made; one that was redirected ends with that.
    pub(crate) fn asked(&self, tab: TabId, event: &wire::RequestWillBeSentEvent) {
        let now = self.clock.instant();
        let mut log = lock(&self.network);
        if let Some(response) = &event.redirect_response {
            log.change(tab, &event.request_id, |kept| {
                note(&mut kept.entry, response);
                kept.entry.took = span(kept.began, event.timestamp);
            });
        }
        log.next += 1;
        let millis = (event.wall_time * 1000.0) as i64;
        let at = Timestamp::from_millisecond(millis).unwrap_or_else(|_| self.clock.wall());
        let kind = event.r#type.as_ref().map_or("other", |kind| kind.as_str());
        let entry = NetworkEntry {
            number: log.next,
            at,
            tab,
            method: cut(&event.request.method, 32),
            url: redact::url(&event.request.url).into(),
            resource: kind.to_lowercase(),
            status: None,
            status_text: String::new(),
            protocol: String::new(),
            mime_type: String::new(),
            bytes: None,
            took: None,
            failure: None,
            from_cache: false,
            request_headers: private(redact::headers(&event.request.headers)),
            response_headers: BTreeMap::new(),
            body: None,
        };
        let bytes = size(&entry);
        log.bytes += bytes;
        log.entries.push_back(Kept {
            entry,
            request: event.request_id.clone(),
            began: event.timestamp,
            bytes,
            at: now,
            body_at: None,
        });
        log.bound(now);
    }

    /// Keeps that a request was answered.
    pub(crate) fn answered(&self, tab: TabId, event: &wire::ResponseReceivedEvent) {
        let mut log = lock(&self.network);
        log.change(tab, &event.request_id, |kept| {
            note(&mut kept.entry, &event.response);
            kept.entry.resource = event.r#type.as_str().to_lowercase();
        });
    }

    /// Keeps that a response is whole; tells whether its body is of a kind to be recorded.
    pub(crate) fn finished(&self, tab: TabId, event: &wire::LoadingFinishedEvent) -> bool {
        let mut told = false;
        lock(&self.network).change(tab, &event.request_id, |kept| {
            kept.entry.bytes = Some(event.encoded_data_length.max(0.0) as u64);
            kept.entry.took = span(kept.began, event.timestamp);
            let seen = ["image", "media", "font"].contains(&&*kept.entry.resource);
            let small = event.encoded_data_length <= LONGEST_BODY as f64;
            told = kept.entry.status.is_some() && !seen && small;
        });
        told
    }

    /// Keeps that a request failed.
    pub(crate) fn failed(&self, tab: TabId, event: &wire::LoadingFailedEvent) {
        lock(&self.network).change(tab, &event.request_id, |kept| {
            kept.entry.failure = Some(cut(&event.error_text, 256));
            kept.entry.took = span(kept.began, event.timestamp);
        });
    }

    /// Keeps a response's body, unless it is too long.
    pub(crate) fn body(&self, tab: TabId, request: &str, body: String, is_base64: bool) {
        if LONGEST_BODY < body.len() {
            return;
        }
        let now = self.clock.instant();
        let mut log = lock(&self.network);
        log.change(tab, request, |kept| {
            kept.body_at = Some(now);
            let data = body.into();
            kept.entry.body = Some(RecordedBody { data, is_base64 });
        });
        log.bodies += 1;
        log.bound(now);
    }
}

fn note(entry: &mut NetworkEntry, response: &wire::Response) {
    entry.status = u16::try_from(response.status)
        .ok()
        .filter(|status| *status != 0);
    entry.status_text = cut(&response.status_text, 128);
    entry.mime_type = cut(&response.mime_type, 128);
    entry.protocol = cut(response.protocol.as_deref().unwrap_or_default(), 32);
    entry.from_cache = response.from_disk_cache == Some(true);
    entry.response_headers = private(redact::headers(&response.headers));
}

fn private(headers: BTreeMap<String, String>) -> BTreeMap<String, Private<String>> {
    let all = headers.into_iter();
    all.map(|(name, value)| (name, value.into())).collect()
}

fn span(from: f64, to: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(to - from).ok()
}
