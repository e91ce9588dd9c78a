use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpListener, time::timeout};

use super::{runtime::Runtime, stack};
use crate::{
    config::Config,
    reload::{ReloadRequests, Reloader},
    server::{self, Reloadable},
    state::AppState,
};

/// Timeout of the WebSocket close handshake on shutdown.
const WEBSOCKET_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A gateway that has its port and is ready to run.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use switchtower::{config::Config, app::Gateway};
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
    runtime: Runtime,
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
    /// cannot be runtime.
    pub async fn bind(config: &Config) -> io::Result<Self> {
        let exposed = |reason| io::Error::new(io::ErrorKind::InvalidInput, reason);
        config.may_listen_on(config.host).map_err(exposed)?;
        let listener = TcpListener::bind((config.host, config.port)).await?;
        let address = listener.local_addr()?;
        let sockets = match config.ws_port {
            Some(port) => Some(bind_sockets(config.host, port).await?),
            None => None,
        };
        let runtime = Runtime::new(config)?;
        runtime.mesh.open().await.map_err(io::Error::other)?;
        let (reloader, asks) = Reloader::new(runtime.status.clone());
        Ok(Self { listener, address, sockets, runtime, reloader, asks })
    }

    /// Listening address; the port is the real one when 0 was configured.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Listening address of `wsPort`; the port is the real one when 0 was configured.
    pub fn ws_addr(&self) -> Option<SocketAddr> {
        self.sockets.as_ref()?.local_addr().ok()
    }

    /// Handle that reloads the configuration of the running gateway: see [`reload`](crate::reload).
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Resolves when it stops, and no program of its agents is left.
    pub fn agents_stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let agents = self.runtime.mesh.agents.clone();
        async move { agents.stopped().await }
    }

    /// Serves until `shutdown` resolves; then stops accepting, closes idle connections, lets
    /// answers that have begun finish within the drain time (`drain_ms`), and cuts the rest. What
    /// they used is on disk when it returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, sockets, mut runtime, asks, .. } = self;
        let settings = server::Settings {
            limits: runtime.config.limits,
            certificate: runtime.certificate.clone(),
        };
        let (mesh, quotas) = (runtime.mesh.clone(), runtime.quota_sources.quotas());
        mesh.start().await;
        runtime.watch();
        let (service, socket_service) = {
            // Not runtime: a reload lets go of what it replaces.
            let state = runtime.state();
            (Reloadable::new(stack::gateway(&state)), Reloadable::new(stack::sockets(&state)))
        };
        let install = |state: AppState| {
            socket_service.set(stack::sockets(&state));
            service.set(stack::gateway(&state));
        };
        let shutdown = async {
            tokio::select! {
                () = shutdown => {}
                () = runtime.follow(asks, install) => {}
            }
            runtime.feed.close();
            // Before the drain, which may be cut short: no command may outlive this process.
            tokio::join!(quotas.stop(), mesh.stop());
            Duration::from_millis(runtime.config.drain_ms)
        };
        let main = (listener, service.clone());
        let sockets = sockets.map(|listener| (listener, socket_service.clone()));
        server::serve(main, sockets, settings, shutdown).await;
        // Upgraded WebSockets are no connections of the server any more. They have been asked to
        // close.
        let _ = timeout(WEBSOCKET_CLOSE_TIMEOUT, mesh.events.left()).await;
        runtime.ledger_store.close().await;
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
