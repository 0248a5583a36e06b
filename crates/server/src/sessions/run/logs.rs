//! Operations: what pages said and asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use api::{
    ApiError, ConsoleEntries, ConsoleEntry, ConsoleLog, ExportHar, Har, InTab, NetworkEntries,
    NetworkEntry, NetworkLog, RecordBodies, Settings,
};
use base::{Ctx, Private, TabId, Timestamp};
use serde_json::{Value, json};
use session::{Change, page};

use super::settings::settings;
use super::{Run, session_name, tab_id};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire::{Frame, framed};

/// How many entries of the console are shown unasked.
const CONSOLE: u64 = 100;
/// How many requests are.
const NETWORK: u64 = 50;

impl Run<ConsoleLog> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: ConsoleLog) -> Result<InTab<ConsoleEntries>, ApiError> {
        let tab = input.tab_id.as_deref().map(tab_id).transpose()?;
        let records = self
            .sessions
            .records(&session_name(&input.session_id)?)
            .await;
        let (summary, records) = records.map_err(|err| failure(&err))?;
        let (entries, dropped) = records.console();
        let since = self.since(input.since_ms);
        let wanted = entries.into_iter().filter(|entry| {
            tab.is_none_or(|tab| entry.tab == tab)
                && since.is_none_or(|since| since <= entry.at)
                && input
                    .level
                    .as_ref()
                    .is_none_or(|level| entry.level.eq_ignore_ascii_case(level))
                && input
                    .text
                    .as_ref()
                    .is_none_or(|text| entry.text.expose().contains(text))
        });
        let shown = wanted.map(|entry| ConsoleEntry {
            at: entry.at.to_string(),
            tab_id: entry.tab.to_string(),
            level: entry.level,
            text: entry.text.into_exposed(),
            place: entry.place.map(Private::into_exposed),
        });
        let entries = ConsoleEntries {
            entries: newest(shown.collect(), input.limit.unwrap_or(CONSOLE)),
            dropped,
        };
        let from_page = ["entries[].text", "entries[].place"];
        Ok(framed(&Frame::about(&summary), entries, &from_page))
    }
}

impl Run<NetworkLog> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: NetworkLog) -> Result<InTab<NetworkEntries>, ApiError> {
        let filter = Filter {
            tab: input.tab_id.as_deref().map(tab_id).transpose()?,
            url: input.url,
            method: input.method,
            status: input.status.as_deref().map(status).transpose()?,
            resource: input.resource,
            since: self.since(input.since_ms),
        };
        let records = self
            .sessions
            .records(&session_name(&input.session_id)?)
            .await;
        let (summary, records) = records.map_err(|err| failure(&err))?;
        let (entries, dropped) = records.network();
        let wanted = entries
            .into_iter()
            .filter(|entry| filter.takes(entry))
            .collect();
        let headers = input.include_headers.unwrap_or(false);
        let bodies = input.include_bodies.unwrap_or(false);
        let shown = newest(wanted, input.limit.unwrap_or(NETWORK)).into_iter();
        let requests = NetworkEntries {
            requests: shown.map(|entry| request(entry, headers, bodies)).collect(),
            dropped,
        };
        let from_page = [
            "requests[].url",
            "requests[].request_headers",
            "requests[].response_headers",
            "requests[].body",
        ];
        Ok(framed(&Frame::about(&summary), requests, &from_page))
    }
}

impl Run<ExportHar> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: ExportHar) -> Result<InTab<Har>, ApiError> {
        let filter = Filter {
            tab: input.tab_id.as_deref().map(tab_id).transpose()?,
            url: input.url,
            ..Filter::default()
        };
        let records = self
            .sessions
            .records(&session_name(&input.session_id)?)
            .await;
        let (summary, records) = records.map_err(|err| failure(&err))?;
        let bodies = input.include_bodies.unwrap_or(false);
        let entries = records.network().0.into_iter();
        let entries = entries.filter(|entry| filter.takes(entry));
        let entries: Vec<_> = entries.map(|entry| har(&entry, bodies)).collect();
        let har = json!({ "log": {
            "version": "1.2",
            "creator": { "name": "browserd", "version": env!("CARGO_PKG_VERSION") },
            "entries": entries,
        } });
        Ok(framed(&Frame::about(&summary), Har { har }, &["har"]))
    }
}

impl Run<RecordBodies> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: RecordBodies) -> Result<InTab<Settings>, ApiError> {
        let change = Change::RecordBodies(input.on);
        let (summary, now) = self.set(ctx, &input.session_id, change).await?;
        Ok(framed(&Frame::about(&summary), settings(&now), &[]))
    }
}

