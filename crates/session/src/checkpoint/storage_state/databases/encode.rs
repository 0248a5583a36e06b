//! One value: as our records have it (`indexed_db/store.js`), and as Playwright encodes it.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// How deep a value may be nested.
const DEEPEST: usize = 200;
/// Kinds of typed arrays: their names, Playwright's words for them, and the size of an item.
const ARRAYS: [(&str, &str, usize); 11] = [
    ("Int8Array", "i8", 1),
    ("Uint8Array", "ui8", 1),
    ("Uint8ClampedArray", "ui8c", 1),
    ("Int16Array", "i16", 2),
    ("Uint16Array", "ui16", 2),
    ("Int32Array", "i32", 4),
    ("Uint32Array", "ui32", 4),
    ("Float32Array", "f32", 4),
    ("Float64Array", "f64", 8),
    ("BigInt64Array", "bi64", 8),
    ("BigUint64Array", "bui64", 8),
];
const ERRORS: [&str; 7] = [
    "Error",
    "EvalError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "TypeError",
    "URIError",
];

/// Encodes a value of ours; `None` if there are no words for it.
pub(super) fn encoded(record: &Value) -> Option<Value> {
    let nothing = vec![];
    let objects = record.get("o").and_then(Value::as_array);
    let mut encoder = Encoder {
        objects: objects.unwrap_or(&nothing),
        seen: HashSet::new(),
        depth: 0,
    };
    encoder.plain(record.get("v")?)
}

/// Returns an encoded value as plain JSON, if that says all of it.
pub(super) fn to_json(encoded: &Value) -> Option<Value> {
    let Value::Object(of) = encoded else {
        return Some(encoded.clone());
    };
    if of.get("v").is_some_and(|word| word == "null") {
        return Some(Value::Null);
    }
    if let Some(Value::Array(items)) = of.get("a") {
        return items.iter().map(to_json).collect();
    }
    let Some(Value::Array(entries)) = of.get("o") else {
        return None;
    };
    let mut object = Map::new();
    for entry in entries {
        let value = to_json(entry.get("v")?)?;
        object.insert(entry.get("k")?.as_str()?.to_owned(), value);
    }
    Some(Value::Object(object))
}

struct Encoder<'a> {
    objects: &'a [Value],
    seen: HashSet<usize>,
    depth: usize,
}

