//! One change of a session's settings: checked here, before anything of it is stored.

use std::collections::BTreeMap;

use super::device::Device;
use super::{
    CredentialsPart, DialogsPart, EmulationPart, ProxyPart, RoutePart, ScriptPart, SettingsPart,
    ViewportPart,
};
use crate::Error;

/// How many init scripts a session may have.
pub const MOST_SCRIPTS: usize = 50;
/// How long one of them may be, in bytes.
pub const MOST_SCRIPT_BYTES: usize = 20 * 1024;
/// How long a short text may be.
const LONGEST: usize = 1024;
/// How wide and high a screen may be.
const WIDEST: u32 = 10_000;
/// What may be permitted, by the names of the Permissions API.
const PERMISSIONS: [&str; 17] = [
    "geolocation",
    "notifications",
    "camera",
    "microphone",
    "clipboard-read",
    "clipboard-write",
    "midi",
    "background-sync",
    "persistent-storage",
    "screen-wake-lock",
    "storage-access",
    "local-fonts",
    "window-management",
    "idle-detection",
    "accelerometer",
    "gyroscope",
    "magnetometer",
];

/// A change of a session's settings.
#[derive(Clone)]
pub enum Change {
    /// Another init script, behind those that are there.
    AddScript {
        /// What it is for.
        name: Option<String>,
        /// Its text.
        source: String,
    },
    /// An init script goes.
    RemoveScript(u32),
    /// What the browser is made to look like.
    Emulate(Box<EmulationChange>),
    /// What is done with dialogs.
    Dialogs(DialogsPart),
    /// Where requests go through; before the first browser only.
    Proxy(ProxyPart),
    /// Headers that are added to requests; none at all takes those of the origin away.
    Headers {
        /// Where they go to, `*` for everywhere; `None` for where the active tab is.
        origin: Option<String>,
        /// By name.
        headers: BTreeMap<String, String>,
    },
    /// What is told to a site that asks who is there; `None` takes it away.
    Credentials {
        /// Which; `None` for where the active tab is.
        origin: Option<String>,
        /// The name and password.
        credentials: Option<CredentialsPart>,
    },
    /// Whether the bodies of responses are recorded.
    RecordBodies(bool),
    /// Another rule for requests, behind those that are there.
    AddRoute(RoutePart),
    /// A rule for requests goes; `None` for all.
    RemoveRoute(Option<u32>),
}

/// What changes of the emulation: what is `None` stays, after what `reset` names is the
/// browser's own again.
#[derive(Clone, Default)]
pub struct EmulationChange {
    /// What is the browser's own again; `all` for everything.
    pub reset: Vec<String>,
    /// A device by name: its screen and user agent.
    pub device: Option<String>,
    /// The screen.
    pub viewport: Option<ViewportPart>,
    /// The user agent.
    pub user_agent: Option<String>,
    /// A language tag.
    pub locale: Option<String>,
    /// A time zone.
    pub timezone: Option<String>,
    /// Latitude, longitude, accuracy.
    pub geolocation: Option<(f64, f64, f64)>,
    /// `light`, `dark` or `no-preference`.
    pub color_scheme: Option<String>,
    /// `reduce` or `no-preference`.
    pub reduced_motion: Option<String>,
    /// Whether it has no network.
    pub offline: Option<bool>,
    /// What pages may do; these and no others.
    pub permissions: Option<Vec<String>>,
}

impl Change {
    /// Tells what of the whole browser it would change, if it does.
    pub(crate) fn is_of_the_browser(&self) -> Option<&'static str> {
        match self {
            Self::Proxy(_) => Some("a proxy"),
            Self::Emulate(change) if change.permissions.is_some() => Some("permissions"),
            Self::Emulate(_) | Self::AddScript { .. } | Self::RemoveScript(_) => None,
            Self::Dialogs(_) | Self::Headers { .. } | Self::Credentials { .. } => None,
            Self::AddRoute(_) | Self::RemoveRoute(_) | Self::RecordBodies(_) => None,
        }
    }
}

