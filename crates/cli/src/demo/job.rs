//! The main job: log in, lose the browser, lose the daemon, and go on in the same place.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::Ctx;
use serde_json::{Value, json};

use super::app::{Ledger, PASSWORD, USER};
use super::mcp::Mcp;
use super::outside;
use super::report::Report;

/// The session's key.
const KEY: &str = "demo";
/// What every protected page greets with, if cookie and token are both there.
const GREETING: &str = "Hello, Ada. Your token is good.";
/// Nothing that is older than this may be lost in a crash.
const PROMISED: Duration = Duration::from_secs(1);

/// The job, and what it remembers from one step to the next.
pub struct Job {
    mcp: Mcp,
    home: PathBuf,
    app: String,
    ledger: Arc<Ledger>,
    generation: u64,
    /// The session's first tab: the shop.
    shop: String,
    /// The second one: the catalogue.
    catalogue: String,
    /// How far the catalogue is scrolled.
    scrolled: f64,
    /// The tabs before the first fault.
    tabs: Value,
    /// The snapshot before the daemon was killed.
    snapshot: String,
}

impl Job {
    /// Returns a job that is about to begin.
    pub fn new(mcp: Mcp, home: &Path, app: String, ledger: Arc<Ledger>) -> Self {
        Self {
            mcp,
            home: home.to_owned(),
            app,
            ledger,
            generation: 0,
            shop: String::new(),
            catalogue: String::new(),
            scrolled: 0.0,
            tabs: Value::Null,
            snapshot: String::new(),
        }
    }

    /// Does the job. `None` if a step failed; the report has it.
    pub async fn run(&mut self, report: &mut Report) -> Option<()> {
        self.arrive(report).await?;
        self.lose_the_browser(report).await?;
        self.lose_the_daemon(report).await?;
        self.settle(report).await
    }

    /// Hangs up.
    pub async fn end(self) {
        self.mcp.end().await;
    }

    async fn arrive(&mut self, report: &mut Report) -> Option<()> {
        report
            .step("start `browserd mcp`", "it lists its tools", async {
                let tools = self.mcp.greet().await?;
                check(tools.iter().any(|tool| tool == "open_session"), || {
                    format!("{tools:?}")
                })
            })
            .await?;
        report
            .step(
                "open a session at the login page",
                "it is created and alive",
                self.open(),
            )
            .await?;
        report
            .step(
                "log in by snapshot and interact",
                "the shop greets by name and token",
                self.log_in(),
            )
            .await?;
        report
            .step("put two things into the cart", "the page counts 2", async {
                self.add("Difference engine", 1).await?;
                self.add("Punched cards", 2).await
            })
            .await?;
        report
            .step(
                "open the catalogue by its link",
                "a second tab shows it",
                self.second_tab(),
            )
            .await?;
        report
            .step(
                "scroll the catalogue",
                "it is more than 1,000 pixels down",
                self.scroll(),
            )
            .await?;
        report
            .step(
                "wait for a checkpoint",
                "there is one, or the promised second is over",
                self.promised(),
            )
            .await
    }

    async fn lose_the_browser(&mut self, report: &mut Report) -> Option<()> {
        report
            .step(
                "kill -9 the browser, then take a snapshot",
                "the shop, the next generation, and what was lost",
                self.kill_the_browser(),
            )
            .await?;
        report
            .step(
                "look at the shop",
                "still logged in, 2 things in the cart",
                async {
                    self.wait(&self.shop.clone(), json!({ "text": GREETING }))
                        .await?;
                    self.wait(&self.shop.clone(), json!({ "text": "Cart: 2 items" }))
                        .await
                },
            )
            .await?;
        report
            .step(
                "look at the catalogue",
                "scrolled to the same place",
                async {
                    let near = format!("Math.abs(scrollY - {}) < 50", self.scrolled);
                    self.wait(&self.catalogue.clone(), json!({ "function": near }))
                        .await
                },
            )
            .await?;
        report
            .step(
                "list the tabs",
                "the same ids and URLs, the same one active",
                self.same_tabs(),
            )
            .await?;
        report
            .step(
                "go on shopping",
                "the page counts 3",
                self.add("Analytical engine", 3),
            )
            .await
    }

    async fn lose_the_daemon(&mut self, report: &mut Report) -> Option<()> {
        report
            .step(
                "leave a mark in the page",
                "a JS variable is set",
                self.leave_a_mark(),
            )
            .await?;
        report
            .step(
                "kill -9 the daemon, then evaluate",
                "the variable is there, the generation the same",
                self.kill_the_daemon(),
            )
            .await?;
        report
            .step(
                "take a snapshot",
                "the same text and refs as before",
                async {
                    let now = self.take_snapshot().await?;
                    check(now == self.snapshot, || {
                        "the snapshot is another one".to_owned()
                    })
                },
            )
            .await?;
        report
            .step(
                "list the tabs",
                "the same ids and URLs, the same one active",
                self.same_tabs(),
            )
            .await?;
        report
            .step("click a ref from before", "the page counts 4", async {
                let button = reference(&self.snapshot, "button", "Add Punched cards to cart")?;
                self.act(json!({ "action": "click", "ref": button }))
                    .await?;
                self.counts(4).await
            })
            .await
    }

