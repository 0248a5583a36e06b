//! From the flat arguments of `interact` and `wait_for` to what a page does.
//!
//! An argument that the action has no use for is refused: the caller meant something by it.

use std::time::Duration;

use api::{ActionName, ApiError, Interact, Target, WaitFor};
use session::page::{Action, Button, LoadState, Locator, Modifiers, Wait};

/// The arguments that name an element.
const ELEMENT: [&str; 6] = ["ref", "selector", "xpath", "role", "name", "label"];

/// Returns the action that the arguments describe, and the limit of a wait.
pub(super) fn action(input: Interact) -> Result<(Action, Option<Duration>), ApiError> {
    refuse_unused(&input)?;
    let mut limit = None;
    let name = input.action;
    let action = match name {
        ActionName::Click => click(input, 1, None)?,
        ActionName::Dblclick => click(input, 2, None)?,
        ActionName::Rightclick => click(input, 1, Some(Button::Right))?,
        ActionName::Fill => {
            // With both given, `value` is what to enter and `text` is where.
            let (text, place) = match (input.value, input.text) {
                (Some(value), place) => (value, place),
                (None, Some(text)) => (text, None),
                (None, None) => return Err(missing("text", name)),
            };
            let target = locator(&input.target, place)?.ok_or_else(|| no_element(name))?;
            Action::Fill {
                target,
                text: text.into(),
            }
        }
        ActionName::Type => {
            let text = input
                .text
                .or(input.value)
                .ok_or_else(|| missing("text", name))?;
            Action::Type {
                target: locator(&input.target, None)?,
                text: text.into(),
            }
        }
        ActionName::Press => {
            let keys = input.key.ok_or_else(|| missing("key", name))?;
            Action::Press {
                target: locator(&input.target, input.text)?,
                keys,
            }
        }
        ActionName::Select => {
            let one = input.value.map(|value| vec![value]);
            let values = input.values.or(one).ok_or_else(|| missing("value", name))?;
            let target = locator(&input.target, input.text)?.ok_or_else(|| no_element(name))?;
            Action::Select { target, values }
        }
        ActionName::Check => Action::Check {
            target: element(input)?,
        },
        ActionName::Uncheck => Action::Uncheck {
            target: element(input)?,
        },
        ActionName::Hover => Action::Hover {
            target: element(input)?,
        },
        ActionName::Focus => Action::Focus {
            target: element(input)?,
        },
        ActionName::Scroll => {
            let target = locator(&input.target, input.text)?;
            if target.is_none() && input.dx.is_none() && input.dy.is_none() {
                return Err(missing("dy", name));
            }
            let (dx, dy) = (input.dx.unwrap_or(0.0), input.dy.unwrap_or(0.0));
            Action::Scroll { target, dx, dy }
        }
        ActionName::Back => Action::Back,
        ActionName::Forward => Action::Forward,
        ActionName::Reload => Action::Reload,
        ActionName::Goto => Action::Goto {
            url: input.url.ok_or_else(|| missing("url", name))?,
        },
        ActionName::Wait => {
            let condition = Condition {
                selector: input.target.selector,
                hidden: input.hidden,
                text: input.text,
                url: input.url,
                load: input.load,
                function: input.function,
                ms: input.ms,
            };
            let (wait, asked) = condition.read()?;
            limit = asked;
            Action::Wait(wait)
        }
        ActionName::Drag | ActionName::Upload => {
            return Err(ApiError::not_available(format_args!(
                "the action `{}`",
                word(name)
            )));
        }
    };
    Ok((action, limit))
}

/// Returns what to wait for and for how long at the most.
pub(super) fn wait(input: WaitFor) -> Result<(Wait, Option<Duration>), ApiError> {
    let own = input.timeout_ms.map(Duration::from_millis);
    let condition = Condition {
        selector: input.selector,
        hidden: input.hidden,
        text: input.text,
        url: input.url,
        load: input.load,
        function: input.function,
        ms: input.ms,
    };
    let (wait, asked) = condition.read()?;
    Ok((wait, own.or(asked)))
}

/// Returns the element that the arguments name, if they name one.
pub(super) fn locator(target: &Target, text: Option<String>) -> Result<Option<Locator>, ApiError> {
    if target.name.is_some() && target.role.is_none() {
        return Err(ApiError::invalid("`name` needs a `role` beside it"));
    }
    let role = target.role.clone().map(|role| Locator::Role {
        role,
        name: target.name.clone(),
    });
    let ways = [
        target.ref_number()?.map(Locator::Ref),
        target.selector.clone().map(Locator::Css),
        target.xpath.clone().map(Locator::XPath),
        role,
        target.label.clone().map(Locator::Label),
        text.map(Locator::Text),
    ];
    let mut ways = ways.into_iter().flatten();
    match (ways.next(), ways.next()) {
        (way, None) => Ok(way),
        _ => Err(
            ApiError::invalid("the element is named in more than one way")
                .hint("Give one of ref, selector, xpath, label, role (with name) and text."),
        ),
    }
}

