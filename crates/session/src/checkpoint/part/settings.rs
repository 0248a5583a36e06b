//! What a session was told to be, as it is stored: in its row of the table of settings, and as
//! a part of each checkpoint.
//!
//! What it can't bring back: what a script that was removed has done to documents that are
//! shown, and a proxy's effect on what was loaded before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a session was told to be.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsPart {
    /// Init scripts, in the order they run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<ScriptPart>,
    /// How many scripts were ever added: a number is never given twice.
    #[serde(skip_serializing_if = "is_zero")]
    pub scripts_added: u32,
    /// What the browser is made to look like.
    #[serde(skip_serializing_if = "is_default")]
    pub emulation: EmulationPart,
    /// What pages may do without being asked for; all else is denied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// What is done with dialogs.
    #[serde(skip_serializing_if = "is_default")]
    pub dialogs: DialogsPart,
    /// Where its requests go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyPart>,
    /// Headers that are added to requests, by the origin these go to (`*` for all).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, BTreeMap<String, String>>,
    /// What is told to a site that asks for a name and password, by its origin.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, CredentialsPart>,
    /// Whether the bodies of responses are recorded.
    #[serde(skip_serializing_if = "is_default")]
    pub record_bodies: bool,
    /// What becomes of requests; the first that matches counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RoutePart>,
    /// How many routes were ever added: a number is never given twice.
    #[serde(skip_serializing_if = "is_zero")]
    pub routes_added: u32,
}

/// What becomes of requests that match.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoutePart {
    /// Its number.
    pub number: u32,
    /// The URL; `*` stands for any text, `?` for one character.
    pub url: String,
    /// The method, if only one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The kind of resource, in the protocol's words, if only one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What is done.
    pub action: RouteActionPart,
}

/// What is done with a request.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteActionPart {
    /// It fails.
    #[default]
    Block,
    /// It is answered.
    Answer {
        /// The HTTP status.
        status: u16,
        /// By name.
        headers: BTreeMap<String, String>,
        /// In base64.
        body: String,
    },
    /// It goes on with other headers.
    Change {
        /// By name.
        set: BTreeMap<String, String>,
        /// Names.
        remove: Vec<String>,
    },
}

/// An init script.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScriptPart {
    /// Its number.
    pub number: u32,
    /// What it is for, in its owner's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its text.
    pub source: String,
}

/// What the browser is made to look like.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmulationPart {
    /// The device that viewport and user agent were taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewport: Option<ViewportPart>,
    /// The user agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// `navigator.platform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// A language tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// A time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Latitude, longitude, accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geolocation: Option<(f64, f64, f64)>,
    /// `light`, `dark` or `no-preference`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color_scheme: Option<String>,
    /// `reduce` or `no-preference`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduced_motion: Option<String>,
    /// Whether it has no network.
    #[serde(skip_serializing_if = "is_default")]
    pub offline: bool,
}

/// The size and kind of a screen.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewportPart {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// How many of the device's pixels a CSS pixel is wide.
    pub scale: f64,
    /// Whether pages are laid out as on a phone.
    pub mobile: bool,
    /// Whether it is touched.
    pub touch: bool,
}

/// What is done with dialogs.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialogsPart {
    /// They wait for an answer.
    #[default]
    Ask,
    /// They are accepted.
    Accept,
    /// They are dismissed.
    Dismiss,
}

/// Where requests go through.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProxyPart {
    /// Such as `socks5://127.0.0.1:1080`.
    pub server: String,
    /// Hosts that are reached without it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bypass: Vec<String>,
    /// What it is told when it asks who is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsPart>,
}

/// A name and a password.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialsPart {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl SettingsPart {
    /// Tells whether nothing was ever set.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_nothing_written_and_what_a_later_version_wrote_still_reads() {
        let nothing = serde_json::to_string(&SettingsPart::default()).unwrap();
        assert_eq!(nothing, "{}");
        let part: SettingsPart =
            serde_json::from_str(r#"{"dialogs":"accept","later":{},"scripts":[{"number":2}]}"#)
                .unwrap();
        assert!(part.dialogs == DialogsPart::Accept && part.scripts[0].number == 2);
    }
}