impl Encoder<'_> {
    fn plain(&mut self, value: &Value) -> Option<Value> {
        let Value::Array(tagged) = value else {
            return Some(match value {
                Value::Null => json!({ "v": "null" }),
                value => value.clone(),
            });
        };
        match (tagged.first()?.as_str()?, tagged.get(1)) {
            ("u", None) => Some(json!({ "v": "undefined" })),
            ("n", Some(word)) => Some(json!({ "v": word })),
            ("i", Some(digits)) => Some(json!({ "bi": digits })),
            ("r", Some(at)) => {
                self.depth += 1;
                let at = usize::try_from(at.as_u64()?).ok()?;
                let object = (self.depth < DEEPEST).then(|| self.object(at))?;
                self.depth -= 1;
                object
            }
            _ => None,
        }
    }

    fn all(&mut self, items: &Value) -> Option<Vec<Value>> {
        let items = items.as_array()?;
        items.iter().map(|item| self.plain(item)).collect()
    }

    fn pairs(&mut self, pairs: &Value) -> Option<Vec<Value>> {
        let pairs = pairs.as_array()?.iter();
        let pairs = pairs.map(|pair| {
            let (key, value) = (self.plain(pair.get(0)?)?, self.plain(pair.get(1)?)?);
            Some(json!({ "k": key, "v": value }))
        });
        pairs.collect()
    }

    fn object(&mut self, at: usize) -> Option<Value> {
        let body = self.objects.get(at)?;
        let (tag, of, id) = (body.get(0)?.as_str()?, body.get(1)?, at + 1);
        if matches!(tag, "A" | "O" | "M" | "S") && !self.seen.insert(at) {
            return Some(json!({ "ref": id }));
        }
        match tag {
            "A" => Some(json!({ "a": self.all(of)?, "id": id })),
            "S" => Some(json!({ "s": self.all(of)?, "id": id })),
            "M" => Some(json!({ "m": self.pairs(of)?, "id": id })),
            "O" => {
                let pairs = self.pairs(of)?;
                let names = |pair: &Value| pair["k"].is_string() && pair["k"] != "__proto__";
                let all = pairs.iter().all(names);
                all.then(|| json!({ "o": pairs, "id": id }))
            }
            "D" => {
                let time = jiff::Timestamp::from_millisecond(of.as_i64()?).ok()?;
                Some(json!({ "d": format!("{time:.3}") }))
            }
            "R" => Some(json!({ "r": { "p": of.as_str()?, "f": body.get(2)? } })),
            "B" => Some(json!({ "ab": { "b": of } })),
            "T" => self.view(body),
            "E" => {
                let parts = body.get(2)?.as_array()?;
                let part = |name: &str| {
                    let part = parts.iter().find(|part| part[0] == name);
                    part.map_or(Some(""), |part| part[1].as_str())
                };
                let has_cause = parts.iter().any(|part| part[0] == "cause");
                let (message, stack) = (part("message")?, part("stack")?);
                (!has_cause).then(|| json!({ "e": { "n": of, "m": message, "s": stack } }))
            }
            _ => None,
        }
    }

    fn view(&self, body: &Value) -> Option<Value> {
        let name = body.get(1)?.as_str()?;
        let (_, word, size) = ARRAYS.iter().find(|(of, ..)| *of == name)?;
        let at = usize::try_from(body.get(2)?.get(1)?.as_u64()?).ok()?;
        let buffer = STANDARD
            .decode(self.objects.get(at)?.get(1)?.as_str()?)
            .ok()?;
        let start = usize::try_from(body.get(3)?.as_u64()?).ok()?;
        let length = usize::try_from(body.get(4)?.as_u64()?).ok()?;
        let end = start.checked_add(length.checked_mul(*size)?)?;
        let bytes = STANDARD.encode(buffer.get(start..end)?);
        Some(json!({ "ta": { "b": bytes, "k": word } }))
    }
}

/// Reads an encoded value as a record of ours; `None` if it can't be one.
pub(super) fn decoded(encoded: &Value) -> Option<Map<String, Value>> {
    let mut decoder = Decoder::default();
    let value = decoder.encoded(encoded)?;
    Some(decoder.record(value))
}

/// Reads plain JSON as a record of ours.
pub(super) fn of_json(plain: &Value) -> Option<Map<String, Value>> {
    let mut decoder = Decoder::default();
    let value = decoder.json(plain)?;
    Some(decoder.record(value))
}

#[derive(Default)]
struct Decoder {
    bodies: Vec<Value>,
    ids: HashMap<u64, usize>,
    depth: usize,
}

impl Decoder {
    fn record(self, value: Value) -> Map<String, Value> {
        let mut record = Map::from_iter([("v".to_owned(), value)]);
        if !self.bodies.is_empty() {
            record.insert("o".to_owned(), Value::Array(self.bodies));
        }
        record
    }

    fn push(&mut self, body: Value) -> Value {
        self.bodies.push(body);
        json!(["r", self.bodies.len() - 1])
    }

    /// Makes an object whose content may lead back to it.
    fn nest(
        &mut self,
        tag: &str,
        id: Option<&Value>,
        content: impl FnOnce(&mut Self) -> Option<Vec<Value>>,
    ) -> Option<Value> {
        let made = self.push(Value::Null);
        let at = self.bodies.len() - 1;
        if let Some(id) = id.and_then(Value::as_u64) {
            self.ids.insert(id, at);
        }
        self.depth += 1;
        if DEEPEST < self.depth {
            return None;
        }
        let content = content(self)?;
        self.depth -= 1;
        self.bodies[at] = json!([tag, content]);
        Some(made)
    }

