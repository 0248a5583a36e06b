//! Pages that open dialogs and windows, cover their buttons, load slowly or fail.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Harness, Http, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

fn on_page(path: &str) -> (Site, Harness, Agent<Http>) {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let agent = Agent::open(test.http(), None, &site.url(path));
    (site, test, agent)
}

#[test]
fn a_dialog_is_told_at_once_and_answered_past_the_queue() {
    let (_site, test, mut agent) = on_page("/dialogs");
    let confirm = agent.find("button \"Confirm\"");
    let prompt = agent.find("button \"Prompt\"");

    let refusal = agent.refused("interact", json!({ "action": "click", "ref": confirm }));
    assert_eq!(refusal.code(), "dialog_open", "{refusal:?}");
    // Whatever needs the page is refused while it is blocked, and doesn't hang.
    assert_eq!(agent.refused("snapshot", json!({})).code(), "dialog_open");
    agent.call("handle_dialog", json!({ "accept": true }));
    agent.expect_text("Confirm: true");

    assert_eq!(
        agent
            .refused("interact", json!({ "action": "click", "ref": prompt }))
            .code(),
        "dialog_open"
    );
    agent.call("handle_dialog", json!({ "accept": true, "text": "Ada" }));
    agent.expect_text("Prompt: Ada");

    let alert = agent.find("button \"Alert\"");
    agent.refused("interact", json!({ "action": "click", "ref": alert }));
    test.cli(&["dialog", "dismiss", "-s", &agent.session])
        .done();
    agent.expect_text("Alert done");
    test.finish();
}

#[test]
fn an_open_dialog_outlives_the_daemon() {
    let (_site, mut test, mut agent) = on_page("/dialogs");
    let confirm = agent.find("button \"Confirm\"");
    agent.refused("interact", json!({ "action": "click", "ref": confirm }));
    test.fault(testkit::harness::Do::KillDaemon);
    agent.door = test.http();
    assert_eq!(agent.refused("snapshot", json!({})).code(), "dialog_open");
    agent.call("handle_dialog", json!({ "accept": false }));
    agent.expect_text("Confirm: false");
    test.finish();
}

#[test]
fn windows_and_blank_targets_become_tabs() {
    let (_site, test, mut agent) = on_page("/popup");
    for opener in ["button \"Open window\"", "link \"Open tab\""] {
        let first = agent.call("list_tabs", json!({}))["tabs"][0]["tab_id"].clone();
        let snapshot = agent.call("snapshot", json!({ "tab_id": first }));
        let target =
            testkit::harness::reference(snapshot["snapshot"].as_str().expect("text"), opener);
        agent.call(
            "interact",
            json!({ "tab_id": first, "action": "click", "ref": target }),
        );
        // The opener isn't blocked by a window that waits to be let go.
        let alive = agent.call(
            "evaluate",
            json!({ "tab_id": first, "expression": "1 + 1" }),
        );
        assert_eq!(alive["value"], 2);
    }
    let mut tabs = Value::Null;
    let listed = process::until(SOON, || {
        tabs = agent.call("list_tabs", json!({}))["tabs"].clone();
        let popped = tabs
            .as_array()
            .into_iter()
            .flatten()
            .filter(|tab| tab["title"] == "Popped up");
        popped.count() == 2
    });
    assert!(listed, "{tabs}");
    assert_eq!(tabs.as_array().map(Vec::len), Some(3));
    let popped = agent.call("snapshot", json!({ "tab_id": tabs[1]["tab_id"] }));
    assert!(
        popped["snapshot"]
            .as_str()
            .is_some_and(|text| text.contains("Popped up"))
    );
    test.finish();
}

#[test]
fn a_form_is_filled_in_with_real_input() {
    let (_site, test, mut agent) = on_page("/form");
    agent.fill("textbox \"Name\"", "Ada");
    let notes = agent.find("textbox \"Notes\"");
    agent.call(
        "interact",
        json!({ "action": "type", "ref": notes, "text": "Ünïcode 🎉" }),
    );
    let colour = agent.find("combobox \"Colour\"");
    agent.call(
        "interact",
        json!({ "action": "select", "ref": colour, "value": "green" }),
    );
    let agree = agent.find("checkbox \"Agree\"");
    agent.call("interact", json!({ "action": "check", "ref": agree }));
    agent.click("button \"Send\"");
    agent.expect_text("Sent 1: Ada, Ünïcode 🎉, green, true, trusted true");
    test.finish();
}

