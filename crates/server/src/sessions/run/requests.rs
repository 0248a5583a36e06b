//! Operations: headers, names and passwords, and routes for requests.

use std::collections::BTreeMap;

use api::{
    ApiError, HeadersShown, InTab, ListRoutes, RouteAction, RouteRequests, RouteShown, Routes,
    SetHeaders, SetHttpCredentials, Settings, Unroute,
};
use base::{Code, Ctx};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use session::{Change, CredentialsPart, RouteActionPart, RoutePart, SettingsPart};

use super::Run;
use super::settings::settings;
use crate::sessions::OnSessions;
use crate::sessions::wire::{Frame, framed};

impl Run<SetHeaders> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: SetHeaders) -> Result<InTab<Settings>, ApiError> {
        let SetHeaders {
            session_id,
            headers,
            origin,
        } = input;
        let change = Change::Headers { origin, headers };
        let (summary, now) = self.set(ctx, &session_id, change).await?;
        Ok(framed(&Frame::about(&summary), settings(&now), &[]))
    }
}

impl Run<SetHttpCredentials> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: SetHttpCredentials) -> Result<InTab<Settings>, ApiError> {
        let password = input.password.unwrap_or_default();
        let change = Change::Credentials {
            origin: input.origin,
            credentials: input
                .username
                .map(|username| CredentialsPart { username, password }),
        };
        let (summary, now) = self.set(ctx, &input.session_id, change).await?;
        Ok(framed(&Frame::about(&summary), settings(&now), &[]))
    }
}

impl Run<RouteRequests> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: RouteRequests) -> Result<InTab<RouteShown>, ApiError> {
        let session = input.session_id.clone();
        let change = Change::AddRoute(route(input)?);
        let (summary, now) = self.set(ctx, &session, change).await?;
        let added = now.routes.last().map(shown);
        let added = added.ok_or_else(|| ApiError::new(Code::Internal, "no route was added"))?;
        Ok(framed(&Frame::about(&summary), added, &[]))
    }
}

impl Run<Unroute> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Unroute) -> Result<InTab<Routes>, ApiError> {
        let number = input.route_id.map(|id| {
            let number = id.strip_prefix('q').unwrap_or_default().parse();
            number.map_err(|_| {
                ApiError::invalid("`route_id`: not an id such as `q1`; list_routes shows them")
            })
        });
        let remove = Change::RemoveRoute(number.transpose()?);
        let (summary, now) = self.set(ctx, &input.session_id, remove).await?;
        Ok(framed(&Frame::about(&summary), routes(&now), &[]))
    }
}

impl Run<ListRoutes> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: ListRoutes) -> Result<InTab<Routes>, ApiError> {
        let (summary, now) = self.told(&input.session_id).await?;
        Ok(framed(&Frame::about(&summary), routes(&now), &[]))
    }
}

fn route(input: RouteRequests) -> Result<RoutePart, ApiError> {
    let headers = input.headers.unwrap_or_default();
    let remove = input.remove_headers.unwrap_or_default();
    let has_body = input.body.is_some() || input.body_base64.is_some();
    let answers = has_body || input.status.is_some();
    let out_of_place = match input.action {
        RouteAction::Block if answers || !headers.is_empty() || !remove.is_empty() => true,
        RouteAction::Mock => {
            !remove.is_empty() || (input.body.is_some() && input.body_base64.is_some())
        }
        RouteAction::Headers => answers,
        RouteAction::Block => false,
    };
    if out_of_place {
        return Err(ApiError::invalid(
            "block takes nothing more, mock `status`, `headers` and one body, headers `headers` and `remove_headers`",
        ));
    }
    let action = match input.action {
        RouteAction::Block => RouteActionPart::Block,
        RouteAction::Mock => RouteActionPart::Answer {
            status: input.status.unwrap_or(200),
            headers,
            body: match (input.body, input.body_base64) {
                (Some(text), _) => BASE64_STANDARD.encode(text),
                (None, body) => body.unwrap_or_default(),
            },
        },
        RouteAction::Headers => RouteActionPart::Change {
            set: headers,
            remove,
        },
    };
    Ok(RoutePart {
        number: 0,
        url: input.url,
        method: input.method,
        resource: input.resource,
        action,
    })
}

fn routes(settings: &SettingsPart) -> Routes {
    Routes {
        routes: settings.routes.iter().map(shown).collect(),
    }
}

fn shown(route: &RoutePart) -> RouteShown {
    let mut shown = RouteShown {
        route_id: format!("q{}", route.number),
        url: route.url.clone(),
        method: route.method.clone(),
        resource: route.resource.as_ref().map(|kind| kind.to_lowercase()),
        ..RouteShown::default()
    };
    match &route.action {
        RouteActionPart::Block => {}
        RouteActionPart::Answer {
            status,
            headers,
            body,
        } => {
            shown.action = RouteAction::Mock;
            shown.status = Some(*status);
            shown.header_names = headers.keys().cloned().collect();
            let body = BASE64_STANDARD.decode(body).unwrap_or_default();
            shown.body_bytes = Some(body.len() as u64);
        }
        RouteActionPart::Change { set, remove } => {
            shown.action = RouteAction::Headers;
            shown.header_names = set.keys().cloned().collect();
            shown.remove_headers.clone_from(remove);
        }
    }
    shown
}

/// Shows which headers go to an origin.
pub(super) fn headers((origin, headers): (&String, &BTreeMap<String, String>)) -> HeadersShown {
    HeadersShown {
        origin: origin.clone(),
        names: headers.keys().cloned().collect(),
    }
}
