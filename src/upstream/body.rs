use std::{
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Request, Response,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use switchtower_layers::{BoxError, body::ResponseBody};
use tower::{Service, service_fn};
use tower_http::decompression::{Decompression, DecompressionBody};

use super::{
    client::ProviderBody,
    headers,
    redact::{Redacting, Redactor},
};

pin_project! {
    /// A provider's answer, decoded where it came encoded although identity was asked for; or the
    /// few bytes that stand for a transport error. An error's is without the providers' keys.
    pub struct UpstreamBody {
        #[pin]
        kind: Kind,
        // Of errors only.
        redacting: Option<Redacting>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind {
        Plain { #[pin] body: ResponseBody<ProviderBody> },
        // Boxed, as decoders are large and few answers need one.
        Decoded { body: Pin<Box<DecompressionBody<ProviderBody>>> },
    }
}

impl UpstreamBody {
    /// Wraps an answer's body; for an encoded one this changes the head, too.
    pub(super) fn wrap(
        mut response: Response<ProviderBody>,
        redactor: &Redactor,
    ) -> Response<Self> {
        let is_error = !response.status().is_success();
        let redacting = is_error.then(|| Redacting::new(redactor)).flatten();
        if redacting.is_some() {
            redact_head(response.headers_mut(), redactor);
        }
        if response.headers().contains_key(CONTENT_ENCODING) {
            decode(response)
                .map(|body| Self { kind: Kind::Decoded { body: Box::pin(body) }, redacting })
        } else {
            let plain = |body| Kind::Plain { body: ResponseBody::inner(body) };
            response.map(|body| Self { kind: plain(body), redacting })
        }
    }
}

/// The body may get shorter, and nobody needs a header with a key in it.
fn redact_head(headers: &mut HeaderMap, redactor: &Redactor) {
    headers.remove(CONTENT_LENGTH);
    let found = headers.iter().filter(|(_, value)| redactor.is_in(value.as_bytes()));
    let found: Vec<HeaderName> = found.map(|(name, _)| name.clone()).collect();
    found.iter().for_each(|name| drop(headers.remove(name)));
}

impl From<Bytes> for UpstreamBody {
    fn from(bytes: Bytes) -> Self {
        Self { kind: Kind::Plain { body: ResponseBody::own(bytes) }, redacting: None }
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
        let this = self.project();
        let frame = ready!(match this.kind.project() {
            KindProj::Plain { body } => body.poll_frame(cx).map_err(Into::into),
            KindProj::Decoded { body } => body.as_mut().poll_frame(cx),
        });
        let Some(redacting) = this.redacting else {
            return Poll::Ready(frame.map(|frame| frame.map(clean)));
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) => Some(Ok(Frame::data(redacting.pass(data)))),
                None => redacting.rest(),
            },
            None => redacting.rest(),
            Some(Err(error)) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        if self.redacting.as_ref().is_some_and(Redacting::holds) {
            return false;
        }
        match &self.kind {
            Kind::Plain { body } => body.is_end_stream(),
            Kind::Decoded { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        if self.redacting.is_some() {
            return SizeHint::default();
        }
        match &self.kind {
            Kind::Plain { body } => body.size_hint(),
            Kind::Decoded { body } => body.size_hint(),
        }
    }
}
