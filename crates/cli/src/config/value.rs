//! Values that are written as text: spans of time.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// A span of time: a number of seconds, or a text such as `500ms`, `90s`, `30m`, `24h`, `7d`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span(pub Duration);

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time; write it as 500ms, 90s, 30m, 24h or 7d");
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
        let span = match unit.trim() {
            "ms" => Some(Duration::from_millis(number)),
            "" | "s" => seconds(1),
            "m" => seconds(60),
            "h" => seconds(3600),
            "d" => seconds(86_400),
            _ => None,
        };
        span.map(Self).ok_or_else(wrong)
    }
}

/// A span of time that can't be zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "Span")]
pub struct Lasting(pub Duration);

impl TryFrom<Span> for Lasting {
    type Error = &'static str;

    fn try_from(Span(span): Span) -> Result<Self, &'static str> {
        match span.is_zero() {
            true => Err("it can't be 0"),
            false => Ok(Self(span)),
        }
    }
}

impl std::str::FromStr for Lasting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self::try_from(text.parse::<Span>()?)?)
    }
}

/// A span of time given as a number of milliseconds, as names known from elsewhere have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Millis(pub Duration);

impl std::str::FromStr for Millis {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.parse() {
            Ok(0) | Err(_) => Err("it is a number of milliseconds above 0"),
            Ok(millis) => Ok(Self(Duration::from_millis(millis))),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Span;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of seconds or a text such as \"24h\"")
            }

            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Span, E> {
                let seconds = u64::try_from(seconds)
                    .map_err(|_| E::custom(format!("`{seconds}` is a negative time")))?;
                Ok(Span(Duration::from_secs(seconds)))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        from.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<u64>) {
        let millis = text.parse::<Span>().ok().map(|span| span.0.as_millis());
        assert_eq!(millis, expect.map(u128::from), "{text:?}");
    }

    #[test]
    fn spans_are_numbers_with_a_unit() {
        check("90", Some(90_000));
        check("500ms", Some(500));
        check("24h", Some(86_400_000));
        check("7 d", Some(604_800_000));
        check("", None);
        check("h", None);
        check("-1s", None);
        check("1y", None);
        check("99999999999999999999h", None);
        check("18446744073709551615d", None);
    }
}