fn click(input: Interact, count: u8, fixed: Option<Button>) -> Result<Action, ApiError> {
    let button = match (fixed, input.button.as_deref()) {
        (Some(button), _) => button,
        (None, None | Some("left")) => Button::Left,
        (None, Some("right")) => Button::Right,
        (None, Some("middle")) => Button::Middle,
        (None, Some(_)) => return Err(ApiError::invalid("`button` is left, right or middle")),
    };
    let modifiers = modifiers(input.modifiers.as_deref().unwrap_or_default())?;
    Ok(Action::Click {
        target: element(input)?,
        button,
        count,
        modifiers,
    })
}

fn modifiers(names: &[String]) -> Result<Modifiers, ApiError> {
    let mut held = Modifiers::default();
    for name in names {
        match name.to_ascii_lowercase().as_str() {
            "alt" => held.alt = true,
            "control" | "ctrl" | "controlormeta" => held.control = true,
            "meta" | "command" | "cmd" => held.meta = true,
            "shift" => held.shift = true,
            _ => {
                return Err(ApiError::invalid(
                    "`modifiers` are Alt, Control, Meta and Shift",
                ));
            }
        }
    }
    Ok(held)
}

fn element(input: Interact) -> Result<Locator, ApiError> {
    locator(&input.target, input.text)?.ok_or_else(|| no_element(input.action))
}

struct Condition {
    selector: Option<String>,
    hidden: Option<bool>,
    text: Option<String>,
    url: Option<String>,
    load: Option<String>,
    function: Option<String>,
    ms: Option<u64>,
}

impl Condition {
    /// Returns the one condition, and its limit where `ms` stands beside it.
    fn read(self) -> Result<(Wait, Option<Duration>), ApiError> {
        let hidden = self.hidden.unwrap_or(false);
        if hidden && self.selector.is_none() {
            return Err(ApiError::invalid("`hidden` needs a `selector` beside it"));
        }
        let load = self.load.as_deref().map(load_state).transpose()?;
        let ways = [
            self.selector.map(|css| Wait::Selector { css, hidden }),
            self.text.map(Wait::Text),
            self.url.map(Wait::Url),
            load.map(Wait::Load),
            self.function.map(Wait::Function),
        ];
        let time = self.ms.map(Duration::from_millis);
        let mut ways = ways.into_iter().flatten();
        match (ways.next(), ways.next(), time) {
            (Some(way), None, limit) => Ok((way, limit)),
            (None, _, Some(time)) => Ok((Wait::Time(time), None)),
            (None, _, None) => Err(ApiError::invalid(
                "nothing to wait for: give selector, text, url, load, function or ms",
            )),
            (Some(_), Some(_), _) => Err(ApiError::invalid(
                "more than one condition: wait for them one after another",
            )),
        }
    }
}

fn load_state(text: &str) -> Result<LoadState, ApiError> {
    match text.to_ascii_lowercase().replace(['_', '-'], "").as_str() {
        "load" => Ok(LoadState::Load),
        "domcontentloaded" => Ok(LoadState::DomContentLoaded),
        "networkidle" => Ok(LoadState::NetworkIdle),
        _ => Err(ApiError::invalid(
            "`load` is load, domcontentloaded or networkidle",
        )),
    }
}

fn refuse_unused(input: &Interact) -> Result<(), ApiError> {
    let own: &[&str] = match input.action {
        ActionName::Click => &["button", "modifiers", "text"],
        ActionName::Dblclick | ActionName::Rightclick => &["modifiers", "text"],
        ActionName::Fill | ActionName::Type => &["text", "value"],
        ActionName::Press => &["key", "text"],
        ActionName::Select => &["value", "values", "text"],
        ActionName::Check | ActionName::Uncheck | ActionName::Hover | ActionName::Focus => {
            &["text"]
        }
        ActionName::Scroll => &["dx", "dy", "text"],
        ActionName::Back | ActionName::Forward | ActionName::Reload => &[],
        ActionName::Goto => &["url"],
        ActionName::Wait => &[
            "selector", "hidden", "text", "url", "load", "function", "ms",
        ],
        ActionName::Drag | ActionName::Upload => return Ok(()),
    };
    let has_element = !matches!(
        input.action,
        ActionName::Back
            | ActionName::Forward
            | ActionName::Reload
            | ActionName::Goto
            | ActionName::Wait
    );
    let given = serde_json::to_value(input).unwrap_or_default();
    let given = given
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str());
    let unused = given
        .filter(|name| !["session_id", "tab_id", "action", "snapshot"].contains(name))
        .find(|name| !(own.contains(name) || has_element && ELEMENT.contains(name)));
    match unused {
        Some(name) => {
            let action = word(input.action);
            Err(ApiError::invalid(format!(
                "`{name}` means nothing to the action {action}"
            )))
        }
        None => Ok(()),
    }
}

fn missing(argument: &str, action: ActionName) -> ApiError {
    ApiError::invalid(format!(
        "`{argument}` is missing: the action {} needs it",
        word(action)
    ))
}

fn no_element(action: ActionName) -> ApiError {
    ApiError::invalid(format!("the action {} needs an element", word(action)))
        .hint("Give ref, selector, xpath, label, role (with name) or text.")
}

fn word(action: ActionName) -> String {
    let word = serde_json::to_value(action).unwrap_or_default();
    word.as_str().unwrap_or("interact").to_owned()
}

#[cfg(test)]
mod tests;