impl SettingsPart {
    /// Makes a change, or refuses it and stays as it is. `here` is the active tab's URL.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::LimitReached`], [`Error::NotHere`].
    pub fn change(&mut self, change: Change, here: &str) -> Result<(), Error> {
        match change {
            Change::AddScript { name, source } => self.add_script(name, source),
            Change::RemoveScript(number) => {
                let before = self.scripts.len();
                self.scripts.retain(|script| script.number != number);
                if self.scripts.len() == before {
                    return Err(invalid(
                        "script_id",
                        "the session has no such script; list_scripts shows them",
                    ));
                }
                Ok(())
            }
            Change::Emulate(change) => self.emulate(*change),
            Change::Dialogs(dialogs) => {
                self.dialogs = dialogs;
                Ok(())
            }
            Change::Proxy(proxy) => {
                check_proxy(&proxy)?;
                self.proxy = Some(proxy);
                Ok(())
            }
            Change::Headers { origin, headers } => {
                let origin = super::requests::origin_meant(origin, here, true)?;
                super::requests::set_headers(self, origin, headers)
            }
            Change::Credentials {
                origin,
                credentials,
            } => {
                let origin = super::requests::origin_meant(origin, here, false)?;
                super::requests::set_credentials(self, origin, credentials)
            }
            Change::RecordBodies(on) => {
                self.record_bodies = on;
                Ok(())
            }
            Change::AddRoute(route) => super::requests::add_route(self, route),
            Change::RemoveRoute(number) => super::requests::remove_route(self, number),
        }
    }

    fn add_script(&mut self, name: Option<String>, source: String) -> Result<(), Error> {
        if source.trim().is_empty() {
            return Err(invalid("source", "there is nothing in it"));
        }
        if MOST_SCRIPT_BYTES < source.len() {
            return Err(invalid(
                "source",
                &format!(
                    "{} bytes are over the limit of {MOST_SCRIPT_BYTES}",
                    source.len()
                ),
            ));
        }
        if let Some(name) = &name {
            check_text("name", name)?;
        }
        if MOST_SCRIPTS <= self.scripts.len() {
            return Err(Error::LimitReached {
                what: "init scripts of a session",
                limit: MOST_SCRIPTS,
            });
        }
        self.scripts_added += 1;
        self.scripts.push(ScriptPart {
            number: self.scripts_added,
            name,
            source,
        });
        Ok(())
    }

    fn emulate(&mut self, change: EmulationChange) -> Result<(), Error> {
        let mut next = self.emulation.clone();
        let mut permissions = self.permissions.clone();
        for word in &change.reset {
            reset(word, &mut next, &mut permissions)?;
        }
        if let Some(name) = &change.device {
            let Some(device) = Device::named(name) else {
                let names: Vec<_> = super::DEVICES.iter().map(|device| device.name).collect();
                let known = names.join(", ");
                return Err(invalid("device", &format!("not one of {known}")));
            };
            next.device = Some(device.name.to_owned());
            next.viewport = Some(device.viewport());
            next.user_agent = device.user_agent();
            next.platform = device.platform();
        }
        if let Some(viewport) = change.viewport {
            check_viewport(&viewport)?;
            next.viewport = Some(viewport);
        }
        if let Some(user_agent) = change.user_agent {
            check_header("user_agent", &user_agent)?;
            next.user_agent = Some(user_agent);
        }
        if let Some(locale) = change.locale {
            check_locale(&locale)?;
            next.locale = Some(locale);
        }
        if let Some(timezone) = change.timezone {
            check_timezone(&timezone)?;
            next.timezone = Some(timezone);
        }
        if let Some(place) = change.geolocation {
            check_place(place)?;
            next.geolocation = Some(place);
        }
        if let Some(scheme) = change.color_scheme {
            let known = ["light", "dark", "no-preference"];
            check_word("color_scheme", &scheme, &known)?;
            next.color_scheme = Some(scheme);
        }
        if let Some(motion) = change.reduced_motion {
            check_word("reduced_motion", &motion, &["reduce", "no-preference"])?;
            next.reduced_motion = Some(motion);
        }
        if let Some(offline) = change.offline {
            next.offline = offline;
        }
        if let Some(mut granted) = change.permissions {
            for name in &granted {
                check_word("permissions", name, &PERMISSIONS)?;
            }
            granted.sort();
            granted.dedup();
            permissions = granted;
        }
        (self.emulation, self.permissions) = (next, permissions);
        Ok(())
    }
}

fn reset(
    word: &str,
    emulation: &mut EmulationPart,
    permissions: &mut Vec<String>,
) -> Result<(), Error> {
    let own = EmulationPart::default();
    match word {
        "all" => {
            *emulation = own;
            permissions.clear();
        }
        "device" => {
            (emulation.device, emulation.viewport) = (None, None);
            (emulation.user_agent, emulation.platform) = (None, None);
        }
        "viewport" => emulation.viewport = None,
        "user_agent" => (emulation.user_agent, emulation.platform) = (None, None),
        "locale" => emulation.locale = None,
        "timezone" => emulation.timezone = None,
        "geolocation" => emulation.geolocation = None,
        "color_scheme" => emulation.color_scheme = None,
        "reduced_motion" => emulation.reduced_motion = None,
        "offline" => emulation.offline = false,
        "permissions" => permissions.clear(),
        _ => return Err(invalid("reset", "it names nothing that emulate sets")),
    }
    Ok(())
}