    async fn settle(&mut self, report: &mut Report) -> Option<()> {
        report
            .step(
                "open another protected page",
                "it greets by name and token",
                async {
                    let url = format!("{}/orders", self.app);
                    let there = self
                        .call("navigate", json!({ "tab_id": self.shop, "url": url }))
                        .await?;
                    check(there["http_status"] == 200, || {
                        format!("HTTP status {}", there["http_status"])
                    })?;
                    self.wait(&self.shop.clone(), json!({ "text": GREETING }))
                        .await
                },
            )
            .await?;
        report
            .step(
                "ask the application",
                "one login, no protected request without its cookie",
                async {
                    let stats = self.ledger.stats();
                    check(stats.logins == 1 && stats.refused_logins == 0, || {
                        format!("{} logins, {} refused", stats.logins, stats.refused_logins)
                    })?;
                    check(stats.unauthenticated_protected_requests == 0, || {
                        format!(
                            "{} without a cookie",
                            stats.unauthenticated_protected_requests
                        )
                    })
                },
            )
            .await?;
        report
            .step("close the session", "it is closed", async {
                self.call("close_session", json!({})).await.map(drop)
            })
            .await
    }

    async fn open(&mut self) -> Result<(), String> {
        let url = format!("{}/login", self.app);
        let session = self
            .mcp
            .call("open_session", json!({ "key": KEY, "url": url }))
            .await?;
        check(session["opened"] == "created", || {
            format!("it was {}", session["opened"])
        })?;
        check(session["state"] == "alive", || {
            format!("it is {}", session["state"])
        })?;
        self.generation = session["generation"]
            .as_u64()
            .ok_or("it has no generation")?;
        let tabs = self.list_tabs().await?;
        self.shop = tabs[0]["tab_id"]
            .as_str()
            .ok_or("it has no tab")?
            .to_owned();
        Ok(())
    }

    async fn log_in(&mut self) -> Result<(), String> {
        let form = self.take_snapshot().await?;
        let user = reference(&form, "textbox", "User")?;
        let password = reference(&form, "textbox", "Password")?;
        let button = reference(&form, "button", "Log in")?;
        self.act(json!({ "action": "fill", "ref": user, "text": USER }))
            .await?;
        self.act(json!({ "action": "fill", "ref": password, "text": PASSWORD }))
            .await?;
        self.act(json!({ "action": "click", "ref": button }))
            .await?;
        self.wait(&self.shop.clone(), json!({ "url": "/shop" }))
            .await?;
        self.wait(&self.shop.clone(), json!({ "text": GREETING }))
            .await
    }

    async fn add(&mut self, product: &str, total: u32) -> Result<(), String> {
        let page = self.take_snapshot().await?;
        let button = reference(&page, "button", &format!("Add {product} to cart"))?;
        self.act(json!({ "action": "click", "ref": button }))
            .await?;
        self.counts(total).await
    }

    async fn counts(&mut self, total: u32) -> Result<(), String> {
        self.wait(
            &self.shop.clone(),
            json!({ "text": format!("Cart: {total} items") }),
        )
        .await
    }

    async fn second_tab(&mut self) -> Result<(), String> {
        let page = self.take_snapshot().await?;
        let link = reference(&page, "link", "Open the catalogue")?;
        self.act(json!({ "action": "click", "ref": link })).await?;
        // The tab appears when the browser says so; listing is how a client learns of it.
        let ctx = Ctx::within(Duration::from_secs(10));
        loop {
            let tabs = self.list_tabs().await?;
            let second = tabs
                .as_array()
                .into_iter()
                .flatten()
                .find(|tab| tab["tab_id"] != *self.shop);
            if let Some(id) = second.and_then(|tab| tab["tab_id"].as_str()) {
                self.catalogue = id.to_owned();
                break;
            }
            ctx.pause(Duration::from_millis(20))
                .await
                .map_err(|_| "no second tab was listed")?;
        }
        self.wait(&self.catalogue.clone(), json!({ "text": "Item 300" }))
            .await
    }

    async fn scroll(&mut self) -> Result<(), String> {
        let far = json!({ "tab_id": self.catalogue, "action": "scroll", "dy": 4000 });
        self.call("interact", far).await?;
        self.wait(
            &self.catalogue.clone(),
            json!({ "function": "scrollY > 1000" }),
        )
        .await?;
        let there = self.evaluate(&self.catalogue.clone(), "scrollY").await?;
        self.scrolled = there.as_f64().ok_or("scrollY is no number")?;
        self.tabs = self.list_tabs().await?;
        Ok(())
    }

