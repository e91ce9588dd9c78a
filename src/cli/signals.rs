//! Signals that stop the gateway.

use std::io;
#[cfg(unix)]
use std::io::IsTerminal;
use std::process;
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Minimum time before the process exits after a second Ctrl-C, so that the commands it runs are
/// killed.
const MIN_KILL_TIME: Duration = Duration::from_millis(200);
/// Maximum time before the process exits: agents are killed that have not ended after 2 s.
const MAX_KILL_TIME: Duration = Duration::from_secs(4);

/// The status of a program that Ctrl-C ended.
pub(super) const INTERRUPTED: i32 = 130;

/// Waits for signals from the moment it is made.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: Hangups,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: Hangups::new()?,
        })
    }

    /// Ctrl-C, SIGTERM, or the end of the terminal. From then on another Ctrl-C ends the process as
    /// soon as `rest` has.
    pub(super) async fn stop(mut self, rest: impl Future<Output = ()> + Send + 'static) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = self.hangup.terminal_closed() => {}
        }
        tokio::spawn(async move {
            self.interrupt.recv().await;
            exit(rest).await;
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

    /// Ctrl-C. From then on another one ends the process as soon as `rest` has.
    pub(super) async fn stop(self, rest: impl Future<Output = ()> + Send + 'static) {
        let _ = tokio::signal::ctrl_c().await;
        tokio::spawn(async move {
            let _ = tokio::signal::ctrl_c().await;
            exit(rest).await;
        });
    }
}

async fn exit(rest: impl Future<Output = ()>) {
    let rest = async { tokio::join!(rest, sleep(MIN_KILL_TIME)) };
    let _ = timeout(MAX_KILL_TIME, rest).await;
    process::exit(INTERRUPTED);
}

/// SIGHUP, from the moment it is made. It has two meanings: somebody wants the configuration to be
/// read again, or the terminal was closed that the gateway runs in.
#[cfg(unix)]
pub(super) struct Hangups {
    hangup: tokio::signal::unix::Signal,
    had_terminal: bool,
}

#[cfg(unix)]
impl Hangups {
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let had_terminal = io::stdin().is_terminal();
        Ok(Self { hangup: signal(SignalKind::hangup())?, had_terminal })
    }

    /// Somebody wants the configuration to be read again.
    pub(super) async fn reload(&mut self) {
        while self.next().await {}
    }

    async fn terminal_closed(&mut self) {
        while !self.next().await {}
    }

    /// Waits for a signal; whether it came because the terminal was closed, which is none then.
    async fn next(&mut self) -> bool {
        self.hangup.recv().await;
        self.had_terminal && !io::stdin().is_terminal()
    }
}

/// There are none.
#[cfg(not(unix))]
pub(super) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn reload(&mut self) {
        std::future::pending().await
    }
}
