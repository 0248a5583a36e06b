//! A session at a browser that somebody else has started: no fault may cost it anything, for
//! its browser dies of none.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, Outcome};
use super::model::{May, Track};
use crate::harness::Harness;
use crate::link::Link;
use crate::somebody::Somebody;

/// How long it may take to be linked again.
const BACK: Duration = Duration::from_secs(60);

/// The session, its browser and what leads to it.
pub(super) struct Attached {
    client: Client,
    link: Link,
    session: String,
    generation: u64,
    number: u64,
    mark: Track<u64>,
    heap: Option<f64>,
    // Last: it ends when this is dropped.
    _browser: Somebody,
}

impl Attached {
    /// Starts the browser and attaches to a page of it.
    pub fn open(harness: &Harness, url: &str) -> Result<Self, String> {
        let browser = Somebody::start();
        let link = Link::to(browser.address());
        let mut client = Client::of_turn(harness, 0);
        let open = json!({ "cdp_url": format!("http://{}", link.address()), "url": url });
        let Outcome::Done(opened) = client.call("open_session", open) else {
            return Err("the attached session can't be opened".to_owned());
        };
        Ok(Self {
            client,
            link,
            session: opened["session_id"].as_str().unwrap_or_default().to_owned(),
            generation: opened["generation"].as_u64().unwrap_or(0),
            number: 0,
            mark: Track::new("mark", 0),
            heap: None,
            _browser: browser,
        })
    }

    /// Cuts the link.
    pub fn cut(&self) {
        self.link.cut();
    }

    /// Lets the link be made again.
    pub fn lead_on(&self) {
        self.link.restore();
    }

    /// Changes the page.
    pub fn write(&mut self) {
        self.number += 1;
        self.mark.sent(self.number);
        match self.evaluate(&format!("window.mark = {}", self.number)) {
            Outcome::Done(_) => self.mark.acked(Instant::now()),
            Outcome::NotStarted(_) => self.mark.withdrawn(),
            Outcome::Unknown(_) => {}
        }
    }

    /// Looks until the page answers, and returns what is wrong.
    pub fn verify(&mut self) -> Vec<String> {
        let end = Instant::now() + BACK;
        let answer = loop {
            match self.evaluate("[window.mark ?? 0, performance.timeOrigin]") {
                Outcome::Done(answer) => break answer,
                other if end <= Instant::now() => {
                    return vec![format!("the attached session isn't back: {other:?}")];
                }
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        let mut wrong = Vec::new();
        if answer["generation"] != self.generation {
            wrong.push(format!(
                "the attached session is of generation {}",
                answer["generation"]
            ));
        }
        let heap = answer["value"][1].as_f64();
        if self.heap.is_some() && self.heap != heap {
            wrong.push("the attached page was loaded again".to_owned());
        }
        self.heap = heap;
        let mark = answer["value"][0].as_u64().unwrap_or(u64::MAX);
        wrong.extend(self.mark.judge(&mark, May::LoseNothing).err());
        wrong
    }

    /// Closes the session; its browser lives on.
    pub fn close(&mut self) -> Option<String> {
        let outcome = self
            .client
            .call("close_session", json!({ "session_id": self.session }));
        match outcome {
            Outcome::Done(_) => None,
            other => Some(format!("the attached session can't be closed: {other:?}")),
        }
    }

    fn evaluate(&mut self, expression: &str) -> Outcome {
        let arguments: Value = json!({ "session_id": self.session, "expression": expression });
        self.client.call("evaluate", arguments)
    }
}
