//! What is told to a CDP session, facet by facet; and to the frames of other sites, each of
//! which has a session of its own and is held until it is told.

use base::Ctx;
use cdp::protocol::{emulation, network, page};
use cdp::{Command, Session};

use super::{Emulation, Settings, interception};
use crate::Error;

/// How many fingers a touched screen feels.
const FINGERS: i64 = 5;

/// How much of the responses' bodies Chromium keeps until they are read.
const BUFFERS: i64 = 32 << 20;
/// How long one of them may be.
const LONGEST_BODY: i64 = 4 << 20;

/// Has a session tell of its requests; of bodies only if they are to be read.
pub(crate) fn network_enabled(bodies: bool) -> network::Enable {
    network::Enable {
        max_total_buffer_size: Some(if bodies { BUFFERS } else { 0 }),
        max_resource_buffer_size: Some(if bodies { LONGEST_BODY } else { 0 }),
        ..Default::default()
    }
}

/// One thing that a session is told.
pub(super) enum Facet {
    Metrics(Box<emulation::SetDeviceMetricsOverride>),
    NoMetrics,
    Touch(emulation::SetTouchEmulationEnabled),
    UserAgent(Box<emulation::SetUserAgentOverride>),
    Locale(emulation::SetLocaleOverride),
    Timezone(emulation::SetTimezoneOverride),
    Place(Box<emulation::SetGeolocationOverride>),
    NoPlace,
    Media(emulation::SetEmulatedMedia),
    Network(Box<network::EmulateNetworkConditions>),
}

/// Returns what has to be told for `want`: what differs from `before`, or everything.
pub(super) fn facets(want: &Emulation, before: Option<&Emulation>) -> Vec<Facet> {
    let Emulation {
        viewport,
        user_agent,
        platform,
        locale,
        timezone,
        geolocation,
        color_scheme,
        reduced_motion,
        offline,
    } = want;
    let mut facets = vec![];
    let differs =
        |same: fn(&Emulation, &Emulation) -> bool| before.is_none_or(|it| !same(it, want));
    if differs(|one, other| one.viewport == other.viewport) {
        match viewport {
            Some(viewport) => facets.push(Facet::Metrics(Box::new(
                emulation::SetDeviceMetricsOverride {
                    width: viewport.width.into(),
                    height: viewport.height.into(),
                    device_scale_factor: viewport.scale,
                    mobile: viewport.mobile,
                    screen_width: Some(viewport.width.into()),
                    screen_height: Some(viewport.height.into()),
                    ..Default::default()
                },
            ))),
            None => facets.push(Facet::NoMetrics),
        }
        let touch = viewport.is_some_and(|viewport| viewport.touch);
        facets.push(Facet::Touch(emulation::SetTouchEmulationEnabled {
            enabled: touch,
            max_touch_points: touch.then_some(FINGERS),
        }));
    }
    if differs(|one, other| {
        (&one.user_agent, &one.platform, &one.locale)
            == (&other.user_agent, &other.platform, &other.locale)
    }) {
        // An empty one is the browser's own; the languages are set all the same.
        facets.push(Facet::UserAgent(Box::new(
            emulation::SetUserAgentOverride {
                user_agent: user_agent.clone().unwrap_or_default(),
                accept_language: locale.clone(),
                platform: platform.clone(),
                ..Default::default()
            },
        )));
    }
    if differs(|one, other| one.locale == other.locale) {
        facets.push(Facet::Locale(emulation::SetLocaleOverride {
            locale: locale.clone(),
        }));
    }
    if differs(|one, other| one.timezone == other.timezone) {
        facets.push(Facet::Timezone(emulation::SetTimezoneOverride {
            timezone_id: timezone.clone().unwrap_or_default(),
        }));
    }
    if differs(|one, other| one.geolocation == other.geolocation) {
        facets.push(match geolocation {
            Some(place) => Facet::Place(Box::new(emulation::SetGeolocationOverride {
                latitude: Some(place.latitude),
                longitude: Some(place.longitude),
                accuracy: Some(place.accuracy),
                ..Default::default()
            })),
            None => Facet::NoPlace,
        });
    }
    if differs(|one, other| {
        (&one.color_scheme, &one.reduced_motion) == (&other.color_scheme, &other.reduced_motion)
    }) {
        let feature = |name: &str, value: &Option<String>| emulation::MediaFeature {
            name: name.to_owned(),
            value: value.clone().unwrap_or_default(),
        };
        facets.push(Facet::Media(emulation::SetEmulatedMedia {
            features: Some(vec![
                feature("prefers-color-scheme", color_scheme),
                feature("prefers-reduced-motion", reduced_motion),
            ]),
            ..Default::default()
        }));
    }
    if differs(|one, other| one.offline == other.offline) {
        facets.push(Facet::Network(Box::new(
            network::EmulateNetworkConditions {
                offline: *offline,
                latency: 0.0,
                download_throughput: -1.0,
                upload_throughput: -1.0,
                ..Default::default()
            },
        )));
    }
    facets
}