fn check_viewport(viewport: &ViewportPart) -> Result<(), Error> {
    let side = 1..=WIDEST;
    if !side.contains(&viewport.width) || !side.contains(&viewport.height) {
        let reason = format!("width and height are 1 to {WIDEST}");
        return Err(invalid("viewport", &reason));
    }
    if !(0.1..=10.0).contains(&viewport.scale) {
        return Err(invalid("viewport", "its scale is 0.1 to 10"));
    }
    Ok(())
}

fn check_place((latitude, longitude, accuracy): (f64, f64, f64)) -> Result<(), Error> {
    let right = (-90.0..=90.0).contains(&latitude)
        && (-180.0..=180.0).contains(&longitude)
        && (0.0..=1e7).contains(&accuracy);
    if right {
        return Ok(());
    }
    Err(invalid(
        "geolocation",
        "latitude is -90 to 90, longitude -180 to 180, accuracy 0 or more metres",
    ))
}

fn check_locale(locale: &str) -> Result<(), Error> {
    let mut parts = locale.split('-');
    let language = parts.next().unwrap_or_default();
    let right = (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && locale.len() <= 35
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    if right {
        return Ok(());
    }
    Err(invalid("locale", "not a language tag such as `de-CH`"))
}

fn check_timezone(name: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-/".contains(&byte);
    let spelled = (1..=64).contains(&name.len()) && name.bytes().all(plain);
    // Where the machine has no list of zones, Chromium's own has the last word.
    let listed = jiff::tz::db().available().next().is_none() || jiff::tz::db().get(name).is_ok();
    if spelled && listed {
        return Ok(());
    }
    Err(invalid(
        "timezone",
        "not a time zone such as `Europe/Zurich`",
    ))
}

fn check_proxy(proxy: &ProxyPart) -> Result<(), Error> {
    let refused = || {
        invalid(
            "proxy",
            "`server` is http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT",
        )
    };
    check_text("proxy", &proxy.server)?;
    let url = url::Url::parse(&proxy.server).map_err(|_| refused())?;
    let known = ["http", "https", "socks5"].contains(&url.scheme());
    let bare = url.username().is_empty() && url.password().is_none();
    let bare = bare && ["", "/"].contains(&url.path()) && url.query().is_none();
    let plain = |text: &str| !text.contains([';', ',', ' ', '"']);
    if !known || !bare || url.host_str().is_none() || !plain(&proxy.server) {
        return Err(refused());
    }
    if let Some(credentials) = &proxy.credentials {
        super::requests::check_credentials("proxy", credentials)?;
        if url.scheme() == "socks5" {
            return Err(Error::NotHere {
                what: "a SOCKS5 proxy that asks for a password",
                hint: "Chromium speaks SOCKS5 without one only. Use an http or https proxy, or a \
                       relay of your own on this machine that asks for none.",
            });
        }
    }
    for host in &proxy.bypass {
        check_text("proxy", host)?;
        if !plain(host) {
            return Err(invalid("proxy", "`bypass` is a list of hosts"));
        }
    }
    Ok(())
}

pub(super) fn check_word(argument: &'static str, word: &str, known: &[&str]) -> Result<(), Error> {
    if known.contains(&word) {
        return Ok(());
    }
    Err(invalid(
        argument,
        &format!("not one of {}", known.join(", ")),
    ))
}

/// A header's value: no line in it ends before it does.
pub(super) fn check_header(argument: &'static str, value: &str) -> Result<(), Error> {
    check_text(argument, value)?;
    if value.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err(invalid(argument, "control characters have no place in it"));
    }
    Ok(())
}

pub(super) fn check_text(argument: &'static str, text: &str) -> Result<(), Error> {
    if text.is_empty() || LONGEST < text.len() {
        return Err(invalid(argument, &format!("1 to {LONGEST} bytes")));
    }
    Ok(())
}