impl OnSessions {
    fn since(&self, since_ms: Option<u64>) -> Option<Timestamp> {
        let span = Duration::from_millis(since_ms?);
        Some(
            self.clock
                .wall()
                .checked_sub(span)
                .unwrap_or(Timestamp::MIN),
        )
    }
}

/// Which requests are meant.
#[derive(Default)]
struct Filter {
    tab: Option<TabId>,
    url: Option<String>,
    method: Option<String>,
    status: Option<Status>,
    resource: Option<String>,
    since: Option<Timestamp>,
}

enum Status {
    Failed,
    Between(u16, u16),
}

impl Filter {
    fn takes(&self, entry: &page::NetworkEntry) -> bool {
        let url = |wanted: &String| {
            let url = entry.url.expose();
            if wanted.contains('*') {
                page::url_matches(wanted, url)
            } else {
                url.contains(wanted.as_str())
            }
        };
        let status = |wanted: &Status| match wanted {
            Status::Failed => entry.failure.is_some(),
            Status::Between(from, to) => entry
                .status
                .is_some_and(|status| (*from..=*to).contains(&status)),
        };
        self.tab.is_none_or(|tab| entry.tab == tab)
            && self.since.is_none_or(|since| since <= entry.at)
            && self.url.as_ref().is_none_or(url)
            && self.status.as_ref().is_none_or(status)
            && self
                .method
                .as_ref()
                .is_none_or(|it| entry.method.eq_ignore_ascii_case(it))
            && self
                .resource
                .as_ref()
                .is_none_or(|it| entry.resource.eq_ignore_ascii_case(it))
    }
}

fn status(text: &str) -> Result<Status, ApiError> {
    let refused = || ApiError::invalid("`status`: not `404`, `4xx` or `failed`");
    if text == "failed" {
        return Ok(Status::Failed);
    }
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().map_err(|_| refused())?;
        return match class {
            1..=5 => Ok(Status::Between(class * 100, class * 100 + 99)),
            _ => Err(refused()),
        };
    }
    let status = text.parse().map_err(|_| refused())?;
    Ok(Status::Between(status, status))
}

fn newest<T>(mut all: Vec<T>, limit: u64) -> Vec<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    all.split_off(all.len().saturating_sub(limit))
}

fn request(entry: page::NetworkEntry, headers: bool, bodies: bool) -> NetworkEntry {
    let (body, body_base64) = match entry.body.filter(|_| bodies) {
        Some(body) if body.is_base64 => (None, Some(body.data.into_exposed())),
        Some(body) => (Some(body.data.into_exposed()), None),
        None => (None, None),
    };
    NetworkEntry {
        at: entry.at.to_string(),
        tab_id: entry.tab.to_string(),
        method: entry.method,
        url: entry.url.into_exposed(),
        resource: entry.resource,
        status: entry.status,
        mime_type: entry.mime_type,
        bytes: entry.bytes,
        took_ms: entry.took.map(millis),
        failure: entry.failure,
        request_headers: headers.then(|| plain(&entry.request_headers)),
        response_headers: headers.then(|| plain(&entry.response_headers)),
        body,
        body_base64,
    }
}

fn plain(headers: &BTreeMap<String, Private<String>>) -> BTreeMap<String, String> {
    let all = headers.iter();
    all.map(|(name, value)| (name.clone(), value.expose().clone()))
        .collect()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn har(entry: &page::NetworkEntry, bodies: bool) -> Value {
    let list = |headers: &BTreeMap<String, Private<String>>| -> Vec<Value> {
        let all = headers.iter();
        all.map(|(name, value)| json!({ "name": name, "value": value.expose() }))
            .collect()
    };
    let took = entry.took.map_or(-1.0, |took| took.as_secs_f64() * 1000.0);
    let size = entry
        .bytes
        .map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(-1));
    let mut content = json!({ "size": size, "mimeType": entry.mime_type });
    if let Some(body) = entry.body.as_ref().filter(|_| bodies) {
        content["text"] = json!(body.data.expose());
        if body.is_base64 {
            content["encoding"] = json!("base64");
        }
    }
    let version = &entry.protocol;
    json!({
        "startedDateTime": entry.at.to_string(),
        "time": took,
        "pageref": entry.tab.to_string(),
        "request": {
            "method": entry.method, "url": entry.url.expose(), "httpVersion": version,
            "cookies": [], "headers": list(&entry.request_headers), "queryString": [],
            "headersSize": -1, "bodySize": -1,
        },
        "response": {
            "status": entry.status.unwrap_or(0), "statusText": entry.status_text,
            "httpVersion": version, "cookies": [], "headers": list(&entry.response_headers),
            "content": content, "redirectURL": "", "headersSize": -1, "bodySize": size,
            "_error": entry.failure,
        },
        "cache": {},
        "timings": { "send": 0, "wait": took, "receive": 0 },
        "_resourceType": entry.resource,
    })
}
