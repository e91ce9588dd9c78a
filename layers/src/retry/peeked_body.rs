use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::schedule::NotRetried;
use crate::{BoxError, classify::DeadlineError};

/// An error's body: what was read of it, to be passed on as it came, and the rest.
pub(super) struct PeekedBody<R> {
    bytes: BytesMut,
    trailers: Option<HeaderMap>,
    rest: Rest<R>,
}

enum Rest<R> {
    // Boxed, for errors only: it moves from the future into the body after it was polled.
    Open(Pin<Box<R>>),
    Over,
    Broken(BoxError),
}

impl<R> PeekedBody<R> {
    pub(super) fn new(body: R) -> Self {
        Self { bytes: BytesMut::new(), trailers: None, rest: Rest::Open(Box::pin(body)) }
    }

    /// What was read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<R: Body<Data = Bytes, Error: Into<BoxError>>> PeekedBody<R> {
    /// Reads to the end. What an error's body has lost to a broken connection does not matter.
    ///
    /// # Errors
    ///
    /// When more than `cap` bytes are held, or a deadline has passed.
    pub(super) fn poll_read(
        &mut self,
        cap: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), NotRetried>> {
        while let Rest::Open(body) = &mut self.rest {
            if self.bytes.len() > cap {
                return Poll::Ready(Err(NotRetried::TooLarge));
            }
            // Not every body ends in `None` after its last frame.
            if body.is_end_stream() {
                self.rest = Rest::Over;
                break;
            }
            match ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.bytes.extend_from_slice(&data),
                    Err(other) => self.trailers = other.into_trailers().ok(),
                },
                Some(Err(error)) => self.rest = Rest::Broken(error.into()),
                None => self.rest = Rest::Over,
            }
        }
        Poll::Ready(match &self.rest {
            Rest::Broken(error) if error.is::<DeadlineError>() => Err(NotRetried::Silent),
            _ => Ok(()),
        })
    }

    /// Passes on what was read, and then the rest.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(self.bytes.split().freeze()))));
        }
        if let Some(trailers) = self.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        match &mut self.rest {
            Rest::Open(body) => body.as_mut().poll_frame(cx).map_err(Into::into),
            Rest::Over => Poll::Ready(None),
            Rest::Broken(_) => match std::mem::replace(&mut self.rest, Rest::Over) {
                Rest::Broken(error) => Poll::Ready(Some(Err(error))),
                _ => Poll::Ready(None),
            },
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let rest_is_over = match &self.rest {
            Rest::Open(body) => body.is_end_stream(),
            Rest::Over => true,
            Rest::Broken(_) => false,
        };
        self.bytes.is_empty() && self.trailers.is_none() && rest_is_over
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let held = self.bytes.len() as u64;
        match &self.rest {
            Rest::Over => SizeHint::with_exact(held),
            Rest::Broken(_) => SizeHint::default(),
            Rest::Open(body) => {
                let (rest, mut hint) = (body.size_hint(), SizeHint::new());
                hint.set_lower(rest.lower().saturating_add(held));
                if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(held)) {
                    hint.set_upper(upper);
                }
                hint
            }
        }
    }
}
