//! Answers that a layer gives itself, and the error envelope they come in.
//!
//! The envelope is the one OpenAI's clients parse:
//! `{"error": {"code": "...", "message": "...", "type": "...", "param": null}}`.

use std::{borrow::Cow, fmt, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;

/// Error code of a rejection, as it goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// 400: the request itself is wrong.
    InvalidRequest,
    /// 401: no credential, or an unknown one.
    Unauthorized,
    /// 403: known, but not allowed.
    Forbidden,
    /// 404: no such path or thing.
    NotFound,
    /// 404: the response that the request continues is not known. Clients look for this code, so
    /// it is in the provider's letters: `previous_response_not_found`.
    PreviousResponseNotFound,
    /// 404: no agent has that id.
    AgentNotFound,
    /// 404: no task has that id.
    TaskNotFound,
    /// 404: no space has that id.
    SpaceNotFound,
    /// 405: the path exists, the method does not.
    MethodNotAllowed,
    /// 413: the body is over the limit.
    PayloadTooLarge,
    /// 415: a content type or encoding that is not understood.
    UnsupportedMediaType,
    /// 429: too many requests for now.
    RateLimited,
    /// 429: nothing is left to spend.
    QuotaExhausted,
    /// 502: the provider answered wrongly, or not at all.
    ProviderError,
    /// 503: no target could be tried.
    NoProvider,
    /// 504: a deadline passed.
    DeadlineExceeded,
    /// 500: an agent could not do its task. It stands in a task's `error`.
    TaskFailed,
    /// 500: something here does not work.
    InternalError,
}

impl Code {
    /// The upper-case code of the envelope.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::PreviousResponseNotFound => "previous_response_not_found",
            Self::AgentNotFound => "AGENT_NOT_FOUND",
            Self::TaskNotFound => "TASK_NOT_FOUND",
            Self::SpaceNotFound => "SPACE_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::RateLimited => "RATE_LIMITED",
            Self::QuotaExhausted => "QUOTA_EXHAUSTED",
            Self::ProviderError => "PROVIDER_ERROR",
            Self::NoProvider => "NO_PROVIDER",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::TaskFailed => "TASK_FAILED",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }

    /// The status that goes with the code.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound
            | Self::PreviousResponseNotFound
            | Self::AgentNotFound
            | Self::TaskNotFound
            | Self::SpaceNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited | Self::QuotaExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::ProviderError => StatusCode::BAD_GATEWAY,
            Self::NoProvider => StatusCode::SERVICE_UNAVAILABLE,
            Self::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::TaskFailed | Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// OpenAI's `type` for errors of this kind.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Unauthorized => "authentication_error",
            Self::Forbidden => "permission_error",
            Self::RateLimited => "rate_limit_error",
            Self::QuotaExhausted => "insufficient_quota",
            Self::ProviderError
            | Self::NoProvider
            | Self::DeadlineExceeded
            | Self::TaskFailed
            | Self::InternalError => "server_error",
            _ => "invalid_request_error",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Marks the response of a rejection, so that outer layers can distinguish it from an upstream's
/// answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The error code.
    pub code: Code,
    /// Time after which a retry may succeed, if that is known.
    pub retry_after: Option<Duration>,
    /// Human-readable message.
    pub message: Cow<'static, str>,
    /// The layer that rejects, by the name of its module; empty when it gave none.
    pub layer: &'static str,
}

/// A layer's own answer, being made.
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use switchtower_layers::{Code, Rejected, Rejection};
///
/// let response: http::Response<Full<Bytes>> =
///     Rejection::new(Code::RateLimited, "60 requests per minute are used up")
///         .retry_after(Duration::from_millis(1200))
///         .into_response();
/// assert_eq!(response.status(), 429);
/// assert_eq!(response.headers()["retry-after"], "2");
/// assert!(response.extensions().get::<Rejected>().is_some());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Rejection {
    code: Code,
    status: StatusCode,
    message: Cow<'static, str>,
    param: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    layer: &'static str,
}

impl Rejection {
    /// A rejection with the code's own status.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            status: code.status(),
            message: message.into(),
            param: None,
            retry_after: None,
            layer: "",
        }
    }

    /// The error code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Human-readable message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Another status than the code's own.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The field of the request that is wrong.
    pub fn param(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Names the layer that rejects, for metrics. The first name wins.
    pub fn by(mut self, layer: &'static str) -> Self {
        if self.layer.is_empty() {
            self.layer = layer;
        }
        self
    }

    /// Sets the time after which a retry may succeed. Sent as `Retry-After` in whole seconds,
    /// rounded up, at least 1.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The time after which a retry may succeed, if that is known.
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The envelope as JSON.
    pub fn to_json(&self) -> Bytes {
        envelope(self.code.as_str(), &self.message, self.code.kind(), self.param.as_deref())
    }

    /// The response, marked with [`Rejected`].
    pub fn into_response<B: From<Bytes>>(self) -> Response<B> {
        let Self { code, retry_after, layer, .. } = self;
        let message = self.message.clone();
        self.respond(Rejected { code, retry_after, message, layer })
    }

    /// The response for an attempt that failed: it was made, so it is marked with the cause
    /// instead of [`Rejected`]: a [`TransportError`](crate::classify::TransportError) or a
    /// [`DeadlineError`](crate::classify::DeadlineError).
    pub fn into_failure<B, C>(self, cause: C) -> Response<B>
    where
        B: From<Bytes>,
        C: std::error::Error + Clone + Send + Sync + 'static,
    {
        self.respond(cause)
    }

    fn respond<B, M>(self, mark: M) -> Response<B>
    where
        B: From<Bytes>,
        M: Clone + Send + Sync + 'static,
    {
        let mut response = Response::new(B::from(self.to_json()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        response.extensions_mut().insert(mark);
        response
    }
}

/// Rounded up, so that a client never comes back too early; at least 1.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    let up = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(up).max(1)
}

/// The error envelope as JSON.
pub fn envelope(code: &str, message: &str, kind: &str, param: Option<&str>) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a> {
        error: Error<'a>,
    }
    #[derive(Serialize)]
    struct Error<'a> {
        code: &'a str,
        message: &'a str,
        #[serde(rename = "type")]
        kind: &'a str,
        param: Option<&'a str>,
    }
    let envelope = Envelope { error: Error { code, message, kind, param } };
    // Strings and options of strings always serialise.
    serde_json::to_vec(&envelope).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_has_every_field_and_escapes() {
        let rejection = Rejection::new(Code::InvalidRequest, "a \"quoted\"\nline").param("model");
        assert_eq!(
            rejection.to_json(),
            r#"{"error":{"code":"INVALID_REQUEST","message":"a \"quoted\"\nline","type":"invalid_request_error","param":"model"}}"#
        );
    }

    #[test]
    fn retry_after_rounds_up_and_is_at_least_one() {
        for (millis, header) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), header, "{millis} ms");
        }
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }

    #[test]
    fn the_response_is_marked() {
        let response: Response<Bytes> = Rejection::new(Code::NoProvider, "none")
            .retry_after(Duration::from_secs(7))
            .into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["retry-after"], "7");
        let rejected = response.extensions().get::<Rejected>().unwrap();
        assert_eq!(rejected.code, Code::NoProvider);
        assert_eq!(rejected.retry_after, Some(Duration::from_secs(7)));
    }
}
