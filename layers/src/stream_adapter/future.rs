use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderValue, Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
    response::Parts,
};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;

use super::{
    AdaptedBody,
    convert::{Adapter, Asked},
    form::{Form, form},
};
use crate::{BoxError, exchange::Fault, sse::is_event_stream};

pin_project! {
    /// The future of [`StreamAdapter`](super::StreamAdapter).
    pub struct ResponseFuture<F, B> {
        #[pin]
        future: F,
        adapter: Option<Adapter>,
        // Boxed, so that a future whose answer need not be waited for is small.
        reading: Option<Box<Reading<B>>>,
    }
}

/// An answer of which it is not known yet what it becomes.
struct Reading<B> {
    head: Parts,
    body: B,
    start: Start,
    /// It has the other form, so that all of it is read: what came behind the first bytes.
    converted: Option<Vec<u8>>,
}

/// What was read of a body: the bytes, and how it ended if it has.
#[derive(Debug, Default)]
pub(super) struct Start {
    pub(super) bytes: Bytes,
    pub(super) end: Option<End>,
}

/// How a body ended.
#[derive(Debug)]
pub(super) enum End {
    Complete,
    Trailers(Frame<Bytes>),
    Broken(BoxError),
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn new(future: F, adapter: Option<Adapter>) -> Self {
        Self { future, adapter, reading: None }
    }
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, E, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Output = Result<Response<AdaptedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let adapter = *this.adapter;
        let Some(reading) = this.reading else {
            let mut response = ready!(this.future.poll(cx))?;
            let Some(adapter) = adapter.filter(|_| response.status().is_success()) else {
                return Poll::Ready(Ok(response.map(AdaptedBody::passing)));
            };
            if adapter.asked == Asked::Events && is_event_stream(response.headers()) {
                // It may turn out to be JSON.
                response.headers_mut().remove(CONTENT_LENGTH);
                let labelled = |body| AdaptedBody::labelled(body, adapter);
                return Poll::Ready(Ok(response.map(labelled)));
            }
            let (head, body) = response.into_parts();
            let mut reading = Reading { head, body, start: Start::default(), converted: None };
            // The first bytes mostly come with the head.
            if reading.poll(adapter, cx).is_pending() {
                *this.reading = Some(Box::new(reading));
                return Poll::Pending;
            }
            return Poll::Ready(Ok(reading.adapt(adapter)));
        };
        let adapter = adapter.expect("only an answer that may be adapted is read");
        ready!(reading.poll(adapter, cx));
        let reading = this.reading.take().expect("it was just read");
        Poll::Ready(Ok(reading.adapt(adapter)))
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Reading<B> {
    /// Reads until it is known what the answer becomes, and all of it if it is converted.
    fn poll(&mut self, adapter: Adapter, cx: &mut Context<'_>) -> Poll<()> {
        while self.start.end.is_none() {
            if self.converted.is_none()
                && let Some(form) = form(&self.start.bytes)
            {
                if !is_other(form, adapter.asked) {
                    return Poll::Ready(());
                }
                self.converted = Some(Vec::new());
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match (frame.into_data(), &mut self.converted) {
                    (Ok(data), Some(more)) => {
                        more.extend_from_slice(&data);
                        if self.start.bytes.len() + more.len() > adapter.cap {
                            let error = Fault::TooLarge(adapter.cap).into();
                            self.start.end = Some(End::Broken(error));
                        }
                    }
                    (Ok(data), None) if self.start.bytes.is_empty() => self.start.bytes = data,
                    (Ok(data), None) => self.start.append(&data),
                    (Err(trailers), _) => self.start.end = Some(End::Trailers(trailers)),
                },
                Some(Err(error)) => self.start.end = Some(End::Broken(error.into())),
                None => self.start.end = Some(End::Complete),
            }
        }
        self.start.append(&self.converted.take().unwrap_or_default());
        Poll::Ready(())
    }

    fn adapt(self, adapter: Adapter) -> Response<AdaptedBody<B>> {
        let Self { mut head, body, start, .. } = self;
        let is_events = is_event_stream(&head.headers);
        if start.end.is_none() && !is_events && adapter.asked == Asked::Json {
            // As it should be; only its length may be another one, where it was decoded.
            if body.size_hint().exact().is_none() {
                head.headers.remove(CONTENT_LENGTH);
            }
            return Response::from_parts(head, AdaptedBody::begun(start.bytes, body));
        }
        let is_over = start.end.is_some();
        let form = form(&start.bytes).unwrap_or(Form::Other);
        let converted = match (form, adapter.asked, &start.end) {
            (_, _, Some(End::Broken(_))) => None,
            (Form::Events, Asked::Json, Some(_)) => Some(adapter.to_json(&start.bytes)),
            (Form::Json, Asked::Events, Some(_)) => adapter.to_events(&start.bytes).map(Ok),
            _ => None,
        };
        let label = match (&converted, form, adapter.asked) {
            (Some(_), _, Asked::Json) => Some(JSON),
            (Some(_), _, Asked::Events) => Some(EVENTS),
            (None, Form::Events, Asked::Events) => Some(EVENTS),
            (None, Form::Json, _) if is_events => Some(JSON),
            // What breaks off while it is read has become nothing.
            (None, Form::Events, Asked::Json) => Some(JSON),
            _ => None,
        };
        if let Some(label) = label {
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(label));
            head.headers.remove(CONTENT_LENGTH);
        }
        let body = match converted {
            Some(Ok(bytes)) => {
                if adapter.asked == Asked::Json {
                    head.headers.insert(CONTENT_LENGTH, bytes.len().into());
                }
                AdaptedBody::whole(bytes)
            }
            Some(Err(fault)) => AdaptedBody::broken(fault.into()),
            None if is_over => AdaptedBody::read(start),
            None => AdaptedBody::begun(start.bytes, body),
        };
        // A layer further in may have decoded it by its first bytes.
        let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if length.is_some_and(|length| length.parse().ok() != body.size_hint().exact()) {
            head.headers.remove(CONTENT_LENGTH);
        }
        Response::from_parts(head, body)
    }
}

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// Whether an answer of this form is not what was asked for.
fn is_other(form: Form, asked: Asked) -> bool {
    matches!((form, asked), (Form::Events, Asked::Json) | (Form::Json, Asked::Events))
}

impl Start {
    fn append(&mut self, data: &[u8]) {
        if !data.is_empty() {
            self.bytes = [&*self.bytes, data].concat().into();
        }
    }
}
