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

/// Below the keep-alive time of every common server, so that a connection is rarely dead.
const IDLE: Duration = Duration::from_secs(30);
/// How often connections are looked for that were idle for too long, or closed at the other end.
const SWEEP: Duration = Duration::from_secs(10);
/// More than any developer's tools have under way at once; the others are closed after use.
const MOST_IDLE: usize = 256;

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
            if since.elapsed() < IDLE && connection.is_free() {
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
        if idle.connections.len() == MOST_IDLE {
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
        sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.0.lock();
        idle.connections
            .retain_mut(|(connection, since)| since.elapsed() < IDLE && connection.is_free());
        if idle.connections.is_empty() {
            idle.sweeper = None;
            return;
        }
    }
}
