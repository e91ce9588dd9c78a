use std::{
    error::Error,
    fmt,
    future::{Future, poll_fn},
    io::ErrorKind,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use hyper::client::conn::http1::{self, SendRequest};
use switchtower_layers::Buffered;
use tokio::task::unconstrained;

use super::{Io, ProviderBody, pool::Pool};

/// An HTTP/1.1 connection. Nothing moves on it unless it is [driven](Self::drive): no task of its own
/// stands between the provider's bytes and the request that waits for them.
pub(super) struct Connection {
    sender: SendRequest<Buffered>,
    driver: http1::Connection<Io, Buffered>,
}

impl Connection {
    /// Boxed, once for all of its requests: it is large, and moves into each answer's body and back.
    pub(super) async fn new(io: Io) -> Result<Box<Self>, Broken> {
        let (sender, driver) = http1::handshake(io).await.map_err(Broken)?;
        Ok(Box::new(Self { sender, driver }))
    }

    /// Reads and writes what can be. Ready once the connection is at its end; not to be driven
    /// again then.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.driver).poll(cx).map(drop)
    }

    /// Whether another request can go over it, as far as is known here: it is open, and nothing of
    /// the last exchange is left in either direction.
    pub(super) fn is_free(&mut self) -> bool {
        // A task that has used up its budget would find nothing to read.
        let mut driving = pin!(unconstrained(poll_fn(|cx| self.drive(cx))));
        let open = driving.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        open && self.sender.is_ready()
    }

    /// Sends a request; the answer's body drives the connection from then on.
    pub(super) async fn exchange(
        mut self: Box<Self>,
        request: Request<Buffered>,
        pool: &Arc<Pool>,
    ) -> Result<Response<ProviderBody>, Broken> {
        let mut answer = pin!(self.sender.send_request(request));
        let answer = poll_fn(|cx| {
            // The head may be there already, from the last poll.
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready((answer, true));
            }
            // At its end it resolves the pending response.
            let is_open = self.drive(cx).is_pending();
            answer.as_mut().poll(cx).map(|answer| (answer, is_open))
        });
        let (answer, is_open) = answer.await;
        let connection = is_open.then_some(self);
        answer
            .map(|answer| answer.map(|body| ProviderBody::driven(body, connection, pool)))
            .map_err(Broken)
    }
}

/// Why an exchange did not come to its end.
#[derive(Debug)]
pub(in crate::upstream) struct Broken(hyper::Error);

impl Broken {
    /// Whether the connection was closed before there was an answer.
    pub(super) fn is_unanswered(&self) -> bool {
        let closed = |error: &std::io::Error| {
            use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
        };
        let cause = self.0.source().and_then(|cause| cause.downcast_ref());
        self.0.is_canceled() || self.0.is_incomplete_message() || cause.is_some_and(closed)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper_rustls::MaybeHttpsStream;
    use hyper_util::rt::TokioIo;
    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream},
        task::coop::{consume_budget, has_budget_remaining},
        time::sleep,
    };

    use super::*;
    use crate::upstream::{connection_count::Connections, proxy::Stream};

    /// An unsolicited response would be taken for the one to the next request.
    #[tokio::test]
    async fn what_came_unasked_is_seen_also_by_a_task_without_budget() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut provider, _) = listener.accept().await.unwrap();
        let io =
            Connections::default().count(MaybeHttpsStream::Http(TokioIo::new(Stream::Tcp(stream))));
        let mut connection = Connection::new(io).await.unwrap();
        assert!(connection.is_free());
        provider.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        for _ in 0..500 {
            while has_budget_remaining() {
                consume_budget().await;
            }
            if !connection.is_free() {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("it still counts as free");
    }
}
