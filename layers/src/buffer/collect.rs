use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::Body;

use crate::{BoxError, Code, Rejection};

/// The bytes of a body, as they come in. One frame is kept as it is; more are joined, since a
/// reader needs them in one piece.
#[derive(Debug)]
pub(super) struct Collect {
    limit: usize,
    first: Bytes,
    joined: BytesMut,
}

impl Collect {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, first: Bytes::new(), joined: BytesMut::new() }
    }

    /// Reads the body to its end. Trailers are dropped: no provider reads them.
    pub(super) fn poll<B>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Bytes, Rejection>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        loop {
            match ready!(body.as_mut().poll_frame(cx)) {
                None => return Poll::Ready(Ok(self.take())),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    if self.len() + data.len() > self.limit {
                        return Poll::Ready(Err(too_large(self.limit)));
                    }
                    let expected = body.size_hint().lower().min(self.limit as u64) as usize;
                    self.push(data, expected);
                }
                Some(Err(error)) => {
                    let message = format!("the body could not be read: {}", error.into());
                    return Poll::Ready(Err(Rejection::new(Code::InvalidRequest, message)));
                }
            }
        }
    }

    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    fn push(&mut self, data: Bytes, expected: usize) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        self.joined.reserve(self.first.len() + data.len() + expected);
        self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        self.joined.extend_from_slice(&data);
    }

    fn take(&mut self) -> Bytes {
        if self.joined.is_empty() {
            std::mem::take(&mut self.first)
        } else {
            std::mem::take(&mut self.joined).freeze()
        }
    }
}

pub(super) fn too_large(limit: usize) -> Rejection {
    let message = format!("the body is larger than {limit} bytes");
    Rejection::new(Code::PayloadTooLarge, message)
}
