//! The cookie jar: every cookie of the session with every attribute CDP tells.
//!
//! What it can't bring back: cookies with an opaque partition key, and those that have
//! expired meanwhile.

use std::cmp::Ordering;

use base::{Ctx, Timestamp};
use cdp::protocol::{network, storage};
use cdp::{Connection, protocol::network::CookieParam};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::checkpoint::manifest::{Cookie, CookiesPart, Partition};

/// Reads the browser's whole jar.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn capture(ctx: &Ctx, connection: &Connection) -> Result<CookiesPart, Error> {
    let jar = connection
        .root()
        .call(ctx, &storage::GetCookies::default())
        .await?;
    let mut cookies: Vec<Cookie> = jar.cookies.into_iter().map(stored).collect();
    cookies.sort_by(in_order);
    Ok(CookiesPart { cookies })
}

/// Puts a jar into the browser and reads it back; tells whether all of it is there.
///
/// # Cancel safety
/// Some of the cookies may be set.
pub(crate) async fn restore(
    ctx: &Ctx,
    connection: &Connection,
    part: &CookiesPart,
    now: Timestamp,
) -> Result<bool, Error> {
    let alive: Vec<Cookie> = part
        .cookies
        .iter()
        .filter(|cookie| lives(cookie, now))
        .map(settable)
        .collect();
    if alive.is_empty() {
        return Ok(true);
    }
    let cookies: Vec<CookieParam> = alive.iter().map(param).collect();
    let set = storage::SetCookies {
        cookies,
        ..Default::default()
    };
    if let Err(cdp::Error::Protocol { .. }) = connection.root().call(ctx, &set).await {
        // One cookie the browser refuses fails the whole list, so each gets its own try.
        for cookie in set.cookies {
            let set = storage::SetCookies {
                cookies: vec![cookie],
                ..Default::default()
            };
            match connection.root().call(ctx, &set).await {
                Ok(_) | Err(cdp::Error::Protocol { .. }) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }
    let there = capture(ctx, connection).await?;
    let same = |one: &Cookie, other: &Cookie| {
        in_order(one, other) == Ordering::Equal
            && one.value == other.value
            && one.http_only == other.http_only
            && one.secure == other.secure
            && one.same_site == other.same_site
    };
    Ok(alive
        .iter()
        .all(|asked| there.cookies.iter().any(|found| same(asked, found))))
}

/// Returns a cookie as Chromium takes it.
///
/// A `Secure` cookie of `http://localhost` has the scheme `NonSecure`, and is refused with it
/// (`Storage.setCookies`, Chromium 156: "Invalid cookie fields"). Without a scheme it is sent
/// to where it came from, as before.
fn settable(cookie: &Cookie) -> Cookie {
    let mut cookie = cookie.clone();
    if cookie.secure && cookie.source_scheme.as_deref() == Some("NonSecure") {
        cookie.source_scheme = Some("Unset".to_owned());
    }
    cookie
}

/// Tells whether a cookie has not expired.
pub(crate) fn lives(cookie: &Cookie, now: Timestamp) -> bool {
    cookie
        .expires
        .is_none_or(|expires| now.as_second() as f64 <= expires)
}

fn in_order(one: &Cookie, other: &Cookie) -> Ordering {
    (
        &one.domain,
        &one.path,
        &one.name,
        &one.partition,
        &one.source_scheme,
        &one.source_port,
    )
        .cmp(&(
            &other.domain,
            &other.path,
            &other.name,
            &other.partition,
            &other.source_scheme,
            &other.source_port,
        ))
}

fn stored(cookie: network::Cookie) -> Cookie {
    Cookie {
        partition: cookie.partition_key.map(|key| Partition {
            top_level_site: key.top_level_site,
            has_cross_site_ancestor: key.has_cross_site_ancestor,
        }),
        expires: (!cookie.session && 0.0 <= cookie.expires).then_some(cookie.expires),
        domain: cookie.domain,
        path: cookie.path,
        name: cookie.name,
        value: cookie.value,
        http_only: cookie.http_only,
        secure: cookie.secure,
        same_site: cookie.same_site.as_ref().and_then(word),
        priority: word(&cookie.priority),
        source_scheme: word(&cookie.source_scheme),
        source_port: Some(cookie.source_port),
    }
}

fn param(cookie: &Cookie) -> CookieParam {
    let host_only = !cookie.domain.starts_with('.');
    let secure = cookie.secure || cookie.source_scheme.as_deref() == Some("Secure");
    let scheme = if secure { "https" } else { "http" };
    let host = cookie.domain.trim_start_matches('.');
    CookieParam {
        name: cookie.name.clone(),
        value: cookie.value.clone(),
        // A domain makes the cookie one for subdomains too; only a URL makes it host-only,
        // which names with `__Host-` must be.
        url: Some(format!("{scheme}://{host}{}", cookie.path)),
        domain: (!host_only).then(|| cookie.domain.clone()),
        path: Some(cookie.path.clone()),
        secure: Some(cookie.secure),
        http_only: Some(cookie.http_only),
        same_site: cookie.same_site.as_deref().and_then(value),
        expires: cookie.expires,
        priority: cookie.priority.as_deref().and_then(value),
        source_scheme: cookie.source_scheme.as_deref().and_then(value),
        source_port: cookie.source_port,
        partition_key: cookie
            .partition
            .as_ref()
            .map(|key| network::CookiePartitionKey {
                top_level_site: key.top_level_site.clone(),
                has_cross_site_ancestor: key.has_cross_site_ancestor,
            }),
    }
}

/// Returns an enum's word on the wire.
fn word<T: Serialize>(value: &T) -> Option<String> {
    let word = serde_json::to_value(value).ok()?.as_str()?.to_owned();
    (!word.is_empty()).then_some(word)
}

fn value<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(domain: &str) -> Cookie {
        Cookie {
            domain: domain.to_owned(),
            path: "/".to_owned(),
            ..Cookie::default()
        }
    }

    #[test]
    fn a_host_only_cookie_is_set_without_a_domain() {
        let host = param(&cookie("a.test"));
        assert_eq!(
            (host.domain, host.url.as_deref()),
            (None, Some("http://a.test/"))
        );
        let domain = param(&cookie(".a.test"));
        assert_eq!(domain.domain.as_deref(), Some(".a.test"));
    }

    #[test]
    fn an_expired_cookie_is_not_asked_for() {
        let now = Timestamp::from_second(1000).unwrap();
        let with = |expires| Cookie {
            expires,
            ..cookie("a.test")
        };
        assert!(lives(&with(None), now));
        assert!(lives(&with(Some(1000.5)), now));
        assert!(!lives(&with(Some(999.0)), now));
    }
}
