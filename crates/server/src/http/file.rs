//! A downloaded file as it is, for programs that take files: whole, or one range of it.
//!
//! It is read by `get_download`, a piece at a time, so every byte goes through the one funnel.
//! What a site sent is never named as something a browser would show: it is bytes to be saved.

use std::sync::Arc;

use api::{ApiError, DownloadContent, InTab, Invoke as _};
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::response::{IntoResponse, Response};
use base::{Code, Ctx};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::problem::Failure;
use super::routes::Front;

/// How much is read at a time.
const PIECE: u64 = 1 << 20;

/// Which bytes are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    /// All of them.
    Whole,
    /// From the first to the last, this one included.
    Part(u64, u64),
    /// Such as there aren't.
    None,
}

/// Answers with a download's file.
pub(crate) async fn answer(front: Front, path: RawPathParams, headers: HeaderMap) -> Response {
    match open(front, &path, &headers).await {
        Ok(response) => response,
        Err(error) => Failure::from(error).into_response(),
    }
}

async fn open(
    front: Front,
    path: &RawPathParams,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let of_path = |name| {
        let mut found = path.iter().filter(|(key, _)| *key == name);
        found
            .next()
            .map_or_else(String::new, |(_, value)| value.to_owned())
    };
    let file = File {
        front: Arc::new(front),
        session_id: of_path("session_id"),
        download_id: of_path("download_id"),
    };
    let told = file.read(0, 0).await?;
    let bytes = told.download.bytes;
    let tag = format!("\"{}\"", told.download.sha256.unwrap_or_default());
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // A part of another file than the one at hand is no use.
    let same = text(header::IF_RANGE).is_none_or(|other| other == tag);
    let wanted = match text(header::RANGE).filter(|_| same) {
        Some(range) => wanted(range, bytes),
        None => Wanted::Whole,
    };
    let (status, from, length) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0, bytes),
        Wanted::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::None => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let body = Body::from_stream(stream::try_unfold(
        (file, from, length),
        |(file, from, left)| async move {
            if left == 0 {
                return Ok::<_, std::io::Error>(None);
            }
            let piece = file.piece(from, left.min(PIECE)).await?;
            let read = piece.len() as u64;
            Ok(Some((piece, (file, from + read, left - read))))
        },
    ));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/octet-stream");
    let range = match wanted {
        Wanted::Whole => None,
        Wanted::Part(first, last) => Some(format!("bytes {first}-{last}/{bytes}")),
        Wanted::None => Some(format!("bytes */{bytes}")),
    };
    let named = format!(
        "attachment; filename*=UTF-8''{}",
        encoded(&told.download.name)
    );
    let fields = [
        (header::CONTENT_TYPE, Some(kind)),
        (header::CONTENT_LENGTH, Some(HeaderValue::from(length))),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&named).ok(),
        ),
        (
            header::CONTENT_RANGE,
            range.and_then(|it| HeaderValue::from_str(&it).ok()),
        ),
        (header::ETAG, HeaderValue::from_str(&tag).ok()),
        (
            header::ACCEPT_RANGES,
            Some(HeaderValue::from_static("bytes")),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            Some(HeaderValue::from_static("nosniff")),
        ),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// A download that is read.
struct File {
    front: Arc<Front>,
    session_id: String,
    download_id: String,
}

impl File {
    async fn read(&self, offset: u64, limit: u64) -> Result<DownloadContent, ApiError> {
        let dispatch = &self.front.dispatch;
        let ctx = Ctx::within(dispatch.settings().call_limit);
        let _cancel = ctx.cancel.clone().drop_guard();
        let arguments = json!({ "session_id": self.session_id, "download_id": self.download_id,
            "offset": offset, "limit": limit, "format": "base64" });
        let caller = &self.front.caller;
        let answer = dispatch.invoke(&ctx, caller, "get_download", arguments);
        let read: Result<InTab<DownloadContent>, _> = serde_json::from_value(answer.await?);
        let broken =
            |err| ApiError::new(Code::Internal, format!("the answer can't be read: {err}"));
        Ok(read.map_err(broken)?.fields)
    }

    /// Reads a piece; what fails in the middle breaks the answer off.
    async fn piece(&self, offset: u64, limit: u64) -> std::io::Result<Bytes> {
        let failed = |err: ApiError| std::io::Error::other(err.message);
        let read = self.read(offset, limit).await.map_err(failed)?;
        let data = BASE64_STANDARD.decode(read.data.unwrap_or_default());
        let data = data.map_err(std::io::Error::other)?;
        if data.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(data.into())
    }
}

/// Reads a `Range`. Several at a time, and what is none, are answered with the whole.
fn wanted(range: &str, bytes: u64) -> Wanted {
    let read = || {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        let number = |text: &str| match text.trim() {
            "" => Some(None),
            text if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                // One too large for a number is larger than any file.
                Some(Some(text.parse().unwrap_or(u64::MAX)))
            }
            _ => None,
        };
        Some((number(first)?, number(last)?))
    };
    match read() {
        Some((Some(first), last)) => {
            let last = last.unwrap_or(u64::MAX);
            if last < first {
                Wanted::Whole
            } else if bytes <= first {
                Wanted::None
            } else {
                Wanted::Part(first, last.min(bytes - 1))
            }
        }
        Some((None, Some(0))) => Wanted::None,
        Some((None, Some(_))) if bytes == 0 => Wanted::None,
        Some((None, Some(last))) => Wanted::Part(bytes.saturating_sub(last), bytes - 1),
        Some((None, None)) | None => Wanted::Whole,
    }
}

/// Writes a name as RFC 8187 has it.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let write = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    name.bytes().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_it_is_meant_or_not_at_all() {
        let check = |range: &str, expect| assert_eq!(wanted(range, 10), expect, "{range}");
        check("bytes=0-3", Wanted::Part(0, 3));
        check("bytes=4-", Wanted::Part(4, 9));
        check("bytes=4-99", Wanted::Part(4, 9));
        check("bytes=-3", Wanted::Part(7, 9));
        check("bytes=-99", Wanted::Part(0, 9));
        check("bytes=10-", Wanted::None);
        check("bytes=99999999999999999999999-", Wanted::None);
        check("bytes=-0", Wanted::None);
        for range in [
            "bytes=3-2",
            "bytes=-",
            "bytes=0-1,4-5",
            "bytes=+1-2",
            "lines=1-2",
            "",
        ] {
            check(range, Wanted::Whole);
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::None);
        assert_eq!(wanted("bytes=-1", 0), Wanted::None);
    }

    #[test]
    fn no_name_ends_its_header() {
        assert_eq!(encoded("a b\"\r\n;é.txt"), "a%20b%22%0D%0A%3B%C3%A9.txt");
    }
}
