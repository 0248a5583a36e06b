//! From the flat arguments of `interact` and `wait_for` to what a page does.
//!
//! An argument that the action has no use for is refused: the caller meant something by it.

use std::time::Duration;

use api::{ActionName, ApiError, Interact, Position, Target, WaitFor};
use session::page::{
    Action, Button, Choice, ElementState, LoadState, Locator, Modifiers, Place, Wait,
};

/// The arguments that name an element.
const ELEMENT: [&str; 9] = [
    "ref",
    "selector",
    "xpath",
    "role",
    "name",
    "label",
    "placeholder",
    "test_id",
    "nth",
];

/// Returns the action that the arguments describe, and the limit of a wait.
pub(super) fn action(mut input: Interact) -> Result<(Action, Option<Duration>), ApiError> {
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
                delay: Duration::from_millis(input.delay_ms.unwrap_or(0)),
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
            let named = input.values.or(input.value.map(|value| vec![value]));
            let values = match (named, input.index) {
                (Some(names), None) => names.into_iter().map(Choice::Named).collect(),
                (None, Some(places)) => places.into_iter().map(Choice::Index).collect(),
                (None, None) => return Err(missing("value", name)),
                (Some(_), Some(_)) => {
                    let both = "the options are named by `index` and by `value`: give one of them";
                    return Err(ApiError::invalid(both));
                }
            };
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
            at: place(input.position)?,
            target: element(input)?,
        },
        ActionName::Drag => drag(input)?,
        ActionName::Upload => {
            let files = input.files.take();
            let files = files.ok_or_else(|| missing("files", name))?;
            Action::Upload {
                target: element(input)?,
                files: files.into_iter().map(Into::into).collect(),
            }
        }
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
                target: input.target,
                state: input.state,
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
    };
    Ok((action, limit))
}

/// Returns what to wait for and for how long at the most.
pub(super) fn wait(input: WaitFor) -> Result<(Wait, Option<Duration>), ApiError> {
    let own = input.timeout_ms.map(Duration::from_millis);
    let idle = input.network_idle.unwrap_or(false);
    let condition = Condition {
        target: input.target,
        state: input.state,
        hidden: input.hidden,
        text: input.text,
        url: input.url,
        load: input.load.or(idle.then(|| "networkidle".to_owned())),
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
        target.placeholder.clone().map(Locator::Placeholder),
        target.test_id.clone().map(Locator::TestId),
        text.map(Locator::Text),
    ];
    let mut ways = ways.into_iter().flatten();
    match (ways.next(), ways.next(), target.nth) {
        (Some(Locator::Ref(_)), None, Some(_)) => {
            Err(ApiError::invalid("a ref names one element: `nth` means nothing"))
        }
        (Some(way), None, Some(nth)) => Ok(Some(Locator::Nth(Box::new(way), nth))),
        (None, None, Some(_)) => Err(ApiError::invalid("`nth` needs an element beside it")),
        (way, None, None) => Ok(way),
        (_, Some(_), _) => Err(
            ApiError::invalid("the element is named in more than one way")
                .hint("Give one of ref, selector, xpath, label, placeholder, test_id, role (with name) and text."),
        ),
    }
}

/// Returns the element that a text names, such as `@e3`, `#basket` or `text=Basket`.
fn named(text: &str) -> Result<Locator, ApiError> {
    if let Ok(number) = Locator::parse_ref(text) {
        return Ok(number);
    }
    let (way, rest) = text.split_once('=').unwrap_or(("", text));
    let rest = rest.to_owned();
    Ok(match way {
        "text" => Locator::Text(rest),
        "label" => Locator::Label(rest),
        "placeholder" => Locator::Placeholder(rest),
        "test_id" => Locator::TestId(rest),
        "xpath" => Locator::XPath(rest),
        "css" => Locator::Css(rest),
        _ if text.trim().is_empty() => return Err(ApiError::invalid("`to` is empty")),
        _ => Locator::Css(text.to_owned()),
    })
}

