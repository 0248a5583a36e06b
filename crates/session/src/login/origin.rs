//! Which origin is meant, and which cookies a request to it would carry.

use url::{Host, Url};

use crate::Error;
use crate::checkpoint::manifest::Cookie;

/// Returns the origin that a caller means by an origin or a URL.
///
/// # Errors
/// [`Error::InvalidArgument`] if it isn't one of the web.
pub(crate) fn origin(text: &str) -> Result<String, Error> {
    let url = Url::parse(text).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| Error::InvalidArgument {
            argument: "origin",
            reason: "an origin has the form https://example.com".to_owned(),
        })
}

/// Tells whether a request to an origin, typed into the address bar, would carry a cookie, at
/// whatever path. Cookies know no ports.
pub(super) fn belongs(cookie: &Cookie, origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    let Some(host) = url.host_str() else {
        return false;
    };
    let reaches = match cookie.domain.strip_prefix('.') {
        Some(domain) => is_within(host, domain),
        None => host == cookie.domain,
    };
    let sent = !cookie.secure || url.scheme() == "https" || is_local(&url);
    let partition = cookie.partition.as_ref();
    let own_partition = partition.is_none_or(|key| {
        let Ok(site) = Url::parse(&key.top_level_site) else {
            return false;
        };
        !key.has_cross_site_ancestor
            && site.scheme() == url.scheme()
            && site.host_str().is_some_and(|site| is_within(host, site))
    });
    reaches && sent && own_partition
}

/// Tells whether a host is the domain, or below it.
fn is_within(host: &str, domain: &str) -> bool {
    let below = host.strip_suffix(domain);
    below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

/// Tells whether Chromium sends `Secure` cookies there without TLS.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_within(name, "localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::manifest::Partition;

    fn check(cookie: Cookie, origin: &str, expect: bool) {
        assert_eq!(belongs(&cookie, origin), expect, "{origin}");
    }

    fn of(domain: &str) -> Cookie {
        Cookie {
            domain: domain.to_owned(),
            ..Cookie::default()
        }
    }

    fn secure(domain: &str) -> Cookie {
        Cookie {
            secure: true,
            ..of(domain)
        }
    }

    #[test]
    fn a_host_only_cookie_belongs_to_its_host_and_a_domain_cookie_to_those_below_too() {
        check(of("a.test"), "https://a.test", true);
        check(of("a.test"), "https://a.test:8443", true);
        check(of("a.test"), "https://www.a.test", false);
        check(of(".a.test"), "https://a.test", true);
        check(of(".a.test"), "https://www.a.test", true);
        check(of(".www.a.test"), "https://a.test", false);
        check(of(".a.test"), "https://ba.test", false);
        check(of("127.0.0.1"), "http://127.0.0.1:80", true);
    }

    #[test]
    fn a_secure_cookie_belongs_to_secure_origins_and_to_this_machine() {
        check(secure("a.test"), "https://a.test", true);
        check(secure("a.test"), "http://a.test", false);
        check(secure("localhost"), "http://localhost:8080", true);
        check(secure("app.localhost"), "http://app.localhost", true);
        check(secure("127.0.0.1"), "http://127.0.0.1", true);
        check(secure("notlocalhost"), "http://notlocalhost", false);
    }

    #[test]
    fn a_partitioned_cookie_belongs_to_the_top_level_site_of_its_own() {
        let with = |site: &str, ancestor| Cookie {
            partition: Some(Partition {
                top_level_site: site.to_owned(),
                has_cross_site_ancestor: ancestor,
            }),
            ..secure("www.a.test")
        };
        check(with("https://a.test", false), "https://www.a.test", true);
        check(with("https://a.test", true), "https://www.a.test", false);
        check(with("https://b.test", false), "https://www.a.test", false);
        check(with("http://a.test", false), "https://www.a.test", false);
        check(with("", false), "https://www.a.test", false);
    }

    #[test]
    fn an_origin_is_read_from_a_url_and_nothing_else_is_one() {
        assert_eq!(origin("https://A.test:443/x?y").unwrap(), "https://a.test");
        assert_eq!(origin("http://a.test:81").unwrap(), "http://a.test:81");
        for wrong in [
            "a.test",
            "",
            "about:blank",
            "file:///etc",
            "data:,x",
            "https://",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
