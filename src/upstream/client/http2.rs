use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, Uri};
use hyper_util::{
    client::legacy::{Client, connect::Connection as _},
    rt::{TokioExecutor, TokioTimer},
};
use parking_lot::Mutex;
use switchtower_layers::{BoxError, Buffered};
use tower::{Service, ServiceExt};

use super::{Connector, Io, ProviderBody, SendError};

const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// A dead connection would take all of its streams with it, unnoticed.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP/2, if that is what the provider turns out to speak: one connection for all requests, in a task
/// of its own.
#[derive(Clone)]
pub(super) struct Http2 {
    client: Client<Connect, Buffered>,
    connect: Connect,
    is_spoken: Arc<AtomicBool>,
}

impl Http2 {
    pub(super) fn new(connector: Connector) -> Self {
        let connect = Connect { connector, made: Arc::default() };
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http2_only(true)
            .http2_adaptive_window(true)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .build(connect.clone());
        Self { client, connect, is_spoken: Arc::default() }
    }

    /// Whether the provider spoke it when it was asked last.
    pub(super) fn is_spoken(&self) -> bool {
        self.is_spoken.load(Relaxed)
    }

    /// Sends a request over the shared connection.
    pub(super) fn send(
        &self,
        request: Request<Buffered>,
    ) -> impl Future<Output = Result<Response<ProviderBody>, SendError>> + use<> {
        let answer = self.client.request(request);
        let is_spoken = self.is_spoken.clone();
        async move {
            let answer = answer.await.map_err(SendError::Http2);
            // It may speak it no longer: the next connection finds out.
            if answer.as_ref().is_err_and(SendError::is_connect) {
                is_spoken.store(false, Relaxed);
            }
            answer.map(|answer| answer.map(ProviderBody::spawned))
        }
    }

    /// The same, for the first request, which has made the connection without knowing for what.
    pub(super) async fn begin(
        &self,
        io: Io,
        request: Request<Buffered>,
    ) -> Result<Response<ProviderBody>, SendError> {
        *self.connect.made.lock() = Some(io);
        self.is_spoken.store(true, Relaxed);
        // Others may have made one in the same moment; this one must not grow old.
        let _made = Made(&self.connect);
        self.send(request).await
    }
}

/// Removes the connection attempt from the table, also when the request was cancelled.
struct Made<'a>(&'a Connect);

impl Drop for Made<'_> {
    fn drop(&mut self) {
        let made = self.0.made.lock().take();
        drop(made);
    }
}

/// The provider does not speak HTTP/2 any more.
#[derive(Clone, Copy, Debug)]
struct NotSpoken;

impl fmt::Display for NotSpoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the provider no longer speaks HTTP/2")
    }
}

impl std::error::Error for NotSpoken {}

/// Connects, or takes the connection that was made already.
#[derive(Clone)]
struct Connect {
    connector: Connector,
    made: Arc<Mutex<Option<Io>>>,
}

impl Service<Uri> for Connect {
    type Response = Io;
    type Error = BoxError;
    // hyper-util wants a future that is `Unpin`; connections are rare, so the box costs nothing.
    type Future = Pin<Box<dyn Future<Output = Result<Io, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if let Some(made) = self.made.lock().take() {
            return Box::pin(async { Ok(made) });
        }
        let connecting = self.connector.clone().oneshot(uri);
        Box::pin(async {
            let io = connecting.await?;
            // A server that knows nothing of the negotiation lets it pass.
            if io.connected().is_negotiated_h2() { Ok(io) } else { Err(NotSpoken.into()) }
        })
    }
}
