use std::{
    io,
    process::{ExitStatus, Stdio},
};

use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

/// What it prints is never longer than this, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// What a run came to.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) stdout: Vec<u8>,
    pub(super) status: ExitStatus,
}

/// Runs the command to its end. Whatever it has started and left running is killed then, and when
/// this is dropped before, the command is, too.
///
/// # Errors
///
/// It cannot be started (`NotFound` when it is not there), or prints without end.
pub(super) async fn run(command: &str) -> io::Result<Printed> {
    let mut command = Command::new(command);
    command
        .args(["usage", "--format", "json", "--provider", "all"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    // A group of its own, which can be killed as a whole, and which Ctrl-C does not reach.
    #[cfg(unix)]
    command.process_group(0);
    let mut running = Running::new(command.spawn()?);
    let mut stdout = Vec::new();
    if let Some(pipe) = running.child.stdout.take() {
        pipe.take(MAX_BYTES + 1).read_to_end(&mut stdout).await?;
    }
    if stdout.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it prints more than 4 MiB"));
    }
    let status = running.child.wait().await?;
    Ok(Printed { stdout, status })
}

/// The command while it runs. Tokio collects it when it has been killed.
struct Running {
    child: Child,
    /// Its own and that of what it starts, for as long as there is any of them.
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
}

impl Running {
    fn new(child: Child) -> Self {
        #[cfg(unix)]
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            child,
            #[cfg(unix)]
            group: group.and_then(rustix::process::Pid::from_raw),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its end was seen a moment ago, or not at all. The number of a group stays taken while
        // anybody is in it, and nobody else has got that of an empty one in this moment.
        #[cfg(unix)]
        if let Some(group) = self.group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
