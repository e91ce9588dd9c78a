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

/// Runs the command to its end. When this is dropped before, the command is killed, with everything
/// it has started.
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
    let mut running = Running(command.spawn()?);
    let mut stdout = Vec::new();
    if let Some(pipe) = running.0.stdout.take() {
        pipe.take(MAX_BYTES + 1).read_to_end(&mut stdout).await?;
    }
    if stdout.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it prints more than 4 MiB"));
    }
    let status = running.0.wait().await?;
    Ok(Printed { stdout, status })
}

/// The command while it runs. Tokio collects it when it has been killed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // There is an id until the end was seen, so the group is not somebody else's by now.
        #[cfg(unix)]
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(id)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
