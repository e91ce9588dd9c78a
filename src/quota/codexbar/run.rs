use std::{
    io,
    process::{ExitStatus, Stdio},
};

use tokio::{io::AsyncReadExt, process::Command};

use switchtower_platform::process::Group;

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
        .stderr(Stdio::null());
    let mut group = Group::spawn(&mut command)?;
    let mut stdout = Vec::new();
    if let Some(pipe) = group.child.stdout.take() {
        pipe.take(MAX_BYTES + 1).read_to_end(&mut stdout).await?;
    }
    if stdout.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it prints more than 4 MiB"));
    }
    group.exited().await;
    let status = group.finish().await?;
    Ok(Printed { stdout, status })
}
