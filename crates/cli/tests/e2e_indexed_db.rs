//! IndexedDB comes back as it was, of the page that is open and of one that was left.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Harness};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

const WITH: &str = r"
const done = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const whole = transaction => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve('written');
  transaction.onabort = () => reject(transaction.error);
});
";

/// Databases with keys, indexes and values of every kind; the connection stays open.
const WRITE: &str = r"
const open = indexedDB.open('all', 7);
open.onupgradeneeded = () => {
  const db = open.result;
  const people = db.createObjectStore('people', { keyPath: 'id', autoIncrement: true });
  people.createIndex('mail', 'mail', { unique: true });
  people.createIndex('tags', 'tags', { multiEntry: true });
  people.createIndex('both', ['mail', 'id']);
  db.createObjectStore('values');
  db.createObjectStore('nested', { keyPath: 'a.b' });
  db.createObjectStore('log', { autoIncrement: true });
  db.createObjectStore('empty');
};
const db = globalThis.held = await done(open);
const write = db.transaction([...db.objectStoreNames], 'readwrite');
write.objectStore('people').add({ mail: 'ada@a.test', tags: ['x', 'y'] });
write.objectStore('nested').put({ a: { b: 'key' }, c: 1 });
for (let n = 0; n < 3; n += 1) write.objectStore('log').add('line ' + n);
write.objectStore('log').delete(3);
const values = write.objectStore('values');
const shared = { deep: [1, , 3] };
const cyclic = { shared, again: shared };
cyclic.self = cyclic;
const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
values.put(cyclic, 1.5);
values.put(new Date(86400000), -Infinity);
values.put(new Map([['k', new Set([1n, undefined, null])]]), Infinity);
values.put([NaN, -0, Infinity, 2n ** 80n], new Date(5));
values.put({ buffer, part: new Uint16Array(buffer, 2, 2), view: new DataView(buffer, 4) }, new Uint8Array([9, 8]));
values.put(/a\/b/gi, ['array', 1, [new Date(0)]]);
values.put(new TypeError('odd', { cause: 'why' }), 'error');
values.put([Object(5), Object('s'), Object(false), Object(3n)], 'boxes');
values.put({ ['__proto__']: 1, ['half \ud800']: '\udc00', zero: '\0' }, 'text \ud800');
values.put(new File(['file'], 'f.txt', { type: 'text/plain', lastModified: 12 }), 'file');
values.put(await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, false, ['encrypt']), 'secret');
await whole(write);
";

/// Reads all of it back as one text.
const READ: &str = r"
const db = globalThis.held = await done(indexedDB.open('all'));
const read = db.transaction([...db.objectStoreNames]);
const stores = Object.fromEntries([...db.objectStoreNames].map(name => [name, read.objectStore(name)]));
const get = key => done(stores.values.get(key));
const cyclic = await get(1.5), map = await get(Infinity), odd = await get([...'x'].length && new Date(5));
const bytes = await get(new Uint8Array([9, 8])), error = await get('error'), boxes = await get('boxes');
const text = await get('text \ud800'), file = await get('file'), regexp = await get(['array', 1, [new Date(0)]]);
JSON.stringify({
  version: db.version,
  shapes: Object.entries(stores).map(([name, store]) => [name, store.keyPath, store.autoIncrement,
    [...store.indexNames].map(name => store.index(name)).map(index => [index.name, index.keyPath, index.unique, index.multiEntry])]),
  by_tag: await done(stores.people.index('tags').get('y')),
  nested: await done(stores.nested.get('key')),
  log: await done(stores.log.getAllKeys()),
  cyclic: [cyclic.self === cyclic, cyclic.shared === cyclic.again, cyclic.shared.deep.length, 1 in cyclic.shared.deep],
  date: (await get(-Infinity)).getTime(),
  map: [map instanceof Map, [...map.get('k')].map(String)],
  odd: odd.map(value => Object.is(value, -0) ? '-0' : String(value)),
  bytes: [[...bytes.part], bytes.view.getUint8(0), bytes.part.buffer === bytes.buffer, bytes.view.buffer === bytes.buffer],
  regexp: String(regexp),
  error: [error instanceof TypeError, error.message, error.cause, typeof error.stack],
  boxes: boxes.map(box => typeof box + typeof box.valueOf()),
  text: [Object.keys(text).length, Object.hasOwn(text, '__proto__'), text['half \ud800'] === '\udc00', text.zero === '\0'],
  count: await done(stores.values.count()),
  file: [file instanceof File, file.name, file.type, file.lastModified, await file.text()],
});
";

fn run(agent: &mut Agent<impl testkit::harness::Door>, script: &str) -> Value {
    let answer = agent.call(
        "evaluate",
        json!({ "expression": format!("{WITH}{script}") }),
    );
    assert!(answer["exception"].is_null(), "{answer}");
    answer["value"].clone()
}

