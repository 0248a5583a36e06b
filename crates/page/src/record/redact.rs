//! Taking out what could let somebody in.

use std::collections::BTreeMap;

use serde_json::Value;

/// What stands in the place of a secret.
pub(super) const GONE: &str = "[redacted]";

/// Words that make a name one of a secret.
const SECRET: [&str; 14] = [
    "token",
    "secret",
    "passw",
    "pwd",
    "apikey",
    "api-key",
    "api_key",
    "auth",
    "session",
    "sid",
    "signature",
    "credential",
    "jwt",
    "csrf",
];
/// Names of query parameters that are secrets as a whole.
const WHOLE: [&str; 5] = ["key", "sig", "code", "state", "pass"];

/// Returns headers by their names in lower case, without their secrets.
pub(super) fn headers(headers: &Value) -> BTreeMap<String, String> {
    let all = headers.as_object().into_iter().flatten();
    all.map(|(name, value)| {
        let name = name.to_lowercase();
        let value = value.as_str().unwrap_or_default();
        let value = if name.contains("cookie") || is_secret(&name) {
            GONE.to_owned()
        } else if ["location", "referer", "content-location"].contains(&&*name) {
            url(value)
        } else {
            super::cut(value, 1024)
        };
        (super::cut(&name, 128), value)
    })
    .take(100)
    .collect()
}

/// Returns a URL without its secrets: a name and password in it, and parameters by their name.
pub(super) fn url(text: &str) -> String {
    if text.starts_with("data:") {
        return super::cut(text, 64);
    }
    let (before, fragment) = match text.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (text, None),
    };
    let (place, query) = match before.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (before, None),
    };
    let mut out = without_user(place);
    if let Some(query) = query {
        out.push('?');
        out.push_str(&parameters(query));
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(&parameters(fragment));
    }
    super::cut(&out, 2048)
}

fn without_user(place: &str) -> String {
    let Some((scheme, rest)) = place.split_once("://") else {
        return place.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{GONE}@{}", &rest[at + 1..]),
        None => place.to_owned(),
    }
}

fn parameters(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if is_secret(name) || WHOLE.contains(&&*name.to_lowercase()) => {
            format!("{name}={GONE}")
        }
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_could_let_somebody_in_is_taken_out() {
        let check = |text: &str, expect: &str| assert_eq!(url(text), expect);
        check("https://a.test/x?y=1#z", "https://a.test/x?y=1#z");
        check(
            "https://a.test/x?access_token=abc&y=1#id_token=def",
            "https://a.test/x?access_token=[redacted]&y=1#id_token=[redacted]",
        );
        check(
            "https://ada:secret@a.test/@x",
            "https://[redacted]@a.test/@x",
        );
        check(
            "https://a.test/?KEY=1&monkey=2",
            "https://a.test/?KEY=[redacted]&monkey=2",
        );
        let told = headers(&json!({
            "Authorization": "Bearer x", "Set-Cookie": "a=1", "Cookie": "b=2", "X-Api-Key": "k",
            "X-CSRF-Token": "t", "Content-Type": "text/html", "Location": "/?code=1",
        }));
        for (name, value) in &told {
            let open = ["content-type", "location"].contains(&&**name);
            assert_eq!(value == GONE, !open, "{name}: {value}");
        }
        assert_eq!(told["location"], "/?code=[redacted]");
    }
}
