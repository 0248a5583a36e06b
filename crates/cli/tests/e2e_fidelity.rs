//! What comes back of a session, state by state, beside Playwright's `storageState`.
//!
//! Both fill the same pages by the same scripts and look at them by the same ones after the
//! loss: browserd after SIGKILL of its browser, Playwright in a new context made from
//! `storageState({ indexedDB: true })`. The table is that of docs/fidelity.md, which
//! `BROWSERD_WRITE_DOCS=1` writes anew.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail tests, and this one prints a table"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a foreign program is started here"
)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness};
use testkit::process;
use testkit::site::{PASSWORD, Site, USER};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fidelity.md");

/// On a page of a site that is left.
const LEAVE: &str = "localStorage.setItem('left', '1'); sessionStorage.setItem('kept', '1')";

/// On the page that is shown: every state that a page can have by itself.
const FILL: &str = "(async () => {
    const by = id => document.getElementById(id);
    await fetch('/login', { method: 'POST', body: new URLSearchParams({ user: USER, password: PASSWORD }) });
    await fetch('/cookies/set');
    document.cookie = 'lasting=1; max-age=9999';
    localStorage.setItem('here', '1');
    sessionStorage.setItem('tab', 'first');
    const open = indexedDB.open('base', 3);
    open.onupgradeneeded = () => {
        open.result.createObjectStore('store', { autoIncrement: true }).createIndex('when', 'when');
        open.result.createObjectStore('blobs');
    };
    await new Promise(done => { open.onsuccess = done; });
    const write = open.result.transaction(['store', 'blobs'], 'readwrite');
    write.objectStore('store').add({ when: new Date(5), map: new Map([[1n, new Uint8Array([7])]]), set: new Set([NaN, undefined]) });
    write.objectStore('store').add('gone');
    write.objectStore('store').delete(2);
    write.objectStore('blobs').put(new Blob(['small']), 1);
    write.objectStore('blobs').put(new Blob([new Uint8Array(9 << 20)]), 2);
    await new Promise(done => { write.oncomplete = done; });
    open.result.close();
    await told;
    const written = new Promise(done => addEventListener('message', event => {
        if (event.data === 'written') done();
    }));
    frames[0].postMessage('write', '*');
    await written;
    history.pushState({ place: 2 }, '', '/fidelity?place=2');
    by('area').value = 'written'; by('choice').value = 'b'; by('box').checked = true;
    document.querySelector('[value=y]').checked = true;
    by('note').innerHTML = 'noted <b>bold</b>';
    by('note').dispatchEvent(new InputEvent('input', { bubbles: true }));
    by('word').value = 'hunter22'; by('card').value = '4111111111111111'; by('code').value = '123456';
    by('text').value = 'typed';
    by('text').focus();
    by('pane').scrollTop = 321;
    scrollTo(0, 700);
    return 'filled';
})()";

const FILL_SECOND: &str = "sessionStorage.setItem('tab', 'second')";

/// On the page that is shown again: what of it is there, as one text of JSON.
const CHECK: &str = "(async () => {
    const by = id => document.getElementById(id);
    const home = await (await fetch('/home')).text();
    const sent = await (await fetch('/cookies/seen')).text();
    const root = await (await fetch('/place/root')).ok;
    const fellow = await told;
    const open = indexedDB.open('base');
    await new Promise(done => { open.onsuccess = done; });
    const [version, names] = [open.result.version, [...open.result.objectStoreNames]];
    const got = {};
    for (const [name, store, key] of [['value', 'store', 1], ['small', 'blobs', 1], ['large', 'blobs', 2]]) {
        if (!names.includes(store)) continue;
        const read = open.result.transaction(store).objectStore(store).get(key);
        await new Promise(done => { read.onsuccess = done; });
        got[name] = read.result;
    }
    let next;
    if (names.includes('store')) {
        const add = open.result.transaction('store', 'readwrite').objectStore('store').add('next');
        await new Promise(done => { add.onsuccess = done; });
        next = add.result;
    }
    open.result.close();
    const { value, small, large } = got;
    return JSON.stringify({
        session_cookie: home.includes('Hello, ada') && !document.cookie.includes('session='),
        lasting_cookie: document.cookie.includes('lasting=1'),
        kinds: root && ['strict=1', 'lax=1', 'pathy=1'].every(cookie => sent.includes(cookie))
            && !document.cookie.match(/strict|lax|pathy/),
        chips: fellow.cookie.includes('chip=1'),
        local: localStorage.getItem('here') === '1',
        session: sessionStorage.getItem('tab') === 'first',
        indexed_db: version === 3 && value?.when?.getTime() === 5 && value.map?.get(1n)?.[0] === 7
            && value.set?.has(NaN) && value.set.has(undefined),
        generator: next === 3,
        small: small instanceof Blob && await small.text() === 'small',
        large: large instanceof Blob && large.size === 9 << 20,
        frame_local: fellow.local === '1' && fellow.base === 'kept',
        frame_session: fellow.session === '1',
        url: location.search === '?place=2',
        history: navigation.currentEntry.index > 0 && navigation.entries().length > 1,
        history_state: history.state?.place === 2,
        form: by('text').value === 'typed' && by('area').value === 'written' && by('choice').value === 'b'
            && by('box').checked && document.querySelector('[value=y]').checked,
        editable: by('note').innerHTML === 'noted <b>bold</b>',
        secrets: by('word').value !== '' || by('card').value !== '' || by('code').value !== '',
        focus: document.activeElement.id === 'text',
        scroll: Math.abs(scrollY - 700) < 2,
        inner: Math.abs(by('pane').scrollTop - 321) < 2,
    });
})()";

