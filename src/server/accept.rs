use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Request, Response, uri::Scheme};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
};
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::util::Oneshot;

use super::HttpService;
use super::{
    AnsweredEarly,
    first_byte_timeout::FirstByteTimeout,
    lingering_close::{LingeringClose, UnreadBody},
    reloadable::Reloadable,
    self_wake::CoalesceWakes,
    tls::Certificate,
};
use crate::config::ConnectionLimits;

/// Enough for two round trips around the world.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Enough for clients that multiplex, and bounded.
const MAX_STREAMS: u32 = 256;
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Above what the guard allows, so that it can answer in JSON what is just too much.
const MAX_HEAD: usize = 512 << 10;

/// One of so many connections, for as long as it is open, whatever it has become: a WebSocket is no
/// connection of the server any more.
type ConnectionPermit = OwnedSemaphorePermit;

/// How connections are taken, and what they are spoken to with.
pub(crate) struct Settings {
    pub(crate) limits: ConnectionLimits,
    /// For https.
    pub(crate) certificate: Option<Certificate>,
}

/// Serves connections until `shutdown` resolves, and then drains them for as long as that says. When
/// there are as many as the limit, the others wait in the kernel's queue until one ends.
///
/// `sockets` is a second listener with a service of its own, which shares all limits with the first.
pub(crate) async fn serve(
    (listener, service): (TcpListener, Reloadable<impl HttpService>),
    sockets: Option<(TcpListener, Reloadable<impl HttpService>)>,
    settings: Settings,
    shutdown: impl Future<Output = Duration>,
) {
    let Settings { limits, certificate } = settings;
    let (socket_listener, socket_service) = sockets.unzip();
    let accepting = Accepting {
        server: server(limits),
        certificate,
        store_timeout: Duration::from_millis(limits.header_timeout_ms),
        stopping: CancellationToken::new(),
    };
    let mut was_full = false;
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let drain = loop {
        let is_full = places.available_permits() == 0;
        if is_full && !was_full {
            tracing::warn!(limits.connections, "no more connections: others wait until one ends");
        }
        was_full = is_full;
        tokio::select! {
            drain = &mut shutdown => break drain,
            accepted = accept(&listener, socket_listener.as_ref(), &places) => match accepted {
                Ok((At::Main, (stream, peer), place)) => {
                    let accepted = accepting.clone();
                    let (service, watcher) = (service.clone(), graceful.watcher());
                    connections.spawn(accepted.connection(stream, peer, place, service, watcher));
                }
                Ok((At::Sockets, (stream, peer), place)) => {
                    let (accepted, watcher) = (accepting.clone(), graceful.watcher());
                    if let Some(service) = socket_service.clone() {
                        connections.spawn(accepted.connection(stream, peer, place, service, watcher));
                    }
                }
                Err(error) => back_off(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    };
    drop((listener, socket_listener));
    accepting.stopping.cancel();
    tracing::info!(
        connections = graceful.count(),
        "stopping: no new connections, streams may finish"
    );
    if timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("streams were still open after {} ms and are cut", drain.as_millis());
    }
    connections.shutdown().await;
}

/// The listener that a connection came to.
enum At {
    Main,
    Sockets,
}

/// One connection, when there is a place for it. Cancel safe.
async fn accept(
    listener: &TcpListener,
    sockets: Option<&TcpListener>,
    places: &Arc<Semaphore>,
) -> io::Result<(At, (TcpStream, SocketAddr), ConnectionPermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let Some(sockets) = sockets else { return Ok((At::Main, listener.accept().await?, place)) };
    tokio::select! {
        accepted = listener.accept() => Ok((At::Main, accepted?, place)),
        accepted = sockets.accept() => Ok((At::Sockets, accepted?, place)),
    }
}

fn server(limits: ConnectionLimits) -> Builder<TokioExecutor> {
    let head = Duration::from_millis(limits.header_timeout_ms);
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Some(head).filter(|head| !head.is_zero()))
        .max_buf_size(MAX_HEAD);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    server
}

/// What each connection is given.
#[derive(Clone)]
struct Accepting {
    server: Builder<TokioExecutor>,
    certificate: Option<Certificate>,
    /// How long it may take to say something.
    store_timeout: Duration,
    stopping: CancellationToken,
}

impl Accepting {
    /// Serves one connection to its end, the TLS handshake included, so that a slow handshake
    /// delays no other connection.
    async fn connection(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        place: ConnectionPermit,
        service: Reloadable<impl HttpService>,
        watcher: Watcher,
    ) {
        // Without it each token of a stream waits for the last one's acknowledgement.
        let _ = stream.set_nodelay(true);
        let Some(certificate) = &self.certificate else {
            let service = ConnectionService::new(service, peer.ip(), None);
            return self.serve(stream, place, service, watcher).await;
        };
        let handshake = TlsAcceptor::from(certificate.current()).accept(stream);
        let stream = tokio::select! {
            stream = timeout(HANDSHAKE_DEADLINE, handshake) => stream,
            () = self.stopping.cancelled() => return,
        };
        match stream {
            Ok(Ok(stream)) => {
                let service = ConnectionService::new(service, peer.ip(), Some(Scheme::HTTPS));
                self.serve(stream, place, service, watcher).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, %peer, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
    }

    async fn serve<T, S>(
        &self,
        stream: T,
        place: ConnectionPermit,
        service: ConnectionService<S>,
        watcher: Watcher,
    ) where
        S: HttpService,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = LingeringClose::new(stream, service.unread.clone());
        // Boxed, once per connection: the server moves what it reads from.
        let stream = Box::pin(FirstByteTimeout::new(stream, self.store_timeout, place));
        let stream = TokioIo::new(stream);
        let connection = self.server.serve_connection_with_upgrades(stream, service).into_owned();
        if let Err(error) = CoalesceWakes::new(watcher.watch(connection)).await {
            tracing::debug!(error, "a connection ended");
        }
    }
}

/// The service as one connection calls it. By hyper's own trait: a request is not wrapped, and not
/// moved, once more than it has to be.
struct ConnectionService<S> {
    service: Reloadable<S>,
    peer: IpAddr,
    scheme: Option<Scheme>,
    unread: UnreadBody,
}

impl<S> ConnectionService<S> {
    fn new(service: Reloadable<S>, peer: IpAddr, scheme: Option<Scheme>) -> Self {
        Self { service, peer, scheme, unread: UnreadBody::default() }
    }
}

impl<S: HttpService> hyper::service::Service<Request<Incoming>> for ConnectionService<S> {
    type Response = S::Response;
    type Error = Infallible;
    type Future = CallFuture<Oneshot<S, Request<Incoming>>>;

    /// Adds the peer's address and the scheme, if it is not http, to the request.
    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let extensions = request.extensions_mut();
        extensions.insert(self.peer);
        if let Some(scheme) = &self.scheme {
            extensions.insert(scheme.clone());
        }
        CallFuture { future: self.service.call(request), unread: self.unread.clone() }
    }
}

pin_project! {
    /// Notes on the connection that a response came before the request's body was read.
    struct CallFuture<F> {
        #[pin]
        future: F,
        unread: UnreadBody,
    }
}

impl<F, R> Future for CallFuture<F>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Ok(response) = ready!(this.future.poll(cx));
        this.unread.set(response.extensions().get::<AnsweredEarly>().is_some());
        Poll::Ready(Ok(response))
    }
}

/// A failed accept is the peer's doing and passes, or this process is out of descriptors and
/// would spin.
async fn back_off(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!("cannot accept connections: {error}");
        sleep(Duration::from_millis(500)).await;
    }
}
