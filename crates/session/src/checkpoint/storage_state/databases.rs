//! IndexedDB as Playwright's `storageState({ indexedDB: true })` has it, both ways.
//!
//! Its shape, as 1.65 writes and takes it: databases with stores and indexes; a record has its
//! value, and its key where the store has no key path, plain where JSON can say it, otherwise
//! encoded: `{"d": …}` is a Date, `{"m": [{k, v}], "id": 1}` a Map, `{"ref": 1}` the same again.
//!
//! What it has no words for is told by store and left out, record by record: Blobs and Files,
//! boxed values, sparse arrays, views of type `DataView`, texts with half a surrogate pair. A
//! generator's position isn't in it either, and views of one buffer get a buffer each.

mod encode;

use serde_json::{Map, Value, json};

use super::super::part::indexed_db::{Database, Databases, Index, ObjectStore};
use encode::{decoded, encoded, of_json, to_json};

/// Returns an origin's databases as the format has them, and what has no place in it.
pub(super) fn write(origin: &str, databases: &Databases, left_out: &mut Vec<String>) -> Vec<Value> {
    let written = databases.databases.iter();
    let written = written.filter_map(|database| {
        let mut left = 0;
        let made = write_database(database, &mut left);
        let name = plain_text(&database.name).unwrap_or_default();
        match (&made, left) {
            (None, _) => left_out.push(format!("database {name:?} of {origin}")),
            (Some(_), 0) => {}
            (Some(_), n) => {
                left_out.push(format!("{n} records of the database {name:?} of {origin}"));
            }
        }
        made
    });
    written.collect()
}

fn write_database(database: &Database, left: &mut usize) -> Option<Value> {
    let mut stores = vec![];
    for store in &database.stores {
        let mut made = Map::new();
        made.insert("name".to_owned(), json!(plain_text(&store.name)?));
        made.insert("autoIncrement".to_owned(), json!(store.auto_increment));
        let in_line = put_key_path(&mut made, &store.key_path)?;
        let records: Vec<Value> = store
            .records
            .iter()
            .filter_map(|record| write_record(record, in_line))
            .collect();
        *left += store.records.len() - records.len();
        made.insert("records".to_owned(), Value::Array(records));
        let mut indexes = vec![];
        for index in &store.indexes {
            let mut made = Map::new();
            made.insert("name".to_owned(), json!(plain_text(&index.name)?));
            put_key_path(&mut made, &index.key_path)?;
            made.insert("multiEntry".to_owned(), json!(index.multi_entry));
            made.insert("unique".to_owned(), json!(index.unique));
            indexes.push(Value::Object(made));
        }
        made.insert("indexes".to_owned(), Value::Array(indexes));
        stores.push(Value::Object(made));
    }
    let name = plain_text(&database.name)?;
    Some(json!({ "name": name, "version": database.version, "stores": stores }))
}

fn write_record(record: &str, in_line: bool) -> Option<Value> {
    let record: Value = serde_json::from_str(record).ok()?;
    let mut made = Map::new();
    let mut put = |name: &str, part: &Value| {
        let of = encoded(part)?;
        match to_json(&of) {
            Some(plain) => made.insert(name.to_owned(), plain),
            None => made.insert(format!("{name}Encoded"), of),
        };
        Some(())
    };
    if !in_line {
        put("key", record.get("k")?)?;
    }
    put("value", &record)?;
    Some(Value::Object(made))
}

/// Puts a key path in place; tells whether there is one.
fn put_key_path(into: &mut Map<String, Value>, key_path: &str) -> Option<bool> {
    let path = to_json(&encoded(&serde_json::from_str(key_path).ok()?)?)?;
    match path {
        Value::Null => return Some(false),
        Value::Array(_) => into.insert("keyPathArray".to_owned(), path),
        _ => into.insert("keyPath".to_owned(), path),
    };
    Some(true)
}

/// Returns an origin's databases out of a document, and what can't be taken.
pub(super) fn read(origin: &str, list: &[Value], left_out: &mut Vec<String>) -> Databases {
    let mut databases = Databases::default();
    for given in list {
        let name = given["name"].as_str().unwrap_or_default();
        let mut left = 0;
        match read_database(given, &mut left) {
            Some(database) => databases.databases.push(database),
            None => left_out.push(format!("indexedDB {name:?} of {origin}")),
        }
        if 0 < left {
            left_out.push(format!("{left} records of indexedDB {name:?} of {origin}"));
        }
    }
    databases
}

fn read_database(given: &Value, left: &mut usize) -> Option<Database> {
    let mut stores = vec![];
    for store in given["stores"].as_array()? {
        let key_path = key_path_of(store)?;
        let in_line = key_path != NO_KEY_PATH;
        let given = store["records"].as_array()?;
        let records: Vec<String> = given
            .iter()
            .filter_map(|record| read_record(record, in_line))
            .collect();
        *left += given.len() - records.len();
        let mut indexes = vec![];
        for index in store["indexes"].as_array()? {
            indexes.push(Index {
                name: text_of(index["name"].as_str()?),
                key_path: key_path_of(index)?,
                unique: index["unique"].as_bool()?,
                multi_entry: index["multiEntry"].as_bool()?,
            });
        }
        stores.push(ObjectStore {
            name: text_of(store["name"].as_str()?),
            key_path,
            auto_increment: store["autoIncrement"].as_bool()?,
            next_key: None,
            indexes,
            records,
        });
    }
    Some(Database {
        name: text_of(given["name"].as_str()?),
        version: given["version"].as_u64().filter(|version| 0 < *version)?,
        stores,
    })
}

