//! Tasks of entering text, dates and keys.

use serde_json::json;

use crate::hand::{Hand, Tried, between};

pub fn enter_text(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let text = shown.asked("Enter \"", "\"")?;
    hand.fill(shown.nth("textbox", 0)?, &text)?;
    hand.press_button("Submit")
}

pub fn enter_case(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let text = shown.asked("Type \"", "\"")?;
    let text = if shown.query().contains("upper") {
        text.to_uppercase()
    } else {
        text.to_lowercase()
    };
    let number = shown.nth("textbox", 0)?.number()?;
    hand.act(json!({ "action": "fill", "ref": number, "text": "" }))?;
    hand.act(json!({ "action": "type", "ref": number, "text": text, "delay_ms": 5 }))?;
    hand.press_button("Submit")
}

pub fn log_in(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    hand.fill(shown.nth("textbox", 0)?, &shown.asked("username \"", "\"")?)?;
    hand.fill(shown.nth("textbox", 1)?, &shown.asked("password \"", "\"")?)?;
    hand.press_button("Login")
}

pub fn find_word(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let place = shown.asked("Find the ", " word")?;
    let place: String = place.chars().take_while(char::is_ascii_digit).collect();
    let place: usize = place.parse().map_err(|_| shown.query().to_owned())?;
    let words = shown.texts();
    let word = words
        .first()
        .and_then(|text| text.split(' ').nth(place - 1));
    let word = word.ok_or("no such word")?;
    let word = word.trim_matches(|sign: char| !sign.is_alphanumeric());
    hand.fill(shown.nth("textbox", 0)?, word)?;
    hand.press_button("Submit")
}

pub fn read_table(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let label = shown.asked("value of ", " into")?;
    let rows = shown.all("row");
    let value = rows.iter().find_map(|row| {
        let (name, value) = row.name.split_once(" | ")?;
        (name == label).then_some(value)
    });
    hand.fill(shown.nth("textbox", 0)?, value.ok_or("no such row")?)?;
    hand.press_button("Submit")
}

pub fn arithmetic(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let texts = shown.texts();
    let problem = texts.first().ok_or("no problem")?;
    let words: Vec<&str> = problem.split(' ').collect();
    let number = |at: usize| -> Result<i64, String> {
        let word = words.get(at).copied().unwrap_or_default();
        word.parse().map_err(|_| (*problem).to_owned())
    };
    let (left, right) = (number(0)?, number(2)?);
    let answer = match words.get(1).copied() {
        Some("+") => left + right,
        Some("-") => left - right,
        _ => left * right,
    };
    hand.fill(shown.nth("textbox", 0)?, &answer.to_string())?;
    hand.press_button("Submit")
}

pub fn search_movie(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let query = shown.query().to_owned();
    let part = |before, after| between(&query, before, after).ok_or_else(|| query.clone());
    let mut label = String::new();
    for line in shown.lines() {
        match line.role.as_str() {
            "text" | "rowheader" | "cell" => label.clone_from(&line.name),
            "textbox" => {
                let told = format!("{label} {}", line.name);
                let text = match () {
                    () if told.contains("Genre") => part("for ", " movies")?,
                    () if told.contains("Year") => part("year ", ".")?,
                    () => part("directed by ", " from")?,
                };
                hand.fill(line, &text)?;
            }
            _ => {}
        }
    }
    let search = shown.any("Submit").or_else(|_| shown.any("Search"))?;
    hand.click(search)
}

pub fn focus(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let place = shown.asked("into the ", " input")?;
    let place: String = place.chars().take_while(char::is_ascii_digit).collect();
    let place: usize = place.parse().map_err(|_| shown.query().to_owned())?;
    let number = shown.nth("textbox", place - 1)?.number()?;
    // The page takes the focus away as soon as it has counted it, which is told as a failure.
    hand.act(json!({ "action": "focus", "ref": number })).ok();
    Ok(())
}

/// `12/31/2016` as fields want it.
fn date(asked: &str) -> Result<(String, String, String), String> {
    let mut parts = asked.split('/').map(str::to_owned);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(month), Some(day), Some(year)) => Ok((year, month, day)),
        _ => Err(asked.to_owned()),
    }
}

pub fn enter_date(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let (year, month, day) = date(&shown.asked("Enter ", " as the date")?)?;
    let text = format!("{year}-{month}-{day}");
    hand.act(json!({ "action": "fill", "selector": "input[type=date]", "text": text }))?;
    hand.press_button("Submit")
}

pub fn enter_time(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let asked = shown.asked("Enter ", " as the time")?;
    let (clock, half) = asked
        .split_once(|sign: char| sign.is_whitespace())
        .ok_or("no half of the day")?;
    let (hour, minute) = clock.split_once(':').ok_or("no minutes")?;
    let hour: u32 = hour.parse().map_err(|_| asked.clone())?;
    let hour = hour % 12 + if half.trim() == "PM" { 12 } else { 0 };
    let text = format!("{hour:02}:{minute}");
    hand.act(json!({ "action": "fill", "selector": "input[type=time]", "text": text }))?;
    hand.press_button("Submit")
}

pub fn pick_date(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let (_, _, day) = date(&shown.asked("Select ", " as the date")?)?;
    hand.click(shown.nth("textbox", 0)?)?;
    let day = day.trim_start_matches('0');
    hand.act(json!({ "action": "click", "role": "link", "name": day }))?;
    hand.press_button("Submit")
}

pub fn copy(hand: &mut Hand<'_>) -> Tried {
    hand.act(json!({ "action": "focus", "selector": "#area textarea" }))?;
    hand.keys("Control+A Control+C")?;
    hand.act(json!({ "action": "focus", "selector": "#answer-input" }))?;
    hand.keys("Control+V")?;
    hand.press_button("Submit")
}

pub fn terminal(hand: &mut Hand<'_>) -> Tried {
    let shown = hand.look()?;
    let end = between(shown.query(), "extension ", " ")
        .or_else(|| shown.query().split("extension ").nth(1).map(str::to_owned));
    let wanted = end.filter(|end| end.starts_with('.'));
    hand.act(json!({ "action": "click", "selector": "#terminal" }))?;
    hand.act(json!({ "action": "type", "text": "ls\n" }))?;
    let shown = hand.look()?;
    let words = shown
        .lines()
        .iter()
        .skip(1)
        .flat_map(|line| line.name.split(' '));
    let mut words = words.skip_while(|word| *word != "ls").skip(1);
    let fits = |word: &&str| match &wanted {
        Some(end) => word.ends_with(end.as_str()),
        None => !word.is_empty() && word.chars().all(char::is_alphanumeric),
    };
    let file = words.find(fits).ok_or("no such file")?;
    hand.act(json!({ "action": "type", "text": format!("rm {file}\n") }))
}