    fn json(&mut self, plain: &Value) -> Option<Value> {
        match plain {
            Value::Array(items) => self.nest("A", None, |this| {
                items.iter().map(|item| this.json(item)).collect()
            }),
            Value::Object(entries) => self.nest("O", None, |this| {
                let entries = entries.iter();
                let entries = entries.map(|(key, value)| Some(json!([key, this.json(value)?])));
                entries.collect()
            }),
            plain => Some(plain.clone()),
        }
    }

    fn encoded(&mut self, encoded: &Value) -> Option<Value> {
        let of = match encoded {
            Value::Object(of) => of,
            Value::Array(_) => return None,
            plain => return Some(plain.clone()),
        };
        let id = of.get("id");
        let (tag, value) = of.iter().find(|(tag, _)| *tag != "id")?;
        match tag.as_str() {
            "v" => match value.as_str()? {
                "undefined" => Some(json!(["u"])),
                "null" => Some(Value::Null),
                word @ ("NaN" | "Infinity" | "-Infinity" | "-0") => Some(json!(["n", word])),
                _ => None,
            },
            "bi" => {
                let digits = value.as_str()?;
                let all = digits.strip_prefix('-').unwrap_or(digits);
                let is_number = !all.is_empty() && all.bytes().all(|digit| digit.is_ascii_digit());
                is_number.then(|| json!(["i", digits]))
            }
            "d" => {
                let time: jiff::Timestamp = value.as_str()?.parse().ok()?;
                Some(self.push(json!(["D", time.as_millisecond()])))
            }
            "r" => {
                let (pattern, flags) = (value["p"].as_str()?, value["f"].as_str()?);
                Some(self.push(json!(["R", pattern, flags])))
            }
            "e" => {
                let name = value["n"].as_str()?;
                let name = if ERRORS.contains(&name) {
                    name
                } else {
                    "Error"
                };
                let parts = json!([
                    ["message", value["m"].as_str()?],
                    ["stack", value["s"].as_str()?]
                ]);
                Some(self.push(json!(["E", name, parts])))
            }
            "ab" => {
                let bytes = STANDARD.decode(value["b"].as_str()?).ok()?;
                Some(self.push(json!(["B", STANDARD.encode(bytes)])))
            }
            "ta" => {
                let bytes = STANDARD.decode(value["b"].as_str()?).ok()?;
                let word = value["k"].as_str()?;
                let (name, _, size) = ARRAYS.iter().find(|(_, of, _)| *of == word)?;
                if !bytes.len().is_multiple_of(*size) {
                    return None;
                }
                let length = bytes.len() / size;
                let buffer = self.push(json!(["B", STANDARD.encode(bytes)]));
                Some(self.push(json!(["T", name, buffer, 0, length])))
            }
            "ref" => {
                let at = self.ids.get(&value.as_u64()?)?;
                Some(json!(["r", at]))
            }
            "a" => self.nest("A", id, |this| this.list(value)),
            "s" => self.nest("S", id, |this| this.list(value)),
            "m" => self.nest("M", id, |this| this.pairs(value)),
            "o" => self.nest("O", id, |this| {
                let pairs = this.pairs(value)?;
                pairs
                    .iter()
                    .all(|pair| pair[0].is_string())
                    .then_some(pairs)
            }),
            _ => None,
        }
    }

    fn list(&mut self, items: &Value) -> Option<Vec<Value>> {
        let items = items.as_array()?.iter();
        items.map(|item| self.encoded(item)).collect()
    }

    fn pairs(&mut self, pairs: &Value) -> Option<Vec<Value>> {
        let pairs = pairs.as_array()?.iter();
        let pairs = pairs.map(|pair| {
            let (key, value) = (self.encoded(pair.get("k")?)?, self.encoded(pair.get("v")?)?);
            Some(json!([key, value]))
        });
        pairs.collect()
    }
}
