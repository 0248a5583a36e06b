//! Pages that do their worst: a bounded answer in bounded time, and a session that stays usable.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Door, Harness, Http};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
/// The session still does an ordinary job on an ordinary page.
fn is_usable(agent: &mut Agent<impl Door>, site: &Site) {
    let there = json!({ "url": site.url("/form"), "timeout_ms": 25000 });
    agent.call("navigate", there);
    assert!(agent.snapshot().contains("textbox"));
    assert_eq!(agent.evaluate("1 + 1"), 2);
}

/// Replaces the page by `html`, as a site would have sent it.
fn show(agent: &mut Agent<Http>, html: &str) -> Result<Value, testkit::harness::Refusal> {
    let script = format!(
        "document.open(); document.write({}); document.close(); 0",
        json!(html)
    );
    agent.attempt(
        "evaluate",
        json!({ "expression": script, "timeout_ms": 15000 }),
    )
}

#[test]
fn pages_that_never_come_or_lead_in_a_circle_cost_one_call() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    let silent = json!({ "url": site.url("/silent"), "timeout_ms": 2000 });
    let refused = agent.refused("navigate", silent);
    assert!(
        ["deadline", "outcome_unknown"].contains(&refused.code()),
        "{refused:?}"
    );
    is_usable(&mut agent, &site);

    let circle = json!({ "url": site.url("/circle"), "timeout_ms": 20000 });
    let refused = agent.refused("navigate", circle);
    assert_eq!(refused.code(), "navigation_failed", "{refused:?}");
    is_usable(&mut agent, &site);

    // A page that is never at the same place twice.
    let again = show(
        &mut agent,
        "<title>again</title><button>B</button><script>let n = 0; setInterval(() => history.replaceState(n++, '', '#' + n), 1)</script>",
    );
    drop(again);
    assert!(agent.snapshot().contains("button \"B\""));
    is_usable(&mut agent, &site);
    test.finish();
}

#[test]
fn dialogs_and_windows_without_end_leave_the_session_to_its_caller() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    agent.evaluate("setTimeout(() => { for (let n = 0; n < 200; n++) alert(n) }, 0); 0");
    for _ in 0..3 {
        let blocked = json!({ "expression": "1", "timeout_ms": 10000 });
        let refused = agent.refused("evaluate", blocked);
        assert_eq!(refused.code(), "dialog_open", "{refused:?}");
        agent.call("handle_dialog", json!({ "accept": true }));
    }
    // A tab that has nothing but dialogs can be left and closed.
    let fresh = agent.call("new_tab", json!({ "url": site.url("/form") }));
    agent.call("close_tab", json!({ "tab_id": "t1" }));
    agent.call("activate_tab", json!({ "tab_id": fresh["tab_id"] }));
    is_usable(&mut agent, &site);

    let opened = agent.call(
        "evaluate",
        json!({ "expression": "let n = 0; for (let i = 0; i < 1000; i++) if (open('about:blank')) n++; n", "timeout_ms": 60000 }),
    );
    assert!(opened["value"].is_u64(), "{opened}");
    assert!(agent.call("list_tabs", json!({}))["tabs"].is_array());
    let here = json!({ "url": site.url("/form"), "tab_id": fresh["tab_id"], "timeout_ms": 25000 });
    agent.call("navigate", here);
    let shown = agent.call("snapshot", json!({ "tab_id": fresh["tab_id"] }));
    assert!(shown["snapshot"].to_string().contains("textbox"));
    test.finish();
}

#[test]
fn what_a_page_overrides_is_its_own_affair() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    let hostile = "<title>Hostile</title><main><h1>Head</h1><p>text</p><button onclick=\"this.remove()\">Press</button><input aria-label=Field></main><script>
      for (const of of [Array, Map, WeakMap, Set, String, Promise, Element, HTMLElement, Node, Document, EventTarget, MutationObserver, Range])
        for (const name of Object.getOwnPropertyNames(of.prototype))
          if (!['constructor', 'remove', 'onclick', 'addEventListener'].includes(name))
            try { Object.defineProperty(of.prototype, name, { get() { throw new Error('mine') }, set() {} }) } catch {}
      for (const name of ['JSON', 'Map', 'Promise', 'MutationObserver', 'getComputedStyle', 'requestAnimationFrame', 'setTimeout'])
        try { Object.defineProperty(globalThis, name, { value: () => { throw new Error('mine') } }) } catch {}
    </script>";
    drop(show(&mut agent, hostile));
    let shown = agent.snapshot();
    for part in ["heading \"Head\"", "button \"Press\"", "textbox \"Field\""] {
        assert!(shown.contains(part), "{shown}");
    }
    agent.fill("textbox \"Field\"", "ada");
    agent.click("button \"Press\"");
    let after = agent.snapshot();
    assert!(
        after.contains("value=\"ada\"") && !after.contains("Press"),
        "{after}"
    );
    let read = agent.call("get_content", json!({ "format": "markdown" }));
    assert_eq!(read["content"], "# Head\n\ntext");
    let picture = agent.call("screenshot", json!({ "annotate": true }));
    assert!(picture["width"].as_u64() > Some(100));
    is_usable(&mut agent, &site);
    test.finish();
}