fn read_record(given: &Value, in_line: bool) -> Option<String> {
    let part = |name: &str| match given.get(name) {
        Some(plain) => of_json(plain),
        None => decoded(given.get(format!("{name}Encoded"))?),
    };
    let mut record = part("value")?;
    if !in_line {
        record.insert("k".to_owned(), Value::Object(part("key")?));
    }
    Some(Value::Object(record).to_string())
}

const NO_KEY_PATH: &str = r#"{"v":null}"#;

fn key_path_of(given: &Value) -> Option<String> {
    let is_text = |path: &Value| path.is_string();
    match (given.get("keyPath"), given.get("keyPathArray")) {
        (Some(path), None) if is_text(path) => Some(json!({ "v": path }).to_string()),
        (None, Some(Value::Array(paths))) if paths.iter().all(is_text) => {
            Some(json!({ "o": [["A", paths]], "v": ["r", 0] }).to_string())
        }
        (None, None) => Some(NO_KEY_PATH.to_owned()),
        _ => None,
    }
}

fn text_of(name: &str) -> String {
    json!({ "v": name }).to_string()
}

/// Returns the text a tagged name stands for, unless it holds half a surrogate pair.
fn plain_text(name: &str) -> Option<String> {
    let name: Value = serde_json::from_str(name).ok()?;
    name["v"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Playwright 1.65 wrote it.
    fn written() -> Value {
        json!([{ "name": "b", "version": 3, "stores": [
            { "name": "k", "autoIncrement": false, "keyPathArray": ["x", "y"],
              "records": [{ "value": { "x": 1, "y": "z" } }], "indexes": [] },
            { "name": "kp", "autoIncrement": true, "keyPath": "id", "records": [
                { "valueEncoded": { "o": [{ "k": "n", "v": { "bi": "1" } }, { "k": "id", "v": 1 }], "id": 1 } },
            ], "indexes": [] },
            { "name": "s", "autoIncrement": true, "records": [
                { "keyEncoded": { "d": "1970-01-01T00:00:00.005Z" }, "valueEncoded": { "m": [{ "k": 1, "v": 2 }], "id": 1 } },
                { "key": 2, "valueEncoded": { "a": [{ "ta": { "b": "AQI=", "k": "ui8" } }, { "ab": { "b": "AQI=" } },
                    { "s": [1], "id": 5 }, { "r": { "p": "a", "f": "g" } }, { "v": "undefined" }, { "v": "-0" }, { "v": "null" }], "id": 1 } },
                { "key": 3, "valueEncoded": { "o": [{ "k": "self", "v": { "ref": 1 } }], "id": 1 } },
                { "key": 4, "value": "str" },
            ], "indexes": [{ "name": "i", "keyPath": "a.b", "multiEntry": true, "unique": false }] },
        ] }])
    }

    #[test]
    fn what_playwright_writes_is_taken_and_written_again_as_it_was() {
        let written = written();
        let mut left_out = vec![];
        let taken = read("http://a.test", written.as_array().unwrap(), &mut left_out);
        let again = write("http://a.test", &taken, &mut left_out);
        assert_eq!(left_out, Vec::<String>::new());
        assert_eq!(Value::Array(again), written);
        let record = &taken.databases[0].stores[2].records[0];
        assert_eq!(
            record,
            r#"{"k":{"o":[["D",5]],"v":["r",0]},"o":[["M",[[1,2]]]],"v":["r",0]}"#
        );
    }

    #[test]
    fn what_has_no_words_is_told_and_left_out() {
        let mut given = written();
        given[0]["stores"][2]["records"] = json!([
            { "key": 1, "value": 1 },
            { "key": 2, "valueEncoded": { "h": 1 } },
            { "key": 3, "valueEncoded": { "ref": 7 } },
            { "key": 4, "valueEncoded": { "ta": { "b": "AQID", "k": "ui16" } } },
            { "value": "no key" },
        ]);
        given[0]["stores"][0]["keyPath"] = json!("both");
        given.as_array_mut().unwrap().push(json!({ "name": "c", "version": 1, "stores": [
            { "name": "s", "autoIncrement": false, "records": [{ "key": 1, "value": 1 }, { "key": 2 }], "indexes": [] }] }));
        let mut left_out = vec![];
        let taken = read("http://a.test", given.as_array().unwrap(), &mut left_out);
        assert_eq!(
            left_out,
            [
                "indexedDB \"b\" of http://a.test",
                "1 records of indexedDB \"c\" of http://a.test"
            ]
        );
        assert_eq!(taken.databases.len(), 1);
        let mut mine = taken;
        let records = &mut mine.databases[0].stores[0].records;
        records.push(r#"{"k":{"v":5},"v":["r",0],"o":[["L","eA==","text/plain"]]}"#.to_owned());
        let mut left_out = vec![];
        let again = write("http://a.test", &mine, &mut left_out);
        assert_eq!(
            left_out,
            ["1 records of the database \"c\" of http://a.test"]
        );
        assert_eq!(
            again[0]["stores"][0]["records"],
            json!([{ "key": 1, "value": 1 }])
        );
    }
}
