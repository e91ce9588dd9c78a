use std::{
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http::{Request, Response, header::CONTENT_ENCODING};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use switchtower_layers::{BoxError, body::ResponseBody};
use tower::{Service, service_fn};
use tower_http::decompression::{Decompression, DecompressionBody};

use super::{client::ProviderBody, headers};

pin_project! {
    /// A provider's answer, decoded where it came encoded although identity was asked for; or the
    /// few bytes that stand for a transport error.
    pub struct UpstreamBody {
        #[pin]
        kind: Kind,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind {
        Plain { #[pin] body: ResponseBody<ProviderBody> },
        Decoded { #[pin] body: DecompressionBody<ProviderBody> },
    }
}

impl UpstreamBody {
    /// Wraps an answer's body; for an encoded one this changes the head, too.
    pub(super) fn wrap(response: Response<ProviderBody>) -> Response<Self> {
        if response.headers().contains_key(CONTENT_ENCODING) {
            decode(response).map(|body| Self { kind: Kind::Decoded { body } })
        } else {
            response.map(|body| Self { kind: Kind::Plain { body: ResponseBody::inner(body) } })
        }
    }
}

impl From<Bytes> for UpstreamBody {
    fn from(bytes: Bytes) -> Self {
        Self { kind: Kind::Plain { body: ResponseBody::own(bytes) } }
    }
}

/// tower-http decodes the answers of a service, so the answer is made one that is there at once.
fn decode(response: Response<ProviderBody>) -> Response<DecompressionBody<ProviderBody>> {
    let mut response = Some(response);
    let answered =
        service_fn(move |_: Request<()>| std::future::ready(response.take().ok_or("called once")));
    let decoding = pin!(Decompression::new(answered).call(Request::new(())));
    match decoding.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        _ => unreachable!("a ready answer is ready"),
    }
}

/// What may not come in the head may not come behind the body either.
fn clean(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            headers::inbound(&mut trailers);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

impl fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamBody").finish_non_exhaustive()
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(match self.project().kind.project() {
            KindProj::Plain { body } => body.poll_frame(cx).map_err(Into::into),
            KindProj::Decoded { body } => body.poll_frame(cx),
        });
        Poll::Ready(frame.map(|frame| frame.map(clean)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Plain { body } => body.is_end_stream(),
            Kind::Decoded { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Plain { body } => body.size_hint(),
            Kind::Decoded { body } => body.size_hint(),
        }
    }
}
