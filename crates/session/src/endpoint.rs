//! Where a caller says a running browser is: `cdp_url`.
//!
//! ```text
//! http://127.0.0.1:9222                          whichever browser answers there now
//! ws://127.0.0.1:9222/devtools/browser/9faeaf4a  this one and no other
//! ```
//!
//! Only on this machine, and no name is looked up: a debugging port has no door, so whoever is
//! between us and it could drive the browser, and a name may point elsewhere a moment later.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use cdp::{BROWSER_PATH, is_browser_id};
use url::{Host, Url};

use crate::Error;

/// A browser's debugging port, as a caller names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Endpoint {
    /// The port.
    pub address: SocketAddr,
    /// The browser that is meant, if the caller says which.
    pub browser: Option<String>,
}

impl Endpoint {
    /// Reads a `cdp_url`.
    ///
    /// # Errors
    /// [`Error::CdpUrl`] with the reason.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refused = |reason| Err(Error::CdpUrl { reason });
        let Ok(url) = Url::parse(text) else {
            return refused("it is no URL");
        };
        if !matches!(url.scheme(), "http" | "ws") {
            return refused("it is neither http:// nor ws://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("a debugging port takes no user and no password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refused("a debugging port takes no query");
        }
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
            Some(Host::Domain("localhost")) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ => return refused(ELSEWHERE),
        };
        if !ip.is_loopback() {
            return refused(ELSEWHERE);
        }
        let Some(port) = url.port() else {
            return refused("it names no port");
        };
        let address = SocketAddr::new(ip, port);
        let browser = match (url.scheme(), url.path()) {
            ("http", "" | "/" | "/json/version") => None,
            (_, path) => match path.strip_prefix(BROWSER_PATH) {
                Some(id) if is_browser_id(id) => Some(id.to_owned()),
                _ => {
                    return refused(
                        "it names no browser: after ws://…:PORT comes /devtools/browser/ID",
                    );
                }
            },
        };
        Ok(Self { address, browser })
    }
}

const ELSEWHERE: &str =
    "only a browser on this machine is attached to: 127.0.0.1, [::1] or localhost";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, address: &str, browser: Option<&str>) {
        let endpoint = Endpoint::parse(text).unwrap();
        assert_eq!(endpoint.address, address.parse().unwrap(), "{text}");
        assert_eq!(endpoint.browser.as_deref(), browser, "{text}");
    }

    #[test]
    fn a_port_on_this_machine_is_taken() {
        check("http://127.0.0.1:9222", "127.0.0.1:9222", None);
        check("http://localhost:9222/", "127.0.0.1:9222", None);
        check("http://[::1]:9222/json/version", "[::1]:9222", None);
        check("http://127.8.9.10:1", "127.8.9.10:1", None);
        let named = "ws://127.0.0.1:9222/devtools/browser/9f-a";
        check(named, "127.0.0.1:9222", Some("9f-a"));
    }

    #[test]
    fn whatever_is_elsewhere_or_is_no_browser_is_refused() {
        for text in [
            "",
            "9222",
            "127.0.0.1:9222",
            "http://127.0.0.1",
            "https://127.0.0.1:9222",
            "wss://127.0.0.1:9222/devtools/browser/a",
            "file:///devtools/browser/a",
            "http://10.0.0.1:9222",
            "http://0.0.0.0:9222",
            "http://169.254.169.254:80/",
            "http://[::ffff:10.0.0.1]:9222",
            "http://[fe80::1]:9222",
            "http://example.org:9222",
            "http://localhost.example.org:9222",
            "http://127.0.0.1.nip.io:9222",
            "http://ada:secret@127.0.0.1:9222",
            "http://127.0.0.1:9222/?x=1",
            "http://127.0.0.1:9222/json/list",
            "ws://127.0.0.1:9222",
            "ws://127.0.0.1:9222/devtools/page/a",
            "ws://127.0.0.1:9222/devtools/browser/",
            "ws://127.0.0.1:9222/devtools/browser/a/b",
        ] {
            let refused = Endpoint::parse(text);
            assert!(
                matches!(refused, Err(Error::CdpUrl { .. })),
                "{text}: {refused:?}"
            );
        }
    }
}