fn place(position: Option<Position>) -> Result<Option<Place>, ApiError> {
    match position {
        Some(Position { x, y }) if !(x.is_finite() && y.is_finite()) => {
            Err(ApiError::invalid("`position`: x and y must be numbers"))
        }
        position => Ok(position.map(|Position { x, y }| Place { x, y })),
    }
}

fn drag(input: Interact) -> Result<Action, ApiError> {
    if input.to.is_none() && input.dx.is_none() && input.dy.is_none() {
        return Err(missing("to", input.action));
    }
    Ok(Action::Drag {
        at: place(input.position)?,
        to: input.to.as_deref().map(named).transpose()?,
        dx: input.dx.unwrap_or(0.0),
        dy: input.dy.unwrap_or(0.0),
        target: element(input)?,
    })
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
        button,
        count: input.count.unwrap_or(count),
        modifiers,
        at: place(input.position)?,
        target: element(input)?,
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
    target: Target,
    state: Option<String>,
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
        let mut text = self.text;
        let element = match locator(&self.target, None)? {
            // A text alone is waited for on the page; with a state it is that of an element.
            None if self.state.is_some() || self.hidden == Some(true) => {
                text.take().map(Locator::Text)
            }
            element => element,
        };
        let state = element_state(self.state.as_deref(), self.hidden)?;
        if state.is_some() && element.is_none() {
            return Err(ApiError::invalid(
                "`hidden` and `state` need an element, such as a `selector`, beside them",
            ));
        }
        let state = state.unwrap_or(ElementState::Visible);
        let load = self.load.as_deref().map(load_state).transpose()?;
        let ways = [
            element.map(|target| Wait::Element { target, state }),
            text.map(Wait::Text),
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
                "nothing to wait for: give an element (selector, ref, …), text, url, load, function or ms",
            )),
            (Some(_), Some(_), _) => Err(ApiError::invalid(
                "more than one condition: wait for them one after another",
            )),
        }
    }
}

fn element_state(
    state: Option<&str>,
    hidden: Option<bool>,
) -> Result<Option<ElementState>, ApiError> {
    let state = match state.map(str::to_ascii_lowercase).as_deref() {
        Some("visible") => ElementState::Visible,
        Some("hidden") => ElementState::Hidden,
        Some("attached") => ElementState::Attached,
        Some("detached") => ElementState::Detached,
        Some(_) => {
            return Err(ApiError::invalid(
                "`state` is visible, hidden, attached or detached",
            ));
        }
        None => {
            return Ok(match hidden {
                Some(true) => Some(ElementState::Hidden),
                _ => None,
            });
        }
    };
    match hidden {
        Some(hidden) if hidden != (state == ElementState::Hidden) => Err(ApiError::invalid(
            "`hidden` and `state` say different things",
        )),
        _ => Ok(Some(state)),
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
        ActionName::Click => &["button", "modifiers", "count", "position", "text"],
        ActionName::Dblclick | ActionName::Rightclick => &["modifiers", "position", "text"],
        ActionName::Fill => &["text", "value"],
        ActionName::Type => &["text", "value", "delay_ms"],
        ActionName::Press => &["key", "text"],
        ActionName::Select => &["value", "values", "index", "text"],
        ActionName::Check | ActionName::Uncheck | ActionName::Focus => &["text"],
        ActionName::Hover => &["position", "text"],
        ActionName::Drag => &["to", "dx", "dy", "position", "text"],
        ActionName::Upload => &["files", "text"],
        ActionName::Scroll => &["dx", "dy", "text"],
        ActionName::Back | ActionName::Forward | ActionName::Reload => &[],
        ActionName::Goto => &["url"],
        ActionName::Wait => &["state", "hidden", "text", "url", "load", "function", "ms"],
    };
    let has_element = !matches!(
        input.action,
        ActionName::Back | ActionName::Forward | ActionName::Reload | ActionName::Goto
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
        .hint("Give ref, selector, xpath, label, placeholder, test_id, role (with name) or text.")
}

fn word(action: ActionName) -> String {
    let word = serde_json::to_value(action).unwrap_or_default();
    word.as_str().unwrap_or("interact").to_owned()
}

#[cfg(test)]
mod tests;
