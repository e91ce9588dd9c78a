use std::{io, process::ExitStatus};

#[cfg(unix)]
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, Command};
#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind};

/// A program with all that it starts, as long as that stays in its process group. Whatever is left
/// of it is killed when this is dropped.
///
/// A group is signalled only while its leader has not been reaped: until then its number cannot be
/// reused, even when all of the group has ended.
#[derive(Debug)]
pub struct Group {
    /// The leader of the group.
    pub child: Child,
    /// `None` once it was collected.
    #[cfg(unix)]
    id: Option<Pid>,
    #[cfg(unix)]
    ends: unix::Signal,
}

impl Group {
    /// Starts it in a group of its own, which Ctrl-C does not reach.
    ///
    /// # Errors
    ///
    /// It cannot be started: `NotFound` when it is not there.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        command.kill_on_drop(true);
        #[cfg(unix)]
        {
            command.process_group(0);
            // Before it is started: its end must not be missed.
            let ends = unix::signal(SignalKind::child())?;
            let child = command.spawn()?;
            let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
            Ok(Self { child, id, ends })
        }
        #[cfg(not(unix))]
        Ok(Self { child: command.spawn()? })
    }

    /// The number of the group, which is that of the program.
    #[cfg(target_os = "linux")]
    pub fn id(&self) -> Option<i32> {
        self.id.map(Pid::as_raw_pid)
    }

    /// Waits until the program has ended; others of its group may go on. It is not collected.
    /// Nothing is lost when this is dropped.
    pub async fn exited(&mut self) {
        #[cfg(unix)]
        while self.id.is_some_and(is_running) {
            if self.ends.recv().await.is_none() {
                return;
            }
        }
        #[cfg(not(unix))]
        let _ = self.child.wait().await;
    }

    /// Asks all of it to end.
    pub fn terminate(&mut self) {
        #[cfg(unix)]
        self.signal(Signal::TERM);
        #[cfg(not(unix))]
        self.kill();
    }

    /// Ends all of it.
    pub fn kill(&mut self) {
        #[cfg(unix)]
        self.signal(Signal::KILL);
        #[cfg(not(unix))]
        let _ = self.child.start_kill();
    }

    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            // The group may be empty.
            let _ = kill_process_group(id, signal);
        }
    }

    /// Ends what is left of it, and collects the program.
    ///
    /// # Errors
    ///
    /// When somebody else has collected it.
    pub async fn finish(mut self) -> io::Result<ExitStatus> {
        self.kill();
        self.exited().await;
        #[cfg(unix)]
        {
            self.id = None;
        }
        self.child.wait().await
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Tokio collects the program afterwards.
        self.kill();
    }
}

#[cfg(unix)]
fn is_running(id: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(id), options) {
            Err(rustix::io::Errno::INTR) => {}
            ended => return matches!(ended, Ok(None)),
        }
    }
}
