//! Tasks of dragging, hovering, scrolling and marking.

use serde_json::json;

use crate::hand::{Hand, Shown, Tried};

/// Returns the items of the list, in order.
fn items(shown: &Shown) -> Vec<String> {
    let items = shown.all("listitem");
    items.iter().map(|item| item.name.clone()).collect()
}

/// Drags an item of a list, counted from 0, to where another one is.
fn put(hand: &mut Hand<'_>, from: usize, to: usize) -> Tried {
    let item = |at: usize| format!("//ul[@id='sortable']/li[{}]", at + 1);
    let nudge = if from < to { 4 } else { -4 };
    hand.act(json!({
        "action": "drag", "xpath": item(from), "to": format!("xpath={}", item(to)), "dy": nudge,
    }))
}

pub fn drag_item(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let items = items(&shown);
    let query = shown.query();
    let from = items
        .iter()
        .position(|item| query.starts_with(&format!("Drag {item} ")));
    let from = from.ok_or_else(|| query.to_owned())?;
    let to = match () {
        () if query.contains("to the top") => 0,
        () if query.contains("to the bottom") => items.len() - 1,
        () if query.contains("down by one") => from + 1,
        () if query.contains("up by one") => from - 1,
        () => {
            let place = query.split("to the ").nth(1).unwrap_or_default();
            let place: String = place.chars().take_while(char::is_ascii_digit).collect();
            place.parse::<usize>().map_err(|_| query.to_owned())? - 1
        }
    };
    put(hand, from, to)
}

pub fn sort(hand: &mut Hand<'_>) -> Tried {
    let number = |item: &String| item.parse::<i64>().unwrap_or(0);
    let mut now = items(&hand.look()?);
    for place in 0..now.len() {
        let least = (place..now.len()).min_by_key(|at| number(&now[*at]));
        let least = least.unwrap_or(place);
        if number(&now[least]) < number(&now[place]) {
            put(hand, least, place)?;
            now = items(&hand.look()?);
        }
    }
    hand.press_button("Submit")
}

pub fn drag_box(hand: &mut Hand<'_>) -> Tried {
    hand.act(json!({ "action": "drag", "selector": "#draggableSmall", "to": "#draggableLarge" }))?;
    hand.press_button("Submit")
}

pub fn resize(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let by = if shown.query().contains("larger") {
        14
    } else {
        -14
    };
    let (dx, dy) = if shown.query().contains("width") {
        (by, 0)
    } else {
        (0, by)
    };
    hand.act(json!({ "action": "drag", "selector": ".ui-resizable-se", "dx": dx, "dy": dy }))?;
    hand.press_button("Submit")
}

pub fn slide(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let wanted: i64 = read(&shown.asked("Select ", " with")?)?;
    let now: i64 = read(shown.texts().first().ok_or("no value")?)?;
    let key = if now < wanted {
        "ArrowRight "
    } else {
        "ArrowLeft "
    };
    let keys = key.repeat(usize::try_from((wanted - now).abs()).unwrap_or(0));
    if !keys.is_empty() {
        hand.act(
            json!({ "action": "press", "selector": ".ui-slider-handle", "key": keys.trim_end() }),
        )?;
    }
    hand.press_button("Submit")
}

pub fn spin(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let wanted: i64 = read(&shown.asked("Select ", " with")?)?;
    let arrow = if wanted < 0 {
        ".ui-spinner-down"
    } else {
        ".ui-spinner-up"
    };
    let mut left = wanted.abs();
    while left > 0 {
        let count = left.min(3);
        hand.act(json!({ "action": "click", "selector": arrow, "count": count }))?;
        left -= count;
    }
    hand.press_button("Submit")
}

fn read(text: &str) -> Result<i64, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("no number: {text:?}"))
}

pub fn menu(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let path = shown.query().trim_start_matches("Select ").to_owned();
    let mut steps = path.split('>').peekable();
    while let Some(step) = steps.next() {
        let last = steps.peek().is_none();
        let action = if last { "click" } else { "hover" };
        // A menu opens a moment after the pointer came; then its items are there.
        hand.act(json!({ "action": action, "xpath": format!("//li/div[.='{step}']") }))?;
    }
    Ok(())
}

pub fn scroll(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let dy = if shown.query().contains("bottom") {
        4000
    } else {
        -4000
    };
    hand.act(json!({ "action": "scroll", "ref": shown.nth("textbox", 0)?.number()?, "dy": dy }))?;
    hand.press_button("Submit")
}

pub fn mark_one(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let place = shown.asked("in the ", " paragraph")?;
    let place: String = place.chars().take_while(char::is_ascii_digit).collect();
    let nth = read(&place)? - 1;
    hand.act(json!({ "action": "click", "selector": "#area p", "nth": nth, "count": 3 }))?;
    hand.press_button("Submit")
}
