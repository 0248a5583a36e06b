//! `stop_daemon`: ends the daemon.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `stop_daemon`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StopDaemon {
    /// Stop the browsers too
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browsers: Option<bool>,
}

impl Operation for StopDaemon {
    const NAME: &'static str = "stop_daemon";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str =
        "Stops the daemon after its running calls. Browsers run on unless browsers is true.";
    const ROUTE: Route = Route::post("/v1/stop");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{}"#, r#"{"browsers": true}"#];
    type Output = Stopping;
}

/// Answer of `stop_daemon`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Stopping {
    /// True: it has begun to stop.
    pub stopping: bool,
    /// The process that is ending.
    pub pid: u32,
}
