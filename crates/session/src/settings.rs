//! What a session is told to be: emulation, init scripts, headers, policies.
//!
//! ```text
//! Change ──▶ checked ──▶ stored ──▶ handed to the pages, old and new ──▶ answered
//! ```
//!
//! The session's row of the table of settings is the truth; a session without one is as its
//! newest checkpoint says. Each checkpoint has them as a part, so that a fork, an import and
//! an older version that is restored have theirs.

mod browser;
mod change;
mod device;
mod requests;

use std::sync::{Arc, Mutex, PoisonError};

use base::{Part, Private, SessionId};
use page::{DialogPolicy, Emulation, Geolocation, InitScript, Viewport};
use tokio::sync::watch;

use crate::Error;
use crate::checkpoint::carry::read_part;
use crate::checkpoint::manifest::{Manifest, kind};
pub use crate::checkpoint::part::settings::{
    CredentialsPart, DialogsPart, EmulationPart, ProxyPart, RouteActionPart, RoutePart, ScriptPart,
    SettingsPart, ViewportPart,
};
use crate::checkpoint::restore::Report;
use crate::deps::Deps;
use crate::tabs::Tabs;

pub(crate) use browser::{flags, permit};
pub use change::{Change, EmulationChange, MOST_SCRIPT_BYTES, MOST_SCRIPTS};
pub use device::DEVICES;
pub use requests::MOST_ROUTES;

/// A session's settings, shared by its task, its work and its pages.
#[derive(Clone)]
pub(crate) struct Held {
    told: Arc<Mutex<Arc<SettingsPart>>>,
    pages: watch::Sender<Arc<page::Settings>>,
}

impl Held {
    pub(crate) fn new() -> Self {
        Self {
            told: Arc::default(),
            pages: watch::Sender::new(Arc::default()),
        }
    }

    /// Returns what holds.
    pub(crate) fn get(&self) -> Arc<SettingsPart> {
        Arc::clone(&self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns what the pages are told, now and whenever it changes.
    pub(crate) fn of_pages(&self) -> watch::Receiver<Arc<page::Settings>> {
        self.pages.subscribe()
    }

    /// Makes this what holds from now on. It is stored.
    pub(crate) fn set(&self, part: SettingsPart) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if **told == part {
            return;
        }
        let number = self.pages.borrow().number + 1;
        self.pages.send_replace(Arc::new(of_pages(&part, number)));
        *told = Arc::new(part);
    }

    /// Tells of what was set whether every page has it.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn verify(&self, tabs: &Tabs, report: &mut Report) {
        let number = self.pages.borrow().number;
        let mut everywhere = true;
        for page in tabs.all().into_iter().filter_map(|(_, tab)| tab.page) {
            everywhere &= page.settings_applied().await == Some(number);
        }
        let told = self.get();
        let set = [
            (Part::Emulation, told.emulation != EmulationPart::default()),
            (Part::Permissions, !told.permissions.is_empty()),
            (Part::InitScripts, !told.scripts.is_empty()),
            (Part::Routes, !told.routes.is_empty()),
        ];
        let parts = set
            .into_iter()
            .filter(|(_, set)| *set)
            .map(|(part, _)| part);
        if everywhere {
            report.restored.extend(parts);
        } else {
            report.lost.extend(parts);
            report.lost.sort();
        }
    }

    /// Stores what a restored checkpoint says, and makes it what holds.
    ///
    /// # Cancel safety
    /// It may be stored and not hold yet; the next start sees to it.
    pub(crate) async fn restore(
        &self,
        deps: &Deps,
        session: SessionId,
        part: SettingsPart,
    ) -> Result<(), Error> {
        if *self.get() != part {
            store(deps, session, &part).await?;
            self.set(part);
        }
        Ok(())
    }
}

/// Stores a session's settings.
///
/// # Cancel safety
/// They may be stored.
pub(crate) async fn store(
    deps: &Deps,
    session: SessionId,
    part: &SettingsPart,
) -> Result<(), Error> {
    let bytes = serde_json::to_vec(part).map_err(unreadable)?;
    deps.store.settings().put(session, &bytes).await?;
    Ok(())
}

/// Reads a session's settings: its own, else those of its newest checkpoint.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn load(deps: &Deps, session: SessionId) -> Result<SettingsPart, Error> {
    if let Some(bytes) = deps.store.settings().get(session).await? {
        return serde_json::from_slice(&bytes).map_err(unreadable);
    }
    let Some(row) = deps.store.checkpoints().newest(session).await? else {
        return Ok(SettingsPart::default());
    };
    let manifest: Manifest = serde_json::from_slice(&row.manifest).map_err(unreadable)?;
    let Some(address) = manifest.settings else {
        return Ok(SettingsPart::default());
    };
    let bytes = read_part(deps, &row, kind::SETTINGS, &address).await?;
    serde_json::from_slice(&bytes).map_err(unreadable)
}

fn unreadable(err: serde_json::Error) -> Error {
    Error::Checkpoint {
        reason: format!("the session's settings: {err}"),
    }
}

/// Returns what the pages of a session are told.
fn of_pages(part: &SettingsPart, number: u64) -> page::Settings {
    let scripts = part.scripts.iter().map(|script| InitScript {
        number: script.number,
        source: Private::new(script.source.clone()),
    });
    let emulation = part.emulation.clone();
    page::Settings {
        number,
        scripts: scripts.collect(),
        ever_scripted: part.scripts_added != 0,
        emulation: Emulation {
            viewport: emulation.viewport.map(|it| Viewport {
                width: it.width,
                height: it.height,
                scale: it.scale,
                mobile: it.mobile,
                touch: it.touch,
            }),
            user_agent: emulation.user_agent,
            platform: emulation.platform,
            locale: emulation.locale,
            timezone: emulation.timezone,
            geolocation: emulation
                .geolocation
                .map(|(latitude, longitude, accuracy)| Geolocation {
                    latitude,
                    longitude,
                    accuracy,
                }),
            color_scheme: emulation.color_scheme,
            reduced_motion: emulation.reduced_motion,
            offline: emulation.offline,
        },
        dialogs: match part.dialogs {
            DialogsPart::Ask => DialogPolicy::Ask,
            DialogsPart::Accept => DialogPolicy::Accept,
            DialogsPart::Dismiss => DialogPolicy::Dismiss,
        },
        headers: requests::headers(part),
        credentials: requests::credentials(part),
        proxy_credentials: requests::of_proxy(part),
        record_bodies: part.record_bodies,
        routes: requests::routes(part),
    }
}
