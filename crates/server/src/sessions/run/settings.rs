//! Operations: what a session is told to be.

use std::sync::Arc;

use api::{
    AddScript, ApiError, DialogPolicy, Emulate, Emulation, GetSettings, InTab, ListScripts,
    OpenSession, RemoveScript, Script, Scripts, SetDialogPolicy, SetGeolocation, SetViewport,
    Settings, ShownProxy,
};
use base::{Code, Ctx};
use session::{
    Change, CredentialsPart, DialogsPart, EmulationChange, ProxyPart, ScriptPart, SettingsPart,
    Summary, ViewportPart,
};

use super::{Run, session_name};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire::{Frame, framed};

/// How far from the truth a place is that is set without saying.
const ACCURACY: f64 = 10.0;

impl Run<AddScript> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: AddScript) -> Result<InTab<Script>, ApiError> {
        let AddScript {
            session_id,
            source,
            name,
        } = input;
        let add = Change::AddScript { name, source };
        let (summary, now) = self.set(ctx, &session_id, add).await?;
        let added = now.scripts.last().map(|script| shown(script, false));
        let added = added.ok_or_else(|| ApiError::new(Code::Internal, "no script was added"))?;
        Ok(framed(&Frame::about(&summary), added, &[]))
    }
}

impl Run<RemoveScript> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: RemoveScript) -> Result<InTab<Scripts>, ApiError> {
        let number = input.script_id.strip_prefix('i').unwrap_or_default();
        let number = number.parse().map_err(|_| {
            ApiError::invalid("`script_id`: not an id such as `i1`; list_scripts shows them")
        })?;
        let remove = Change::RemoveScript(number);
        let (summary, now) = self.set(ctx, &input.session_id, remove).await?;
        Ok(framed(&Frame::about(&summary), scripts(&now, false), &[]))
    }
}

impl Run<ListScripts> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: ListScripts) -> Result<InTab<Scripts>, ApiError> {
        let (summary, now) = self.told(&input.session_id).await?;
        let scripts = scripts(&now, input.include_source.unwrap_or(false));
        Ok(framed(&Frame::about(&summary), scripts, &[]))
    }
}

impl Run<Emulate> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Emulate) -> Result<InTab<Settings>, ApiError> {
        let change = EmulationChange {
            reset: input.reset.unwrap_or_default(),
            ..change(input.emulation)
        };
        self.emulate(ctx, &input.session_id, change).await
    }
}

impl Run<SetViewport> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: SetViewport) -> Result<InTab<Settings>, ApiError> {
        let viewport = screen(api::Viewport {
            width: input.width,
            height: input.height,
            scale: input.scale,
            mobile: input.mobile,
            touch: input.touch,
        });
        let change = EmulationChange {
            viewport: Some(viewport),
            ..EmulationChange::default()
        };
        self.emulate(ctx, &input.session_id, change).await
    }
}

impl Run<SetGeolocation> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: SetGeolocation) -> Result<InTab<Settings>, ApiError> {
        let accuracy = input.accuracy.unwrap_or(ACCURACY);
        let change = EmulationChange {
            geolocation: Some((input.latitude, input.longitude, accuracy)),
            ..EmulationChange::default()
        };
        self.emulate(ctx, &input.session_id, change).await
    }
}

impl Run<SetDialogPolicy> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: SetDialogPolicy) -> Result<InTab<Settings>, ApiError> {
        let change = Change::Dialogs(dialogs(input.policy));
        let (summary, now) = self.set(ctx, &input.session_id, change).await?;
        Ok(framed(&Frame::about(&summary), settings(&now), &[]))
    }
}

impl Run<GetSettings> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: GetSettings) -> Result<InTab<Settings>, ApiError> {
        let (summary, now) = self.told(&input.session_id).await?;
        Ok(framed(&Frame::about(&summary), settings(&now), &[]))
    }
}

impl OnSessions {
    pub(super) async fn set(
        &self,
        ctx: &Ctx,
        who: &str,
        change: Change,
    ) -> Result<(Summary, Arc<SettingsPart>), ApiError> {
        let set = self.sessions.set(ctx, &session_name(who)?, change).await;
        set.map_err(|err| failure(&err))
    }

    pub(super) async fn told(&self, who: &str) -> Result<(Summary, SettingsPart), ApiError> {
        let told = self.sessions.settings(&session_name(who)?).await;
        told.map_err(|err| failure(&err))
    }

    async fn emulate(
        &self,
        ctx: &Ctx,
        who: &str,
        change: EmulationChange,
    ) -> Result<InTab<Settings>, ApiError> {
        let change = Change::Emulate(Box::new(change));
        let (summary, now) = self.set(ctx, who, change).await?;
        Ok(framed(&Frame::about(&summary), settings(&now), &[]))
    }
}

