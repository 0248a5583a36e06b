//! What flat arguments come to.

use super::*;
use serde_json::{Value, json};

fn read(arguments: Value) -> Result<Action, ApiError> {
    let mut whole = json!({"session_id": "a"});
    whole
        .as_object_mut()
        .unwrap()
        .extend(arguments.as_object().unwrap().clone());
    let (_, plain) = api::arguments::resolve("interact", whole).unwrap();
    action(api::arguments::parse(plain)?).map(|(action, _)| action)
}

fn check(arguments: Value, expect: &str) {
    assert_eq!(format!("{:?}", read(arguments).unwrap()), expect);
}

fn refused(arguments: Value, told: &str) {
    let err = read(arguments).unwrap_err();
    assert!(err.message.contains(told), "{err} should say {told}");
}

#[test]
fn elements_are_named_in_one_way() {
    check(
        json!({"action": "hover", "ref": "@e3"}),
        "Hover { target: Ref(3), at: None }",
    );
    check(
        json!({"action": "check", "selector": "#a"}),
        r##"Check { target: Css("#a") }"##,
    );
    check(
        json!({"action": "focus", "label": "Name"}),
        r#"Focus { target: Label("Name") }"#,
    );
    check(
        json!({"action": "hover", "text": "Buy"}),
        r#"Hover { target: Text("Buy"), at: None }"#,
    );
    check(
        json!({"action": "hover", "role": "button", "name": "Buy"}),
        r#"Hover { target: Role { role: "button", name: Some("Buy") }, at: None }"#,
    );
    check(
        json!({"action": "check", "placeholder": "Search", "nth": "-1"}),
        r#"Check { target: Nth(Placeholder("Search"), -1) }"#,
    );
    check(
        json!({"action": "check", "test_id": "buy"}),
        r#"Check { target: TestId("buy") }"#,
    );
    refused(json!({"action": "check", "ref": "e3", "nth": 0}), "`nth`");
    refused(json!({"action": "check", "nth": 0}), "`nth`");
    refused(
        json!({"action": "hover", "ref": "e3", "selector": "a"}),
        "more than one way",
    );
    refused(json!({"action": "hover", "name": "Buy"}), "`role`");
    refused(json!({"action": "click"}), "needs an element");
    refused(json!({"action": "click", "ref": "x3"}), "`ref`");
}