const CHECK_SECOND: &str =
    "JSON.stringify({ second_session: sessionStorage.getItem('tab') === 'second' })";

const CHECK_LEFT: &str = "JSON.stringify({
    left: localStorage.getItem('left') === '1',
    session_left: sessionStorage.getItem('kept') === '1',
    late: sessionStorage.getItem('late') === '1',
})";

const CHECK_LOGIN: &str = "(async () => {
    const open = indexedDB.open('base');
    await new Promise(done => { open.onsuccess = done; });
    let value;
    if (open.result.objectStoreNames.contains('store')) {
        const read = open.result.transaction('store').objectStore('store').get(1);
        await new Promise(done => { read.onsuccess = done; });
        value = read.result;
    }
    open.result.close();
    return JSON.stringify({
        home: document.body.innerText.includes('Hello, ada'),
        local: localStorage.getItem('here') === '1',
        indexed_db: value?.when?.getTime() === 5 && value.map?.get(1n)?.[0] === 7,
    });
})()";

/// What a state has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Must {
    /// There again.
    BeKept,
    /// Named by this word, whether it is there again or not.
    BeTold(&'static str),
    /// Never kept, on purpose.
    NotBeKept,
}
use Must::{BeKept, BeTold, NotBeKept};

/// A row: its name, the key of what was seen, and what it has to be.
const ROWS: [(&str, &str, Must); 36] = [
    ("session cookies, HttpOnly", "session_cookie", BeKept),
    ("cookies that last", "lasting_cookie", BeKept),
    (
        "cookies with SameSite and a path of their own",
        "kinds",
        BeKept,
    ),
    ("cookies of a parent domain", "parent", BeKept),
    ("partitioned cookies (CHIPS)", "chips", BeKept),
    ("localStorage", "local", BeKept),
    ("localStorage of a site that was left", "left", BeKept),
    ("sessionStorage of each tab", "session", BeKept),
    ("sessionStorage of another tab", "second_session", BeKept),
    (
        "sessionStorage of a site that was left",
        "session_left",
        BeKept,
    ),
    (
        "sessionStorage written while a page is left for another site",
        "late",
        BeTold("session_storage"),
    ),
    (
        "IndexedDB: Date, Map, Set, BigInt, binary, indexes",
        "indexed_db",
        BeKept,
    ),
    (
        "IndexedDB: the position of a key generator",
        "generator",
        BeKept,
    ),
    ("IndexedDB: Blobs up to 8 MiB an origin", "small", BeKept),
    (
        "IndexedDB: Blobs over that",
        "large",
        BeTold("blobs_over_limit"),
    ),
    (
        "localStorage and IndexedDB of frames of other sites",
        "frame_local",
        BeKept,
    ),
    (
        "sessionStorage of frames of other sites",
        "frame_session",
        BeKept,
    ),
    ("tabs, their order, the active one", "tabs", BeKept),
    ("each tab's URL", "url", BeKept),
    (
        "back/forward history and the place in it",
        "history",
        BeKept,
    ),
    ("history.state", "history_state", BeKept),
    (
        "entries that were asked for by POST",
        "post",
        BeTold("post_data"),
    ),
    ("typed fields, choices, marks", "form", BeKept),
    ("what was typed into editable elements", "editable", BeKept),
    ("passwords, cards, one-time codes", "secrets", NotBeKept),
    ("focus", "focus", BeKept),
    ("scroll position", "scroll", BeKept),
    ("scroll positions inside of the page", "inner", BeKept),
    ("zoom", "zoom", BeKept),
    (
        "viewport, device, user agent, locale, timezone",
        "emulation",
        BeKept,
    ),
    ("geolocation, colour scheme", "place", BeKept),
    ("permissions", "permissions", BeKept),
    ("extra headers, HTTP credentials, proxy", "requests", BeKept),
    ("init scripts", "scripts", BeKept),
    ("intercept rules", "routes", BeKept),
    ("dialog policy", "policy", BeKept),
];

