//! A stage for page tests: a Chromium of its own, a small site, and pages on both.
//!
//! Each test has its own Chromium, which is killed and reaped when the stage is dropped.

#![allow(dead_code, reason = "each test binary uses its part")]

mod site;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::{Ctx, TabId, Tasks};
use browserd_page::{
    Action, Button, Dialog, DialogPolicy, Error, Evaluate, Fact, Gate, Interacted, Locator,
    Modifiers, Navigate, Page, PageOptions, Records, RefBlocks, Settings, SnapshotOptions,
};
use cdp::Connection;
use cdp::protocol::target;
use futures_util::future::BoxFuture;
use serde_json::Value;
use testkit::raw::RawChromium;
use tokio::sync::{mpsc, watch};

pub use site::Site;

/// Reservations as they were asked for.
#[derive(Default)]
pub struct Reserved(pub Mutex<Vec<u64>>);

impl RefBlocks for Reserved {
    fn reserve<'a>(
        &'a self,
        _: TabId,
        up_to: u64,
    ) -> BoxFuture<'a, Result<(), browserd_page::Error>> {
        self.0.lock().unwrap().push(up_to);
        Box::pin(async { Ok(()) })
    }
}

pub struct Stage {
    pub tasks: Tasks,
    pub connection: Connection,
    pub site: Site,
    chromium: RawChromium,
}

/// A page and what it told.
pub struct Open {
    pub page: Page,
    pub session_id: String,
    pub facts: mpsc::Receiver<(TabId, Fact)>,
    pub reserved: Arc<Reserved>,
}

pub fn ctx() -> Ctx {
    Ctx::within(Duration::from_secs(20))
}

pub fn soon() -> Ctx {
    Ctx::within(Duration::from_millis(1500))
}

impl Stage {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts with more switches for the browser.
    pub async fn start_with(switches: &[&str]) -> Self {
        let mut chromium = RawChromium::start_with(switches).unwrap();
        let tasks = Tasks::new();
        let connection = chromium.connect(&tasks).unwrap();
        let site = Site::start().await;
        Self {
            tasks,
            connection,
            site,
            chromium,
        }
    }

    /// Opens a blank page.
    pub async fn blank(&self) -> Open {
        self.blank_with(DialogPolicy::Ask).await
    }

    /// Opens a blank page whose owner has room for so many facts.
    pub async fn narrow(&self, room: usize) -> Open {
        let (session_id, target_id) = self.new_target().await;
        let policy = DialogPolicy::Ask;
        self.attach_with(
            &self.connection,
            &session_id,
            &target_id,
            policy,
            1,
            false,
            room,
        )
        .await
    }

    pub async fn blank_with(&self, default_dialog: DialogPolicy) -> Open {
        let (session_id, target_id) = self.new_target().await;
        self.attach(
            &self.connection,
            &session_id,
            &target_id,
            default_dialog,
            1,
            false,
        )
        .await
    }

    async fn new_target(&self) -> (String, String) {
        let create = target::CreateTarget {
            url: "about:blank".to_owned(),
            ..Default::default()
        };
        let root = self.connection.root();
        let target_id = root.call(&ctx(), &create).await.unwrap().target_id;
        let attach = target::AttachToTarget {
            target_id: target_id.clone(),
            flatten: Some(true),
        };
        let session_id = root.call(&ctx(), &attach).await.unwrap().session_id;
        (session_id, target_id)
    }

    pub async fn attach(
        &self,
        connection: &Connection,
        session_id: &str,
        target_id: &str,
        default_dialog: DialogPolicy,
        first_ref: u64,
        adopted: bool,
    ) -> Open {
        self.attach_with(
            connection,
            session_id,
            target_id,
            default_dialog,
            first_ref,
            adopted,
            4096,
        )
        .await
    }

    #[allow(clippy::too_many_arguments, reason = "a test's own stage")]
    async fn attach_with(
        &self,
        connection: &Connection,
        session_id: &str,
        target_id: &str,
        default_dialog: DialogPolicy,
        first_ref: u64,
        adopted: bool,
        room: usize,
    ) -> Open {
        let (facts, told) = mpsc::channel(room);
        let reserved = Arc::new(Reserved::default());
        let refs: Arc<dyn RefBlocks> = reserved.clone();
        let options = PageOptions {
            tab: TabId(1),
            refs,
            settings: only(default_dialog),
            records: Arc::new(Records::new(base::Clock::system())),
            facts,
            open_dialog: None,
        };
        let session = connection.attach(session_id);
        let page = Page::attach(
            &ctx(),
            session,
            target_id,
            options,
            first_ref,
            adopted,
            &self.tasks,
        )
        .await
        .unwrap();
        Open {
            page,
            session_id: session_id.to_owned(),
            facts: told,
            reserved,
        }
    }

    /// Adopts a page that a dialog holds.
    pub async fn adopt_held(&self, session_id: &str, target_id: &str, dialog: Dialog) -> Open {
        let (facts, told) = mpsc::channel(4096);
        let reserved = Arc::new(Reserved::default());
        let options = PageOptions {
            tab: TabId(1),
            refs: reserved.clone(),
            settings: only(DialogPolicy::Ask),
            records: Arc::new(Records::new(base::Clock::system())),
            facts,
            open_dialog: Some(dialog),
        };
        let session = self.connection.attach(session_id);
        let page = Page::attach(&ctx(), session, target_id, options, 1001, true, &self.tasks)
            .await
            .unwrap();
        Open {
            page,
            session_id: session_id.to_owned(),
            facts: told,
            reserved,
        }
    }

