//! Back and forward lead where they led before the browser died, with `history.state`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// What the page knows of its place: URL, heading, the state and those it was told.
const HERE: &str = "JSON.stringify([location.pathname + location.hash,
    document.querySelector('h1').textContent, history.state, states])";

const RICH: &str = "(() => {
    const shared = { deep: [1, NaN, -0, 2n ** 70n] };
    const state = { shared, again: shared, when: new Date(5), none: undefined, ['__proto__']: 'own',
      map: new Map([['k', new Set([null, /a\\/b/gi])]]) };
    state.self = state;
    history.pushState(state, '', '/place/a3');
})()";
const IS_RICH: &str =
    "(() => { const s = history.state; return s.self === s && s.again === s.shared
    && s.when.getTime() === 5 && 'none' in s && Object.hasOwn(s, '__proto__')
    && [...s.map.get('k')][1].flags === 'gi' && s.shared.deep[3] === 2n ** 70n
    && Object.is(s.shared.deep[2], -0); })()";

fn here<D: Door>(agent: &mut Agent<D>) -> Value {
    let told = agent.evaluate(HERE);
    serde_json::from_str(told.as_str().expect("a text")).expect("JSON")
}

fn go<D: Door>(agent: &mut Agent<D>, way: &str) -> Value {
    agent.call("interact", json!({ "action": way }));
    here(agent)
}

fn words(answer: &Value, list: &str) -> Vec<String> {
    let words = answer["recovered"][list].as_array();
    let words = words.unwrap_or_else(|| panic!("nothing was recovered: {answer}"));
    words
        .iter()
        .map(|word| word.as_str().expect("a word").to_owned())
        .collect()
}

fn check_words(answer: &Value, restored: &[&str], lost: &[&str]) {
    for word in ["history", "history_state", "post_data"] {
        let told = |list| words(answer, list).iter().any(|other| other == word);
        assert_eq!(
            told("restored"),
            restored.contains(&word),
            "{word}: {answer}"
        );
        assert_eq!(told("lost"), lost.contains(&word), "{word}: {answer}");
    }
}

#[test]
fn back_and_forward_lead_where_they_led_with_states_and_popstate() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/place/a"));
    agent.evaluate("history.replaceState({ first: true }, '')");
    agent.settle();
    agent.evaluate("history.pushState({ second: 2 }, '', '/place/a2')");
    agent.settle();
    agent.evaluate("location.hash = 'x'");
    agent.settle();
    agent.evaluate(RICH);
    // A place that is left within a moment of its making may be passed unread, by right.
    agent.settle();
    agent.call("navigate", json!({ "url": site.other_origin("/place/b") }));
    agent.evaluate("history.replaceState(['b'], '')");
    agent.settle();
    agent.call("navigate", json!({ "url": site.url("/place/c?q=1#part") }));
    // Right after each other: what moves nothing within itself is known all the same.
    agent.call("navigate", json!({ "url": site.url("/place/c?q=2") }));
    agent.evaluate("history.pushState('last', '', '/place/c2')");
    agent.settle();
    let length = agent.evaluate("history.length");
    assert_eq!(go(&mut agent, "back")[0], "/place/c");
    agent.settle();

    // In the middle of the newest document; then, in that of an older one; then, by a daemon
    // that knows of it from the checkpoint only.
    let c = |site: &Site| site.count_of("/place/c");
    for round in 0..3 {
        let asked = (c(&site), site.counts().total());
        test.fault(Do::KillBrowser);
        let answer = agent.notice();
        check_words(&answer, &["history", "history_state"], &[]);
        assert_eq!(agent.evaluate("history.length"), length, "{round}");
        // Only the page that is shown was asked for.
        assert_eq!(site.counts().total(), asked.1 + 1, "{round}");
        if round == 0 {
            assert_eq!(c(&site), asked.0 + 1);
            assert_eq!(here(&mut agent), json!(["/place/c", "GET c", null, []]));
            assert_eq!(
                go(&mut agent, "forward"),
                json!(["/place/c2", "GET c", "last", ["last"]])
            );
            assert_eq!(
                go(&mut agent, "back"),
                json!(["/place/c", "GET c", null, ["last", null]])
            );
            assert_eq!(go(&mut agent, "back")[0], "/place/c#part");
            assert_eq!(
                go(&mut agent, "back"),
                json!(["/place/b", "GET b", ["b"], []])
            );
            agent.call("interact", json!({ "action": "back" }));
            assert_eq!(agent.evaluate(IS_RICH), json!(true));
            assert_eq!(agent.evaluate("document.title"), "a3");
        }
        // At /place/a3, whose document is an older one.
        assert_eq!(agent.evaluate(IS_RICH), json!(true), "{round}");
        assert_eq!(
            go(&mut agent, "back"),
            json!(["/place/a2#x", "GET a3", null, [null]])
        );
        assert_eq!(go(&mut agent, "back")[2], json!({ "second": 2 }));
        assert_eq!(go(&mut agent, "back")[2], json!({ "first": true }));
        for _ in 0..3 {
            agent.call("interact", json!({ "action": "forward" }));
        }
        assert_eq!(agent.evaluate(IS_RICH), json!(true), "{round}");
        assert_eq!(
            go(&mut agent, "forward"),
            json!(["/place/b", "GET b", ["b"], []])
        );
        agent.call("interact", json!({ "action": "back" }));
        agent.settle();
        if round == 1 {
            test.fault(Do::KillDaemon);
            agent.door = test.http();
        }
    }
    test.finish();
}

