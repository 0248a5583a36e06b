//! What becomes of a page's requests: headers that are added, names and passwords that are
//! told, and routes that block, answer or change them.
//!
//! `Fetch` pauses only the requests that a rule may concern. The keeper never drops what it
//! tells, so a request that is paused while no daemon is there waits for the next one; and what
//! is paused when a frame's session ends goes to the network as it is.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cdp::Session;
use cdp::protocol::{fetch, network};

use base::Private;

use super::Settings;

/// How many requests are remembered for having been told a password.
const MOST_TOLD: usize = 256;

/// Headers that are added to requests that go to an origin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeadersTo {
    /// Such as `https://example.org`; `*` for every origin.
    pub origin: String,
    /// Names and values.
    pub headers: Vec<(String, Private<String>)>,
}

/// What is told to an origin that asks for a name and password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialsFor {
    /// Such as `https://example.org`.
    pub origin: String,
    /// The name.
    pub username: Private<String>,
    /// The password.
    pub password: Private<String>,
}

/// What becomes of requests that match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestRule {
    /// The URL; `*` stands for any text, `?` for one character.
    pub url: String,
    /// The method, if only one is meant.
    pub method: Option<String>,
    /// The kind of resource in the protocol's words, if only one is meant.
    pub resource: Option<String>,
    /// What is done.
    pub action: RequestAction,
}

/// What is done with a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestAction {
    /// It fails.
    Block,
    /// It is answered here.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Private<Vec<u8>>,
    },
    /// It goes on with other headers.
    Change {
        /// Names and values.
        set: Vec<(String, Private<String>)>,
        /// Names.
        remove: Vec<String>,
    },
}

/// Returns how the requests that a rule may concern are paused; `None` if there is no rule.
pub(crate) fn interception(settings: &Settings) -> Option<fetch::Enable> {
    let mut patterns: Vec<(String, Option<String>)> = vec![];
    let everything = |origin: &str| match origin {
        "*" => "*".to_owned(),
        origin => format!("{origin}/*"),
    };
    patterns.extend(
        settings
            .headers
            .iter()
            .map(|to| (everything(&to.origin), None)),
    );
    let asked = settings.credentials.iter();
    patterns.extend(asked.map(|of| (everything(&of.origin), None)));
    patterns.extend(
        settings
            .proxy_credentials
            .iter()
            .map(|_| ("*".to_owned(), None)),
    );
    let routes = settings.routes.iter();
    patterns.extend(routes.map(|route| (route.url.clone(), route.resource.clone())));
    if patterns.is_empty() {
        return None;
    }
    if patterns.contains(&("*".to_owned(), None)) {
        patterns.retain(|(url, resource)| url == "*" && resource.is_none());
    }
    patterns.sort();
    patterns.dedup();
    let patterns = patterns
        .into_iter()
        .map(|(url, resource)| fetch::RequestPattern {
            url_pattern: Some(url),
            resource_type: resource.map(|resource| network::ResourceType::from(resource.as_str())),
            ..Default::default()
        });
    let asks = !settings.credentials.is_empty() || settings.proxy_credentials.is_some();
    Some(fetch::Enable {
        patterns: Some(patterns.collect()),
        handle_auth_requests: Some(asks),
    })
}

/// Lets a paused request go on, or not, as the settings have it.
pub(crate) fn answer(
    session: &Session,
    settings: &Settings,
    paused: fetch::RequestPausedEvent,
) -> Result<(), cdp::Error> {
    let request = &paused.request;
    let resource = paused.resource_type.as_str();
    let route = settings.routes.iter().find(|route| {
        url_matches(&route.url, &request.url)
            && route
                .method
                .as_ref()
                .is_none_or(|method| *method == request.method)
            && route.resource.as_ref().is_none_or(|kind| kind == resource)
    });
    match route.map(|route| &route.action) {
        Some(RequestAction::Block) => session.post(&fetch::FailRequest {
            request_id: paused.request_id,
            error_reason: network::ErrorReason::BlockedByClient,
        }),
        Some(RequestAction::Answer {
            status,
            headers,
            body,
        }) => {
            let mut headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| entry(name, value))
                .collect();
            let says = |name: &str| headers.iter().any(|it| it.name.eq_ignore_ascii_case(name));
            let origin = header(request, "origin").filter(|_| !says("access-control-allow-origin"));
            if let Some(origin) = origin {
                // The page asked across origins, and what was to be answered is known.
                headers.push(entry("access-control-allow-origin", &origin));
                headers.push(entry("access-control-allow-credentials", "true"));
            }
            session.post(&fetch::FulfillRequest {
                request_id: paused.request_id,
                response_code: (*status).into(),
                response_headers: Some(headers),
                body: Some(BASE64_STANDARD.encode(body.expose())),
                ..Default::default()
            })
        }
        change => {
            let origin = origin_of(&request.url);
            let own = settings.headers.iter();
            let own = own.filter(|to| to.origin == "*" || Some(&to.origin) == origin.as_ref());
            let mut set: Vec<_> = own.flat_map(|to| &to.headers).collect();
            let mut removed: &[String] = &[];
            if let Some(RequestAction::Change { set: more, remove }) = change {
                set.extend(more);
                removed = remove;
            }
            let headers =
                (!set.is_empty() || !removed.is_empty()).then(|| changed(request, &set, removed));
            session.post(&fetch::ContinueRequest {
                request_id: paused.request_id,
                headers,
                ..Default::default()
            })
        }
    }
}

