//! One session at work: it changes things, writes down what was acknowledged, and looks what
//! is there after each fault.
//!
//! A change is one number, written at once into a script's cookie, localStorage and
//! sessionStorage. After a fault the three must be of one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, Outcome};
use super::model::{May, Track};
use super::plan::{Dice, Moment};
use crate::site::{PASSWORD, Site, USER};

/// How long a session may take to come back: a frozen browser is given half a minute first.
const BACK: Duration = Duration::from_secs(120);

/// What reads everything at once.
const READ: &str = "JSON.stringify({ \
    cookie: Number(document.cookie.match(/work=(\\d+)/)?.[1] ?? 0), \
    local: Number(localStorage.getItem('work') ?? 0), \
    session: Number(sessionStorage.getItem('work') ?? 0), \
    heap: performance.timeOrigin })";

/// What a worker is told.
#[derive(Debug)]
pub enum Order {
    /// Open something in the session, say so, and go on.
    Prepare(Moment),
    /// Look what is there after a fault.
    Verify(Check),
    /// Close the session and end.
    Close,
}

/// What a fault may have cost this session.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// When it was.
    pub at: Instant,
    /// Whether the page may have been lost and brought back.
    pub may_cost_the_page: bool,
    /// Whether nothing could be stored meanwhile, so that a checkpoint is taken when it can be.
    pub was_full: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// From the fault to the first answer from the page.
    pub back: Duration,
    /// Whether a new generation was begun.
    pub recovered: bool,
    /// Young changes that were lost.
    pub young: u64,
    /// What must not be.
    pub wrong: Vec<String>,
}

/// A session at work.
pub struct Worker {
    who: String,
    client: Client,
    site: Arc<Site>,
    dice: Dice,
    session: String,
    generation: u64,
    number: u64,
    work: Track<u64>,
    url: Track<String>,
    tabs: Track<Vec<String>>,
    heap: Option<f64>,
    moment: Moment,
    /// Counted effects: the path and how often it may have happened.
    marks: Vec<(String, u64, u64)>,
    pressed: (u64, u64),
    named: Vec<String>,
    /// How many calls had which outcome: done, not started, unknown.
    pub outcomes: [u64; 3],
    wrong: Vec<String>,
    /// How often what no fault may cause was answered since the last fault, by code.
    refused: BTreeMap<String, u64>,
    told: u64,
}

impl Worker {
    /// Opens the session and logs it in.
    ///
    /// # Errors
    /// If that fails, with no fault done yet.
    pub fn open(client: Client, site: Arc<Site>, seed: u64, turn: usize) -> Result<Self, String> {
        let who = format!("s{turn}");
        let mut worker = Self {
            url: Track::new("url", String::new()),
            tabs: Track::new("tabs", vec!["t1".to_owned()]),
            work: Track::new("storage", 0),
            dice: Dice::new(seed, 100 + turn as u64),
            who,
            client,
            site,
            session: String::new(),
            generation: 0,
            number: 0,
            heap: None,
            moment: Moment::Work,
            marks: vec![],
            pressed: (0, 0),
            named: vec![],
            outcomes: [0; 3],
            wrong: vec![],
            refused: BTreeMap::new(),
            told: 0,
        };
        let login = worker.site.url("/login");
        let key = format!("chaos:{turn}");
        let opened = worker.must("open_session", json!({ "key": key, "url": login }))?;
        worker.session = opened["session_id"].as_str().unwrap_or_default().to_owned();
        worker.generation = opened["generation"].as_u64().unwrap_or(0);
        for (label, text) in [("User", USER), ("Password", PASSWORD)] {
            worker.must(
                "interact",
                json!({ "action": "fill", "label": label, "text": text }),
            )?;
        }
        worker.must(
            "interact",
            json!({ "action": "click", "role": "button", "name": "Log in" }),
        )?;
        worker.must("wait_for", json!({ "text": "Hello, ada" }))?;
        let page = worker.page(0);
        worker.must("navigate", json!({ "url": page }))?;
        worker.url = Track::new("url", page);
        worker.must("save_session_checkpoint", json!({ "name": "begun" }))?;
        worker.named.push("begun".to_owned());
        Ok(worker)
    }