#[test]
fn what_a_history_can_not_bring_back_is_told() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/place/form"));
    agent.evaluate("history.replaceState(new Uint8Array([1, 2]), '')");
    agent.settle();
    agent.click("button \"Send\"");
    agent.call("wait_for", json!({ "text": "POST posted" }));
    agent.settle();
    agent.call(
        "navigate",
        json!({ "url": "data:text/html,<title>data</title><h1>data</h1>" }),
    );
    agent.call("navigate", json!({ "url": site.url("/place/end") }));
    let length = agent.evaluate("history.length");
    agent.settle();

    test.fault(Do::KillBrowser);

    let answer = agent.notice();
    check_words(&answer, &["history"], &["history_state", "post_data"]);
    assert_eq!(agent.evaluate("history.length"), length);
    agent.call("interact", json!({ "action": "back" }));
    assert_eq!(agent.evaluate("document.title"), "data");
    assert_eq!(go(&mut agent, "back")[1], "GET posted");
    assert_eq!(go(&mut agent, "back")[1], "GET form");
    agent.call("interact", json!({ "action": "back" }));
    assert_eq!(agent.evaluate("location.href"), "about:blank");

    // What is lost is told once: this is the history now.
    assert_eq!(go(&mut agent, "forward")[1], "GET form");
    agent.settle();
    test.fault(Do::KillBrowser);
    let answer = agent.notice();
    check_words(&answer, &["history", "history_state"], &[]);
    assert_eq!(here(&mut agent)[1], "GET form");
    assert_eq!(go(&mut agent, "forward")[1], "GET posted");
    test.finish();
}

/// What a page of a site that listens to everything was told of its history, and asked for it.
const LISTEN: &str = "(() => {
    globalThis.told = [];
    for (const name of ['popstate', 'hashchange']) addEventListener(name, () => told.push(name));
    for (const name of ['navigate', 'currententrychange']) {
      navigation.addEventListener(name, () => told.push(name));
    }
    addEventListener('pagehide', () => localStorage.setItem('told', JSON.stringify(told)));
})()";

#[test]
fn every_entry_of_a_long_history_leads_to_its_own_document() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/place/p0"));
    for n in 1..=12 {
        agent.call(
            "navigate",
            json!({ "url": site.url(&format!("/place/p{n}")) }),
        );
        if n == 5 {
            agent.settle();
            agent.evaluate("history.pushState('within', '', '/place/p5b')");
            agent.settle();
        }
    }
    agent.settle();
    let length = agent.evaluate("history.length");
    assert_eq!(length, 15, "with the empty page it began with");

    // Once by a daemon that made the history itself and once by one that didn't.
    for round in 0..2 {
        test.fault(Do::KillBrowser);
        check_words(&agent.notice(), &["history", "history_state"], &[]);
        assert_eq!(agent.evaluate("history.length"), length);
        if round == 1 {
            test.fault(Do::KillDaemon);
            agent.door = test.http();
        }
        // p12 is shown, and stays: from p0 to p11 each is loaded once somebody goes there.
        let mut at = 13;
        for (by, to, heading, state) in [
            (-2, "/place/p10", "GET p10", Value::Null),
            (-1, "/place/p9", "GET p9", Value::Null),
            (-3, "/place/p6", "GET p6", Value::Null),
            (-1, "/place/p5b", "GET p5b", json!("within")),
            (2, "/place/p7", "GET p7", Value::Null),
            (-7, "/place/p1", "GET p1", Value::Null),
            (12, "/place/p12", "GET p12", Value::Null),
            (-12, "/place/p1", "GET p1", Value::Null),
            (12, "/place/p12", "GET p12", Value::Null),
        ] {
            at += by;
            agent.evaluate(LISTEN);
            let before = site.counts().total();
            agent.evaluate(&format!("history.go({by}); 1"));
            agent.call("wait_for", json!({ "text": heading }));
            let shown = here(&mut agent);
            assert_eq!(shown, json!([to, heading, state, []]), "by {by} in {round}");
            // A page that is left for another document hears of nothing but that it goes.
            let told = agent.evaluate("localStorage.getItem('told')");
            let told = told.as_str().expect("what the page before was told");
            assert!(
                !told.contains("popstate") && !told.contains("change"),
                "{told}"
            );
            assert!(site.counts().total() <= before + 1, "{to} is loaded once");
        }
        assert_eq!(at, 13);
        // The places of one document are still places of one document.
        agent.evaluate("history.go(-7); 1");
        agent.call("wait_for", json!({ "text": "GET p5b" }));
        assert_eq!(
            go(&mut agent, "back"),
            json!(["/place/p5", "GET p5b", null, [null]])
        );
        assert_eq!(go(&mut agent, "back")[1], "GET p4");
        assert_eq!(go(&mut agent, "back")[1], "GET p3");
        assert_eq!(go(&mut agent, "forward")[1], "GET p4");
        agent.evaluate("history.go(9); 1");
        agent.call("wait_for", json!({ "text": "GET p12" }));
        agent.settle();
    }
    test.finish();
}