pub(super) fn invalid(argument: &'static str, reason: &str) -> Error {
    Error::InvalidArgument {
        argument,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: EmulationChange, expect: Result<(), &str>) {
        let mut settings = SettingsPart::default();
        let changed = settings.change(Change::Emulate(Box::new(change)), "");
        match (changed, expect) {
            (Ok(()), Ok(())) => {}
            (Err(err), Err(expect)) => {
                assert!(err.to_string().contains(expect), "{err}");
                assert!(settings.is_nothing(), "a refused change changes nothing");
            }
            (changed, _) => panic!("{changed:?}, not {expect:?}"),
        }
    }

    fn timezone(name: &str) -> EmulationChange {
        EmulationChange {
            timezone: Some(name.to_owned()),
            offline: Some(true),
            ..EmulationChange::default()
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name_and_changes_nothing() {
        check(timezone("Europe/Zurich"), Ok(()));
        check(timezone("Europe/Zur ich"), Err("timezone"));
        let locale = |locale: &str| EmulationChange {
            locale: Some(locale.to_owned()),
            ..EmulationChange::default()
        };
        check(locale("de-CH"), Ok(()));
        check(locale("zh-Hant-TW"), Ok(()));
        check(locale("de_CH"), Err("locale"));
        check(locale("-"), Err("locale"));
        let agent = |agent: &str| EmulationChange {
            user_agent: Some(agent.to_owned()),
            ..EmulationChange::default()
        };
        check(agent("it\r\nx: y"), Err("user_agent"));
        let place = |latitude| EmulationChange {
            geolocation: Some((latitude, 8.5, 1.0)),
            ..EmulationChange::default()
        };
        check(place(47.4), Ok(()));
        check(place(f64::NAN), Err("geolocation"));
        let device = |name: &str| EmulationChange {
            device: Some(name.to_owned()),
            ..EmulationChange::default()
        };
        check(device("pixel 8"), Ok(()));
        check(device("toaster"), Err("Pixel 8"));
        let permit = |name: &str| EmulationChange {
            permissions: Some(vec![name.to_owned()]),
            ..EmulationChange::default()
        };
        check(permit("geolocation"), Ok(()));
        check(permit("everything"), Err("permissions"));
    }

    #[test]
    fn a_device_is_a_screen_and_a_user_agent_and_both_go_with_it() {
        let mut settings = SettingsPart::default();
        let emulate = |settings: &mut SettingsPart, change| {
            settings
                .change(Change::Emulate(Box::new(change)), "")
                .unwrap();
        };
        let phone = EmulationChange {
            device: Some("iPhone 15".to_owned()),
            ..EmulationChange::default()
        };
        emulate(&mut settings, phone);
        assert!(
            settings
                .emulation
                .viewport
                .is_some_and(|screen| screen.mobile)
        );
        let reset = EmulationChange {
            reset: vec!["device".to_owned()],
            ..EmulationChange::default()
        };
        emulate(&mut settings, reset);
        assert!(settings.is_nothing());
    }

    #[test]
    fn scripts_are_bounded_in_number_and_size_and_no_number_is_given_twice() {
        let mut settings = SettingsPart::default();
        let add = |settings: &mut SettingsPart, source: &str| {
            let source = source.to_owned();
            settings.change(Change::AddScript { name: None, source }, "")
        };
        assert!(add(&mut settings, &"1".repeat(MOST_SCRIPT_BYTES + 1)).is_err());
        assert!(add(&mut settings, " ").is_err());
        for _ in 0..MOST_SCRIPTS {
            add(&mut settings, &"1".repeat(MOST_SCRIPT_BYTES)).unwrap();
        }
        let full = add(&mut settings, "1");
        assert!(matches!(full, Err(Error::LimitReached { limit: 50, .. })));
        settings.change(Change::RemoveScript(50), "").unwrap();
        assert!(settings.change(Change::RemoveScript(50), "").is_err());
        add(&mut settings, "1").unwrap();
        assert_eq!(
            settings.scripts.last().map(|script| script.number),
            Some(51)
        );
        // With all of it, they still fit where they are kept.
        let bytes = serde_json::to_vec(&settings).unwrap();
        assert!(bytes.len() < store::LARGEST_SETTINGS);
    }

    #[test]
    fn a_proxy_is_a_server_without_a_password_in_its_address() {
        let check = |server: &str, good: bool| {
            let proxy = ProxyPart {
                server: server.to_owned(),
                ..ProxyPart::default()
            };
            assert_eq!(check_proxy(&proxy).is_ok(), good, "{server}");
        };
        check("http://127.0.0.1:3128", true);
        check("socks5://proxy.test:1080", true);
        check("http://ada:secret@proxy.test:1080", false);
        check("http://a.test:1;http://b.test:2", false);
        check("direct://", false);
        check("proxy.test", false);
    }
}
