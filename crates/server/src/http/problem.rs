//! Errors as HTTP says them.

use api::{ApiError, Problem, Retry};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// An answer that is an error.
pub(crate) struct Failure {
    error: ApiError,
    status: Option<StatusCode>,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self {
            error,
            status: None,
        }
    }
}

impl Failure {
    /// Gives the error another status than its code's: HTTP's own refusals have their own.
    pub(crate) fn with_status(error: ApiError, status: StatusCode) -> Self {
        Self {
            error,
            status: Some(status),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let after = self
            .error
            .retry_after_ms
            .filter(|_| self.error.retry == Retry::After);
        let mut problem = Problem::from(self.error);
        if let Some(status) = self.status {
            problem.status = status.as_u16();
        }
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(Problem::MEDIA_TYPE),
        );
        if let Some(after) = after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.div_ceil(1000)));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