/// What a session is told to be, as its pages see it.
const CHECK_TOLD: &str = "(async () => {
    const place = await new Promise(done => navigator.geolocation.getCurrentPosition(
        at => done(at.coords.latitude), () => done(null)));
    const notify = await navigator.permissions.query({ name: 'notifications' });
    const came = await (await fetch('/headers')).json();
    const routed = await fetch('/routed').then(it => it.status, () => 0);
    return JSON.stringify({
        emulation: innerWidth === 640 && navigator.userAgent === 'Kept/1' && navigator.language === 'de-CH'
            && Intl.DateTimeFormat().resolvedOptions().timeZone === 'Asia/Tokyo',
        place: place === 47.37 && matchMedia('(prefers-color-scheme: dark)').matches,
        permissions: notify.state === 'granted',
        requests: came['x-kept'] === 'yes' && (await fetch('/guarded')).ok
            && location.host === 'kept.localhost',
        scripts: window.kept === 1,
        routes: routed === 418,
        policy: confirm('?') === true,
    });
})()";

const VIEW: &str =
    "JSON.stringify([innerWidth, innerHeight, devicePixelRatio, visualViewport.scale])";

fn plan(site: &Site) -> Value {
    let fill = FILL
        .replace("USER", &json!(USER).to_string())
        .replace("PASSWORD", &json!(PASSWORD).to_string());
    json!({
        "leaving": site.other_origin("/leaving"), "leave": LEAVE,
        "parent": site.named("a.site", "/cookies/parent"),
        "page": site.url("/fidelity"), "fill": fill,
        "place": site.url("/place/one"), "fill_second": FILL_SECOND,
        "posted": site.url("/place/posted"), "last": site.url("/place/two"),
        "check": CHECK, "check_second": CHECK_SECOND, "check_left": CHECK_LEFT,
        "sibling": site.named("b.site", "/cookies/seen"),
        "view": VIEW, "login": site.url("/home"), "check_login": CHECK_LOGIN,
    })
}

fn run(agent: &mut Agent<impl Door>, script: &Value) -> Value {
    let script = script.as_str().expect("a script");
    let answer = agent.call(
        "evaluate",
        json!({ "expression": format!("await {script}") }),
    );
    assert!(answer["exception"].is_null(), "{answer}");
    answer["value"].clone()
}

/// Puts what a script saw among the rest.
fn look(agent: &mut Agent<impl Door>, script: &Value, seen: &mut Value) {
    let told = run(agent, script);
    let told: Value = serde_json::from_str(told.as_str().expect("a text")).expect("JSON");
    for (key, value) in told.as_object().expect("an object") {
        seen[key] = value.clone();
    }
}

fn fill(agent: &mut Agent<impl Door>, plan: &Value) {
    run(agent, &plan["leave"]);
    // What is written right before a page is left is younger than any capture.
    agent.settle();
    agent.call("navigate", json!({ "url": plan["parent"] }));
    agent.call("navigate", json!({ "url": plan["page"] }));
    run(agent, &plan["fill"]);
    agent.call("new_tab", json!({ "url": plan["place"] }));
    run(agent, &plan["fill_second"]);
    agent.click("button \"Send\"");
    agent.call("wait_for", json!({ "url": "/place/posted" }));
    agent.call("navigate", json!({ "url": plan["last"] }));
    agent.call("activate_tab", json!({ "tab_id": "t1" }));
}

