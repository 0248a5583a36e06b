//! One text for the same arguments, in whatever order their names stand.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Returns the arguments as one text; equal arguments give equal texts, and others don't.
pub(super) fn text(arguments: &Map<String, Value>) -> String {
    let mut out = String::new();
    object(&mut out, arguments);
    out
}

fn object(out: &mut String, fields: &Map<String, Value>) {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    out.push('{');
    for (name, value) in fields {
        one(out, &Value::from(name.as_str()));
        out.push(':');
        one(out, value);
        out.push(',');
    }
    out.push('}');
}

fn one(out: &mut String, value: &Value) {
    match value {
        Value::Object(fields) => object(out, fields),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                one(out, item);
                out.push(',');
            }
            out.push(']');
        }
        // Writing to a text can't fail.
        plain => drop(write!(out, "{plain}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        text(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_order_of_names_means_nothing_and_that_of_items_does() {
        let same = of(r#"{"a": {"x": 1, "y": [1, 2]}, "b": null}"#);
        assert_eq!(same, of(r#"{"b": null, "a": {"y": [1, 2], "x": 1}}"#));
        for other in [
            r#"{"a": {"x": 1, "y": [2, 1]}, "b": null}"#,
            r#"{"a": {"x": 1, "y": [12]}, "b": null}"#,
            r#"{"a": {"x": "1", "y": [1, 2]}, "b": null}"#,
            r#"{"a": {"x": 1}, "y": [1, 2], "b": null}"#,
        ] {
            assert_ne!(same, of(other), "{other}");
        }
    }
}