fn lost(answer: &Value) -> Vec<&str> {
    let lost = answer["recovered"]["lost"].as_array();
    lost.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[test]
fn every_kind_of_key_and_value_comes_back_and_what_can_not_is_told() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    run(&mut agent, WRITE);
    let before: Value =
        serde_json::from_str(run(&mut agent, READ).as_str().expect("text")).expect("JSON");
    assert_eq!(before["count"], 11);
    agent.call("save_session_checkpoint", json!({ "name": "full" }));
    let seen = site.counts().total();

    test.fault(Do::KillBrowser);

    let answer = agent.expect_text("Storage");
    assert!(
        lost(&answer).contains(&"indexed_db"),
        "a key can't be had: {answer}"
    );
    assert!(!lost(&answer).contains(&"blobs_over_limit"), "{answer}");
    assert_eq!(site.counts().total(), seen + 1, "the stubs asked the site");
    let after: Value =
        serde_json::from_str(run(&mut agent, READ).as_str().expect("text")).expect("JSON");
    let mut expected = before;
    expected["count"] = json!(10);
    assert_eq!(after, expected);
    // The generator stood at 4, though the record 3 was deleted.
    let next = "const add = held.transaction('log', 'readwrite').objectStore('log'); await done(add.add('next'))";
    assert_eq!(run(&mut agent, next), 4);
    test.finish();
}

#[test]
fn an_origin_that_was_left_comes_back_and_no_upgrade_of_the_page_is_blocked() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.other_origin("/storage"));
    let write = "const open = indexedDB.open('left', 1); open.onupgradeneeded = () => open.result.createObjectStore('s'); \
        const write = (await done(open)).transaction('s', 'readwrite'); write.objectStore('s').put('kept', 1); \
        write.objectStore('s').put(new Blob([new Uint8Array(9 << 20)]), 2); await whole(write)";
    run(&mut agent, write);
    agent.call("navigate", json!({ "url": site.url("/storage") }));
    // Captures follow each change; every upgrade meets them and none may be held up.
    let upgrades = "let blocked = 0; for (let version = 1; version <= 40; version += 1) { \
        const open = indexedDB.open('up', version); open.onblocked = () => { blocked += 1 }; \
        open.onupgradeneeded = () => open.result.createObjectStore('s' + version); (await done(open)).close(); \
        await new Promise(resolve => setTimeout(resolve, 50)); } blocked";
    assert_eq!(run(&mut agent, upgrades), 0);
    agent.call("save_session_checkpoint", json!({ "name": "full" }));

    test.fault(Do::KillBrowser);

    let answer = agent.expect_text("Storage");
    assert!(lost(&answer).contains(&"blobs_over_limit"), "{answer}");
    assert!(!lost(&answer).contains(&"indexed_db"), "{answer}");
    let restored = answer["recovered"]["restored"].as_array().expect("a list");
    assert!(restored.contains(&json!("indexed_db")), "{answer}");
    let names = "JSON.stringify((await indexedDB.databases()).map(db => [db.name, db.version]))";
    assert_eq!(run(&mut agent, names), r#"[["up",40]]"#);
    agent.call("navigate", json!({ "url": site.other_origin("/storage") }));
    let read = "JSON.stringify(await done((await done(indexedDB.open('left'))).transaction('s').objectStore('s').getAll()))";
    assert_eq!(run(&mut agent, read), r#"["kept"]"#);
    test.finish();
}

#[test]
fn an_origin_that_grew_too_large_keeps_what_was_captured_before_and_says_so() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    let write = "const open = indexedDB.open('grows', 1); open.onupgradeneeded = () => open.result.createObjectStore('s'); \
        const db = globalThis.held = await done(open); const write = db.transaction('s', 'readwrite'); \
        write.objectStore('s').put('small', 1); await whole(write)";
    run(&mut agent, write);
    agent.call("save_session_checkpoint", json!({ "name": "small" }));
    let grow = "const write = held.transaction('s', 'readwrite'); \
        for (let n = 2; n < 20; n += 1) write.objectStore('s').put('x'.repeat(1 << 20), n); await whole(write)";
    run(&mut agent, grow);
    agent.call("save_session_checkpoint", json!({ "name": "large" }));

    test.fault(Do::KillBrowser);

    let answer = agent.expect_text("Storage");
    assert!(lost(&answer).contains(&"indexed_db"), "{answer}");
    let read = "JSON.stringify(await done((await done(indexedDB.open('grows'))).transaction('s').objectStore('s').getAll()))";
    assert_eq!(run(&mut agent, read), r#"["small"]"#);
    test.finish();
}