    /// Returns the session's id.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Works until it is told to close; answers each order.
    pub fn run(&mut self, orders: &Receiver<Order>, tell: &Sender<Found>) {
        loop {
            let order = match orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Empty) => {
                    self.step();
                    continue;
                }
                Err(TryRecvError::Disconnected) => return,
            };
            let found = match order {
                Order::Prepare(moment) => {
                    self.prepare(moment);
                    Found::default()
                }
                Order::Verify(check) => self.verify(check),
                Order::Close => {
                    self.close();
                    Found {
                        wrong: std::mem::take(&mut self.wrong),
                        ..Found::default()
                    }
                }
            };
            if tell.send(found).is_err() {
                return;
            }
            // The slow answer of a page that is being left is called for after the word.
            if self.moment == Moment::Navigating {
                self.moment = Moment::Work;
                let url = self.site.url("/slow?ms=1500");
                self.go_to(&url);
            }
        }
    }

    fn page(&self, number: u64) -> String {
        self.site.url(&format!("/work?who={}&p={number}", self.who))
    }

    fn call(&mut self, operation: &str, mut arguments: Value) -> Outcome {
        if !self.session.is_empty() {
            arguments["session_id"] = json!(self.session);
        }
        let outcome = self.client.call(operation, arguments.clone());
        let (at, error) = match &outcome {
            Outcome::Done(answer) => {
                self.note_loss(answer);
                (0, None)
            }
            Outcome::NotStarted(error) => (1, Some(error)),
            Outcome::Unknown(error) => (2, Some(error)),
        };
        self.outcomes[at] += 1;
        if let Some(error) = error {
            let code = error["code"].as_str().unwrap_or("no code");
            // What no fault may cause.
            let never = [
                "internal",
                "session_not_found",
                "tab_not_found",
                "failed",
                "stale",
                "no_checkpoint",
                "closed",
                "corrupt",
                "wrong_key",
                "never_settled",
                "invalid_argument",
                "no code",
            ];
            if never.contains(&code) {
                let again = self.refused.entry(code.to_owned()).or_default();
                *again += 1;
                if *again == 1 {
                    let wrong = format!("{operation} {arguments}: {error}");
                    self.wrong.push(wrong);
                }
                if ["failed", "stale"].contains(&code) && operation != "resume_session" {
                    // Told once; the run goes on with what there is to find.
                    drop(self.call("resume_session", json!({})));
                }
            }
        }
        outcome
    }

    fn must(&mut self, operation: &str, arguments: Value) -> Result<Value, String> {
        match self.call(operation, arguments.clone()) {
            Outcome::Done(answer) => Ok(answer),
            other => Err(format!("{operation} {arguments}: {other:?}")),
        }
    }

    fn note_loss(&mut self, answer: &Value) {
        if !answer["recovered"].is_object() || answer.get("state").is_some() {
            return;
        }
        let generation = answer["recovered"]["generation"].as_u64().unwrap_or(0);
        if generation == self.told {
            self.wrong.push(format!(
                "the loss of generation {generation} was told twice"
            ));
        }
        self.told = generation;
    }

    /// Does one thing of an agent's day.
    fn step(&mut self) {
        match self.dice.below(20) {
            0..=7 => self.write(),
            8..=10 => self.mark(),
            11..=12 => self.press(),
            13 => drop(self.call("interact", json!({
                "tab_id": "t1", "action": "fill", "label": "Note", "text": format!("note {}", self.number) }))),
            14..=15 => {
                self.number += 1;
                let url = self.page(self.number);
                self.go_to(&url);
            }
            16 => self.tab(),
            17 => self.save(),
            _ => drop(self.call("snapshot", json!({ "tab_id": "t1" }))),
        }
        // An agent thinks; and the sessions must not starve each other of the machine.
        std::thread::sleep(Duration::from_millis(20 + self.dice.below(180)));
    }

    fn write(&mut self) {
        self.number += 1;
        let n = self.number;
        let expression = format!(
            "document.cookie = 'work={n}; path=/; max-age=99999'; \
            localStorage.setItem('work', {n}); sessionStorage.setItem('work', {n}); {n}"
        );
        self.work.sent(n);
        let outcome = self.evaluate(&expression);
        settle(&mut self.work, &outcome);
    }

    /// An effect that the server counts, and that gives a cookie.
    fn mark(&mut self) {
        self.number += 1;
        let path = format!("/mark/{}/{}", self.who, self.number);
        let outcome = self.evaluate(&format!(
            "await fetch('{path}', {{ method: 'POST' }}).then(a => a.text())"
        ));
        let (least, most) = bounds(&outcome);
        self.marks.push((path, least, most));
    }

    /// A real press of a real button, counted by the server.
    fn press(&mut self) {
        let press = json!({ "tab_id": "t1", "action": "click", "role": "button", "name": "Count" });
        let outcome = self.call("interact", press);
        let (least, most) = bounds(&outcome);
        self.pressed.0 += least;
        self.pressed.1 += most;
    }

    fn evaluate(&mut self, expression: &str) -> Outcome {
        let outcome = self.call(
            "evaluate",
            json!({ "tab_id": "t1", "expression": expression }),
        );
        match &outcome {
            // It threw: a page that is being left, say. What it did before that isn't known.
            Outcome::Done(answer) if !answer["exception"].is_null() => {
                Outcome::Unknown(answer.clone())
            }
            _ => outcome,
        }
    }

    fn go_to(&mut self, url: &str) {
        self.heap = None;
        self.url.sent(url.to_owned());
        let outcome = self.call("navigate", json!({ "tab_id": "t1", "url": url }));
        settle(&mut self.url, &outcome);
    }

    fn tab(&mut self) {
        let before = self.tab_list();
        let Some(before) = before else { return };
        if let Some(extra) = before.iter().find(|tab| *tab != "t1") {
            let left: Vec<String> = before.iter().filter(|tab| *tab != extra).cloned().collect();
            self.tabs.sent(left);
            let outcome = self.call("close_tab", json!({ "tab_id": extra }));
            settle(&mut self.tabs, &outcome);
        } else {
            let url = self.site.url("/long");
            // What the tab will be called isn't known before, so it is looked at afterwards.
            drop(self.call("new_tab", json!({ "url": url })));
            if let Some(now) = self.tab_list() {
                self.tabs.sent(now);
                self.tabs.acked(Instant::now());
            }
        }
    }

    fn tab_list(&mut self) -> Option<Vec<String>> {
        let Outcome::Done(answer) = self.call("list_tabs", json!({})) else {
            return None;
        };
        let tabs = answer["tabs"].as_array()?;
        Some(
            tabs.iter()
                .filter_map(|tab| tab["tab_id"].as_str().map(str::to_owned))
                .collect(),
        )
    }

    /// A named checkpoint: what was acknowledged before it is firm.
    fn save(&mut self) {
        let name = format!("step {}", self.number);
        let outcome = self.call("save_session_checkpoint", json!({ "name": name }));
        if matches!(outcome, Outcome::Done(_)) {
            self.named.push(name);
            self.work.firm();
            self.url.firm();
            self.tabs.firm();
        }
    }

    fn prepare(&mut self, moment: Moment) {
        self.moment = moment;
        match moment {
            Moment::Work | Moment::Navigating => {}
            Moment::Dialog => drop(self.evaluate("setTimeout(() => alert('chaos'), 0); 1")),
            Moment::PopUp => drop(self.call(
                "interact",
                json!({
                "tab_id": "t1", "action": "click", "role": "button", "name": "Open window" }),
            )),
            Moment::Paused => drop(self.evaluate("fetch('/silent').catch(() => 0); 1")),
        }
    }

    /// Looks until the page answers, and compares it with what was acknowledged.
    fn verify(&mut self, check: Check) -> Found {
        let mut found = Found::default();
        let mut read = None;
        let mut last = Value::Null;
        let end = check.at + BACK;
        while read.is_none() && Instant::now() < end {
            match self.call("evaluate", json!({ "tab_id": "t1", "expression": READ })) {
                Outcome::Done(answer) => {
                    last.clone_from(&answer);
                    let parsed = answer["value"]
                        .as_str()
                        .and_then(|text| serde_json::from_str(text).ok());
                    read = parsed
                        .map(|value: Value| (value, answer["generation"].as_u64().unwrap_or(0)));
                }
                Outcome::NotStarted(error) | Outcome::Unknown(error) => {
                    if error["code"] == "dialog_open" {
                        // It may have gone with its browser meanwhile.
                        let arguments =
                            json!({ "session_id": self.session, "tab_id": "t1", "accept": true });
                        drop(self.client.call("handle_dialog", arguments));
                    }
                    last = error;
                }
            }
            if read.is_none() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        found.back = check.at.elapsed();
        match read {
            Some((read, generation)) => self.compare(&read, generation, check, &mut found),
            None => self
                .wrong
                .push(format!("the session isn't back after {BACK:?}: {last}")),
        }
        if check.was_full {
            self.save_again(&mut found);
        }
        for (code, times) in std::mem::take(&mut self.refused) {
            if 1 < times {
                self.wrong
                    .push(format!("{times} calls were answered {code}"));
            }
        }
        found.wrong.append(&mut self.wrong);
        for wrong in &mut found.wrong {
            *wrong = format!(
                "{} over {} ({}): {wrong}",
                self.who,
                self.client.name(),
                self.session
            );
        }
        self.moment = Moment::Work;
        found
    }

    fn compare(&mut self, read: &Value, generation: u64, check: Check, found: &mut Found) {
        found.recovered = generation != self.generation;
        let mut may = if found.recovered {
            May::LoseYoung(check.at)
        } else {
            May::LoseNothing
        };
        if found.recovered && !check.may_cost_the_page {
            self.wrong
                .push(format!("generation {generation} was begun without need"));
        }
        if generation < self.generation {
            self.wrong
                .push(format!("generation {generation} after {}", self.generation));
        }
        self.generation = generation;
        let number = |name: &str| read[name].as_f64().unwrap_or(-1.0);
        let parts =
            ["cookie", "local", "session"].map(|name| read[name].as_u64().unwrap_or(u64::MAX));
        if parts.iter().any(|part| *part != parts[0]) {
            self.wrong.push(format!(
                "torn: one write came back from several moments: {read}"
            ));
            // Each for itself is still held to its age.
            for part in parts {
                if let Err(wrong) = self.work.clone().judge(&part, may) {
                    self.wrong.push(wrong);
                }
            }
        }
        self.note(parts[1], may, found);
        if !found.recovered && self.heap.is_some_and(|heap| heap != number("heap")) {
            self.wrong
                .push("the page was loaded again though its browser lived".to_owned());
        }
        if let Outcome::Done(answer) = self.call("list_tabs", json!({})) {
            let tabs: Vec<(String, String)> = answer["tabs"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|tab| {
                    let of = |name: &str| tab[name].as_str().unwrap_or_default().to_owned();
                    (of("tab_id"), of("url"))
                })
                .collect();
            self.compare_tabs(&tabs, &mut may, found);
        }
        self.count();
        self.number += 1;
        let url = self.page(self.number);
        // From a page that the server knows: logged in, without having logged in again.
        let home = self.site.url("/home");
        if let Outcome::Done(answer) = self.call("navigate", json!({ "tab_id": "t1", "url": home }))
            && answer["url"] != home.as_str()
        {
            self.wrong
                .push(format!("not logged in any more: {}", answer["url"]));
        }
        self.go_to(&url);
        if let Outcome::Done(answer) = self.call(
            "evaluate",
            json!({ "tab_id": "t1", "expression": "performance.timeOrigin" }),
        ) {
            self.heap = answer["value"].as_f64();
        }
    }

    fn note(&mut self, work: u64, may: May, found: &mut Found) {
        match self.work.judge(&work, may) {
            Ok(young) => found.young += young,
            Err(wrong) => self.wrong.push(wrong),
        }
    }

    fn compare_tabs(&mut self, tabs: &[(String, String)], may: &mut May, found: &mut Found) {
        let own: Vec<String> = tabs
            .iter()
            .filter(|(_, url)| !url.contains("/popped"))
            .map(|(id, _)| id.clone())
            .collect();
        match self.tabs.judge(&own, *may) {
            Ok(young) => found.young += young,
            Err(wrong) => self.wrong.push(wrong),
        }
        match tabs.iter().find(|(id, _)| id == "t1") {
            Some((_, url)) => match self.url.judge(url, *may) {
                Ok(young) => found.young += young,
                Err(wrong) => self.wrong.push(wrong),
            },
            None => self.wrong.push(format!("t1 is gone: {tabs:?}")),
        }
        for (id, _) in tabs.iter().filter(|(_, url)| url.contains("/popped")) {
            drop(self.call("close_tab", json!({ "tab_id": id })));
        }
    }

    /// Compares what the server has counted with the outcomes that were told.
    fn count(&mut self) {
        for (path, least, most) in std::mem::take(&mut self.marks) {
            let count = self.site.count_of(&path);
            if count < least || most < count {
                self.wrong.push(format!(
                    "{path} happened {count} times, told {least} to {most}"
                ));
            }
        }
        let count = self.site.count_of(&format!("/mark/{}/press", self.who));
        let (least, most) = self.pressed;
        if count < least || most < count {
            self.wrong.push(format!(
                "the button was pressed {count} times, told {least} to {most}"
            ));
        }
        self.pressed = (count, count);
    }

    fn save_again(&mut self, found: &mut Found) {
        let end = Instant::now() + BACK;
        let before = self.named.len();
        while self.named.len() == before && Instant::now() < end {
            self.save();
        }
        if self.named.len() == before {
            found
                .wrong
                .push("no checkpoint can be taken though there is room again".to_owned());
        }
    }

    /// Closes the session: its named checkpoints are all there, and it stays closed.
    fn close(&mut self) {
        match self.must("list_session_checkpoints", json!({})) {
            Ok(answer) => {
                let listed = answer["checkpoints"].to_string();
                for name in &self.named {
                    if !listed.contains(&format!("\"{name}\"")) {
                        self.wrong.push(format!("the checkpoint {name:?} is lost"));
                    }
                }
            }
            Err(wrong) => self.wrong.push(wrong),
        }
        if let Err(wrong) = self.must("close_session", json!({})) {
            self.wrong.push(wrong);
        }
        match self.must("get_session", json!({})) {
            Ok(shown) if shown["state"] == "closed" => {}
            other => self.wrong.push(format!("closed, and then: {other:?}")),
        }
    }
}

fn settle<T: PartialEq + Clone + std::fmt::Debug>(track: &mut Track<T>, outcome: &Outcome) {
    match outcome {
        Outcome::Done(_) => track.acked(Instant::now()),
        Outcome::NotStarted(_) => track.withdrawn(),
        Outcome::Unknown(_) => {}
    }
}

/// How often an effect may have happened by what was told of it.
const fn bounds(outcome: &Outcome) -> (u64, u64) {
    match outcome {
        Outcome::Done(_) => (1, 1),
        Outcome::NotStarted(_) => (0, 0),
        Outcome::Unknown(_) => (0, 1),
    }
}
