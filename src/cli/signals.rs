//! When to stop.

use std::io;
use std::process;
use std::time::Duration;

/// How long the process goes on after a second Ctrl-C: the first one has commands killed that run
/// for the gateway, and none of them may be missed because the second one was quick.
const MOMENT: Duration = Duration::from_millis(200);

/// The status of a program that Ctrl-C ended.
pub(super) const INTERRUPTED: i32 = 130;

/// Waits for signals from the moment it is made.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Ctrl-C or SIGTERM. From then on another Ctrl-C ends the process at once.
    pub(super) async fn stop(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        tokio::spawn(async move {
            self.interrupt.recv().await;
            tokio::time::sleep(MOMENT).await;
            process::exit(INTERRUPTED);
        });
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Ctrl-C. From then on another one ends the process at once.
    pub(super) async fn stop(self) {
        let _ = tokio::signal::ctrl_c().await;
        tokio::spawn(async {
            let _ = tokio::signal::ctrl_c().await;
            tokio::time::sleep(MOMENT).await;
            process::exit(INTERRUPTED);
        });
    }
}
