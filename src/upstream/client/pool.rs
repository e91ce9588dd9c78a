use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};
use tokio_util::task::AbortOnDropHandle;

use super::connection::Connection;

/// Idle timeout of a connection: below the keep-alive time of common servers, so that it is rarely
/// closed by the server first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Interval between two searches for connections that are idle for too long or closed by the
/// server.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum number of idle connections; further ones are closed after use.
const MAX_IDLE_CONNECTIONS: usize = 256;

/// Connections that wait for their next request.
#[derive(Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    /// The longest idle first.
    connections: Vec<(Box<Connection>, Instant)>,
    /// Runs for as long as there are any, and no longer than the pool.
    sweeper: Option<AbortOnDropHandle<()>>,
}

impl Pool {
    /// One that can be used at once: the last that was given back, so that the others can go.
    pub(super) fn take(&self) -> Option<Box<Connection>> {
        loop {
            let (mut connection, since) = self.0.lock().connections.pop()?;
            if since.elapsed() < IDLE_TIMEOUT && connection.is_free() {
                return Some(connection);
            }
        }
    }

    /// Keeps it for the next request, if it is fit for one.
    pub(super) fn give_back(self: &Arc<Self>, mut connection: Box<Connection>) {
        if !connection.is_free() {
            return;
        }
        let mut idle = self.0.lock();
        if idle.connections.len() == MAX_IDLE_CONNECTIONS {
            return;
        }
        if idle.sweeper.is_none() {
            // Nothing is kept where there is no runtime to look after it.
            let Ok(runtime) = Handle::try_current() else { return };
            let sweeper = runtime.spawn(sweep(Arc::downgrade(self)));
            idle.sweeper = Some(AbortOnDropHandle::new(sweeper));
        }
        idle.connections.push((connection, Instant::now()));
    }
}

async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(SWEEP_INTERVAL).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.0.lock();
        idle.connections.retain_mut(|(connection, since)| {
            since.elapsed() < IDLE_TIMEOUT && connection.is_free()
        });
        if idle.connections.is_empty() {
            idle.sweeper = None;
            return;
        }
    }
}
