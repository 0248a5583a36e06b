//! Headers, names and passwords, and rules for requests: checked, and as pages are told them.

use std::collections::BTreeMap;

use base::Private;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use page::{CredentialsFor, HeadersTo, RequestAction, RequestRule};

use super::change::{check_header, check_text, invalid};
use super::{CredentialsPart, RouteActionPart, RoutePart, SettingsPart};
use crate::Error;

/// How many rules for requests a session may have.
pub const MOST_ROUTES: usize = 100;
/// How many origins may have headers, or a name and password.
const MOST_ORIGINS: usize = 50;
/// How many headers there may be in one place.
const MOST_HEADERS: usize = 50;
/// How long an answer's body may be, in base64.
const LONGEST_BODY: usize = 256 * 1024;
/// How long the bodies of all answers may be.
const LONGEST_BODIES: usize = 1024 * 1024;
/// Headers that say how the message is made, or that have a place of their own.
const NOT_SET: [&str; 8] = [
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "cookie",
];
/// The kinds of resource, in the protocol's words.
const RESOURCES: [&str; 12] = [
    "Document",
    "Stylesheet",
    "Image",
    "Media",
    "Font",
    "Script",
    "TextTrack",
    "XHR",
    "Fetch",
    "EventSource",
    "Manifest",
    "Other",
];

/// Returns the origin of a web page's URL.
fn origin_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let is_web = ["http", "https"].contains(&url.scheme());
    is_web.then(|| url.origin().ascii_serialization())
}

/// Returns the origin that is meant: nothing leaks to another one unless that is said.
pub(super) fn origin_meant(
    said: Option<String>,
    here: &str,
    everywhere: bool,
) -> Result<String, Error> {
    match said {
        Some(all) if all == "*" && everywhere => Ok(all),
        Some(said) => origin_of(&said)
            .ok_or_else(|| invalid("origin", "not an origin such as `https://example.org`")),
        None => origin_of(here).ok_or_else(|| {
            invalid(
                "origin",
                "the active tab is on no site, so say where they are to go",
            )
        }),
    }
}

pub(super) fn set_headers(
    settings: &mut SettingsPart,
    origin: String,
    headers: BTreeMap<String, String>,
) -> Result<(), Error> {
    check_headers("headers", &headers, &NOT_SET)?;
    if headers.is_empty() {
        settings.headers.remove(&origin);
        return Ok(());
    }
    if MOST_ORIGINS <= settings.headers.len() && !settings.headers.contains_key(&origin) {
        return Err(Error::LimitReached {
            what: "origins with headers of a session",
            limit: MOST_ORIGINS,
        });
    }
    settings.headers.insert(origin, headers);
    Ok(())
}

pub(super) fn set_credentials(
    settings: &mut SettingsPart,
    origin: String,
    credentials: Option<CredentialsPart>,
) -> Result<(), Error> {
    let Some(credentials) = credentials else {
        settings.credentials.remove(&origin);
        return Ok(());
    };
    check_credentials("http_credentials", &credentials)?;
    if MOST_ORIGINS <= settings.credentials.len() && !settings.credentials.contains_key(&origin) {
        return Err(Error::LimitReached {
            what: "origins with a name and password of a session",
            limit: MOST_ORIGINS,
        });
    }
    settings.credentials.insert(origin, credentials);
    Ok(())
}

pub(super) fn check_credentials(
    argument: &'static str,
    credentials: &CredentialsPart,
) -> Result<(), Error> {
    check_header(argument, &credentials.username)?;
    if !credentials.password.is_empty() {
        check_header(argument, &credentials.password)?;
    }
    Ok(())
}

