use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{BoxError, Code, Rejection};

pin_project! {
    /// Reads a body to its end, within a cap. One frame is kept as it is; more are joined, since a
    /// reader needs them in one piece. Trailers are dropped.
    pub(crate) struct Collect<B> {
        #[pin]
        body: B,
        first: Bytes,
        // Only when there is more than one frame.
        more: BytesMut,
        cap: usize,
    }
}

/// Why a body was not read to its end.
pub(crate) enum Unread {
    /// It is larger than the cap, which is this.
    TooLarge(usize),
    /// It broke.
    Broken(BoxError),
}

impl From<Unread> for Rejection {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge(limit) => too_large(limit),
            Unread::Broken(error) => {
                Self::new(Code::InvalidRequest, format!("the body could not be read: {error}"))
            }
        }
    }
}

pub(crate) fn too_large(limit: usize) -> Rejection {
    Rejection::new(Code::PayloadTooLarge, format!("the body is larger than {limit} bytes"))
}

impl<B> Collect<B> {
    pub(crate) fn new(body: B, cap: usize) -> Self {
        Self { body, first: Bytes::new(), more: BytesMut::new(), cap }
    }
}

impl<B: Body<Error: Into<BoxError>>> Collect<B> {
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Bytes, Unread>> {
        let mut this = self.project();
        loop {
            let Some(frame) = ready!(this.body.as_mut().poll_frame(cx)) else {
                return Poll::Ready(Ok(match this.more.is_empty() {
                    true => std::mem::take(this.first),
                    false => this.more.split().freeze(),
                }));
            };
            let frame = frame.map_err(|error| Unread::Broken(error.into()))?;
            let Ok(mut data) = frame.into_data() else { continue };
            let size = data.remaining();
            if this.first.len().max(this.more.len()) + size > *this.cap {
                return Poll::Ready(Err(Unread::TooLarge(*this.cap)));
            }
            let data = data.copy_to_bytes(size);
            if this.first.is_empty() && this.more.is_empty() {
                *this.first = data;
            } else {
                if this.more.is_empty() {
                    // What is to come is often known: then nothing is moved again.
                    let rest = this.body.size_hint().lower().min(*this.cap as u64) as usize;
                    this.more.reserve(this.first.len() + size + rest);
                    this.more.extend_from_slice(this.first);
                }
                this.more.extend_from_slice(&data);
            }
        }
    }
}
