use std::{
    convert::Infallible,
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;
use switchtower_layers::{
    Code, Rejection,
    classify::{TransportError, TransportErrorKind},
    quota::RateLimitHeaders,
};

use super::{
    UpstreamBody,
    client::{SendError, Sending},
    connector::ConnectTimedOut,
    headers,
    redact::Redactor,
};

pin_project! {
    /// The future of [`Upstream`](super::Upstream).
    pub struct ResponseFuture {
        #[pin]
        state: FutureState,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState {
        Sent { sent: Sending, provider: Arc<str>, redactor: Redactor, is_text: bool },
        Rejected { rejection: Option<Rejection> },
    }
}

impl ResponseFuture {
    /// `is_text` says that no answer to the request is anything but text.
    pub(super) fn sent(
        sent: Sending,
        provider: Arc<str>,
        redactor: Redactor,
        is_text: bool,
    ) -> Self {
        Self { state: FutureState::Sent { sent, provider, redactor, is_text } }
    }

    pub(super) fn rejected(rejection: Rejection) -> Self {
        Self { state: FutureState::Rejected { rejection: Some(rejection) } }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<UpstreamBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project().state.project() {
            StateProj::Sent { sent, provider, redactor, is_text } => {
                match ready!(sent.as_mut().poll(cx)) {
                    Ok(mut response) => {
                        // The headers do not pass; the quota layer still needs their values.
                        if let Some(remaining) = RateLimitHeaders::read(response.headers()) {
                            response.extensions_mut().insert(remaining);
                        }
                        headers::inbound(response.headers_mut());
                        UpstreamBody::wrap(response, redactor, *is_text)
                    }
                    Err(error) => failed(provider, error),
                }
            }
            StateProj::Rejected { rejection } => {
                let rejection = rejection.take().expect("polled after completion");
                rejection.by("upstream").into_response()
            }
        }))
    }
}

/// A transport error as a response.
fn failed(provider: &str, error: SendError) -> Response<UpstreamBody> {
    let error = TransportError::new(kind(&error), error);
    tracing::debug!(provider, error = &error as &dyn Error, "no answer");
    Rejection::new(Code::ProviderError, format!("{provider}: {error}")).into_failure(error)
}

fn kind(error: &SendError) -> TransportErrorKind {
    if !error.is_connect() {
        return TransportErrorKind::Broken;
    }
    let mut causes = std::iter::successors(error.source(), |&error| error.source());
    if causes.any(<dyn Error>::is::<ConnectTimedOut>) {
        TransportErrorKind::ConnectTimeout
    } else {
        TransportErrorKind::Connect
    }
}
