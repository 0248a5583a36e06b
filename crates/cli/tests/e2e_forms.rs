//! What was typed comes back after the browser died; what is secret doesn't.

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

/// Fills every kind of field as a hand would leave it: by the setters the page has patched away.
const TYPE: &str = "
    const own = document.querySelector('#near').contentWindow;
    const raw = Object.getOwnPropertyDescriptor(own.HTMLInputElement.prototype, 'value').set;
    const put = (node, value) => raw.call(node, value);
    const by = id => document.getElementById(id);
    put(by('text'), 'typed');
    put(document.querySelector('[placeholder=two]'), 'second');
    by('area').value = 'written';
    for (const option of by('many').options) option.selected = option.value !== 'b';
    by('box').checked = false;
    document.querySelector('[name=r][value=y]').checked = true;
    put(by('range'), '7'); put(by('date'), '2026-02-03'); put(by('color'), '#102030');
    put(by('hidden-word'), 'hunter22'); by('hidden-word').type = 'text';
    put(by('number'), '4111111111111111'); put(by('code'), '123456');
    put(by('host').shadowRoot.firstChild, 'deep down');
    put(own.document.querySelector('#inner'), 'inside');
    put(by('rendered'), 'late');
    by('note').innerHTML = 'typed <b>bold</b><div>below</div>';
    by('note').dispatchEvent(new InputEvent('input', { bubbles: true }));
    by('pane').scrollTop = 123;
    by('area').focus(); by('area').setSelectionRange(2, 4);
";

const READ: &str = "(() => {
    const own = document.querySelector('#near').contentWindow;
    const raw = Object.getOwnPropertyDescriptor(own.HTMLInputElement.prototype, 'value').get;
    const by = id => document.getElementById(id);
    return {
        kept: [by('text'), document.querySelector('[placeholder=one]'), document.querySelector('[placeholder=two]'),
            by('range'), by('date'), by('color'), by('host').shadowRoot.firstChild,
            own.document.querySelector('#inner'), by('rendered')].map(node => raw.call(node)),
        area: by('area').value, many: [...by('many').selectedOptions].map(option => option.value),
        box: by('box').checked, radio: document.querySelector('[name=r][value=y]').checked,
        secrets: [by('hidden-word'), by('number'), by('code')].map(node => raw.call(node)),
        focus: [document.activeElement.id, by('area').selectionStart, by('area').selectionEnd],
        edited: [by('note').innerHTML, by('other').innerHTML], pane: by('pane').scrollTop,
        noticed: ['text', 'area', 'note'].every(id => seen.includes(id)),
    };
})()";

#[test]
fn what_was_typed_comes_back_into_the_same_fields_and_secrets_do_not() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/fields"));
    agent.call("wait_for", json!({ "selector": "#rendered" }));
    agent.evaluate(TYPE);
    agent.settle();

    test.fault(Do::KillBrowser);

    let answer = agent.notice();
    let recovered = &answer["recovered"];
    let words = |list: &str| recovered[list].as_array().cloned().unwrap_or_default();
    assert_eq!(
        agent.evaluate(READ),
        json!({
            "kept": ["typed", "", "second", "7", "2026-02-03", "#102030", "deep down", "inside", "late"],
            "area": "written", "many": ["a", "c"], "box": false, "radio": true,
            "secrets": ["", "", ""],
            "focus": ["area", 2, 4],
            "edited": ["typed <b>bold</b><div>below</div>", "not touched"], "pane": 123,
            "noticed": true,
        }),
        "{recovered}"
    );
    assert!(
        words("restored").contains(&json!("form_values")),
        "{recovered}"
    );
    assert!(words("restored").contains(&json!("focus")), "{recovered}");
    assert!(words("restored").contains(&json!("scroll")), "{recovered}");
    assert!(
        words("lost").contains(&json!("password_fields")),
        "{recovered}"
    );
    assert!(
        !words("lost").contains(&Value::from("form_values")),
        "{recovered}"
    );
    test.finish();
}

#[test]
fn what_was_typed_before_a_dialog_came_up_is_kept_though_the_page_is_held() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    agent.evaluate("document.querySelector('#notes').oninput = () => alert('held'); 0");
    agent.settle();
    let before = agent.checkpoint();
    let fill = json!({ "action": "fill", "selector": "#notes", "text": "typed before" });
    let held = agent.attempt("interact", fill);
    assert!(held.is_err(), "the dialog holds it: {held:?}");
    agent.wait_checkpoint(before.as_deref());
    test.fault(Do::KillBrowser);
    // Until its death is heard of, the dialog is what the page is known by.
    let back = process::until(SOON, || agent.attempt("snapshot", json!({})).is_ok());
    assert!(back, "the session does not come back");
    let notes = agent.evaluate("document.querySelector('#notes').value");
    assert_eq!(notes, "typed before");
    test.finish();
}
