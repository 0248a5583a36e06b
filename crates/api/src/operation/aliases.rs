//! Names people already know, callable everywhere and listed nowhere.

use serde_json::{Map, Value};

/// Another name of an operation, or of one of its actions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alias {
    /// The operation meant.
    pub operation: &'static str,
    /// The `action` that is meant by the name, for `interact`.
    pub action: Option<&'static str>,
}

/// Returns what a name is another name of.
#[must_use]
pub fn alias(name: &str) -> Option<Alias> {
    let plain = |operation| Alias {
        operation,
        action: None,
    };
    let action = |action| Alias {
        operation: "interact",
        action: Some(action),
    };
    Some(match name {
        "session_resume" => plain("resume_session"),
        "session_close" => plain("close_session"),
        "session_list" => plain("list_sessions"),
        "switch_tab" => plain("activate_tab"),
        "click" => action("click"),
        "dblclick" => action("dblclick"),
        "fill" => action("fill"),
        "type" | "type_text" => action("type"),
        "press" | "press_key" => action("press"),
        "select" | "select_option" => action("select"),
        "check" => action("check"),
        "uncheck" => action("uncheck"),
        "hover" => action("hover"),
        "focus" => action("focus"),
        "scroll" => action("scroll"),
        "back" => action("back"),
        "forward" => action("forward"),
        "reload" => action("reload"),
        "drag" | "drag_and_drop" => action("drag"),
        "upload" | "upload_file" => action("upload"),
        _ => return None,
    })
}

impl Alias {
    /// Adds to the arguments what the name said.
    pub fn complete(self, arguments: &mut Map<String, Value>) {
        if let Some(action) = self.action {
            arguments.insert("action".to_owned(), Value::from(action));
        }
    }
}
