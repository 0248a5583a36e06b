//! Commands that drive a page.

use std::io::Read as _;
use std::path::Path;

use base::Code;
use serde_json::Value;

use super::call::Call;
use crate::arguments::{Click, Common, Dialog, Open, Screenshot, Scroll, Snapshot, Tab, Wait};
use crate::failure::Failure;
use crate::print;

/// A script longer than this is no expression.
const LONGEST_SCRIPT: u64 = 16 << 20;

/// The session and the tab that a command is about.
#[derive(Clone, Debug)]
pub struct Place {
    /// The session's id or key.
    pub session: String,
    /// The tab, if one was named.
    pub tab: Option<String>,
}

impl Place {
    /// Returns the place that the command line and the environment name.
    pub fn of(common: &Common, environment: &crate::environment::Environment) -> Self {
        let named = || {
            environment
                .raw("BROWSERD_SESSION")
                .map(|it| it.to_string_lossy().into_owned())
        };
        let session = common
            .session
            .clone()
            .or_else(named)
            .unwrap_or_else(|| "default".to_owned());
        Self {
            session,
            tab: common.tab.clone(),
        }
    }

    /// Returns a call about the session.
    pub fn in_session(&self, operation: &str, show: super::call::Show) -> Call {
        Call::new(operation, show).with("session_id", self.session.as_str())
    }

    /// Returns a call about the tab.
    pub fn in_tab(&self, operation: &str, show: super::call::Show) -> Call {
        self.in_session(operation, show)
            .with("tab_id", self.tab.clone())
    }

    /// Returns a call of `interact`.
    pub fn interact(&self, action: &str, target: Option<&str>) -> Call {
        self.in_tab("interact", print::place)
            .with("action", action)
            .at(target)
    }
}

/// `open`: get or create by key; an id can't be created, so it is resumed and sent there.
pub fn open(place: &Place, open: &Open) -> Result<Call, Failure> {
    if place.session.parse::<base::SessionId>().is_ok() {
        if open.cdp_url.is_some() {
            let what = "--cdp-url is for a new session: give it a key, not an id";
            return Err(Failure::Usage(what.to_owned()));
        }
        return Ok(match &open.url {
            Some(url) => place
                .in_tab("navigate", print::place)
                .with("url", url.as_str()),
            None => place.in_session("resume_session", print::opened),
        });
    }
    let call = Call::new("open_session", print::opened)
        .with("key", place.session.as_str())
        .with("url", open.url.clone())
        .with("profile", open.profile.clone())
        .with("cdp_url", open.cdp_url.clone())
        .with_switch("navigate", open.navigate);
    labelled(call, &open.labels)
}

/// Adds labels to a call, if there are any.
pub fn labelled(call: Call, labels: &[String]) -> Result<Call, Failure> {
    if labels.is_empty() {
        return Ok(call);
    }
    let labels: Result<serde_json::Map<String, Value>, Failure> = labels
        .iter()
        .map(|label| match label.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), Value::from(value))),
            None => Err(Failure::Usage(format!(
                "A label is NAME=VALUE, not `{label}`."
            ))),
        })
        .collect();
    Ok(call.with("labels", labels?))
}

/// Tells a target, if one was given, from the word after it.
pub fn perhaps_target(words: &[String]) -> (Option<&str>, &str) {
    match words {
        [target, word] => (Some(target), word),
        [word] => (None, word),
        // The command line takes one or two.
        _ => (None, ""),
    }
}

/// `snapshot`.
pub fn snapshot(place: &Place, snapshot: &Snapshot) -> Call {
    place
        .in_tab("snapshot", print::snapshot)
        .with_switch("interactive_only", snapshot.interactive)
        .with("max_depth", snapshot.depth)
        .with("selector", snapshot.selector.clone())
        .with("max_bytes", snapshot.max_bytes)
}

/// `click`.
pub fn click(place: &Place, click: &Click) -> Call {
    let action = match (click.double, click.right) {
        (true, _) => "dblclick",
        (false, true) => "rightclick",
        (false, false) => "click",
    };
    let call = place.interact(action, Some(&click.target));
    if click.modifiers.is_empty() {
        call
    } else {
        call.with("modifiers", click.modifiers.clone())
    }
}

/// `scroll`.
pub fn scroll(place: &Place, scroll: &Scroll) -> Call {
    place
        .interact("scroll", scroll.target.as_deref())
        .with("dy", scroll.down)
        .with("dx", scroll.right)
}

/// `wait`.
pub fn wait(place: &Place, wait: &Wait, common: &Common) -> Call {
    let limit = common
        .timeout
        .map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
    let selector = wait.selector.clone().or_else(|| wait.hidden.clone());
    place
        .in_tab("wait_for", print::place)
        .with("ms", wait.ms)
        .with("text", wait.text.clone())
        .with("url", wait.url.clone())
        .with("selector", selector)
        .with_switch("hidden", wait.hidden.is_some())
        .with("load", wait.load.clone())
        .with("function", wait.function.clone())
        .with("timeout_ms", limit)
}

/// `eval`.
pub fn eval(place: &Place, expression: &str) -> Result<Call, Failure> {
    let expression = if expression == "-" {
        let mut text = String::new();
        let read = std::io::stdin()
            .lock()
            .take(LONGEST_SCRIPT)
            .read_to_string(&mut text);
        read.map_err(|err| Failure::io("The expression can't be read", &err))?;
        text
    } else {
        expression.to_owned()
    };
    Ok(place
        .in_tab("evaluate", print::evaluated)
        .with("expression", expression))
}

/// `text`.
pub fn text(place: &Place, html: bool) -> Call {
    place
        .in_tab("get_content", print::content)
        .with("format", if html { "html" } else { "text" })
}

/// `screenshot`: the format is the file's, unless it is said.
pub fn screenshot(place: &Place, shot: &Screenshot) -> Result<Call, Failure> {
    let by_name = match extension(shot.file.as_deref()).as_str() {
        "" | "png" => None,
        "jpg" | "jpeg" => Some("jpeg".to_owned()),
        "webp" => Some("webp".to_owned()),
        other if shot.format.is_none() => {
            let message = format!("A picture can't be written as `{other}`.");
            return Err(Failure::new(Code::InvalidArgument, message)
                .hint("Name the file .png, .jpg or .webp, or say --format."));
        }
        _ => None,
    };
    Ok(place
        .in_tab("screenshot", |_| Ok(()))
        .at(shot.target.as_deref())
        .with_switch("full_page", shot.full_page)
        .with("format", shot.format.clone().or(by_name))
        .with("quality", shot.quality))
}

fn extension(file: Option<&Path>) -> String {
    let extension = file.and_then(Path::extension).unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// `tab`.
pub fn tab(place: &Place, tab: &Tab) -> Call {
    match tab {
        Tab::New { url } => place
            .in_session("new_tab", print::place)
            .with("url", url.clone()),
        Tab::Close { which } => place
            .in_session("close_tab", print::done)
            .with("tab_id", which.clone().or_else(|| place.tab.clone())),
        Tab::Activate { which } => place
            .in_session("activate_tab", print::place)
            .with("tab_id", which.as_str()),
    }
}

/// `dialog`.
pub fn dialog(place: &Place, dialog: &Dialog) -> Call {
    let call = place.in_tab("handle_dialog", print::done);
    match dialog {
        Dialog::Accept { text } => call.with("accept", true).with("text", text.clone()),
        Dialog::Dismiss => call.with("accept", false),
    }
}