#[test]
fn text_is_what_to_enter_where_there_is_something_to_enter() {
    let fill = |arguments| match read(arguments).unwrap() {
        Action::Fill { target, text } => (format!("{target:?}"), text.into_exposed()),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        fill(json!({"action": "fill", "ref": "e1", "text": "x"})),
        ("Ref(1)".into(), "x".into())
    );
    assert_eq!(
        fill(json!({"action": "fill", "ref": "e1", "value": "x"})),
        ("Ref(1)".into(), "x".into())
    );
    let both = fill(json!({"action": "fill", "text": "Name", "value": "x"}));
    assert_eq!(both, (r#"Text("Name")"#.into(), "x".into()));
    refused(json!({"action": "fill", "ref": "e1"}), "`text` is missing");
    refused(json!({"action": "press", "ref": "e1"}), "`key` is missing");
}

#[test]
fn what_means_nothing_to_an_action_is_refused() {
    refused(
        json!({"action": "back", "ref": "e1"}),
        "`ref` means nothing to the action back",
    );
    refused(
        json!({"action": "click", "ref": "e1", "dy": 3}),
        "`dy` means nothing",
    );
    refused(json!({"action": "drag", "ref": "e1"}), "`to` is missing");
}

#[test]
fn clicks_have_buttons_counts_and_modifiers() {
    let held = "Modifiers { alt: false, control: true, meta: false, shift: true }";
    check(
        json!({"action": "dblclick", "ref": "e1", "modifiers": ["Ctrl", "Shift"]}),
        &format!("Click {{ target: Ref(1), button: Left, count: 2, modifiers: {held}, at: None }}"),
    );
    let right = read(json!({"action": "right_click", "ref": "e1"})).unwrap();
    assert!(
        matches!(
            right,
            Action::Click {
                button: Button::Right,
                count: 1,
                ..
            }
        ),
        "{right:?}"
    );
    refused(
        json!({"action": "click", "ref": "e1", "button": "top"}),
        "`button`",
    );
}

#[test]
fn a_wait_has_one_condition_and_ms_beside_it_is_its_limit() {
    let read = |arguments: Value| {
        let mut whole = json!({"session_id": "a"});
        whole
            .as_object_mut()
            .unwrap()
            .extend(arguments.as_object().unwrap().clone());
        let (_, plain) = api::arguments::resolve("wait_for", whole).unwrap();
        wait(api::arguments::parse(plain).unwrap())
    };
    let second = Duration::from_secs(1);
    assert_eq!(
        read(json!({"ms": 1000})).unwrap(),
        (Wait::Time(second), None)
    );
    let text = || Wait::Text("x".into());
    assert_eq!(
        read(json!({"text": "x", "ms": 1000})).unwrap(),
        (text(), Some(second))
    );
    assert_eq!(
        read(json!({"text": "x", "timeout_ms": 1000})).unwrap(),
        (text(), Some(second))
    );
    let hidden = Wait::Element {
        target: Locator::Css("#a".into()),
        state: ElementState::Hidden,
    };
    assert_eq!(
        read(json!({"selector": "#a", "hidden": true})).unwrap(),
        (hidden, None)
    );
    for wrong in [
        json!({}),
        json!({"text": "x", "url": "y"}),
        json!({"hidden": true, "ms": 1}),
        json!({"load": "x"}),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn a_drag_ends_on_an_element_or_after_a_distance() {
    let none = "at: None";
    check(
        json!({"action": "drag", "ref": "e1", "to": "@e2"}),
        &format!("Drag {{ target: Ref(1), {none}, to: Some(Ref(2)), dx: 0.0, dy: 0.0 }}"),
    );
    check(
        json!({"action": "drag", "ref": "e1", "to": "text=Basket", "dy": 5}),
        &format!(
            r#"Drag {{ target: Ref(1), {none}, to: Some(Text("Basket")), dx: 0.0, dy: 5.0 }}"#
        ),
    );
    check(
        json!({"action": "drag_and_drop", "ref": "e1", "to": "a[href='x=y']"}),
        &format!(
            r#"Drag {{ target: Ref(1), {none}, to: Some(Css("a[href='x=y']")), dx: 0.0, dy: 0.0 }}"#
        ),
    );
    check(
        json!({"action": "drag", "ref": "e1", "dx": -9, "position": {"x": 1, "y": 2}}),
        "Drag { target: Ref(1), at: Some(Place { x: 1.0, y: 2.0 }), to: None, dx: -9.0, dy: 0.0 }",
    );
    refused(json!({"action": "drag", "ref": "e1", "to": " "}), "empty");
    refused(json!({"action": "click", "ref": "e1", "to": "@e2"}), "`to`");
}

#[test]
fn options_are_named_or_counted_and_files_are_paths() {
    check(
        json!({"action": "select", "ref": "e1", "values": ["a", "b"]}),
        r#"Select { target: Ref(1), values: [Named("a"), Named("b")] }"#,
    );
    check(
        json!({"action": "select", "ref": "e1", "index": [0, 2]}),
        "Select { target: Ref(1), values: [Index(0), Index(2)] }",
    );
    check(
        json!({"action": "select", "ref": "e1", "index": 1}),
        "Select { target: Ref(1), values: [Index(1)] }",
    );
    check(
        json!({"action": "select", "ref": "e1", "index": ["1", 2]}),
        "Select { target: Ref(1), values: [Index(1), Index(2)] }",
    );
    refused(
        json!({"action": "select", "ref": "e1", "index": 1, "value": "a"}),
        "give one",
    );
    check(
        json!({"action": "upload", "selector": "#f", "files": "/a/b"}),
        r##"Upload { target: Css("#f"), files: ["/a/b"] }"##,
    );
    refused(json!({"action": "upload", "ref": "e1"}), "`files`");
}
