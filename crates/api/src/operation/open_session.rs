//! `open_session`: opens a session, or joins or resumes the one that holds the key.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DialogPolicy, Effect, Emulation, HttpCredentials, Operation, Proxy, Route, Session};

/// Arguments of `open_session`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OpenSession {
    /// Your name for the session, to find it again
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// URL to go to
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Named profile
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Labels
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Go to the URL even if the session was resumed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub navigate: Option<bool>,
    /// Drive this running browser (`http://127.0.0.1:PORT`); closing leaves it as it is
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdp_url: Option<String>,
    /// Park it after so much time without a call; 0 for never
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u64>,
    /// Close it when it has held a browser for so long; 0 for never
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lifetime_ms: Option<u64>,
    /// What the browser is made to look like.
    #[serde(flatten)]
    pub emulation: Emulation,
    /// What is done with dialogs when they open
    #[schemars(extend("x-unlisted" = true))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog_policy: Option<DialogPolicy>,
    /// Scripts that run in every document before its own
    #[schemars(extend("x-unlisted" = true))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_scripts: Option<Vec<String>>,
    /// Where requests go through
    #[schemars(extend("x-unlisted" = true))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// Headers that are added to requests to the origin of `url`
    #[schemars(extend("x-unlisted" = true))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// What is told to a site that asks for a name and password
    #[schemars(extend("x-unlisted" = true))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_credentials: Option<HttpCredentials>,
}

impl Operation for OpenSession {
    const NAME: &'static str = "open_session";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Opens a browser session. With a key: joins or resumes the session that holds it. Sessions survive crashes; close them when done.";
    const ROUTE: Route = Route::post("/v1/sessions");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"key": "shop:1", "url": "https://example.org/"}"#,
        r#"{}"#,
    ];
    const LATER: &'static [&'static str] = &[
        "headless",
        "headed",
        "isolation",
        "no_wait",
        "queue_timeout_ms",
        "secrets",
        "anonymise",
        "guard",
    ];
    type Output = OpenedSession;
}

/// Answer of `open_session` and `resume_session`: the session, and how it came to be.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OpenedSession {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// `created`, `joined` or `resumed`.
    pub opened: Opened,
    /// The HTTP status of the page that was opened, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
}

/// How a session came to be open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Opened {
    /// It is new.
    Created,
    /// It had a browser already.
    Joined,
    /// It was brought back from its checkpoint.
    Resumed,
}