#[test]
fn a_ref_of_another_page_is_stale_and_hits_nothing() {
    let (site, test, mut agent) = on_page("/form");
    let send = agent.find("button \"Send\"");
    agent.call("navigate", json!({ "url": site.url("/storage") }));
    let refusal = agent.refused("interact", json!({ "action": "click", "ref": send }));
    assert_eq!(refusal.code(), "ref_stale", "{refusal:?}");
    assert_eq!(refusal.0["retry"], "after_snapshot");
    test.finish();
}

#[test]
fn a_covered_button_is_not_clicked_and_its_cover_is_named() {
    let (_site, test, mut agent) = on_page("/covered");
    let under = agent.find("button \"Under\"");
    let refusal = agent.refused("interact", json!({ "action": "click", "ref": under }));
    assert_eq!(refusal.code(), "not_actionable", "{refusal:?}");
    assert!(
        refusal.0["message"]
            .as_str()
            .is_some_and(|text| text.contains("cookie-wall")),
        "{refusal:?}"
    );
    test.finish();
}

#[test]
fn a_button_in_a_frame_is_pressed() {
    let (_site, test, mut agent) = on_page("/frames");
    agent.click("button \"Inside\"");
    agent.expect_text("Pressed inside");
    test.finish();
}

#[test]
fn navigation_tells_status_redirects_and_failures() {
    let (site, test, mut agent) = on_page("/");
    let missing = agent.call("navigate", json!({ "url": site.url("/status/404") }));
    assert_eq!(missing["http_status"], 404);
    let moved = agent.call("navigate", json!({ "url": site.url("/redirect?to=/form") }));
    assert_eq!(
        (moved["http_status"].as_u64(), moved["url"].as_str()),
        (Some(200), Some(&*site.url("/form")))
    );
    let refused = agent.refused("navigate", json!({ "url": "http://127.0.0.1:1/" }));
    assert_eq!(refused.code(), "navigation_failed", "{refused:?}");
    for bad in ["", "no url", "http://", "javascript:alert(1)"] {
        assert_eq!(
            agent.refused("navigate", json!({ "url": bad })).code(),
            "bad_url",
            "{bad:?}"
        );
    }
    test.finish();
}

#[test]
fn a_page_that_never_ends_or_never_begins_holds_up_nobody() {
    let (site, test, mut agent) = on_page("/");
    let http = test.http();
    let path = format!("/v1/sessions/{}/navigate", agent.session);
    let body = json!({ "url": site.url("/silent") }).to_string();
    let limit = [("browserd-deadline-ms", "1500")];
    let answer = http
        .send_with("POST", &path, &limit, Some(body.as_bytes()))
        .expect("an answer");
    assert!(matches!(answer.status, 504 | 409), "{answer:?}");
    agent.expect_text("Test site");

    let second = agent.call("new_tab", json!({}));
    let body = json!({ "url": site.url("/endless"), "tab_id": second["tab_id"] }).to_string();
    drop(
        http.send_with("POST", &path, &limit, Some(body.as_bytes()))
            .expect("an answer"),
    );
    let shown = agent.call("snapshot", json!({ "tab_id": second["tab_id"] }));
    assert!(
        shown["snapshot"]
            .as_str()
            .is_some_and(|text| text.contains("Endless")),
        "{shown}"
    );
    test.finish();
}

#[test]
fn a_screenshot_of_the_whole_page_is_larger_than_that_of_the_window() {
    let (_site, test, mut agent) = on_page("/long");
    let window = agent.call("screenshot", json!({}));
    let whole = agent.call("screenshot", json!({ "full_page": true }));
    assert_eq!(window["mime_type"], "image/png");
    let height = |shot: &Value| shot["height"].as_u64().expect("a height");
    assert!(
        2 * height(&window) < height(&whole),
        "{} and {}",
        height(&window),
        height(&whole)
    );
    test.finish();
}

#[test]
fn a_noisy_page_is_still_driven() {
    let (_site, test, mut agent) = on_page("/noise");
    for n in 0..50 {
        assert_eq!(agent.evaluate(&format!("{n} + 1")), n + 1);
    }
    agent.expect_text("Noise");
    test.finish();
}
