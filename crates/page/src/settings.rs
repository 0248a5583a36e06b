//! What the pages of a session are told to be: emulation, init scripts, the policy for dialogs.
//!
//! The owner holds one [`Settings`] for all of its pages and hands each a receiver of it, so a
//! page that comes into being takes what holds at that moment. [`Page::apply_settings`] is the
//! one way in which they reach a page: when it is attached, and whenever they change.

mod apply;
mod frames;
mod requests;

use base::Private;

use crate::DialogPolicy;

pub(crate) use apply::Applied;
pub(crate) use frames::{network_enabled, post_all};
pub use requests::{CredentialsFor, HeadersTo, RequestAction, RequestRule, url_matches};
pub(crate) use requests::{answer, authenticate, interception};

/// What the pages of a session are told to be. Each change of it has another number.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Settings {
    /// Rises with each change; 0 says that nothing was ever set.
    pub number: u64,
    /// Scripts that run in every document before its own, in their order.
    pub scripts: Vec<InitScript>,
    /// Whether the session ever had a script: an earlier daemon may have left some in a page.
    pub ever_scripted: bool,
    /// What the browser is made to look like.
    pub emulation: Emulation,
    /// What is done with dialogs when they open.
    pub dialogs: DialogPolicy,
    /// Headers that are added to requests.
    pub headers: Vec<HeadersTo>,
    /// What is told to sites that ask for a name and password.
    pub credentials: Vec<CredentialsFor>,
    /// What is told to the proxy; its origin counts for nothing.
    pub proxy_credentials: Option<CredentialsFor>,
    /// Whether the bodies of responses are recorded.
    pub record_bodies: bool,
    /// What becomes of requests; the first that matches counts.
    pub routes: Vec<RequestRule>,
}

/// A script that runs in every document before its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InitScript {
    /// Its number in the session; never given twice.
    pub number: u32,
    /// Its text.
    pub source: Private<String>,
}

/// What the browser is made to look like. What is `None` is the browser's own.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Emulation {
    /// The size and kind of its screen.
    pub viewport: Option<Viewport>,
    /// `navigator.userAgent` and the header.
    pub user_agent: Option<String>,
    /// `navigator.platform`.
    pub platform: Option<String>,
    /// A language tag, such as `de-CH`.
    pub locale: Option<String>,
    /// A zone of the IANA database, such as `Europe/Zurich`.
    pub timezone: Option<String>,
    /// Where it is.
    pub geolocation: Option<Geolocation>,
    /// `prefers-color-scheme`.
    pub color_scheme: Option<String>,
    /// `prefers-reduced-motion`.
    pub reduced_motion: Option<String>,
    /// Whether it has no network.
    pub offline: bool,
}

/// The size and kind of a screen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Viewport {
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

/// A place on earth.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Geolocation {
    /// In degrees.
    pub latitude: f64,
    /// In degrees.
    pub longitude: f64,
    /// In metres.
    pub accuracy: f64,
}

impl Settings {
    /// Tells whether frames in processes of their own need more than to be followed, and so
    /// have to be held until they are prepared.
    pub(crate) fn concern_frames(&self) -> bool {
        !self.scripts.is_empty()
            || self.emulation != Emulation::default()
            || interception(self).is_some()
            || self.record_bodies
    }
}