/// Answers a site or proxy that asks who is there; once, as what it doesn't take it will not
/// take again.
pub(crate) fn authenticate(
    session: &Session,
    settings: &Settings,
    told: &mut VecDeque<String>,
    asked: fetch::AuthRequiredEvent,
) -> Result<(), cdp::Error> {
    let of_proxy = asked.auth_challenge.source == Some(fetch::AuthChallengeSource::Proxy);
    let origin = origin_of(&asked.request.url);
    let known = match of_proxy {
        true => settings.proxy_credentials.as_ref(),
        false => {
            let mut all = settings.credentials.iter();
            all.find(|of| Some(&of.origin) == origin.as_ref())
        }
    };
    let again = told.contains(&asked.request_id);
    let known = known.filter(|_| !again);
    let response = match known {
        Some(_) => fetch::AuthChallengeResponseResponse::ProvideCredentials,
        // The page is shown what the site says to that.
        None if again => fetch::AuthChallengeResponseResponse::CancelAuth,
        None => fetch::AuthChallengeResponseResponse::Default,
    };
    if known.is_some() {
        told.truncate(MOST_TOLD - 1);
        told.push_front(asked.request_id.clone());
    }
    session.post(&fetch::ContinueWithAuth {
        request_id: asked.request_id,
        auth_challenge_response: fetch::AuthChallengeResponse {
            response,
            username: known.map(|of| of.username.expose().clone()),
            password: known.map(|of| of.password.expose().clone()),
        },
    })
}

fn changed(
    request: &network::Request,
    set: &[&(String, Private<String>)],
    removed: &[String],
) -> Vec<fetch::HeaderEntry> {
    let replaced = |name: &str| {
        set.iter().any(|(set, _)| set.eq_ignore_ascii_case(name))
            || removed
                .iter()
                .any(|removed| removed.eq_ignore_ascii_case(name))
    };
    let mut out: Vec<fetch::HeaderEntry> = vec![];
    for (name, value) in headers(request) {
        if !replaced(&name) {
            out.push(entry(&name, &value));
        }
    }
    for (name, value) in set {
        // Of one header that is set twice the later counts.
        out.retain(|it| !it.name.eq_ignore_ascii_case(name));
        out.push(entry(name, value.expose()));
    }
    out
}

fn headers(request: &network::Request) -> Vec<(String, String)> {
    let headers = serde_json::to_value(&request.headers).unwrap_or_default();
    let headers = headers.as_object().cloned().unwrap_or_default().into_iter();
    let text = |value: serde_json::Value| value.as_str().map(str::to_owned);
    headers
        .filter_map(|(name, value)| Some((name, text(value)?)))
        .collect()
}

fn header(request: &network::Request, name: &str) -> Option<String> {
    let mut headers = headers(request).into_iter();
    let found = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

fn entry(name: &str, value: &str) -> fetch::HeaderEntry {
    fetch::HeaderEntry {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn origin_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(url.origin().ascii_serialization())
}

/// Tells whether a URL matches, as Chromium matches the patterns of `Fetch`: `*` is any text,
/// `?` one character, `\` takes the next one as it is.
#[must_use]
pub fn url_matches(pattern: &str, url: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let url: Vec<char> = url.chars().collect();
    let (mut at, mut seen) = (0, 0);
    // Where to go on when what follows the last `*` doesn't match here.
    let mut again: Option<(usize, usize)> = None;
    while seen < url.len() {
        let (literal, width) = match pattern.get(at) {
            Some('\\') if at + 1 < pattern.len() => (Some(pattern[at + 1]), 2),
            Some('*') => {
                again = Some((at + 1, seen));
                at += 1;
                continue;
            }
            Some('?') => (Some(url[seen]), 1),
            Some(one) => (Some(*one), 1),
            None => (None, 0),
        };
        if literal == Some(url[seen]) {
            at += width;
            seen += 1;
        } else if let Some((from, reached)) = again {
            again = Some((from, reached + 1));
            (at, seen) = (from, reached + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|one| *one == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_match_as_fetch_matches_them() {
        let check = |pattern: &str, url: &str, expect: bool| {
            assert_eq!(url_matches(pattern, url), expect, "{pattern} {url}");
        };
        check("*", "https://a.test/", true);
        check("https://a.test/*", "https://a.test/x?y=1", true);
        check("https://a.test/*", "https://a.test.evil/", false);
        check("*/api/*.json", "https://a.test/api/b/c.json", true);
        check("*/api/*.json", "https://a.test/api/b/c.json?x", false);
        check("https://a.test/?", "https://a.test/x", true);
        check("https://a.test/?", "https://a.test/", false);
        check(r"*\?x=1", "https://a.test/?x=1", true);
        check(r"*\?x=1", "https://a.test/yx=1", false);
        check("*a*b*", "ccaccbcc", true);
        check("", "x", false);
        // A pattern of many stars takes no longer than it is long.
        check(&"*a".repeat(200), &"a".repeat(5000), true);
    }

    #[test]
    fn only_what_a_rule_may_concern_is_paused() {
        let mut settings = Settings::default();
        assert!(interception(&settings).is_none());
        settings.headers.push(HeadersTo {
            origin: "https://a.test".to_owned(),
            headers: vec![],
        });
        let patterns = |settings: &Settings| {
            let enable = interception(settings).unwrap();
            let patterns = enable.patterns.unwrap().into_iter();
            let urls: Vec<_> = patterns.filter_map(|it| it.url_pattern).collect();
            (urls, enable.handle_auth_requests.unwrap())
        };
        let own = || "https://a.test/*".to_owned();
        assert_eq!(patterns(&settings), (vec![own()], false));
        settings.credentials.push(CredentialsFor {
            origin: "https://a.test".to_owned(),
            username: "ada".to_owned().into(),
            password: "secret".to_owned().into(),
        });
        assert_eq!(patterns(&settings), (vec![own()], true));
        settings.headers[0].origin = "*".to_owned();
        assert_eq!(patterns(&settings), (vec!["*".to_owned()], true));
    }
}
