//! The gateway's near end: a listener, TLS, hyper's server (HTTP/1.1 and HTTP/2), what a client
//! may hold of it, and a clean stop.

mod accept;
mod body_timeout;
mod dispatch;
mod first_byte_timeout;
mod guard;
mod lingering_close;
mod reloadable;
mod runtime;
mod self_wake;
mod stream_limit;
mod tls;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpListener, time::timeout};

pub use body_timeout::{AnsweredEarly, BodyTimeoutLayer, TimeoutBody};
pub use dispatch::Dispatch;
pub use guard::GuardLayer;
pub use stream_limit::{OpenStreams, StreamLimitLayer};
pub use tls::Certificate;

use crate::{
    api::Shared,
    config::Config,
    reload::{ReloadRequests, Reloader},
    stack,
};
use reloadable::Reloadable;
use runtime::Runtime;

/// Timeout of the WebSocket close handshake on shutdown.
const WEBSOCKET_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A gateway that has its port and is ready to run.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use switchtower::{config::Config, server::Gateway};
///
/// let gateway = Gateway::bind(&Config::default()).await?;
/// println!("http://{}", gateway.local_addr());
/// gateway.run(std::future::pending()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    /// At `wsPort`, if there is one.
    sockets: Option<TcpListener>,
    kept: Runtime,
    reloader: Reloader,
    asks: ReloadRequests,
}

impl Gateway {
    /// Takes the configured address and port. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When others could reach it and there are no client keys, a port is taken or the address is
    /// not this machine's, or TLS cannot be set up, here or with the providers; with a
    /// [`database::Error`](crate::database::Error) or a
    /// [`mesh::database::Error`](crate::mesh::database::Error) inside when the budgets or the tasks
    /// cannot be kept.
    pub async fn bind(config: &Config) -> io::Result<Self> {
        let exposed = |reason| io::Error::new(io::ErrorKind::InvalidInput, reason);
        config.may_listen_on(config.host).map_err(exposed)?;
        let listener = TcpListener::bind((config.host, config.port)).await?;
        let address = listener.local_addr()?;
        let sockets = match config.ws_port {
            Some(port) => Some(bind_sockets(config.host, port).await?),
            None => None,
        };
        let kept = Runtime::new(config)?;
        kept.mesh.open().await.map_err(io::Error::other)?;
        let (reloader, asks) = Reloader::new(kept.status.clone());
        Ok(Self { listener, address, sockets, kept, reloader, asks })
    }

    /// Where it listens; the port is the real one when 0 was configured.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for WebSockets only; the port is the real one when 0 was configured.
    pub fn ws_addr(&self) -> Option<SocketAddr> {
        self.sockets.as_ref()?.local_addr().ok()
    }

    /// What gives it another configuration while it runs: see [`reload`](crate::reload).
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Resolves when it stops, and no program of its agents is left.
    pub fn agents_stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let agents = self.kept.mesh.agents.clone();
        async move { agents.stopped().await }
    }

    /// Serves until `shutdown` resolves; then stops accepting, closes idle connections, lets
    /// answers that have begun finish within the drain time (`drain_ms`), and cuts the rest. What
    /// they used is on disk when it returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, sockets, mut kept, asks, .. } = self;
        let settings =
            accept::Settings { limits: kept.config.limits, certificate: kept.certificate.clone() };
        let (mesh, quotas) = (kept.mesh.clone(), kept.watchers.quotas());
        mesh.start().await;
        kept.watch();
        let (service, socket_service) = {
            // Not kept: a reload lets go of what it replaces.
            let shared = kept.shared();
            (Reloadable::new(stack::gateway(&shared)), Reloadable::new(stack::sockets(&shared)))
        };
        let install = |shared: Shared| {
            socket_service.set(stack::sockets(&shared));
            service.set(stack::gateway(&shared));
        };
        let shutdown = async {
            tokio::select! {
                () = shutdown => {}
                () = kept.follow(asks, install) => {}
            }
            kept.live.close();
            // Before the drain, which may be cut short: no command may outlive this process.
            tokio::join!(quotas.stop(), mesh.stop());
            Duration::from_millis(kept.config.drain_ms)
        };
        let main = (listener, service.clone());
        let sockets = sockets.map(|listener| (listener, socket_service.clone()));
        accept::serve(main, sockets, settings, shutdown).await;
        // Upgraded WebSockets are no connections of the server any more. They have been asked to
        // close.
        let _ = timeout(WEBSOCKET_CLOSE_TIMEOUT, mesh.events.left()).await;
        kept.books.close().await;
    }
}

/// Takes `wsPort`. The error says which setting it is about, since it is not the port that everyone
/// thinks of.
async fn bind_sockets(host: IpAddr, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        let address = SocketAddr::new(host, port);
        io::Error::new(error.kind(), WsPortError { address, error })
    })
}

/// `wsPort` cannot be listened on.
#[derive(Debug)]
pub struct WsPortError {
    address: SocketAddr,
    error: io::Error,
}

impl fmt::Display for WsPortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`wsPort`: cannot listen on {}: {}", self.address, self.error)
    }
}

impl std::error::Error for WsPortError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
