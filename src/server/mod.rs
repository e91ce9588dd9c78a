//! The gateway's near end: a listener, TLS, hyper's server (HTTP/1.1 and HTTP/2), what a client
//! may hold of it, and a clean stop.

mod accept;
mod dispatch;
mod first;
mod guard;
mod kept;
mod lingering_close;
mod repoll;
mod slow;
mod streams;
mod swap;
mod tls;

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, time::timeout};

pub use dispatch::Dispatch;
pub use guard::GuardLayer;
pub use slow::{AnsweredEarly, SlowBody, SlowBodyLayer};
pub use streams::{Streams, StreamsLayer};
pub use tls::Certificate;

use crate::{
    config::Config,
    reload::{Asks, Reloader},
    stack,
};
use kept::Kept;
use swap::Swap;

/// How long WebSockets may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

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
    kept: Kept,
    reloader: Reloader,
    asks: Asks,
}

impl Gateway {
    /// Takes the configured address and port. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When others could reach it and there are no client keys, the port is taken or the address is
    /// not this machine's, or TLS cannot be set up, here or with the providers; with a
    /// [`database::Error`](crate::database::Error) or a
    /// [`mesh::database::Error`](crate::mesh::database::Error) inside when the budgets or the tasks
    /// cannot be kept.
    pub async fn bind(config: &Config) -> io::Result<Self> {
        let exposed = |reason| io::Error::new(io::ErrorKind::InvalidInput, reason);
        config.may_listen_on(config.host).map_err(exposed)?;
        let listener = TcpListener::bind((config.host, config.port)).await?;
        let address = listener.local_addr()?;
        let kept = Kept::new(config)?;
        kept.mesh.open().await.map_err(io::Error::other)?;
        let (reloader, asks) = Reloader::new(kept.status.clone());
        Ok(Self { listener, address, kept, reloader, asks })
    }

    /// Where it listens; the port is the real one when 0 was configured.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
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
        let Self { listener, mut kept, asks, .. } = self;
        let settings =
            accept::Settings { limits: kept.config.limits, certificate: kept.certificate.clone() };
        let (mesh, quotas) = (kept.mesh.clone(), kept.watchers.quotas());
        mesh.start().await;
        kept.watch();
        let service = Swap::new(stack::gateway(kept.shared()));
        let shutdown = async {
            tokio::select! {
                () = shutdown => {}
                () = kept.follow(asks, |shared| service.set(stack::gateway(shared))) => {}
            }
            kept.live.close();
            // Before the drain, which may be cut short: no command may outlive this process.
            tokio::join!(quotas.stop(), mesh.stop());
            Duration::from_millis(kept.config.drain_ms)
        };
        accept::serve(listener, service.clone(), settings, shutdown).await;
        // WebSockets are no connections of the server any more. They have been told to end.
        let _ = timeout(GOODBYE, mesh.events.left()).await;
        kept.books.close().await;
    }
}