/// Returns what a session that is opened is told.
pub(super) fn changes(input: &mut OpenSession) -> Vec<Change> {
    let mut changes = vec![];
    if let Some(proxy) = input.proxy.take() {
        let password = proxy.password.unwrap_or_default();
        changes.push(Change::Proxy(ProxyPart {
            server: proxy.server,
            bypass: proxy.bypass,
            credentials: proxy
                .username
                .map(|username| CredentialsPart { username, password }),
        }));
    }
    let emulation = std::mem::take(&mut input.emulation);
    if emulation != Emulation::default() {
        changes.push(Change::Emulate(Box::new(change(emulation))));
    }
    if let Some(policy) = input.dialog_policy {
        changes.push(Change::Dialogs(dialogs(policy)));
    }
    if let Some(headers) = input.headers.take() {
        let origin = None;
        changes.push(Change::Headers { origin, headers });
    }
    if let Some(it) = input.http_credentials.take() {
        changes.push(Change::Credentials {
            origin: it.origin,
            credentials: Some(CredentialsPart {
                username: it.username,
                password: it.password,
            }),
        });
    }
    for source in input.init_scripts.take().unwrap_or_default() {
        changes.push(Change::AddScript { name: None, source });
    }
    changes
}

fn change(emulation: Emulation) -> EmulationChange {
    EmulationChange {
        reset: vec![],
        device: emulation.device,
        viewport: emulation.viewport.map(screen),
        user_agent: emulation.user_agent,
        locale: emulation.locale,
        timezone: emulation.timezone,
        geolocation: emulation.geolocation.map(|place| {
            let accuracy = place.accuracy.unwrap_or(ACCURACY);
            (place.latitude, place.longitude, accuracy)
        }),
        color_scheme: emulation.color_scheme,
        reduced_motion: emulation.reduced_motion,
        offline: emulation.offline,
        permissions: emulation.permissions,
    }
}

fn screen(viewport: api::Viewport) -> ViewportPart {
    let mobile = viewport.mobile.unwrap_or(false);
    ViewportPart {
        width: viewport.width,
        height: viewport.height,
        scale: viewport.scale.unwrap_or(1.0),
        mobile,
        touch: viewport.touch.unwrap_or(mobile),
    }
}

const fn dialogs(policy: DialogPolicy) -> DialogsPart {
    match policy {
        DialogPolicy::Ask => DialogsPart::Ask,
        DialogPolicy::Accept => DialogsPart::Accept,
        DialogPolicy::Dismiss => DialogsPart::Dismiss,
    }
}

fn scripts(settings: &SettingsPart, sources: bool) -> Scripts {
    let scripts = settings.scripts.iter();
    Scripts {
        scripts: scripts.map(|script| shown(script, sources)).collect(),
    }
}

fn shown(script: &ScriptPart, source: bool) -> Script {
    Script {
        script_id: format!("i{}", script.number),
        name: script.name.clone(),
        bytes: script.source.len() as u64,
        source: source.then(|| script.source.clone()),
    }
}

pub(super) fn settings(told: &SettingsPart) -> Settings {
    let emulation = told.emulation.clone();
    let viewport = emulation.viewport.map(|it| api::Viewport {
        width: it.width,
        height: it.height,
        scale: Some(it.scale),
        mobile: Some(it.mobile),
        touch: Some(it.touch),
    });
    let geolocation = emulation.geolocation;
    let geolocation = geolocation.map(|(latitude, longitude, accuracy)| api::Geolocation {
        latitude,
        longitude,
        accuracy: Some(accuracy),
    });
    Settings {
        emulation: Emulation {
            device: emulation.device,
            viewport,
            user_agent: emulation.user_agent,
            locale: emulation.locale,
            timezone: emulation.timezone,
            geolocation,
            color_scheme: emulation.color_scheme,
            reduced_motion: emulation.reduced_motion,
            offline: emulation.offline.then_some(true),
            permissions: (!told.permissions.is_empty()).then(|| told.permissions.clone()),
        },
        dialog_policy: match told.dialogs {
            DialogsPart::Ask => DialogPolicy::Ask,
            DialogsPart::Accept => DialogPolicy::Accept,
            DialogsPart::Dismiss => DialogPolicy::Dismiss,
        },
        scripts: told.scripts.len() as u64,
        proxy: told.proxy.as_ref().map(|proxy| ShownProxy {
            server: proxy.server.clone(),
            bypass: proxy.bypass.clone(),
            has_credentials: proxy.credentials.is_some(),
        }),
        headers: told.headers.iter().map(super::requests::headers).collect(),
        http_credentials: told.credentials.keys().cloned().collect(),
        record_bodies: told.record_bodies,
        routes: told.routes.len() as u64,
    }
}
