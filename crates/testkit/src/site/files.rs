//! Files that are downloaded: whole at once, in parts, too large, or under odd names.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, http::StatusCode};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;

use super::{Shared, lock};

/// How often a gate is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// What comes of a gated file before its gate is open, and after.
pub const BEFORE_GATE: usize = 4000;
/// All of a gated file.
pub const GATED: usize = 10_000;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/file/{name}", get(file))
        .route("/attached", get(attached))
        .route("/gated/{name}", get(gated))
        .route("/large/{bytes}", get(large))
        .route("/unbounded", get(unbounded))
}

fn disposition(value: &str) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_bytes(value.as_bytes());
    let value = value.unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    (header::CONTENT_DISPOSITION, value)
}

async fn file(Path(name): Path<String>) -> Response {
    let kind = (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/x-test"),
    );
    let attachment = disposition(&format!("attachment; filename=\"{name}\""));
    ([kind, attachment], format!("file of {name}")).into_response()
}

#[derive(Deserialize)]
struct Attached {
    /// The whole header, as it is.
    header: String,
}

async fn attached(Query(Attached { header }): Query<Attached>) -> Response {
    ([disposition(&header)], "odd").into_response()
}

/// A file whose end comes when its gate is open.
async fn gated(State(counts): State<Shared>, Path(name): Path<String>) -> Response {
    let attachment = disposition(&format!("attachment; filename=\"{name}\""));
    let start =
        stream::once(async { Ok::<_, std::io::Error>(Bytes::from(vec![b'a'; BEFORE_GATE])) });
    let rest = stream::once(async move {
        while !lock(&counts).gates.contains(&name) {
            tokio::time::sleep(LOOK).await;
        }
        Ok(Bytes::from(vec![b'b'; GATED - BEFORE_GATE]))
    });
    let length = (header::CONTENT_LENGTH, HeaderValue::from(GATED));
    let body = Body::from_stream(start.chain(rest));
    (StatusCode::OK, [attachment, length], body).into_response()
}

async fn large(Path(bytes): Path<usize>) -> Response {
    let attachment = disposition("attachment; filename=\"large.bin\"");
    ([attachment], vec![b'x'; bytes]).into_response()
}

/// A file without an end, of which nobody says how large it is.
async fn unbounded() -> Response {
    let chunks = stream::repeat(()).then(|()| async {
        tokio::time::sleep(LOOK).await;
        Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1000]))
    });
    let attachment = disposition("attachment; filename=\"unbounded.bin\"");
    ([attachment], Body::from_stream(chunks)).into_response()
}