impl Facet {
    /// Tells it and waits for the answer.
    pub(super) async fn call(&self, ctx: &Ctx, session: &Session) -> Result<(), Error> {
        let told = match self {
            Self::Metrics(it) => session.call(ctx, &**it).await.map(drop),
            Self::NoMetrics => call(ctx, session, &emulation::ClearDeviceMetricsOverride {}).await,
            Self::Touch(it) => call(ctx, session, it).await,
            Self::UserAgent(it) => call(ctx, session, &**it).await,
            Self::Locale(it) => call(ctx, session, it).await,
            Self::Timezone(it) => call(ctx, session, it).await,
            Self::Place(it) => call(ctx, session, &**it).await,
            Self::NoPlace => call(ctx, session, &emulation::ClearGeolocationOverride {}).await,
            Self::Media(it) => call(ctx, session, it).await,
            Self::Network(it) => call(ctx, session, &**it).await,
        };
        match told {
            // It is one for the whole process, and another session of it has set it.
            Err(cdp::Error::Protocol { message, .. }) if message.contains("already in effect") => {
                Ok(())
            }
            told => told.map_err(Error::from_cdp),
        }
    }

    /// Tells it without waiting.
    fn post(&self, session: &Session) -> Result<(), cdp::Error> {
        match self {
            // The page's own session tells of the whole window.
            Self::Metrics(_) | Self::NoMetrics => Ok(()),
            Self::Touch(it) => session.post(it),
            Self::UserAgent(it) => session.post(&**it),
            Self::Locale(it) => session.post(it),
            Self::Timezone(it) => session.post(it),
            Self::Place(it) => session.post(&**it),
            Self::NoPlace => Ok(()),
            Self::Media(it) => session.post(it),
            Self::Network(it) => session.post(&**it),
        }
    }
}

async fn call<C: Command>(ctx: &Ctx, session: &Session, command: &C) -> Result<(), cdp::Error> {
    session.call(ctx, command).await.map(drop)
}

/// Tells a frame in a process of its own everything, without waiting for it.
pub(crate) fn post_all(
    session: &Session,
    settings: &Settings,
    held: bool,
) -> Result<(), cdp::Error> {
    for facet in facets(&settings.emulation, Some(&Emulation::default())) {
        facet.post(session)?;
    }
    if held {
        return Ok(());
    }
    if settings.record_bodies {
        session.post(&network_enabled(true))?;
    }
    if let Some(paused) = interception(settings) {
        session.post(&network::SetBypassServiceWorker { bypass: true })?;
        session.post(&paused)?;
    }
    for init in &settings.scripts {
        session.post(&page::AddScriptToEvaluateOnNewDocument {
            source: init.source.expose().clone(),
            ..Default::default()
        })?;
    }
    Ok(())
}
