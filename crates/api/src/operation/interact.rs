//! `interact`: one action on a page, with real input.
//!
//! The action is a tag and its arguments stand beside it, so that all actions cost one
//! schema. Which arguments an action needs is checked where it is carried out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Target, View};

/// Arguments of `interact`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Interact {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// What to do
    pub action: ActionName,
    /// The element, where the action has one
    #[serde(flatten)]
    pub target: Target,
    /// fill, type: what to enter; wait: until shown; else the element's text
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// select: value or label; fill: same as text
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// select: several
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// select: place in the list, from 0; also several
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<Vec<u32>>,
    /// drag: ref or CSS selector to drop on; else by dx, dy. Also `text=…`, `label=…`, `xpath=…`, `test_id=…`, `placeholder=…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// upload: paths on browserd's machine
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    /// click, hover, drag: where on the element, from its upper left corner
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// click: how many in a row, up to 3
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u8>,
    /// type: pause after each key
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// press: Enter, Control+A, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// goto: where to; wait: substring or pattern
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// scroll, drag: pixels to the right
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dx: Option<f64>,
    /// scroll, drag: pixels down
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dy: Option<f64>,
    /// click: left, right or middle
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button: Option<String>,
    /// click: Alt, Control, Meta, Shift
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modifiers: Option<Vec<String>>,
    /// wait: time, or the limit of its condition
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// wait: load state
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<String>,
    /// wait: JS that becomes truthy
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// wait, with selector: until it is hidden
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Return one after it: diff or full
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// wait, with an element: visible, hidden, attached or detached
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// A place on an element, in CSS pixels from its upper left corner.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// To the right
    pub x: f64,
    /// Downwards
    pub y: f64,
}

/// What can be done to a page.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActionName {
    /// Click an element.
    #[default]
    Click,
    /// Click it twice.
    #[serde(alias = "double_click", alias = "doubleclick")]
    Dblclick,
    /// Click it with the right button.
    #[serde(alias = "right_click", alias = "right-click")]
    Rightclick,
    /// Clear a field and enter text.
    Fill,
    /// Type text where the focus is, or into an element.
    #[serde(alias = "type_text")]
    Type,
    /// Press a key or a chord.
    Press,
    /// Choose options of a select.
    Select,
    /// Tick a box.
    Check,
    /// Untick it.
    Uncheck,
    /// Move the pointer over an element.
    Hover,
    /// Give an element the focus.
    Focus,
    /// Scroll the page or an element.
    Scroll,
    /// Go back in the history.
    Back,
    /// Go forward in the history.
    Forward,
    /// Load the page again.
    Reload,
    /// Wait, as `wait_for` does.
    Wait,
    /// Go to a URL.
    Goto,
    /// Drag an element onto another one or by a distance.
    #[serde(alias = "drag_and_drop", alias = "drag_to")]
    Drag,
    /// Put files into a field or a file chooser.
    #[serde(alias = "upload_file", alias = "file_upload")]
    Upload,
}

impl Operation for Interact {
    const NAME: &'static str = "interact";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Does one action with real input; waits until the element is ready. \
        Name the element by ref, selector, xpath, label, role + name, or text.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/interact");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "action": "click", "ref": "@e1"}"#,
        r#"{"session_id": "shop:1", "action": "fill", "ref": "e2", "text": "ada"}"#,
        r#"{"session_id": "shop:1", "action": "click", "role": "button", "name": "Log in"}"#,
        r#"{"session_id": "shop:1", "action": "press", "key": "Control+A"}"#,
        r#"{"session_id": "shop:1", "action": "scroll", "dy": 600}"#,
        r#"{"session_id": "shop:1", "action": "drag", "ref": "@e4", "to": "@e9"}"#,
        r#"{"session_id": "shop:1", "action": "upload", "ref": "@e5", "files": ["/tmp/invoice.pdf"]}"#,
        r#"{"session_id": "shop:1", "action": "wait", "text": "Welcome"}"#,
        r#"{"session_id": "shop:1", "action": "click", "ref": "@e1", "snapshot": "diff"}"#,
    ];
    const LATER: &'static [&'static str] = &["force"];
    const UNLISTED: &'static [&'static str] = &[
        "placeholder",
        "test_id",
        "nth",
        "index",
        "position",
        "count",
        "delay_ms",
        "state",
    ];
    type Output = InTab<Interacted>;
}

/// Where the page was after the action.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Interacted {
    /// The page's URL.
    pub url: String,
    /// The page's title.
    pub title: String,
    /// The page after it, if `snapshot` asked for that.
    #[serde(flatten)]
    pub view: View,
}