    /// The state as it is now must be safe when a second has passed, or earlier if the
    /// session's checkpoint is already younger than this moment.
    async fn promised(&mut self) -> Result<(), String> {
        let now = base::Clock::system().wall();
        let ctx = Ctx::within(PROMISED);
        loop {
            let sessions = self.mcp.call("list_sessions", json!({})).await?;
            let taken = sessions["sessions"][0]["checkpoint"]["taken_at"].as_str();
            let taken = taken.and_then(|taken| taken.parse::<base::Timestamp>().ok());
            if taken.is_some_and(|taken| now <= taken) {
                return Ok(());
            }
            if ctx.pause(Duration::from_millis(50)).await.is_err() {
                return check(taken.is_some(), || "there is no checkpoint".to_owned());
            }
        }
    }

    async fn kill_the_browser(&mut self) -> Result<(), String> {
        outside::kill_browser(&self.home)?;
        let answer = self
            .call("snapshot", json!({ "tab_id": self.shop }))
            .await?;
        let url = format!("{}/shop", self.app);
        check(answer["url"] == url, || {
            format!("the page is {}", answer["url"])
        })?;
        let generation = answer["generation"].as_u64().unwrap_or_default();
        check(generation == self.generation + 1, || {
            format!("the generation is {generation}")
        })?;
        self.generation = generation;
        let lost = answer["recovered"]["lost"].as_array();
        let told = lost.is_some_and(|lost| lost.iter().any(|part| part == "js_heap"));
        check(told, || format!("recovered is {}", answer["recovered"]))
    }

    async fn leave_a_mark(&mut self) -> Result<(), String> {
        let mark = self
            .evaluate(&self.shop.clone(), "window.leftHere = 'still here'")
            .await?;
        self.snapshot = self.take_snapshot().await?;
        check(mark == "still here", || format!("it is {mark}"))
    }

    async fn kill_the_daemon(&mut self) -> Result<(), String> {
        outside::kill_daemon(&self.home)?;
        let expression = json!({ "tab_id": self.shop, "expression": "window.leftHere" });
        let answer = self.call("evaluate", expression).await?;
        check(answer["value"] == "still here", || {
            format!("it is {}", answer["value"])
        })?;
        check(answer["generation"] == self.generation, || {
            format!("the generation is {}", answer["generation"])
        })?;
        check(answer["recovered"].is_null(), || {
            format!("recovered is {}", answer["recovered"])
        })
    }

    async fn same_tabs(&mut self) -> Result<(), String> {
        let tabs = self.list_tabs().await?;
        check(tabs == self.tabs, || {
            format!("they were {}, and are {tabs}", self.tabs)
        })
    }

    async fn call(&mut self, tool: &str, mut arguments: Value) -> Result<Value, String> {
        arguments["session_id"] = Value::from(KEY);
        self.mcp.call(tool, arguments).await
    }

    async fn act(&mut self, mut action: Value) -> Result<(), String> {
        action["tab_id"] = Value::from(self.shop.as_str());
        self.call("interact", action).await.map(drop)
    }

    async fn wait(&mut self, tab: &str, mut condition: Value) -> Result<(), String> {
        condition["tab_id"] = Value::from(tab);
        self.call("wait_for", condition).await.map(drop)
    }

    async fn evaluate(&mut self, tab: &str, expression: &str) -> Result<Value, String> {
        let arguments = json!({ "tab_id": tab, "expression": expression });
        Ok(self.call("evaluate", arguments).await?["value"].take())
    }

    async fn take_snapshot(&mut self) -> Result<String, String> {
        let answer = self
            .call("snapshot", json!({ "tab_id": self.shop }))
            .await?;
        answer["snapshot"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| "it is no text".to_owned())
    }

    async fn list_tabs(&mut self) -> Result<Value, String> {
        Ok(self.call("list_tabs", json!({})).await?["tabs"].take())
    }
}

/// Passes if `holds`, else says what was seen.
fn check(holds: bool, seen: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(seen()) }
}

/// Returns the ref of the node with this role and name.
fn reference(snapshot: &str, role: &str, name: &str) -> Result<String, String> {
    let start = format!("{role} \"{name}\"");
    let line = snapshot
        .lines()
        .map(|line| line.trim_start_matches([' ', '-']))
        .find(|line| line.starts_with(&start));
    let reference =
        line.and_then(|line| line.split_whitespace().find(|word| word.starts_with("@e")));
    reference
        .map(str::to_owned)
        .ok_or_else(|| format!("the snapshot shows no {start} with a ref"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_found_by_role_and_name() {
        let snapshot = "heading \"Log in\" [level=1]\n  textbox \"User\" @e12 [focused]\n";
        assert_eq!(reference(snapshot, "textbox", "User").unwrap(), "@e12");
        assert!(reference(snapshot, "heading", "Log in").is_err());
        assert!(reference(snapshot, "button", "User").is_err());
    }
}
