//! One session at work: it changes things and writes down what was acknowledged.
//!
//! A change is one number, written at once into a script's cookie, localStorage and
//! sessionStorage, and then into `IndexedDB`. After a fault they must be of one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, Outcome};
use super::model::Track;
use super::plan::{Dice, Moment};
use super::queue::{COUNTERS, Queue};
use super::visits::Visits;
use crate::site::{PASSWORD, Site, USER};

/// Gives a function that does something in a transaction of the one object store, and the
/// answer once the transaction is done.
pub(super) const DATABASE: &str = "(act, mode) => new Promise((done, failed) => { \
    const open = indexedDB.open('work', 1); \
    open.onupgradeneeded = () => open.result.createObjectStore('work'); \
    open.onerror = () => failed(open.error); \
    open.onsuccess = () => { \
        const transaction = open.result.transaction('work', mode); \
        const request = act(transaction.objectStore('work')); \
        transaction.oncomplete = () => { open.result.close(); done(request.result); }; \
        transaction.onabort = () => failed(transaction.error); \
    } })";

/// What a worker's second tab shows.
const OWN_TAB: &str = "/long";

/// What a worker is told.
#[derive(Debug)]
pub enum Order {
    /// Work without a pause until the next fault: it shall find something under way.
    Hurry,
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
    /// Whether it was about this session: then the page is also left and loaded again.
    pub closely: bool,
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
    /// How many calls had which outcome, told at the end: done, not started, unknown.
    pub outcomes: [u64; 3],
}

/// A session at work.
pub struct Worker {
    pub(super) who: String,
    pub(super) client: Client,
    pub(super) site: Arc<Site>,
    queue: Arc<Queue>,
    dice: Dice,
    pace: u32,
    hurries: bool,
    /// It was told that its page is another one, and has not gone on from there.
    moved: bool,
    pub(super) session: String,
    pub(super) generation: u64,
    pub(super) number: u64,
    pub(super) work: Track<u64>,
    /// The same number, in `IndexedDB`.
    pub(super) database: Track<u64>,
    /// What was typed into the page's field.
    pub(super) note: Track<String>,
    /// The worker's own entry in the KV store.
    pub(super) counter: Track<u64>,
    pub(super) url: Track<String>,
    pub(super) tabs: Track<Vec<String>>,
    /// Whether a tab may be there whose name isn't known.
    pub(super) tab_more: bool,
    pub(super) visits: Visits,
    pub(super) heap: Option<f64>,
    pub(super) moment: Moment,
    /// Counted effects: the path and how often it may have happened.
    pub(super) marks: Vec<(String, u64, u64)>,
    pub(super) pressed: (u64, u64),
    pub(super) named: Vec<String>,
    /// How many calls had which outcome: done, not started, unknown.
    pub outcomes: [u64; 3],
    pub(super) wrong: Vec<String>,
    /// How often what no fault may cause was answered since the last fault, by code.
    pub(super) refused: BTreeMap<String, u64>,
    told: u64,
}

