//! Ctrl-C during a task.

use std::io::{self, IsTerminal, Write};
use std::thread;

use tokio::sync::oneshot;

use crate::cli::output::Failure;

/// Hears Ctrl-C from the moment it is made.
pub(super) struct Interrupts(#[cfg(unix)] tokio::signal::unix::Signal);

impl Interrupts {
    pub(super) fn new() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signal = signal(SignalKind::interrupt());
            Ok(Self(signal.map_err(|error| Failure(format!("cannot wait for Ctrl-C: {error}")))?))
        }
        #[cfg(not(unix))]
        Ok(Self())
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        self.0.recv().await;
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// What shall become of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Cancel,
    GoOn,
    Detach,
}

impl Choice {
    /// Asks on the terminal; without one the task is cancelled, as it is after another Ctrl-C.
    pub(super) async fn ask(interrupts: &mut Interrupts) -> Self {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Self::Cancel;
        }
        let (send, answer) = oneshot::channel();
        // A thread of its own, since nothing ends a read: the process must not wait for it.
        thread::spawn(move || {
            let _ = io::stderr().write_all(b"cancel the task? [Y/n/detach] ");
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line);
            let _ = send.send(if matches!(read, Ok(1..)) { Self::of(&line) } else { Self::GoOn });
        });
        tokio::select! {
            choice = answer => choice.unwrap_or(Self::Cancel),
            () = interrupts.next() => {
                let _ = io::stderr().write_all(b"\n");
                Self::Cancel
            }
        }
    }

    fn of(line: &str) -> Self {
        match line.trim().to_lowercase().as_str() {
            "" | "y" | "yes" => Self::Cancel,
            "d" | "detach" => Self::Detach,
            _ => Self::GoOn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_cancels() {
        for (line, choice) in [
            ("\n", Choice::Cancel),
            ("Y\n", Choice::Cancel),
            ("detach\n", Choice::Detach),
            ("n\n", Choice::GoOn),
            ("what?\n", Choice::GoOn),
        ] {
            assert_eq!(Choice::of(line), choice, "{line}");
        }
    }
}
