//! Errors for answers that cannot be translated.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    BoxError, Code, Rejection,
    classify::{DeadlineError, TransportError, TransportErrorKind},
    exchange::{Fault, UpstreamError},
    rejection::envelope,
};

/// An error answer's body as the client gets it: as it came, if it has the envelope.
pub(super) fn enveloped(status: StatusCode, body: Bytes) -> Bytes {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        error: Option<Inner<'a>>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        message: Option<&'a RawValue>,
    }
    let read = serde_json::from_slice::<Envelope<'_>>(&body);
    let has_message = |inner: Inner<'_>| inner.message.is_some_and(|m| m.get().starts_with('"'));
    if read.is_ok_and(|envelope| envelope.error.is_some_and(has_message)) {
        return body;
    }
    let error = UpstreamError::read(&body);
    let is_html = body.trim_ascii_start().starts_with(b"<");
    let message = match error.message.as_deref().filter(|_| !is_html) {
        Some(message) => message.to_owned(),
        None => format!("the provider answered {status}"),
    };
    let kind = match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    let code = error.code.as_deref().unwrap_or(kind);
    envelope(code, &message, error.kind.as_deref().unwrap_or(kind), None)
}

/// The body of a plain answer broke.
pub(super) fn broken<B: From<Bytes>>(error: BoxError) -> http::Response<B> {
    if let Some(passed) = error.downcast_ref::<DeadlineError>() {
        let message = passed.to_string();
        return Rejection::new(Code::DeadlineExceeded, message).into_failure(*passed);
    }
    let message = format!("the answer broke off: {error}");
    let cause = TransportError::new(TransportErrorKind::Broken, error);
    Rejection::new(Code::ProviderError, message).into_failure(cause)
}

/// A success that is none.
pub(super) fn no_answer<B: From<Bytes>>(fault: &Fault) -> http::Response<B> {
    Rejection::new(Code::ProviderError, fault.to_string()).into_failure(fault.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_comes_in_the_envelope() {
        for (status, body, expected) in [
            (400, r#"{"error":{"message":"m","x":1}}"#, r#"{"error":{"message":"m","x":1}}"#),
            (
                422,
                r#"{"detail":"d"}"#,
                r#"{"error":{"code":"invalid_request_error","message":"d","type":"invalid_request_error","param":null}}"#,
            ),
            (
                429,
                "<html>busy</html>",
                r#"{"error":{"code":"rate_limit_error","message":"the provider answered 429 Too Many Requests","type":"rate_limit_error","param":null}}"#,
            ),
            (
                404,
                r#"{"error":"no model"}"#,
                r#"{"error":{"code":"not_found_error","message":"no model","type":"not_found_error","param":null}}"#,
            ),
            (
                500,
                "",
                r#"{"error":{"code":"server_error","message":"the provider answered 500 Internal Server Error","type":"server_error","param":null}}"#,
            ),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(enveloped(status, Bytes::from(body)), expected, "{body}");
        }
    }
}
