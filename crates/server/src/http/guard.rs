//! Who may come in by TCP: whoever has the token and addresses this machine by its own name.
//!
//! A web page can make its visitor's browser send requests to loopback, and by DNS
//! rebinding even under its own name. So the `Host` must be a loopback name or one that was
//! configured, and an `Origin`, if there is one, must be of such a host as well.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use api::ApiError;
use base::{Code, Private};
use http::{HeaderMap, HeaderValue, Uri, header};

/// What TCP callers need.
#[derive(Debug)]
pub struct Access {
    token: Private<String>,
    hosts: Vec<String>,
}

impl Access {
    /// Returns the rule that asks for `token` and admits loopback names only.
    #[must_use]
    pub fn with_token(token: impl Into<String>) -> Self {
        Self {
            token: Private::new(token.into()),
            hosts: Vec::new(),
        }
    }

    /// Admits further host names, for a listener beyond loopback.
    #[must_use]
    pub fn and_hosts(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.hosts
            .extend(hosts.into_iter().map(|host| host.to_ascii_lowercase()));
        self
    }

    /// Checks `Host` and `Origin`.
    pub(crate) fn check_place(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        let host = match (uri.host(), headers.get(header::HOST)) {
            // A request for a whole URL says its host there.
            (Some(host), _) => Some(host),
            (None, Some(host)) => host.to_str().ok().map(without_port),
            (None, None) => None,
        };
        if !host.is_some_and(|host| self.admits(host)) {
            return Err(refused(
                "the `Host` of the request is not a name of this daemon",
            ));
        }
        if let Some(origin) = headers.get(header::ORIGIN)
            && !origin_host(origin).is_some_and(|host| self.admits(&host))
        {
            return Err(refused(
                "the `Origin` of the request may not call this daemon",
            ));
        }
        Ok(())
    }

    /// Checks the token.
    pub(crate) fn check_token(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(given), None) = (given.next(), given.next()) else {
            return Err(refused("the request has no token"));
        };
        let token = given.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then_some(token.trim())
        });
        match token {
            Some(token) if same(token.as_bytes(), self.token.expose().as_bytes()) => Ok(()),
            _ => Err(refused("the token is not this daemon's")),
        }
    }

    fn admits(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        is_loopback(&host) || self.hosts.contains(&host)
    }
}

fn refused(what: &str) -> ApiError {
    ApiError::new(Code::Unauthorized, what)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| IpAddr::V4(address).is_loopback())
        || bare
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| IpAddr::V6(address).is_loopback())
}

/// `name:port`, `[::1]:port` or either without its port.
fn without_port(host: &str) -> &str {
    match (host.rfind(':'), host.rfind(']')) {
        (Some(colon), Some(bracket)) if colon < bracket => host,
        (Some(colon), _) => host.get(..colon).unwrap_or(host),
        (None, _) => host,
    }
}

fn origin_host(origin: &HeaderValue) -> Option<String> {
    // `null` is what sandboxed frames and files send; it is nobody.
    let origin = url::Url::parse(origin.to_str().ok()?).ok()?;
    origin.host_str().map(str::to_owned)
}

/// Compares in a time that depends on the lengths only.
fn same(left: &[u8], right: &[u8]) -> bool {
    let differ = left.iter().zip(right).fold(0u8, |differ, (left, right)| {
        std::hint::black_box(differ | (left ^ right))
    });
    // An empty token is the lack of one.
    left.len() == right.len() && !right.is_empty() && differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: Option<&str>, origin: Option<&str>) -> bool {
        let access = Access::with_token("t").and_hosts(["Agents.example".to_owned()]);
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        access
            .check_place(&Uri::from_static("/v1/status"), &headers)
            .is_ok()
    }

    #[test]
    fn a_host_is_a_loopback_name_or_a_configured_one() {
        for host in [
            "127.0.0.1:7878",
            "localhost",
            "LocalHost:1",
            "[::1]:7878",
            "127.9.9.9",
            "agents.example:443",
        ] {
            assert!(place(Some(host), None), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:7878",
            "",
            "10.0.0.1",
            "[::2]",
        ] {
            assert!(!place(Some(host), None), "{host}");
        }
        assert!(!place(None, None));
    }

    #[test]
    fn an_origin_is_of_such_a_host_too() {
        assert!(place(Some("localhost"), Some("http://127.0.0.1:7878")));
        for origin in [
            "https://evil.example",
            "null",
            "http://127.0.0.1.evil.example",
            "file://",
        ] {
            assert!(!place(Some("localhost"), Some(origin)), "{origin}");
        }
    }

    #[test]
    fn a_token_is_the_whole_token() {
        let check = |value: &str, token: &str| {
            let headers = [(header::AUTHORIZATION, value.parse().unwrap())]
                .into_iter()
                .collect();
            Access::with_token(token).check_token(&headers).is_ok()
        };
        assert!(check("Bearer secret", "secret"));
        assert!(check("bearer secret", "secret"));
        for wrong in [
            "Bearer secre",
            "Bearer secrets",
            "Bearer",
            "Basic secret",
            "secret",
            "Bearer ",
        ] {
            assert!(!check(wrong, "secret"), "{wrong}");
        }
        assert!(!check("Bearer ", ""));
    }
}
