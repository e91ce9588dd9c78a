use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use switchtower_layers::body::SettleBody;
use tracing::Span;

use super::call::LoggedRequest;

pin_project! {
    /// The body of [`AccessLog`](super::Record)'s responses: it is polled inside the request's span.
    pub struct AccessLogBody<B: Body> {
        #[pin]
        body: SettleBody<B, LoggedRequest>,
        span: Span,
    }
}

impl<B: Body> AccessLogBody<B> {
    pub(super) fn new(body: B, call: LoggedRequest, span: Span) -> Self {
        Self { body: SettleBody::new(body, call), span }
    }
}

impl<B: Body> fmt::Debug for AccessLogBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLogBody").finish_non_exhaustive()
    }
}

impl<B: Body> Body for AccessLogBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        this.span.in_scope(|| this.body.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