fn check(agent: &mut Agent<impl Door>, plan: &Value) -> Value {
    let mut seen = json!({});
    look(agent, &plan["check"], &mut seen);
    let tabs = agent.call("list_tabs", json!({}))["tabs"].clone();
    let is_place = |tab: &Value, id: &str, url: &Value, active| {
        tab["tab_id"] == id && tab["url"] == *url && tab["active"] == active
    };
    let here = json!(format!("{}?place=2", plan["page"].as_str().expect("a URL")));
    seen["tabs"] = json!(
        tabs.as_array().is_some_and(|tabs| tabs.len() == 2)
            && is_place(&tabs[0], "t1", &here, true)
            && is_place(&tabs[1], "t2", &plan["last"], false)
    );
    agent.call("interact", json!({ "action": "back" }));
    let within = agent.evaluate("location.search") == "";
    agent.call("interact", json!({ "action": "back" }));
    let before = agent.evaluate("location.href") == plan["parent"];
    seen["history"] = json!(seen["history"] == true && within && before);
    agent.call("activate_tab", json!({ "tab_id": "t2" }));
    look(agent, &plan["check_second"], &mut seen);
    agent.call("interact", json!({ "action": "back" }));
    let posted = agent.evaluate("document.body.innerText");
    seen["post"] = json!(posted.as_str().is_some_and(|text| text.contains("POST")));
    // What a site has in a tab is in that tab.
    agent.call("activate_tab", json!({ "tab_id": "t1" }));
    agent.call("navigate", json!({ "url": plan["leaving"] }));
    look(agent, &plan["check_left"], &mut seen);
    agent.call("navigate", json!({ "url": plan["sibling"] }));
    let cookies = agent.evaluate("document.body.innerText");
    seen["parent"] = json!(
        cookies
            .as_str()
            .is_some_and(|text| text.contains("parent=1"))
    );
    seen
}

#[test]
fn what_comes_back_is_told_state_by_state_beside_what_playwright_brings_back() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let plan = plan(&site);
    let leaving = plan["leaving"].as_str().expect("a URL");
    let mut agent = Agent::open(test.http(), None, leaving);
    fill(&mut agent, &plan);
    for _ in 0..2 {
        agent.call("interact", json!({ "action": "press", "key": "Control+=" }));
    }
    agent.call("wait_for", json!({ "function": "devicePixelRatio > 1.2" }));
    agent.evaluate("scrollTo(0, 700)");
    let view = agent.evaluate(VIEW);
    agent.settle();

    test.fault(Do::KillBrowser);

    let recovered = agent.notice()["recovered"].clone();
    let same_view = agent.evaluate(VIEW) == view;
    let mut seen = check(&mut agent, &plan);
    seen["zoom"] = json!(same_view);

    // Ours is taken by Playwright, and theirs by us.
    agent.call("navigate", json!({ "url": plan["login"] }));
    let ours = agent.call("export_storage_state", json!({}))["storage_state"].clone();
    let logged_in = json!({ "home": true, "local": true, "indexed_db": true });
    assert_eq!(playwright(&test, &plan, Some(&ours)), logged_in);
    let playwright = playwright(&test, &plan, None);
    let body = json!({ "storage_state": playwright["state"], "key": "theirs" });
    let made = test.http().post("/v1/import_storage_state", &body);
    let made = made.expect("an answer").body;
    assert!(made["left_out"].is_array(), "{made}");
    agent.session = made["session_id"].as_str().expect("an id").to_owned();
    agent.call("navigate", json!({ "url": plan["login"] }));
    let mut theirs = json!({});
    look(&mut agent, &plan["check_login"], &mut theirs);
    assert_eq!(theirs, logged_in, "{made}");

    agent.close();
    told(&mut test, &site, &mut seen);

    let table = table(&seen, &playwright, &recovered);
    println!("{table}\n{recovered}");
    for (name, key, must) in ROWS {
        let told = |word: &str| {
            let lost = recovered["lost"].as_array();
            lost.is_some_and(|lost| lost.contains(&json!(word)))
        };
        let right = match must {
            BeKept => seen[key] == true,
            BeTold(word) => seen[key].is_boolean() && told(word),
            NotBeKept => seen[key] == false,
        };
        assert!(right, "{name}: {seen} {recovered}");
    }
    let document = std::fs::read_to_string(DOCUMENT).expect("the document");
    let (head, rest) = document.split_once("<!-- table -->\n").expect("a mark");
    let (_, tail) = rest.split_once("<!-- end -->\n").expect("a mark");
    let written = format!("{head}<!-- table -->\n{table}<!-- end -->\n{tail}");
    if std::env::var_os("BROWSERD_WRITE_DOCS").is_some() {
        std::fs::write(DOCUMENT, &written).expect("the document is written");
    } else {
        assert!(
            document == written,
            "docs/fidelity.md says otherwise; BROWSERD_WRITE_DOCS=1 writes it anew:\n{table}"
        );
    }
    test.finish();
}

