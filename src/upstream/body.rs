use std::{
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response,
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
    unlabelled::{Begun, Coding},
};

pin_project! {
    /// A provider's response body, decoded where it came encoded although identity was requested;
    /// or the few bytes that replace a transport error. Errors are without the providers' keys.
    pub struct UpstreamBody {
        #[pin]
        kind: BodyKind,
        // Of errors only.
        redacting: Option<Redacting>,
    }
}

pin_project! {
    #[project = KindProj]
    enum BodyKind {
        Plain { #[pin] body: ResponseBody<ProviderBody> },
        // The first bytes show whether it is encoded although its head does not say so.
        Unlabelled { #[pin] body: ResponseBody<ProviderBody>, held: BytesMut },
        // Boxed, as decoders are large and few answers need one.
        Decoded { body: Pin<Box<DecompressionBody<Begun>>> },
    }
}

impl UpstreamBody {
    /// Wraps an answer's body; for an encoded one this changes the head, too. One that can only be
    /// text is decoded as well where it is encoded and its head does not say so.
    pub(super) fn wrap(
        mut response: Response<ProviderBody>,
        redactor: &Redactor,
        is_text: bool,
    ) -> Response<Self> {
        let is_error = !response.status().is_success();
        let redacting = is_error.then(|| Redacting::new(redactor)).flatten();
        if redacting.is_some() {
            redact_head(response.headers_mut(), redactor);
        }
        if response.headers().contains_key(CONTENT_ENCODING) {
            let begun = |body| Begun { first: Bytes::new(), rest: ResponseBody::inner(body) };
            decode(response.map(begun))
                .map(|body| Self { kind: BodyKind::Decoded { body: Box::pin(body) }, redacting })
        } else {
            // The head of an error that is not redacted announces its length, and has left by then.
            let is_unlabelled = is_text && (!is_error || redacting.is_some());
            let kind = |body| match is_unlabelled {
                true => {
                    BodyKind::Unlabelled { body: ResponseBody::inner(body), held: BytesMut::new() }
                }
                false => BodyKind::Plain { body: ResponseBody::inner(body) },
            };
            response.map(|body| Self { kind: kind(body), redacting })
        }
    }
}

/// The body may get shorter, and a key must not leave in a header either.
fn redact_head(headers: &mut HeaderMap, redactor: &Redactor) {
    headers.remove(CONTENT_LENGTH);
    let found = headers.iter().filter(|(_, value)| redactor.is_in(value.as_bytes()));
    let found: Vec<HeaderName> = found.map(|(name, _)| name.clone()).collect();
    found.iter().for_each(|name| drop(headers.remove(name)));
}

impl From<Bytes> for UpstreamBody {
    fn from(bytes: Bytes) -> Self {
        Self { kind: BodyKind::Plain { body: ResponseBody::own(bytes) }, redacting: None }
    }
}

/// tower-http decodes the answers of a service, so the answer is made one that is there at once.
fn decode(response: Response<Begun>) -> Response<DecompressionBody<Begun>> {
    let mut response = Some(response);
    let answered =
        service_fn(move |_: Request<()>| std::future::ready(response.take().ok_or("called once")));
    let decoding = pin!(Decompression::new(answered).call(Request::new(())));
    match decoding.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        _ => unreachable!("a ready answer is ready"),
    }
}

type FrameResult = Option<Result<Frame<Bytes>, BoxError>>;

/// A frame of a body whose coding is not known. Gives the frame to pass on, if there is one, and
/// what the body is from now on, if that is known.
fn read_unlabelled(
    mut body: Pin<&mut ResponseBody<ProviderBody>>,
    held: &mut BytesMut,
    frame: Option<Result<Frame<Bytes>, hyper::Error>>,
) -> (Option<FrameResult>, Option<BodyKind>) {
    let mut rest = || std::mem::replace(&mut *body, ResponseBody::own(Bytes::new()));
    let frame = match frame {
        Some(Ok(frame)) => frame,
        other => {
            let passed = match other {
                None if !held.is_empty() => Some(Ok(Frame::data(held.split().freeze()))),
                other => other.map(|frame| frame.map_err(Into::into)),
            };
            return (Some(passed), Some(BodyKind::Plain { body: rest() }));
        }
    };
    let data = match frame.into_data() {
        Ok(data) => data,
        Err(frame) => return (Some(Some(Ok(frame))), None),
    };
    let data = match held.is_empty() {
        true => data,
        false => {
            held.extend_from_slice(&data);
            held.split().freeze()
        }
    };
    match Coding::of(&data) {
        Coding::Open => {
            held.extend_from_slice(&data);
            (None, None)
        }
        Coding::Identity => {
            (Some(Some(Ok(Frame::data(data)))), Some(BodyKind::Plain { body: rest() }))
        }
        Coding::Encoded(name) => {
            let mut response = Response::new(Begun { first: data, rest: rest() });
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(name));
            let body = Box::pin(decode(response).into_body());
            (None, Some(BodyKind::Decoded { body }))
        }
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
        let mut this = self.project();
        let frame = loop {
            match this.kind.as_mut().project() {
                KindProj::Plain { body } => {
                    break ready!(body.poll_frame(cx)).map(|frame| frame.map_err(Into::into));
                }
                KindProj::Decoded { body } => break ready!(body.as_mut().poll_frame(cx)),
                KindProj::Unlabelled { mut body, held } => {
                    let frame = ready!(body.as_mut().poll_frame(cx));
                    let (passed, kind) = read_unlabelled(body, held, frame);
                    if let Some(kind) = kind {
                        this.kind.set(kind);
                    }
                    if let Some(passed) = passed {
                        break passed;
                    }
                }
            }
        };
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
            BodyKind::Plain { body } => body.is_end_stream(),
            BodyKind::Unlabelled { body, held } => held.is_empty() && body.is_end_stream(),
            BodyKind::Decoded { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        if self.redacting.is_some() {
            return SizeHint::default();
        }
        match &self.kind {
            BodyKind::Plain { body } => body.size_hint(),
            BodyKind::Unlabelled { body, held } if held.is_empty() => body.size_hint(),
            BodyKind::Unlabelled { .. } => SizeHint::default(),
            BodyKind::Decoded { body } => body.size_hint(),
        }
    }
}
