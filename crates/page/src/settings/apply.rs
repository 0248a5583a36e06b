//! Applying settings to a page: what differs from what it has is sent, in one round trip.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::Ctx;
use cdp::Session;
use cdp::protocol::{fetch, network, page};
use futures_util::future::join_all;

use super::{Emulation, InitScript, Settings, interception, network_enabled};
use crate::apart::announce;
use crate::settings::frames::facets;
use crate::world::{WORLD, script};
use crate::{Error, Page};

/// How many identifiers below the newest one are looked at for scripts of an earlier daemon.
/// Each adoption counts them on by as many scripts as there are.
const LOOK_BACK: u64 = 4000;

/// What a page was told.
pub(crate) struct Applied {
    /// The number of the settings it has; `None` while nobody knows what it has.
    number: Option<u64>,
    emulation: Emulation,
    /// Chromium's identifiers of the scripts, by their numbers.
    scripts: BTreeMap<u32, String>,
    /// Whether requests are paused.
    intercepts: bool,
    bodies: bool,
    held: bool,
}

impl Applied {
    /// Of a page that is new, or of one that an earlier daemon told things.
    pub(crate) fn of(adopted: bool) -> Self {
        Self {
            number: (!adopted).then_some(0),
            emulation: Emulation::default(),
            scripts: BTreeMap::new(),
            intercepts: false,
            bodies: false,
            held: false,
        }
    }
}

impl Page {
    /// Tells the page what it is to be by the newest settings, and waits until it is.
    ///
    /// # Errors
    /// [`Error::Cdp`] with what Chromium refuses, [`Error::DialogOpen`] if a dialog holds the
    /// page (what was sent takes effect behind it), [`Error::Stopped`].
    ///
    /// # Cancel safety
    /// What was sent takes effect; apply them again.
    pub async fn apply_settings(&self, ctx: &Ctx) -> Result<(), Error> {
        let mut applied = self.applied().lock().await;
        let work = self.apply_to(ctx, &mut applied);
        self.unless_held(async { Ok(work.await) }).await?
    }

    /// Takes init scripts away as long as documents are shown that are ours and not a site's,
    /// and gives them back.
    ///
    /// # Errors
    /// As [`Page::apply_settings`].
    ///
    /// # Cancel safety
    /// As [`Page::apply_settings`].
    pub async fn hold_settings(&self, ctx: &Ctx, held: bool) -> Result<(), Error> {
        self.shared().settings_held.store(held, Ordering::SeqCst);
        self.apply_settings(ctx).await
    }

    /// Returns the number of the settings the page has.
    pub async fn settings_applied(&self) -> Option<u64> {
        self.applied().lock().await.number
    }