pub(super) fn add_route(settings: &mut SettingsPart, mut route: RoutePart) -> Result<(), Error> {
    check_text("url", &route.url)?;
    if let Some(method) = &mut route.method {
        *method = method.to_ascii_uppercase();
        if 20 < method.len() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(invalid("method", "not a method such as `POST`"));
        }
    }
    if let Some(resource) = &mut route.resource {
        let known = RESOURCES
            .iter()
            .find(|known| known.eq_ignore_ascii_case(resource));
        let Some(known) = known else {
            let known = RESOURCES.map(str::to_lowercase).join(", ");
            return Err(invalid("resource", &format!("not one of {known}")));
        };
        (*known).clone_into(resource);
    }
    match &route.action {
        RouteActionPart::Block => {}
        RouteActionPart::Answer {
            status,
            headers,
            body,
        } => {
            if !(200..600).contains(status) {
                return Err(invalid("status", "200 to 599"));
            }
            check_headers("headers", headers, &["transfer-encoding", "connection"])?;
            if LONGEST_BODY < body.len() || BASE64_STANDARD.decode(body).is_err() {
                let reason = format!("base64 of at most {LONGEST_BODY} bytes");
                return Err(invalid("body", &reason));
            }
        }
        RouteActionPart::Change { set, remove } => {
            check_headers("headers", set, &NOT_SET)?;
            if set.is_empty() && remove.is_empty() {
                return Err(invalid("headers", "there is nothing to change"));
            }
            if MOST_HEADERS < remove.len() || !remove.iter().all(|name| is_name(name)) {
                return Err(invalid("remove_headers", "not names of headers"));
            }
        }
    }
    let bodies = settings.routes.iter().chain([&route]);
    let bodies: usize = bodies
        .map(|route| match &route.action {
            RouteActionPart::Answer { body, .. } => body.len(),
            _ => 0,
        })
        .sum();
    if MOST_ROUTES <= settings.routes.len() || LONGEST_BODIES < bodies {
        return Err(Error::LimitReached {
            what: "routes of a session, or bytes in their answers",
            limit: if LONGEST_BODIES < bodies {
                LONGEST_BODIES
            } else {
                MOST_ROUTES
            },
        });
    }
    settings.routes_added += 1;
    route.number = settings.routes_added;
    settings.routes.push(route);
    Ok(())
}

pub(super) fn remove_route(settings: &mut SettingsPart, number: Option<u32>) -> Result<(), Error> {
    let before = settings.routes.len();
    settings
        .routes
        .retain(|route| number.is_some_and(|number| route.number != number));
    if number.is_some() && settings.routes.len() == before {
        return Err(invalid(
            "route_id",
            "the session has no such route; list_routes shows them",
        ));
    }
    Ok(())
}

