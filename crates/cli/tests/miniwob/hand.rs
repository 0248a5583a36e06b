//! What a solving script may do: look at the page and act on it. Nothing else is in its reach.

use serde_json::{Value, json};
use testkit::harness::{Agent, Http};

/// What a script came to.
pub type Tried = Result<(), String>;

/// The two operations of a script.
pub struct Hand<'a>(&'a mut Agent<Http>);

/// A snapshot.
pub struct Shown(Vec<Line>);

/// A line of it: `role "name" @e3`, without its states.
#[derive(Clone, Debug)]
pub struct Line {
    pub role: String,
    pub name: String,
    pub number: Option<String>,
}

impl<'a> Hand<'a> {
    pub fn of(agent: &'a mut Agent<Http>) -> Self {
        Self(agent)
    }

    /// Takes a snapshot.
    pub fn look(&mut self) -> Result<Shown, String> {
        let answer = self
            .0
            .attempt("snapshot", json!({}))
            .map_err(|refusal| format!("snapshot: {}", refusal.0))?;
        let text = answer["snapshot"].as_str().unwrap_or_default();
        Ok(Shown(text.lines().map(line).collect()))
    }

    /// Does one action.
    pub fn act(&mut self, mut action: Value) -> Tried {
        let told = action.to_string();
        action["timeout_ms"] = json!(8000);
        let done = self.0.attempt("interact", action);
        done.map(drop)
            .map_err(|refusal| format!("{told}: {}", refusal.0))
    }

    /// Clicks what a line shows.
    pub fn click(&mut self, line: &Line) -> Tried {
        self.act(json!({ "action": "click", "ref": line.number()? }))
    }

    /// Clicks the button of that name.
    pub fn press_button(&mut self, name: &str) -> Tried {
        self.act(json!({ "action": "click", "role": "button", "name": name }))
    }

    /// Fills what a line shows.
    pub fn fill(&mut self, line: &Line, text: &str) -> Tried {
        self.act(json!({ "action": "fill", "ref": line.number()?, "text": text }))
    }

    /// Presses keys where the focus is.
    pub fn keys(&mut self, keys: &str) -> Tried {
        self.act(json!({ "action": "press", "key": keys }))
    }
}

impl Line {
    pub fn number(&self) -> Result<&str, String> {
        self.number
            .as_deref()
            .ok_or_else(|| format!("no ref: {self:?}"))
    }
}

impl Shown {
    /// Returns what the page asks for.
    pub fn query(&self) -> &str {
        let texts = self.all("text");
        texts.first().map_or("", |line| line.name.as_str())
    }

    /// Returns what follows `before` in the query, up to `after`.
    pub fn asked(&self, before: &str, after: &str) -> Result<String, String> {
        between(self.query(), before, after)
            .ok_or_else(|| format!("no {before}…{after} in {:?}", self.query()))
    }

    /// Returns the lines of a role.
    pub fn all(&self, role: &str) -> Vec<&Line> {
        self.0.iter().filter(|line| line.role == role).collect()
    }

    /// Returns one line of a role, counted from 0.
    pub fn nth(&self, role: &str, nth: usize) -> Result<&Line, String> {
        let of_role = self.all(role);
        of_role
            .get(nth)
            .copied()
            .ok_or_else(|| format!("no {role} number {nth}"))
    }

    /// Returns the first line of a role with just that name.
    pub fn named(&self, role: &str, name: &str) -> Result<&Line, String> {
        let of_role = self.all(role);
        of_role
            .into_iter()
            .find(|line| line.name == name)
            .ok_or_else(|| format!("no {role} {name:?}"))
    }

    /// Returns the first line with just that name.
    pub fn any(&self, name: &str) -> Result<&Line, String> {
        self.0
            .iter()
            .skip(1)
            .find(|line| line.name == name)
            .ok_or_else(|| format!("nothing is named {name:?}"))
    }

    /// Returns the texts after the query.
    pub fn texts(&self) -> Vec<&str> {
        let texts = self.all("text").into_iter().skip(1);
        texts.map(|line| line.name.as_str()).collect()
    }

    pub fn lines(&self) -> &[Line] {
        &self.0
    }
}

/// Returns what stands between two parts of a text.
pub fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found.to_owned())
}

fn line(text: &str) -> Line {
    let text = text.trim_start();
    let (role, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (name, rest) = match rest.strip_prefix('"') {
        Some(quoted) => quoted_name(quoted),
        None => (String::new(), rest),
    };
    let number = rest
        .split_whitespace()
        .find(|word| word.starts_with("@e"))
        .map(str::to_owned);
    Line {
        role: role.to_owned(),
        name,
        number,
    }
}

fn quoted_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (name, &text[at + 1..]),
            '\\' => name.extend(signs.next().map(|(_, sign)| sign)),
            sign => name.push(sign),
        }
    }
    (name, "")
}
