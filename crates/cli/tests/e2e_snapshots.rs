//! Snapshots through the doors: what changed, the page in an action's answer, several steps in
//! one call, and frames of other sites.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Harness, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

fn text(answer: &Value) -> &str {
    answer["snapshot"]
        .as_str()
        .unwrap_or_else(|| panic!("no snapshot: {answer}"))
}

#[test]
fn an_action_tells_what_it_changed_in_a_twentieth_of_the_page() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/controls"));
    agent.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<section aria-label=Cart><button id=add>Add</button></section>');
         let n = 0; add.onclick = () => { add.textContent = 'Add more';
           add.insertAdjacentHTML('beforebegin', `<p>Item ${++n} <button>Remove</button></p>`) }",
    );
    let first = agent.call("snapshot", json!({}));
    let (whole, number) = (text(&first).to_owned(), &first["snapshot_id"]);
    assert!(first["since"].is_null() && number.is_u64(), "{first}");
    let nothing = agent.call("snapshot", json!({ "diff": true }));
    assert_eq!((text(&nothing), &nothing["since"]), ("", number));

    let add = agent.find("button \"Add\"");
    let click = json!({ "action": "click", "ref": add, "snapshot": "diff" });
    let clicked = agent.call("interact", click);
    let told = text(&clicked);
    assert!(
        told.len() * 20 <= whole.len(),
        "{} of {} bytes: {told}",
        told.len(),
        whole.len()
    );
    for line in [
        "in region \"Cart\"",
        "+ text \"Item 1\"",
        "+ button \"Remove\" @e",
        "~ button \"Add more\" @e",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(clicked["untrusted"].to_string().contains("snapshot"));
    let since = agent.call("snapshot", json!({ "since": number }));
    assert_eq!(text(&since), told, "against one that is not the last");

    // What is gone is told by its outermost line; a marked one is new to everybody.
    agent.evaluate("add.parentNode.remove(); document.body.append(Object.assign(document.createElement('button'), { textContent: 'Late' })); 0");
    let gone = agent.call("snapshot", json!({ "diff": true }));
    assert_eq!(text(&gone).matches("- ").count(), 1, "{gone}");
    let late = agent.call("snapshot", json!({}));
    assert!(!text(&late).contains("[new]"), "the diff has shown it");
    agent.evaluate("document.body.append(Object.assign(document.createElement('button'), { textContent: 'Later' })); 0");
    let later = agent.snapshot();
    let line = later.lines().last().expect("a line");
    assert!(
        line.contains("\"Later\"") && line.ends_with("[new]"),
        "{line}"
    );

    // A snapshot that is not kept any more is answered with all there is, and so is another page.
    for _ in 0..8 {
        agent.snapshot();
    }
    let old = agent.call("snapshot", json!({ "since": number }));
    assert!(old["since"].is_null() && text(&old).len() > 1000, "{old}");
    let there = json!({ "url": site.url("/form"), "snapshot": "diff" });
    let there = agent.call("navigate", there);
    assert!(there["since"].is_null() && text(&there).contains("textbox"));
    let wrong = json!({ "diff": true, "interactive_only": true });
    assert_eq!(agent.refused("snapshot", wrong).code(), "invalid_argument");
    let wrong = json!({ "action": "click", "ref": "@e1", "snapshot": "all" });
    assert_eq!(agent.refused("interact", wrong).code(), "invalid_argument");
    test.finish();
}

#[test]
fn a_batch_stops_at_its_first_error_and_each_step_is_a_call_of_its_own() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/controls"));
    agent.evaluate("window.n = 0; document.body.innerHTML = '<input aria-label=Name><button onclick=\"n++; document.title = n\">Go</button>'; 0");
    agent.snapshot();
    let steps = json!([
        { "operation": "interact", "action": "fill", "label": "Name", "text": "ada" },
        { "operation": "click", "selector": "button", "snapshot": "diff" },
        { "operation": "evaluate", "expression": "document.querySelector('input').value" },
    ]);
    let batch = json!({ "steps": steps, "idempotency_key": "one" });
    let done = agent.call("batch", batch.clone());
    assert_eq!((&done["done"], &done["failed"]), (&json!(3), &Value::Null));
    assert_eq!(done["results"][2]["answer"]["value"], "ada");
    assert!(text(&done["results"][1]["answer"]).contains("value=\"ada\""));
    for at in [0, 1, 2] {
        let call = done["results"][at]["call_id"].as_str().expect("an id");
        let known = || {
            let answer = test.http().get(&format!("/v1/calls/{call}"));
            answer.expect("an answer").body["state"] == "done"
        };
        // A call's end is stored behind its answer.
        assert!(process::until(SOON, known), "{call}");
    }
    // Its key is that of all its steps.
    assert_eq!(agent.call("batch", batch), done);
    assert_eq!(agent.evaluate("n"), 1);

    let steps = json!([
        { "operation": "click", "selector": "button" },
        { "operation": "click", "ref": "@e999" },
        { "operation": "click", "selector": "button" },
    ]);
    let stopped = agent.call("batch", json!({ "steps": steps }));
    assert_eq!(
        (&stopped["done"], &stopped["failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(stopped["results"][1]["error"]["code"], "ref_stale");
    assert_eq!(stopped["results"].as_array().expect("a list").len(), 2);
    assert_eq!(agent.evaluate("n"), 2);

    // What can be known to be wrong is known before the first step.
    for wrong in [
        json!([]),
        json!([{ "operation": "click", "selector": "button" }, { "operation": "dance" }]),
        json!([{ "operation": "click", "selector": "button" }, { "action": "click" }]),
        json!([{ "operation": "batch", "steps": [] }]),
        json!([{ "operation": "stop_daemon" }]),
        Value::Array(vec![
            json!({ "operation": "click", "selector": "button" });
            51
        ]),
    ] {
        let refusal = agent.refused("batch", json!({ "steps": wrong }));
        assert_eq!(refusal.code(), "invalid_argument", "{refusal:?}");
    }
    assert_eq!(agent.evaluate("n"), 2);
    test.finish();
}

#[test]
fn frames_of_other_sites_are_read_and_clicked_also_by_the_next_daemon() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/frames"));
    agent.evaluate(&format!(
        "await new Promise(done => {{ const frame = document.createElement('iframe'); frame.title = 'Far';
           frame.src = '{}'; frame.onload = done; document.body.prepend(frame) }}); 0",
        site.other_origin("/controls")
    ));
    let shown = agent.snapshot();
    assert!(
        shown.contains("iframe \"Far\" @e") && !shown.contains("not read"),
        "{shown}"
    );
    let inside = shown
        .lines()
        .find(|line| line.starts_with("  ") && line.contains("button \""));
    let inside = inside.expect("a button in the frame").trim();
    let name = inside.split(" @").next().expect("a name");
    agent.click(name);
    test.fault(Do::KillDaemon);
    agent.door = test.http();
    agent.click(name);
    test.finish();
}
