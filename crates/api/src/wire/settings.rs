//! What a session was told to be, as it is asked for and shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the browser is made to look like; arguments of `emulate` and `open_session`.
///
/// None of it is in the lean schemas that MCP lists: a model that needs it asks by name.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Emulation {
    /// A device by name, such as `Pixel 8`: its screen and user agent
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The screen
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewport: Option<Viewport>,
    /// User agent
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Language tag, such as `de-CH`
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Time zone, such as `Europe/Zurich`
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Where it is; pages may ask for it then
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geolocation: Option<Geolocation>,
    /// `light`, `dark` or `no-preference`
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color_scheme: Option<String>,
    /// `reduce` or `no-preference`
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduced_motion: Option<String>,
    /// Without network
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<bool>,
    /// What pages may do, such as `notifications`; these and no others
    #[schemars(extend("x-unlisted" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
}

/// The size and kind of a screen.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Viewport {
    /// In CSS pixels
    pub width: u32,
    /// In CSS pixels
    pub height: u32,
    /// Device pixels to a CSS pixel; 1 if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// Laid out as on a phone
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<bool>,
    /// Touched
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<bool>,
}

/// A place on earth.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Geolocation {
    /// In degrees
    pub latitude: f64,
    /// In degrees
    pub longitude: f64,
    /// In metres; 10 if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
}

/// What is done with a dialog when it opens.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialogPolicy {
    /// It waits for handle_dialog
    #[default]
    Ask,
    /// It is accepted
    Accept,
    /// It is dismissed
    Dismiss,
}

/// Where requests go through.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Proxy {
    /// `http://HOST:PORT`, `https://HOST:PORT` or `socks5://HOST:PORT`
    pub server: String,
    /// Hosts that are reached without it
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bypass: Vec<String>,
    /// Its user
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Its user's password
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// An init script, as it is listed.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Script {
    /// Its id, such as `i1`.
    pub script_id: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its length.
    pub bytes: u64,
    /// Its text, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What a session was told to be. Secrets are told as being there, and never shown.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// What the browser is made to look like; what is absent is its own.
    pub emulation: Emulation,
    /// What is done with dialogs.
    pub dialog_policy: DialogPolicy,
    /// How many init scripts there are.
    pub scripts: u64,
    /// Where requests go through; `has_credentials` in the place of a user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ShownProxy>,
    /// Which headers are added to requests, without their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeadersShown>,
    /// The origins that are told a name and password.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http_credentials: Vec<String>,
    /// Whether the bodies of responses are recorded.
    pub record_bodies: bool,
    /// How many routes there are.
    pub routes: u64,
}

/// Headers that are added to requests, without their values.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HeadersShown {
    /// Where they go to; `*` for everywhere.
    pub origin: String,
    /// Their names.
    pub names: Vec<String>,
}

/// A name and password for a site that asks for them.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HttpCredentials {
    /// The name
    pub username: String,
    /// The password
    #[serde(default)]
    pub password: String,
    /// Which origin; that of `url` if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// What is done with a request.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteAction {
    /// It fails
    #[default]
    Block,
    /// It is answered with `status`, `headers` and `body`
    Mock,
    /// It goes on with `headers`, and without `remove_headers`
    Headers,
}

/// A route, as it is listed; of what is secret the names only.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RouteShown {
    /// Its id, such as `q1`.
    pub route_id: String,
    /// The URL pattern.
    pub url: String,
    /// Only this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only this kind of resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What is done.
    pub action: RouteAction,
    /// Status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Names of the headers that are set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header_names: Vec<String>,
    /// Names of the headers that are removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_headers: Vec<String>,
    /// Length of the answer's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
}

/// A proxy, as it is shown.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownProxy {
    /// Its address.
    pub server: String,
    /// Hosts that are reached without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bypass: Vec<String>,
    /// Whether a user and password are set.
    pub has_credentials: bool,
}