    async fn apply_to(&self, ctx: &Ctx, applied: &mut Applied) -> Result<(), Error> {
        let shared = self.shared();
        let want: Arc<Settings> = shared.options.settings.borrow().clone();
        let held = shared.settings_held.load(Ordering::SeqCst);
        if applied.number == Some(want.number) && (applied.held == held || want.number == 0) {
            return Ok(());
        }
        let session = self.session();
        // Should this end half-way, the page is told everything again.
        let before = applied.number.take().map(|_| applied.emulation.clone());
        let doubtful = before.is_none();
        if doubtful {
            applied.scripts.clear();
        }
        let told = facets(&want.emulation, before.as_ref());
        let told = told.iter().map(|facet| facet.call(ctx, session));
        let scripts = if held { &[][..] } else { &want.scripts };
        let stays = |number: &u32| scripts.iter().any(|script| script.number == *number);
        let gone = applied.scripts.iter().filter(|(number, _)| !stays(number));
        let gone: Vec<u32> = gone.map(|(number, _)| *number).collect();
        let remove = gone.iter().map(|number| async {
            let identifier = applied.scripts.get(number).cloned().unwrap_or_default();
            remove_script(ctx, session, identifier).await
        });
        let add = async {
            // What an earlier daemon left goes behind what takes its place: no document is
            // without. Chromium counts identifiers on from the highest that there is.
            let first = match doubtful && want.ever_scripted {
                true => Some(add_world(ctx, session).await?),
                false => None,
            };
            let new = scripts
                .iter()
                .filter(|script| !applied.scripts.contains_key(&script.number));
            let added = join_all(new.map(|script| add_script(ctx, session, script))).await;
            let added = added.into_iter().collect::<Result<Vec<_>, _>>()?;
            if let Some(first) = first {
                remove_leftovers(session, first)?;
            }
            Ok::<_, Error>(added)
        };
        // While documents are ours, whoever makes them answers for them.
        let wanted = interception(&want).filter(|_| !held);
        let intercepts = wanted.is_some();
        let requests = async {
            if intercepts || applied.intercepts || doubtful {
                intercept(ctx, session, wanted.as_ref()).await?;
            }
            if want.record_bodies != applied.bodies || doubtful {
                let network = network_enabled(want.record_bodies);
                session.call(ctx, &network).await.map_err(Error::from_cdp)?;
            }
            Ok::<_, Error>(())
        };
        let frames = async {
            // Begun anew, frames in processes of their own are told everything anew.
            let anew = shared.apart.is_any() || doubtful;
            for on in [false, true].into_iter().filter(|on| *on || anew) {
                let announce = announce(on, want.concern_frames());
                session
                    .call(ctx, &announce)
                    .await
                    .map_err(Error::from_cdp)?;
            }
            Ok::<_, Error>(())
        };
        let (told, removed, requests, added, frames) =
            tokio::join!(biased; join_all(told), join_all(remove), requests, add, frames);
        told.into_iter().chain(removed).collect::<Result<(), _>>()?;
        frames.and(requests)?;
        applied.scripts.extend(added?);
        applied.scripts.retain(|number, _| !gone.contains(number));
        applied.emulation.clone_from(&want.emulation);
        applied.intercepts = intercepts;
        applied.bodies = want.record_bodies;
        applied.held = held;
        applied.number = Some(want.number);
        Ok(())
    }
}

/// Has requests paused, those that a rule may concern, or none.
async fn intercept(
    ctx: &Ctx,
    session: &Session,
    wanted: Option<&fetch::Enable>,
) -> Result<(), Error> {
    // A service worker would answer before `Fetch` is asked.
    let bypass = network::SetBypassServiceWorker {
        bypass: wanted.is_some(),
    };
    let paused = async {
        match wanted {
            Some(wanted) => session.call(ctx, wanted).await.map(drop),
            None => session.call(ctx, &fetch::Disable {}).await.map(drop),
        }
    };
    let told = tokio::try_join!(biased; paused, session.call(ctx, &bypass));
    told.map(drop).map_err(Error::from_cdp)
}

async fn add_world(ctx: &Ctx, session: &Session) -> Result<u64, Error> {
    let add = page::AddScriptToEvaluateOnNewDocument {
        source: script(),
        world_name: Some(WORLD.to_owned()),
        ..Default::default()
    };
    let added = session.call(ctx, &add).await.map_err(Error::from_cdp)?;
    Ok(added.identifier.parse().unwrap_or(LOOK_BACK))
}

async fn add_script(
    ctx: &Ctx,
    session: &Session,
    init: &InitScript,
) -> Result<(u32, String), Error> {
    let add = page::AddScriptToEvaluateOnNewDocument {
        source: init.source.expose().clone(),
        ..Default::default()
    };
    let added = session.call(ctx, &add).await.map_err(Error::from_cdp)?;
    Ok((init.number, added.identifier))
}

async fn remove_script(ctx: &Ctx, session: &Session, identifier: String) -> Result<(), Error> {
    let remove = page::RemoveScriptToEvaluateOnNewDocument { identifier };
    match session.call(ctx, &remove).await {
        // It went with the process that had it.
        Ok(_) | Err(cdp::Error::Protocol { .. }) => Ok(()),
        Err(err) => Err(Error::from_cdp(err)),
    }
}

/// Removes every script below an identifier. Most of them aren't there.
fn remove_leftovers(session: &Session, below: u64) -> Result<(), Error> {
    for identifier in below.saturating_sub(LOOK_BACK).max(1)..below {
        let remove = page::RemoveScriptToEvaluateOnNewDocument {
            identifier: identifier.to_string(),
        };
        session.post(&remove).map_err(Error::from_cdp)?;
    }
    Ok(())
}