/// Tells a session all that it can be told, and looks what is left of it after the loss.
fn told(test: &mut Harness, site: &Site, seen: &mut Value) {
    // The site is the proxy, too: nobody else answers at that address.
    let opened = json!({
        "url": "http://kept.localhost/form", "viewport": { "width": 640, "height": 480 },
        "user_agent": "Kept/1", "locale": "de-CH", "timezone": "Asia/Tokyo",
        "geolocation": { "latitude": 47.37, "longitude": 8.54 }, "color_scheme": "dark",
        "permissions": ["notifications"], "headers": { "x-kept": "yes" },
        "http_credentials": { "username": "ada", "password": "engine" },
        "proxy": { "server": site.url(""), "bypass": ["<-loopback>"] },
        "init_scripts": ["window.kept = 1"], "dialog_policy": "accept",
    });
    let mut agent = Agent::open_with(test.http(), opened);
    let route = json!({ "url": "*/routed", "action": "mock", "status": 418 });
    agent.call("route", route);
    agent.settle();
    test.fault(Do::KillBrowser);
    agent.notice();
    look(&mut agent, &json!(CHECK_TOLD), seen);
    agent.close();
}

fn table(seen: &Value, playwright: &Value, recovered: &Value) -> String {
    let lost = |word: &str| {
        let lost = recovered["lost"].as_array();
        lost.is_some_and(|lost| lost.contains(&json!(word)))
    };
    let mut table =
        "| state | browserd | Playwright `storageState` |\n| --- | --- | --- |\n".to_owned();
    let mut row = |name: &str, ours: &str, theirs: &str| {
        writeln!(table, "| {name} | {ours} | {theirs} |").expect("a text takes more");
    };
    for (name, key, must) in ROWS {
        let theirs = match &playwright[key] {
            Value::Bool(true) => "kept",
            Value::Bool(false) => "not",
            _ => "not measured",
        };
        let ours = match (seen[key] == true, must) {
            // What is told may be lost; in one run or the other it may be there.
            (_, BeTold(word)) if lost(word) => format!("partly: `{word}` in `lost`"),
            (true, _) => "kept".to_owned(),
            (false, NotBeKept) => "not, on purpose".to_owned(),
            (false, _) => "not".to_owned(),
        };
        row(name, &ours, theirs);
    }
    table
}

/// Returns what Playwright brings back of the same pages, or sees with a state of ours.
fn playwright(test: &Harness, plan: &Value, state: Option<&Value>) -> Value {
    let clients = clients();
    let mut command = Command::new("node");
    test.seal(&mut command);
    let no_sandbox = testkit::raw::no_sandbox_needed();
    command
        .arg(format!("{SCRIPTS}/fidelity.mjs"))
        .env("BROWSERD_TEST_CLIENTS", &clients)
        .env("CHROMIUM", testkit::raw::find().expect("a Chromium"))
        .env("NO_SANDBOX", if no_sandbox { "1" } else { "0" })
        .env("PLAN", plan.to_string())
        .envs(state.map(|state| ("STATE", state.to_string())))
        .stdin(Stdio::null());
    let output = process::output(&mut command).expect("node starts");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    serde_json::from_slice(&output.stdout).expect("a line of JSON")
}

/// Returns where `make clients` has put the foreign programs.
fn clients() -> PathBuf {
    let found = std::env::var_os("BROWSERD_TEST_CLIENTS").map(PathBuf::from);
    let target = || {
        let target = PathBuf::from(BROWSERD).ancestors().nth(2)?.join("clients");
        Some(target)
    };
    let folder = found.or_else(target).expect("the build folder");
    assert!(
        folder.join("node/node_modules/playwright-core").exists(),
        "run `make clients` first: {} isn't there",
        folder.display()
    );
    folder
}
