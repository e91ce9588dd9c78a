use std::{future::Future, io, pin::pin, time::Duration};

use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::ServiceExt;

use crate::{stack::HttpService, upstream::Peer};

/// A head that does not come within this time ends the connection.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Enough for clients that multiplex, and bounded.
const MAX_STREAMS: u32 = 256;
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Above what the guard allows, so that it can answer in JSON what is just too much.
const MAX_HEAD: usize = 512 << 10;

/// Serves connections until `shutdown` resolves, and then drains them.
pub(super) async fn serve(
    listener: TcpListener,
    service: impl HttpService,
    shutdown: impl Future<Output = ()>,
    drain: Duration,
) {
    let server = server();
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let service = with_peer(service.clone(), Peer(peer));
                    connections.spawn(connection(server.clone(), stream, service, graceful.watcher()));
                }
                Err(error) => back_off(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    tracing::info!(
        connections = graceful.count(),
        "stopping: no new connections, streams may finish"
    );
    if timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("streams were still open after {} ms and are cut", drain.as_millis());
    }
    connections.shutdown().await;
}

fn server() -> Builder<TokioExecutor> {
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
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

/// Tells the service who is at the other end: the address with its port, and alone for rate limits.
fn with_peer(service: impl HttpService, peer: Peer) -> impl HttpService {
    service.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(peer.0.ip());
        request
    })
}

async fn connection(
    server: Builder<TokioExecutor>,
    stream: TcpStream,
    service: impl HttpService,
    watcher: Watcher,
) {
    // Without it each token of a stream waits for the last one's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(service);
    let connection =
        server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error, "a connection ended");
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