impl Worker {
    /// Opens the session and logs it in.
    ///
    /// # Errors
    /// If that fails, with no fault done yet.
    pub(super) fn open(
        client: Client,
        site: Arc<Site>,
        queue: Arc<Queue>,
        (seed, pace): (u64, u32),
        turn: usize,
    ) -> Result<Self, String> {
        let who = format!("s{turn}");
        let mut worker = Self {
            url: Track::new("url", String::new()),
            tabs: Track::new("tabs", vec!["t1".to_owned()]),
            work: Track::new("storage", 0),
            database: Track::new("database", 0),
            note: Track::new("note", String::new()),
            counter: Track::new("counter", 0),
            tab_more: false,
            visits: Visits::default(),
            queue,
            dice: Dice::new(seed, 100 + turn as u64),
            pace,
            hurries: false,
            moved: false,
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
        worker.url = Track::new("url", page.clone());
        worker.visits.sent(&page);
        worker.visits.acked();
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
            // An agent thinks; and the sessions must not starve each other of the machine.
            let pace = if self.hurries { 1 } else { self.pace };
            let think = Duration::from_millis(20 + self.dice.below(180)) * pace;
            let order = match orders.recv_timeout(think) {
                Ok(order) => order,
                Err(RecvTimeoutError::Timeout) => {
                    self.step();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let found = match order {
                Order::Hurry => {
                    self.hurries = true;
                    continue;
                }
                Order::Prepare(moment) => {
                    self.prepare(moment);
                    Found::default()
                }
                Order::Verify(check) => {
                    self.hurries = false;
                    self.verify(check)
                }
                Order::Close => {
                    self.close();
                    Found {
                        wrong: std::mem::take(&mut self.wrong),
                        outcomes: self.outcomes,
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
                drop(self.go_to(&url));
            }
        }
    }

    pub(super) fn page(&self, number: u64) -> String {
        self.site.url(&format!("/work?who={}&p={number}", self.who))
    }

    pub(super) fn call(&mut self, operation: &str, mut arguments: Value) -> Outcome {
        if !self.session.is_empty() && !operation.starts_with("kv_") {
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
            self.moved |= code == "page_moved";
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

    pub(super) fn must(&mut self, operation: &str, arguments: Value) -> Result<Value, String> {
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
        match self.dice.below(24) {
            0..=7 => self.write(),
            8..=10 => self.mark(),
            11..=12 => self.press(),
            13..=14 => self.type_note(),
            15..=16 => {
                self.number += 1;
                let url = self.page(self.number);
                drop(self.go_to(&url));
            }
            17 => self.tab(),
            18 => self.save(),
            19 => self.count_up(),
            20 => {
                self.number += 1;
                let key = format!("{}/{}", self.who, self.number);
                let queue = Arc::clone(&self.queue);
                queue.put(
                    &mut |operation, arguments| self.call(operation, arguments),
                    &key,
                );
            }
            21 => {
                let queue = Arc::clone(&self.queue);
                queue.take(&mut |operation, arguments| self.call(operation, arguments));
            }
            _ => drop(self.call("snapshot", json!({ "tab_id": "t1" }))),
        }
    }

    fn write(&mut self) {
        self.number += 1;
        let n = self.number;
        let expression = format!(
            "document.cookie = 'work={n}; path=/; max-age=99999'; \
            localStorage.setItem('work', {n}); sessionStorage.setItem('work', {n}); \
            await ({DATABASE})(store => store.put({n}, 'work'), 'readwrite')"
        );
        self.work.sent(n);
        self.database.sent(n);
        let outcome = self.evaluate(&expression);
        settle(&mut self.work, &outcome);
        settle(&mut self.database, &outcome);
    }

    /// Types into a field of the page that is open, if it is known which one that is.
    fn type_note(&mut self) {
        let Some(url) = self.url.settled().cloned().filter(|_| self.is_at_work()) else {
            return;
        };
        self.number += 1;
        let note = format!("note {} of {url}", self.number);
        self.note.sent(note.clone());
        let fill = json!({ "tab_id": "t1", "action": "fill", "label": "Note", "text": note });
        let outcome = self.call("interact", fill);
        settle(&mut self.note, &outcome);
    }

    /// Tells whether the page that is open is known, and has the button and the field.
    fn is_at_work(&self) -> bool {
        !self.moved && self.url.settled().is_some_and(|url| url.contains("/work?"))
    }

    fn count_up(&mut self) {
        self.number += 1;
        self.counter.sent(self.number);
        let set = json!({ "namespace": COUNTERS, "key": self.who, "value": self.number });
        let outcome = self.call("kv_set", set);
        settle(&mut self.counter, &outcome);
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
        if !self.is_at_work() {
            return;
        }
        let press = json!({ "tab_id": "t1", "action": "click", "role": "button", "name": "Count" });
        let outcome = self.call("interact", press);
        let (least, most) = bounds(&outcome);
        self.pressed.0 += least;
        self.pressed.1 += most;
    }

    pub(super) fn evaluate(&mut self, expression: &str) -> Outcome {
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

    pub(super) fn go_to(&mut self, url: &str) -> Outcome {
        self.heap = None;
        self.url.sent(url.to_owned());
        self.note.sent(String::new());
        self.visits.sent(url);
        let outcome = self.call("navigate", json!({ "tab_id": "t1", "url": url }));
        settle(&mut self.url, &outcome);
        settle(&mut self.note, &outcome);
        if matches!(outcome, Outcome::Done(_)) {
            self.moved = false;
            self.visits.acked();
        }
        outcome
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
            let url = self.site.url(OWN_TAB);
            // What the tab will be called isn't known before, so it is looked at afterwards.
            let outcome = self.call("new_tab", json!({ "url": url }));
            if let Some(now) = self.tab_list() {
                self.tabs.sent(now);
                self.tabs.acked(Instant::now());
            } else {
                self.tab_more |= !matches!(outcome, Outcome::NotStarted(_));
            }
        }
    }

    fn tab_list(&mut self) -> Option<Vec<String>> {
        let Outcome::Done(answer) = self.call("list_tabs", json!({})) else {
            return None;
        };
        let tabs = answer["tabs"].as_array()?;
        let own = tabs.iter().filter(|tab| {
            let url = tab["url"].as_str().unwrap_or_default();
            tab["tab_id"] == "t1" || is_own_tab(url)
        });
        let own = own.filter_map(|tab| tab["tab_id"].as_str().map(str::to_owned));
        Some(own.collect())
    }

    /// A named checkpoint: what was acknowledged before it is firm.
    pub(super) fn save(&mut self) {
        let name = format!("step {}", self.number);
        let outcome = self.call("save_session_checkpoint", json!({ "name": name }));
        let Outcome::Done(answer) = outcome else {
            return;
        };
        self.named.push(name);
        // One that was held while the session came back is of what came back.
        if answer["generation"] == self.generation {
            self.work.firm();
            self.database.firm();
            self.note.firm();
            self.url.firm();
            self.tabs.firm();
        }
    }

    fn prepare(&mut self, moment: Moment) {
        self.moment = moment;
        match moment {
            Moment::Work | Moment::Navigating => {}
            Moment::PopUp if !self.is_at_work() => {}
            Moment::Dialog => drop(self.evaluate("setTimeout(() => alert('chaos'), 0); 1")),
            Moment::PopUp => drop(self.call(
                "interact",
                json!({
                "tab_id": "t1", "action": "click", "role": "button", "name": "Open window" }),
            )),
            Moment::Paused => drop(self.evaluate("fetch('/silent').catch(() => 0); 1")),
        }
    }
}

/// Tells whether a tab at this URL is one that a worker has opened, and not a page's window.
pub(super) fn is_own_tab(url: &str) -> bool {
    url.ends_with(OWN_TAB)
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
