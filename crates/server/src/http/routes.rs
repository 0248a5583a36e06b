//! The operation list as paths, and the few pages beside it.

use std::sync::Arc;
use std::time::Duration;

use api::{ApiError, Caller, Method, OPERATIONS, error_page, openapi};
use axum::Router;
use axum::extract::{Path, RawPathParams, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on, post};
use base::{Code, Ctx};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::call::{Named, answer};
use super::file;
use super::guard::Access;
use super::problem::Failure;
use crate::Dispatch;

/// How long a readiness probe may take.
const PROBE: Duration = Duration::from_secs(5);

/// Where a downloaded file is, as it is.
const FILE: &str = "/v1/sessions/{session_id}/downloads/{download_id}/content";

/// What the routes of one listener share.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) dispatch: Arc<Dispatch>,
    /// Who calls by this listener, once let in.
    pub(crate) caller: Caller,
    /// What they need to be let in; nothing on the unix socket.
    pub(crate) access: Option<Arc<Access>>,
}

/// Makes the routes.
pub(crate) fn router(front: Front) -> Router {
    let mut guarded = Router::new();
    for operation in OPERATIONS {
        let route = operation.route;
        let named = Named::Operation(operation.name);
        let handle = move |State(front): State<Front>, path: RawPathParams, request: Request| {
            answer(front, named, path, request)
        };
        guarded = guarded.route(route.path, on(filter(route.method), handle));
    }
    let by_path = |State(front): State<Front>, path: RawPathParams, request: Request| {
        answer(front, Named::InPath, path, request)
    };
    let file_of = |State(front): State<Front>, path: RawPathParams, headers: HeaderMap| {
        file::answer(front, path, headers)
    };
    let guarded = guarded
        .route("/v1/sessions/{session_id}/{operation}", post(by_path))
        .route("/v1/operations/{operation}", post(by_path))
        .route(FILE, get(file_of))
        .route_layer(from_fn_with_state(front.clone(), token));
    Router::new()
        .merge(guarded)
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/openapi.json", get(document))
        .route("/errors/{code}", get(page))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(front.clone(), place))
        .with_state(front)
}

const fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Delete => MethodFilter::DELETE,
    }
}

async fn place(State(front): State<Front>, request: Request, next: Next) -> Response {
    match &front.access {
        Some(access) => match access.check_place(request.uri(), request.headers()) {
            Ok(()) => next.run(request).await,
            Err(error) => Failure::from(error).into_response(),
        },
        None => next.run(request).await,
    }
}

async fn token(State(front): State<Front>, request: Request, next: Next) -> Response {
    match &front.access {
        Some(access) => match access.check_token(request.headers()) {
            Ok(()) => next.run(request).await,
            Err(error) => Failure::from(error).into_response(),
        },
        None => next.run(request).await,
    }
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(front): State<Front>) -> Response {
    match front.dispatch.ready(&Ctx::within(PROBE)).await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => Failure::with_status(error, StatusCode::SERVICE_UNAVAILABLE).into_response(),
    }
}

async fn document(State(front): State<Front>) -> Response {
    let document = openapi::document(&front.dispatch.daemon().version);
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], document.to_string()).into_response()
}

async fn page(Path(code): Path<String>) -> Response {
    match code.parse::<Code>() {
        Ok(code) => {
            let markdown = HeaderValue::from_static("text/markdown; charset=utf-8");
            ([(header::CONTENT_TYPE, markdown)], error_page(code)).into_response()
        }
        Err(()) => not_found().await.into_response(),
    }
}

async fn not_found() -> Failure {
    let error = ApiError::invalid("there is nothing at this path")
        .hint("The paths are listed in /openapi.json.");
    Failure::with_status(error, StatusCode::NOT_FOUND)
}

async fn not_allowed() -> Failure {
    let error = ApiError::invalid("the path doesn't take this method")
        .hint("The paths and their methods are listed in /openapi.json.");
    Failure::with_status(error, StatusCode::METHOD_NOT_ALLOWED)
}
