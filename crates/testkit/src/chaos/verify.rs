//! What is there after a fault, beside what was acknowledged.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Outcome;
use super::model::May;
use super::plan::Moment;
use super::queue::COUNTERS;
use super::worker::{Check, DATABASE, Found, Worker, is_own_tab};

/// How long a session may take to come back: a frozen browser is given half a minute first.
const BACK: Duration = Duration::from_secs(120);

/// What reads everything at once.
const READ: &str = "JSON.stringify({ \
    cookie: Number(document.cookie.match(/work=(\\d+)/)?.[1] ?? 0), \
    local: Number(localStorage.getItem('work') ?? 0), \
    session: Number(sessionStorage.getItem('work') ?? 0), \
    href: location.href, \
    note: document.querySelector('#note')?.value ?? '', \
    entries: navigation.entries().slice(0, navigation.currentEntry.index + 1).map(e => e.url), \
    heap: performance.timeOrigin })";

impl Worker {
    /// Looks until the page answers, and compares it with what was acknowledged.
    pub(super) fn verify(&mut self, check: Check) -> Found {
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
        self.judge_number(parts[1], may, found);
        self.compare_database(parts[1], may, found);
        self.compare_page(read, may, found);
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
        self.compare_counter();
        if !check.closely && !found.recovered {
            self.heap = Some(number("heap"));
            return;
        }
        self.number += 1;
        let url = self.page(self.number);
        // From a page that the server knows: logged in, without having logged in again.
        let home = self.site.url("/home");
        if let Outcome::Done(answer) = self.go_to(&home)
            && answer["url"] != home.as_str()
        {
            self.wrong
                .push(format!("not logged in any more: {}", answer["url"]));
        }
        drop(self.go_to(&url));
        if let Outcome::Done(answer) = self.call(
            "evaluate",
            json!({ "tab_id": "t1", "expression": "performance.timeOrigin" }),
        ) {
            self.heap = answer["value"].as_f64();
        }
    }

    fn compare_database(&mut self, work: u64, may: May, found: &mut Found) {
        let read = format!("await ({DATABASE})(store => store.get('work'), 'readonly') ?? 0");
        let arguments = json!({ "tab_id": "t1", "expression": read });
        let Outcome::Done(answer) = self.call("evaluate", arguments) else {
            return;
        };
        let Some(number) = answer["value"].as_u64() else {
            self.wrong
                .push(format!("the database can't be read: {answer}"));
            return;
        };
        // It is written after the rest: a moment between the two is one, too.
        if self.database.between(&number, &work) {
            self.wrong.push(format!(
                "torn: {number} in the database, {work} in web storage"
            ));
        }
        match self.database.judge(&number, may) {
            Ok(young) => found.young += young,
            Err(wrong) => self.wrong.push(wrong),
        }
    }

    fn compare_page(&mut self, read: &Value, may: May, found: &mut Found) {
        let (note, href) = (
            read["note"].as_str().unwrap_or_default(),
            read["href"].as_str().unwrap_or_default(),
        );
        if !note.is_empty() && !note.ends_with(&format!(" of {href}")) {
            self.wrong.push(format!("{note:?} is typed into {href}"));
        }
        match self.note.judge(&note.to_owned(), may) {
            Ok(young) => found.young += young,
            Err(wrong) => self.wrong.push(wrong),
        }
        let entries: Vec<String> = read["entries"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|url| url.as_str().map(str::to_owned))
            .collect();
        if entries.last().is_none_or(|last| last != href) {
            self.wrong
                .push(format!("the history {entries:?} doesn't end at {href}"));
        }
        if let Err(wrong) = self.visits.judge(&entries) {
            self.wrong.push(wrong);
        }
    }

    /// An entry in the KV store is lost by no fault.
    fn compare_counter(&mut self) {
        let arguments = json!({ "namespace": COUNTERS, "key": self.who });
        if let Outcome::Done(answer) = self.call("kv_get", arguments) {
            let number = answer["value"].as_u64().unwrap_or(0);
            if let Err(wrong) = self.counter.judge(&number, May::LoseNothing) {
                self.wrong.push(wrong);
            }
        }
    }

    fn judge_number(&mut self, work: u64, may: May, found: &mut Found) {
        match self.work.judge(&work, may) {
            Ok(young) => found.young += young,
            Err(wrong) => self.wrong.push(wrong),
        }
    }

    fn compare_tabs(&mut self, tabs: &[(String, String)], may: &mut May, found: &mut Found) {
        let own: Vec<String> = tabs
            .iter()
            .filter(|(id, url)| id == "t1" || is_own_tab(url))
            .map(|(id, _)| id.clone())
            .collect();
        if std::mem::take(&mut self.tab_more) {
            let with_it = self.tabs.settled().is_some_and(|known| {
                own.len() == known.len() + 1 && known.iter().all(|tab| own.contains(tab))
            });
            if with_it {
                self.tabs.sent(own.clone());
            }
        }
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
        for (id, _) in tabs.iter().filter(|(id, _)| !own.contains(id)) {
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
    pub(super) fn close(&mut self) {
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
