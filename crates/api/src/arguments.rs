//! From what a caller wrote to an operation's input.
//!
//! Lenient where the meaning is plain (`target_id`, a number written as a text, a list of
//! one), and otherwise refused by name: an option that is silently dropped is a lie.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::schema::{Kind, Property};
use crate::{ApiError, Operation, OperationInfo, alias, find, is_later};

/// Says that a call is to be done once, however often it is repeated.
pub const IDEMPOTENCY_KEY: &str = "idempotency_key";
/// The longest idempotency key.
const LONGEST_KEY: usize = 255;

/// Finds the operation meant by `name` and puts its arguments into their plain form.
///
/// # Errors
/// `not_available` for what a later version will bring, `invalid_argument` for the rest.
pub fn resolve(
    name: &str,
    arguments: Value,
) -> Result<(&'static OperationInfo, Map<String, Value>), ApiError> {
    let mut arguments = match arguments {
        Value::Object(arguments) => arguments,
        Value::Null => Map::new(),
        _ => return Err(ApiError::invalid("the arguments are not a JSON object")),
    };
    let other = alias(name);
    let operation =
        find(other.map_or(name, |other| other.operation)).ok_or_else(|| unknown(name))?;
    if let Some(other) = other {
        other.complete(&mut arguments);
    }
    normalize(operation, &mut arguments)?;
    Ok((operation, arguments))
}

/// Makes an operation's input from arguments that [`resolve`] has seen.
///
/// # Errors
/// `invalid_argument`, naming the argument.
pub fn parse<O: Operation>(arguments: Map<String, Value>) -> Result<O, ApiError> {
    let arguments = Value::Object(arguments);
    match O::deserialize(&arguments) {
        Ok(input) => Ok(input),
        Err(err) => Err(explain::<O>(&arguments, &err)),
    }
}

/// Returns the time that a call asks for by its own arguments.
///
/// `ms` counts as well: a wait of a minute needs more than a minute.
#[must_use]
pub fn time_asked(arguments: &Value) -> Option<Duration> {
    let millis = |name| match arguments.get(name)? {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64(),
    };
    let asked = [millis("timeout_ms"), millis("ms")];
    asked.into_iter().flatten().max().map(Duration::from_millis)
}

fn unknown(name: &str) -> ApiError {
    if is_later(name) {
        return ApiError::not_available(format_args!("`{name}`"));
    }
    ApiError::invalid(format!("there is no operation {name:?}"))
        .hint("The operations are listed in /openapi.json and, for MCP, by tools/list.")
}

fn normalize(
    operation: &OperationInfo,
    arguments: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let known = operation.properties();
    // A caller that means "not given" may say null.
    arguments.retain(|_, value| !value.is_null());
    if let Some(target) = arguments.remove("target_id") {
        let tab = arguments.entry("tab_id").or_insert_with(|| target.clone());
        if *tab != target {
            return Err(ApiError::invalid(
                "`tab_id` and `target_id` name different tabs",
            ));
        }
    }
    for (name, value) in arguments.iter_mut() {
        match known.iter().find(|property| property.name == *name) {
            Some(property) => coerce(property, value),
            // These every operation takes, beside its own.
            None if name == "timeout_ms" => {
                coerce(
                    &Property {
                        name: name.clone(),
                        kind: Kind::Number,
                    },
                    value,
                );
                if value.as_u64().is_none() {
                    return Err(ApiError::invalid(format!(
                        "`{name}`: not a number of milliseconds"
                    )));
                }
            }
            None if name == IDEMPOTENCY_KEY => check_key(value)?,
            // Whatever the operation is about, it happens in one session and one tab.
            None if name == "tab_id" && operation.is_in_session() => {}
            None => return Err(unknown_argument(operation, name)),
        }
    }
    Ok(())
}

fn unknown_argument(operation: &OperationInfo, name: &str) -> ApiError {
    if operation.later.contains(&name) {
        return ApiError::not_available(format_args!("`{name}` of {}", operation.name));
    }
    let known: Vec<_> = operation
        .properties()
        .iter()
        .map(|known| known.name.as_str())
        .collect();
    let hint = match known.as_slice() {
        [] => format!("{} takes no arguments.", operation.name),
        known => format!("{} takes: {}.", operation.name, known.join(", ")),
    };
    ApiError::invalid(format!("`{name}`: {} has no such argument", operation.name)).hint(hint)
}

fn check_key(value: &Value) -> Result<(), ApiError> {
    let key = value.as_str().unwrap_or_default();
    let whole = key
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if key.is_empty() || LONGEST_KEY < key.len() || !whole {
        return Err(ApiError::invalid(format!(
            "`{IDEMPOTENCY_KEY}`: not 1 to {LONGEST_KEY} printable ASCII characters"
        )));
    }
    Ok(())
}

/// Takes a text for a number or a flag, and one value for a list of one.
fn coerce(property: &Property, value: &mut Value) {
    let plain = match (property.kind, &*value) {
        (Kind::Number, Value::String(text)) => text.trim().parse().ok().map(Value::Number),
        (Kind::Flag, Value::String(text)) => text.trim().parse().ok().map(Value::Bool),
        (Kind::Text, Value::Number(number)) => Some(Value::String(number.to_string())),
        (Kind::Numbers, Value::Array(items)) => Some(items.iter().map(number).collect()),
        (Kind::Numbers, Value::String(_) | Value::Number(_)) => {
            Some(Value::Array(vec![number(value)]))
        }
        (Kind::List, Value::String(_)) => Some(Value::Array(vec![value.clone()])),
        _ => None,
    };
    if let Some(plain) = plain {
        *value = plain;
    }
}