fn check_headers(
    argument: &'static str,
    headers: &BTreeMap<String, String>,
    refused: &[&str],
) -> Result<(), Error> {
    if MOST_HEADERS < headers.len() {
        return Err(invalid(argument, &format!("at most {MOST_HEADERS}")));
    }
    for (name, value) in headers {
        if !is_name(name)
            || refused
                .iter()
                .any(|refused| refused.eq_ignore_ascii_case(name))
        {
            return Err(invalid(argument, &format!("`{name}` can't be set")));
        }
        if !value.is_empty() {
            check_header(argument, value)?;
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=100).contains(&name.len()) && name.bytes().all(token)
}

pub(super) fn headers(part: &SettingsPart) -> Vec<HeadersTo> {
    let all = part.headers.iter().map(|(origin, headers)| HeadersTo {
        origin: origin.clone(),
        headers: private(headers),
    });
    all.collect()
}

pub(super) fn credentials(part: &SettingsPart) -> Vec<CredentialsFor> {
    let all = part.credentials.iter();
    all.map(|(origin, credentials)| told(origin, credentials))
        .collect()
}

pub(super) fn of_proxy(part: &SettingsPart) -> Option<CredentialsFor> {
    let proxy = part.proxy.as_ref()?;
    Some(told(&proxy.server, proxy.credentials.as_ref()?))
}

pub(super) fn routes(part: &SettingsPart) -> Vec<RequestRule> {
    let all = part.routes.iter().map(|route| RequestRule {
        url: route.url.clone(),
        method: route.method.clone(),
        resource: route.resource.clone(),
        action: match &route.action {
            RouteActionPart::Block => RequestAction::Block,
            RouteActionPart::Answer {
                status,
                headers,
                body,
            } => RequestAction::Answer {
                status: *status,
                headers: headers
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                // It was checked when it was set.
                body: Private::new(BASE64_STANDARD.decode(body).unwrap_or_default()),
            },
            RouteActionPart::Change { set, remove } => RequestAction::Change {
                set: private(set),
                remove: remove.clone(),
            },
        },
    });
    all.collect()
}

fn told(origin: &str, credentials: &CredentialsPart) -> CredentialsFor {
    CredentialsFor {
        origin: origin.to_owned(),
        username: Private::new(credentials.username.clone()),
        password: Private::new(credentials.password.clone()),
    }
}

fn private(headers: &BTreeMap<String, String>) -> Vec<(String, Private<String>)> {
    headers
        .iter()
        .map(|(name, value)| (name.clone(), Private::new(value.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Change;

    fn headers(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn headers_go_to_one_origin_unless_another_is_said() {
        let mut settings = SettingsPart::default();
        let mut set = |origin: Option<&str>, here: &str, name: &str, value: &str| {
            let headers = headers(name, value);
            let origin = origin.map(str::to_owned);
            settings.change(Change::Headers { origin, headers }, here)
        };
        assert!(set(None, "about:blank", "x-a", "1").is_err());
        assert!(set(Some("a.test"), "", "x-a", "1").is_err());
        assert!(set(None, "https://a.test/x", "x-a", "1\r\nx-b: 2").is_err());
        assert!(set(None, "https://a.test/x", "cookie", "a=1").is_err());
        assert!(set(None, "https://a.test/x", "x a", "1").is_err());
        set(None, "https://a.test/x", "x-a", "1").unwrap();
        set(Some("*"), "https://a.test/x", "x-b", "2").unwrap();
        set(Some("https://b.test/path"), "", "x-c", "3").unwrap();
        let origins: Vec<_> = settings.headers.keys().collect();
        assert_eq!(origins, ["*", "https://a.test", "https://b.test"]);
    }

    #[test]
    fn routes_are_bounded_and_no_number_is_given_twice() {
        let mut settings = SettingsPart::default();
        let block = || RoutePart {
            url: "*".to_owned(),
            resource: Some("xhr".to_owned()),
            method: Some("post".to_owned()),
            ..RoutePart::default()
        };
        for _ in 0..MOST_ROUTES {
            settings.change(Change::AddRoute(block()), "").unwrap();
        }
        assert_eq!(settings.routes[0].resource.as_deref(), Some("XHR"));
        assert_eq!(settings.routes[0].method.as_deref(), Some("POST"));
        assert!(settings.change(Change::AddRoute(block()), "").is_err());
        settings.change(Change::RemoveRoute(Some(100)), "").unwrap();
        assert!(settings.change(Change::RemoveRoute(Some(100)), "").is_err());
        settings.change(Change::AddRoute(block()), "").unwrap();
        assert_eq!(settings.routes.last().map(|route| route.number), Some(101));
        settings.change(Change::RemoveRoute(None), "").unwrap();
        let answer = |bytes: usize| RoutePart {
            url: "*".to_owned(),
            action: RouteActionPart::Answer {
                status: 200,
                headers: BTreeMap::new(),
                body: "A".repeat(bytes),
            },
            ..RoutePart::default()
        };
        assert!(
            settings
                .change(Change::AddRoute(answer(LONGEST_BODY + 4)), "")
                .is_err()
        );
        for _ in 0..4 {
            settings
                .change(Change::AddRoute(answer(LONGEST_BODY)), "")
                .unwrap();
        }
        assert!(settings.change(Change::AddRoute(answer(4)), "").is_err());
    }
}
