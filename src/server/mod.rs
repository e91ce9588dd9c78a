//! The gateway's near end: a listener, hyper's server (HTTP/1.1 and HTTP/2), and a clean stop.

mod accept;
mod dispatch;
mod guard;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use switchtower_layers::{circuit_breaker::Handle, responses::state::Store};
use tokio::{net::TcpListener, time::timeout};

pub use dispatch::Dispatch;
pub use guard::GuardLayer;

use crate::{
    api::Shared,
    budget::Books,
    config::Config,
    mesh::Mesh,
    quota,
    responses::{self, KeySeal},
    stack,
    telemetry::stats::Stats,
    upstream::Upstream,
};

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
    config: Arc<Config>,
    books: Books,
    responses: Arc<dyn Store>,
    seal: Arc<KeySeal>,
    upstream: Upstream,
}

impl Gateway {
    /// Takes the configured address and port. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When the port is taken or the address is not this machine's, or TLS cannot be set up; with a
    /// [`database::Error`](crate::database::Error) inside when the budgets cannot be kept.
    pub async fn bind(config: &Config) -> io::Result<Self> {
        let upstream = Upstream::new(config)?;
        let listener = TcpListener::bind((config.host, config.port)).await?;
        let address = listener.local_addr()?;
        let books = Books::open(config).map_err(io::Error::other)?;
        let responses = responses::store(config);
        let seal = Arc::new(responses::seal(config).map_err(io::Error::other)?);
        let config = Arc::new(config.clone());
        Ok(Self { listener, address, config, books, responses, seal, upstream })
    }

    /// Where it listens; the port is the real one when 0 was configured.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` resolves; then stops accepting, closes idle connections, lets
    /// answers that have begun finish within the drain time (`drain_ms`), and cuts the rest. What
    /// they used is on disk when it returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let drain = Duration::from_millis(self.config.drain_ms);
        let mesh = Mesh::new(&self.config);
        mesh.start().await;
        let quotas = quota::watch(&self.config, &self.upstream);
        let service = stack::gateway(Shared {
            config: self.config,
            ledger: self.books.ledger(),
            circuits: Handle::new(),
            quotas: quotas.clone(),
            responses: self.responses,
            seal: self.seal,
            mesh: mesh.clone(),
            stats: Stats::default(),
            upstream: self.upstream,
        });
        let shutdown = async {
            shutdown.await;
            // Before the drain, which may be cut short: no command may outlive this process.
            tokio::join!(quotas.stop(), mesh.stop());
        };
        accept::serve(self.listener, service, shutdown, drain).await;
        // WebSockets are no connections of the server any more. They have been told to end.
        let _ = timeout(GOODBYE, mesh.events.left()).await;
        self.books.close().await;
    }
}