/// Reads a number that was written as a text.
fn number(value: &Value) -> Value {
    let read = value.as_str().and_then(|text| text.trim().parse().ok());
    read.map_or_else(|| value.clone(), Value::Number)
}

/// Says which argument is wrong: serde tells what it met, and not always where.
fn explain<O: Operation>(arguments: &Value, err: &serde_json::Error) -> ApiError {
    let told = err.to_string();
    if let Some(name) = told
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    {
        let error = ApiError::invalid(format!("`{name}` is missing"));
        return if name == "session_id" {
            error.hint("open_session gives a session_id; list_sessions shows the ones there are.")
        } else {
            error
        };
    }
    let whole = arguments.as_object().cloned().unwrap_or_default();
    let culprit = whole.keys().find(|name| {
        let mut rest = whole.clone();
        rest.remove(*name);
        O::deserialize(Value::Object(rest))
            .err()
            .is_none_or(|other| other.to_string() != told)
    });
    match culprit {
        Some(name) => ApiError::invalid(format!("`{name}`: {told}")),
        None => ApiError::invalid(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interact, Navigate, Screenshot, Snapshot};
    use base::Code;
    use serde_json::json;

    fn read<O: Operation>(name: &str, arguments: Value) -> Result<O, ApiError> {
        resolve(name, arguments).and_then(|(_, arguments)| parse(arguments))
    }

    fn refused<O: Operation>(name: &str, arguments: Value, code: Code, told: &str) {
        let err = read::<O>(name, arguments).err().unwrap();
        assert_eq!(err.code, code, "{err}");
        assert!(err.message.contains(told), "{err} should say {told}");
    }

    #[test]
    fn a_wrong_argument_is_refused_by_name() {
        use Code::InvalidArgument as Invalid;
        refused::<Navigate>(
            "navigate",
            json!({"url": "a:"}),
            Invalid,
            "`session_id` is missing",
        );
        refused::<Navigate>(
            "navigate",
            json!({"session_id": "a"}),
            Invalid,
            "`url` is missing",
        );
        refused::<Navigate>(
            "navigate",
            json!({"session_id": "a", "url": []}),
            Invalid,
            "`url`: ",
        );
        refused::<Navigate>(
            "navigate",
            json!({"session_id": "a", "url": "a:", "ulr": 1}),
            Invalid,
            "`ulr`: navigate has no such argument",
        );
        refused::<Interact>(
            "interact",
            json!({"session_id": "a", "action": "jump"}),
            Invalid,
            "`action`: ",
        );
        refused::<Navigate>("navigate", json!([1]), Invalid, "not a JSON object");
        refused::<Navigate>("navigtae", json!({}), Invalid, "navigtae");
        refused::<Snapshot>(
            "snapshot",
            json!({"session_id": "a", "tab_id": "t1", "target_id": "t2"}),
            Invalid,
            "different tabs",
        );
    }

    #[test]
    fn what_a_later_version_brings_is_not_available() {
        refused::<Navigate>("run_task", json!({}), Code::NotAvailable, "`run_task`");
        refused::<Snapshot>(
            "snapshot",
            json!({"session_id": "a", "frame": "f1"}),
            Code::NotAvailable,
            "`frame`",
        );
    }

    #[test]
    fn an_idempotency_key_is_a_short_printable_text() {
        let keyed = |key: Value| json!({"session_id": "a", "url": "a:", "idempotency_key": key});
        let (_, taken) = resolve("navigate", keyed(json!("order 7"))).unwrap();
        assert_eq!(taken[IDEMPOTENCY_KEY], "order 7");
        for wrong in [
            json!(""),
            json!("é"),
            json!("a\nb"),
            json!(7),
            json!("x".repeat(256)),
        ] {
            let refused = resolve("navigate", keyed(wrong)).unwrap_err();
            assert!(refused.message.contains(IDEMPOTENCY_KEY), "{refused}");
        }
    }

    #[test]
    fn what_is_plainly_meant_is_understood() {
        let shot: Screenshot = read(
            "screenshot",
            json!({"session_id": "a", "target_id": "t1", "full_page": "true", "quality": "60", "format": null}),
        )
        .unwrap();
        assert_eq!(
            (shot.tab_id.as_deref(), shot.full_page, shot.quality),
            (Some("t1"), Some(true), Some(60))
        );
        let select: Interact = read(
            "select",
            json!({"session_id": "a", "ref": "@e1", "values": "x", "timeout_ms": "9"}),
        )
        .unwrap();
        assert_eq!(select.action, crate::ActionName::Select);
        assert_eq!(select.values, Some(vec!["x".to_owned()]));
        let typed: Interact = read(
            "type_text",
            json!({"session_id": "a", "selector": "#q", "text": "x"}),
        )
        .unwrap();
        assert_eq!(typed.action, crate::ActionName::Type);
    }

    #[test]
    fn a_wait_asks_for_its_own_time() {
        assert_eq!(
            time_asked(&json!({"ms": 60000})),
            Some(Duration::from_secs(60))
        );
        assert_eq!(
            time_asked(&json!({"text": "x", "timeout_ms": "90000"})),
            Some(Duration::from_secs(90))
        );
        assert_eq!(time_asked(&json!({})), None);
    }
}