    /// Opens a page that waits for us before its first script.
    pub async fn paused(&self, url: &str) -> Open {
        let open = async || {
            let create = target::CreateTarget {
                url: url.to_owned(),
                ..Default::default()
            };
            let root = self.connection.root();
            root.call(&ctx(), &create).await.unwrap();
        };
        self.paused_by(open).await
    }

    /// Attaches the page that `open` opens, which waits for us before its first script.
    pub async fn paused_by(&self, open: impl AsyncFnOnce()) -> Open {
        let root = self.connection.root();
        let mut events = root.events();
        let filter = vec![target::FilterEntry {
            r#type: Some("page".to_owned()),
            ..Default::default()
        }];
        let wait = target::SetAutoAttach {
            auto_attach: true,
            wait_for_debugger_on_start: true,
            flatten: Some(true),
            filter: Some(filter),
        };
        root.call(&ctx(), &wait).await.unwrap();
        // Those that were there are announced as well, and do not wait.
        let there = root.call(&ctx(), &target::GetTargets::default()).await;
        let there = there.unwrap().target_infos;
        open().await;
        loop {
            let cdp::Next::Event(event) = ctx().race(events.next()).await.unwrap() else {
                continue;
            };
            let Some(Ok(new)) = event.decode::<target::AttachedToTargetEvent>() else {
                continue;
            };
            let target_id = new.target_info.target_id;
            if there.iter().all(|info| info.target_id != target_id) {
                let policy = DialogPolicy::Ask;
                return self
                    .attach(
                        &self.connection,
                        &new.session_id,
                        &target_id,
                        policy,
                        1,
                        false,
                    )
                    .await;
            }
        }
    }

    /// Opens a page of the site that shows `body`.
    pub async fn show(&self, body: &str) -> Open {
        let open = self.blank().await;
        open.show(&self.site, body).await;
        open
    }
}

impl Open {
    /// Goes to a page of the site that shows `body`.
    pub async fn show(&self, site: &Site, body: &str) {
        let url = site.add(body);
        self.goto(&url).await;
    }

    pub async fn goto(&self, url: &str) {
        let to = Navigate {
            url: url.to_owned(),
        };
        self.page
            .navigate(&ctx(), &Gate::open(), &to)
            .await
            .unwrap();
    }

    pub async fn snapshot(&self) -> String {
        let shot = self
            .page
            .snapshot(&ctx(), &SnapshotOptions::default())
            .await
            .unwrap();
        shot.text.into_exposed()
    }

    /// Returns the locator of the first line that contains `part`.
    pub async fn find(&self, part: &str) -> Locator {
        let text = self.snapshot().await;
        ref_in(&text, part)
    }

    pub async fn act(&self, action: Action) -> Result<Interacted, Error> {
        self.page.interact(&ctx(), &Gate::open(), &action).await
    }

    pub async fn act_soon(&self, action: Action) -> Result<Interacted, Error> {
        self.page.interact(&soon(), &Gate::open(), &action).await
    }

    pub async fn click(&self, target: Locator) -> Result<Interacted, Error> {
        self.act(click(target)).await
    }

    /// Evaluates in the page's world.
    pub async fn js(&self, expression: &str) -> Value {
        let script = Evaluate {
            expression: expression.to_owned(),
        };
        let out = self
            .page
            .evaluate(&ctx(), &Gate::open(), &script)
            .await
            .unwrap();
        assert!(
            out.exception.is_none(),
            "{expression}: {:?}",
            out.exception.map(|e| e.text.into_exposed())
        );
        out.value.into_exposed()
    }
}

pub fn ref_in(text: &str, part: &str) -> Locator {
    let line = text.lines().find(|line| line.contains(part));
    let line = line.unwrap_or_else(|| panic!("no line with {part:?} in:\n{text}"));
    let number = line
        .split("@e")
        .nth(1)
        .unwrap_or_else(|| panic!("no ref in {line:?}"));
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    Locator::Ref(digits.parse().unwrap())
}

pub fn css(css: &str) -> Locator {
    Locator::Css(css.to_owned())
}

pub fn click(target: Locator) -> Action {
    Action::Click {
        target,
        button: Button::Left,
        count: 1,
        modifiers: Modifiers::default(),
        at: None,
    }
}

pub fn fill(target: Locator, text: &str) -> Action {
    Action::Fill {
        target,
        text: text.to_owned().into(),
    }
}

pub fn type_in(target: Locator, text: &str) -> Action {
    Action::Type {
        target: Some(target),
        text: text.to_owned().into(),
        delay: Duration::ZERO,
    }
}

pub fn press(keys: &str) -> Action {
    Action::Press {
        target: None,
        keys: keys.to_owned(),
    }
}

/// Returns the text without leading spaces that only the source has.
pub fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// Returns what a page is told that is told nothing but what it does with dialogs.
fn only(dialogs: DialogPolicy) -> watch::Receiver<Arc<Settings>> {
    let settings = Settings {
        dialogs,
        ..Settings::default()
    };
    watch::channel(Arc::new(settings)).1
}
