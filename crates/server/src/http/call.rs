//! One request: its arguments, its deadline, its end.

use std::time::Duration;

use api::arguments::IDEMPOTENCY_KEY;
use api::{ApiError, CALL_ID_HEADER, DEADLINE_HEADER, IDEMPOTENCY_HEADER, Invoke as _, is_later};
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use base::{CallId, Code, Ctx};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::problem::Failure;
use super::routes::Front;
use crate::dispatch::{LONGEST_CALL, time_of};

/// How a path says which operation is meant.
#[derive(Clone, Copy)]
pub(crate) enum Named {
    /// The path is the operation's own.
    Operation(&'static str),
    /// The path has its name in it.
    InPath,
}

/// Answers a request.
pub(crate) async fn answer(
    front: Front,
    named: Named,
    path: RawPathParams,
    request: Request,
) -> Response {
    match run(front, named, path, request).await {
        Ok(body) => {
            let json = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, json)], body).into_response()
        }
        Err(failure) => failure.into_response(),
    }
}

async fn run(
    front: Front,
    named: Named,
    path: RawPathParams,
    request: Request,
) -> Result<Vec<u8>, Failure> {
    let (head, body) = request.into_parts();
    let call = call_id(&head.headers)?;
    let mut arguments = read(&head.headers, body, front.dispatch.settings().max_body).await?;
    in_query(&head.uri, &mut arguments);
    let operation = in_path(named, &path, &mut arguments)?;
    in_header(&head.headers, &mut arguments)?;
    let arguments = Value::Object(arguments);
    let limit = match deadline(&head.headers)? {
        Some(limit) => limit.min(LONGEST_CALL),
        None => time_of(&arguments, front.dispatch.settings().call_limit),
    };
    let mut ctx = Ctx::within(limit);
    ctx.call = call.unwrap_or(ctx.call);
    // A client that hangs up takes this future with it, and so cancels whatever works for it.
    let _cancel = ctx.cancel.clone().drop_guard();
    match front
        .dispatch
        .invoke(&ctx, &front.caller, &operation, arguments)
        .await
    {
        Ok(answer) => Ok(answer.to_string().into_bytes()),
        // A path that names no operation is a path that isn't there.
        Err(error) if is_unknown(&operation) => {
            Err(Failure::with_status(error, StatusCode::NOT_FOUND))
        }
        Err(error) => Err(error.into()),
    }
}

fn is_unknown(operation: &str) -> bool {
    api::find(operation).is_none() && api::alias(operation).is_none() && !is_later(operation)
}

async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Map<String, Value>, ApiError> {
    let too_large = || {
        ApiError::new(
            Code::BodyTooLarge,
            format!("the body is over the limit of {limit} bytes"),
        )
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| limit < length) {
        return Err(too_large());
    }
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(err) if err.is::<LengthLimitError>() => return Err(too_large()),
        Err(_) => return Err(ApiError::invalid("the body did not arrive whole")),
    };
    parse(&body)
}

fn parse(body: &Bytes) -> Result<Map<String, Value>, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err(ApiError::invalid("the body is JSON but not an object")),
        Err(err) => Err(ApiError::invalid(format!("the body is not JSON: {err}"))),
    }
}

fn in_query(uri: &Uri, arguments: &mut Map<String, Value>) {
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()) {
        arguments
            .entry(name.into_owned())
            .or_insert_with(|| Value::from(value.into_owned()));
    }
}

/// Adds what the path says, and returns the operation's name.
fn in_path(
    named: Named,
    path: &RawPathParams,
    arguments: &mut Map<String, Value>,
) -> Result<String, ApiError> {
    let mut operation = match named {
        Named::Operation(name) => name.to_owned(),
        Named::InPath => String::new(),
    };
    for (name, value) in path {
        if name == "operation" {
            operation = value.to_owned();
            continue;
        }
        let given = arguments.entry(name).or_insert_with(|| Value::from(value));
        if given.as_str() != Some(value) {
            return Err(ApiError::invalid(format!(
                "`{name}` is one in the path and another in the body"
            )));
        }
    }
    Ok(operation)
}

/// Adds the idempotency key that stands in its header, quoted or not.
fn in_header(headers: &HeaderMap, arguments: &mut Map<String, Value>) -> Result<(), ApiError> {
    let Some(given) = headers.get(IDEMPOTENCY_HEADER) else {
        return Ok(());
    };
    let key = given.to_str().map_err(|_| {
        ApiError::invalid(format!("the header {IDEMPOTENCY_HEADER} is not plain text"))
    })?;
    let quoted = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    let key = Value::from(quoted.unwrap_or(key));
    if *arguments
        .entry(IDEMPOTENCY_KEY)
        .or_insert_with(|| key.clone())
        != key
    {
        return Err(ApiError::invalid(format!(
            "`{IDEMPOTENCY_KEY}` is one in the header and another in the body"
        )));
    }
    Ok(())
}

fn call_id(headers: &HeaderMap) -> Result<Option<CallId>, ApiError> {
    let Some(given) = headers.get(CALL_ID_HEADER) else {
        return Ok(None);
    };
    let id = given.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some)
        .ok_or_else(|| ApiError::invalid(format!("the header {CALL_ID_HEADER} is not a call id")))
}

fn deadline(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let Some(given) = headers.get(DEADLINE_HEADER) else {
        return Ok(None);
    };
    let millis = given.to_str().ok().and_then(|text| text.parse().ok());
    millis
        .map(|millis| Some(Duration::from_millis(millis)))
        .ok_or_else(|| {
            ApiError::invalid(format!(
                "the header {DEADLINE_HEADER} is not a number of milliseconds"
            ))
        })
}
