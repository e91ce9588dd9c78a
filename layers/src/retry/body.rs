use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::peeked_body::PeekedBody;
use crate::BoxError;

pin_project! {
    /// The body of [`Retry`](super::Retry)'s responses: the inner one's bytes as they came, though
    /// an error's may come in one piece.
    pub struct ResponseBody<R> {
        #[pin]
        kind: BodyKind<R>,
    }
}

pin_project! {
    #[project = KindProj]
    enum BodyKind<R> {
        Inner { #[pin] body: R },
        PeekedBody { held: PeekedBody<R> },
    }
}

impl<R> ResponseBody<R> {
    pub(super) fn inner(body: R) -> Self {
        Self { kind: BodyKind::Inner { body } }
    }

    pub(super) fn held(held: PeekedBody<R>) -> Self {
        Self { kind: BodyKind::PeekedBody { held } }
    }
}

impl<R> fmt::Debug for ResponseBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            BodyKind::Inner { .. } => "Inner",
            BodyKind::PeekedBody { .. } => "PeekedBody",
        };
        f.debug_tuple("ResponseBody").field(&kind).finish()
    }
}

impl<R: Body<Data = Bytes, Error: Into<BoxError>>> Body for ResponseBody<R> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProj::Inner { body } => body.poll_frame(cx).map_err(Into::into),
            KindProj::PeekedBody { held } => held.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            BodyKind::Inner { body } => body.is_end_stream(),
            BodyKind::PeekedBody { held } => held.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            BodyKind::Inner { body } => body.size_hint(),
            BodyKind::PeekedBody { held } => held.size_hint(),
        }
    }
}
