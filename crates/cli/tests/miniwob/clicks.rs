//! Tasks of clicking, checking and choosing.

use serde_json::json;

use crate::hand::{Hand, Tried};

/// Returns what is listed in the query: `Select a, b and click Submit.`
fn listed(asked: &str) -> Vec<&str> {
    asked
        .split(", ")
        .filter(|name| *name != "nothing")
        .collect()
}

pub fn check(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    for name in listed(&shown.asked("Select ", " and click")?) {
        let number = shown.named("checkbox", name)?.number()?;
        hand.act(json!({ "action": "check", "ref": number }))?;
    }
    hand.press_button("Submit")
}

pub fn option(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let name = shown.asked("Select ", " and click")?;
    let number = shown.named("radio", &name)?.number()?;
    hand.act(json!({ "action": "check", "ref": number }))?;
    hand.press_button("Submit")
}

pub fn choose(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let value = shown.asked("Select ", " from the list")?;
    let number = shown.nth("combobox", 0)?.number()?;
    hand.act(json!({ "action": "select", "ref": number, "value": value }))?;
    hand.press_button("Submit")
}

pub fn choose_several(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let asked = shown.asked("Select ", " from the scroll list")?;
    let number = shown.nth("listbox", 0)?.number()?;
    hand.act(json!({ "action": "select", "ref": number, "values": listed(&asked) }))?;
    hand.press_button("Submit")
}

pub fn button(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let name = shown.asked("Click on the \"", "\" button")?;
    hand.click(shown.named("button", &name)?)
}

pub fn sequence(hand: &mut Hand<'_>) -> Tried {
    hand.press_button("ONE")?;
    hand.press_button("TWO")
}

pub fn link(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let name = shown.asked("link \"", "\".")?;
    hand.click(shown.any(&name)?)
}

pub fn dialog(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let name = shown.asked("labeled \"", "\"")?;
    let name = if name == "x" { "Close" } else { &name };
    hand.click(shown.named("button", name)?)
}

pub fn tabs(hand: &mut Hand<'_>) -> Tried {
    let mut shown = hand.look()?;
    let name = shown.asked("link \"", "\".")?;
    for tab in ["Tab #1", "Tab #2", "Tab #3"] {
        if let Ok(found) = shown.any(&name) {
            return hand.click(found);
        }
        hand.act(json!({ "action": "click", "role": "link", "name": tab }))?;
        shown = hand.look()?;
    }
    hand.click(shown.any(&name)?)
}

pub fn collapsible(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    hand.click(shown.nth("tab", 0)?)?;
    hand.press_button("Submit")
}

pub fn widget(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let kind = shown.asked("Click on a \"", "\" widget")?;
    let selector = format!("#area [data-type={kind}]");
    hand.act(json!({ "action": "click", "selector": selector, "nth": 0 }))
}

pub fn odd_or_even(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    // Between the two buttons of each row stands its number.
    for (index, number) in shown.texts().into_iter().take(3).enumerate() {
        let number: i64 = number.parse().map_err(|_| format!("{number:?}"))?;
        let name = if number % 2 == 0 { "Even" } else { "Odd" };
        hand.act(json!({ "action": "click", "role": "button", "name": name, "nth": index }))?;
    }
    hand.press_button("Submit")
}
