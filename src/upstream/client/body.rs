use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{connection::Connection, pool::Pool};

/// The body of a provider's response. It drives its connection, and returns it to the pool at the
/// end. Dropped before, it closes the connection: that is how a provider sees that the client has
/// disconnected.
pub(in crate::upstream) struct ProviderBody {
    incoming: Incoming,
    /// Not of HTTP/2, and not after the end.
    lease: Option<Lease>,
    failure: Option<hyper::Error>,
}

struct Lease {
    connection: Box<Connection>,
    pool: Arc<Pool>,
}

impl ProviderBody {
    pub(super) fn driven(
        incoming: Incoming,
        connection: Option<Box<Connection>>,
        pool: &Arc<Pool>,
    ) -> Self {
        let lease = connection.map(|connection| Lease { connection, pool: pool.clone() });
        let mut body = Self { incoming, lease, failure: None };
        if body.incoming.is_end_stream() {
            body.give_back();
        }
        body
    }

    /// One that a task of its own drives.
    pub(super) fn spawned(incoming: Incoming) -> Self {
        Self { incoming, lease: None, failure: None }
    }

    fn give_back(&mut self) {
        if let Some(Lease { connection, pool }) = self.lease.take() {
            pool.give_back(connection);
        }
    }

    fn poll_incoming(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.incoming).poll_frame(cx)
    }
}

impl Body for ProviderBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(failure) = self.failure.take() {
            return Poll::Ready(Some(Err(failure)));
        }
        let mut frame = self.poll_incoming(cx);
        if frame.is_pending()
            && let Some(lease) = &mut self.lease
        {
            if lease.connection.drive(cx).is_ready() {
                self.lease = None;
            }
            frame = self.poll_incoming(cx);
        }
        match frame {
            // hyper's server throws away what it has not written yet when a body fails, so the failure
            // waits until it has.
            Poll::Ready(Some(Err(failure))) => {
                self.lease = None;
                self.failure = Some(failure);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(None) => self.give_back(),
            Poll::Ready(Some(Ok(_))) if self.incoming.is_end_stream() => self.give_back(),
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for ProviderBody {
    /// A reader that has the last event of a stream may not read the end behind it; that is no
    /// reason to lose the connection.
    fn drop(&mut self) {
        if self.lease.is_some() {
            let _ = Pin::new(self).poll_frame(&mut Context::from_waker(Waker::noop()));
        }
    }
}
