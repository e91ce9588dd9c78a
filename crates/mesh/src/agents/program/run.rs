//! Runs one task with one program.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Launch;
use super::capture::Capture;
use super::environment::marks;
use super::progress::{Listener, Progress, listen};
use crate::agents::orphans::RunRecord;
use crate::agents::{Fault, Output, Stream};
use switchtower_config::Input;
use switchtower_platform::process::Group;

/// Time between SIGTERM and SIGKILL.
const TERMINATE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for which output of leftover child processes is still read after the program has ended.
const OUTPUT_DRAIN_TIMEOUT: Duration = Duration::from_millis(250);
/// Timeout until all killed processes have closed the pipes.
const PIPE_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Of what it says besides, so much stands in an error.
const WHY: usize = 4 << 10;
/// Linux takes no longer argument, with the zero byte at its end.
const MAX_ARGUMENT: usize = 128 << 10;

/// What a program is to do.
pub(in crate::agents) struct Order {
    pub(in crate::agents) agent: String,
    pub(in crate::agents) task: String,
    pub(in crate::agents) text: String,
    /// The working directory, if not the gateway's own.
    pub(in crate::agents) cwd: Option<PathBuf>,
    pub(in crate::agents) timeout: Duration,
    /// Of its answer, so many bytes are kept.
    pub(in crate::agents) output_limit: usize,
    pub(in crate::agents) progress: Listener,
    /// Ends it early, if one of them does.
    pub(in crate::agents) cancel: [CancellationToken; 2],
}

enum Ending {
    /// By itself.
    Exited,
    TooLong,
    Cancelled,
}

/// Runs it to its end, after which nothing of it is left. `trace` sees to that also when this is
/// dropped, or when this process is killed.
pub(in crate::agents) async fn run(
    launch: &Launch,
    path: &Path,
    order: Order,
    trace: &mut RunRecord,
) -> Result<Output, Fault> {
    let mut command = command(launch, path, &order).map_err(Fault::Failed)?;
    let mut group = Group::spawn(&mut command).map_err(|error| {
        let command = &launch.program.command;
        Fault::Failed(match &order.cwd {
            Some(cwd) => format!("`{command}` cannot be started in {}: {error}", cwd.display()),
            None => format!("`{command}` cannot be started: {error}"),
        })
    })?;
    let said = Arc::new(ProgramOutput {
        stdout: Mutex::new(Capture::both_ends(order.output_limit)),
        stderr: Mutex::new(Capture::tail(WHY)),
        progress: Progress::new(order.progress, order.output_limit),
    });
    let mut talk = talk(&mut group, &said, launch.program.input, order.text);
    let [cancel, end] = &order.cancel;
    let ending = tokio::select! {
        () = async {
            trace.led_by(&group).await;
            group.exited().await;
        } => Ending::Exited,
        () = cancel.cancelled() => Ending::Cancelled,
        () = end.cancelled() => Ending::Cancelled,
        () = sleep(order.timeout) => Ending::TooLong,
    };
    match ending {
        Ending::Exited => {
            let _ = timeout(OUTPUT_DRAIN_TIMEOUT, finished(&mut talk)).await;
        }
        Ending::TooLong | Ending::Cancelled => {
            group.terminate();
            let _ = timeout(TERMINATE_TIMEOUT, group.exited()).await;
        }
    }
    group.kill();
    trace.clear().await;
    let _ = timeout(PIPE_CLOSE_TIMEOUT, finished(&mut talk)).await;
    let status = group.finish().await;
    match ending {
        Ending::Exited => said.answer(status),
        Ending::Cancelled => Err(Fault::Cancelled),
        Ending::TooLong => {
            let seconds = order.timeout.as_secs_f64();
            Err(Fault::Failed(said.because(&format!("no answer within {seconds} s"))))
        }
    }
}

/// Reads and writes at the same time, so that neither can block the other.
fn talk(group: &mut Group, said: &Arc<ProgramOutput>, input: Input, text: String) -> JoinSet<()> {
    let mut talk = JoinSet::new();
    if let Some(pipe) = group.child.stdout.take() {
        let said = said.clone();
        talk.spawn(async move {
            listen(pipe, Stream::Stdout, &said.stdout, &said.progress).await;
        });
    }
    if let Some(pipe) = group.child.stderr.take() {
        let said = said.clone();
        talk.spawn(async move {
            listen(pipe, Stream::Stderr, &said.stderr, &said.progress).await;
        });
    }
    if let Some(mut pipe) = group.child.stdin.take()
        && input == Input::Stdin
    {
        talk.spawn(async move {
            // A program need not read its input.
            let _ = pipe.write_all(text.as_bytes()).await;
        });
    }
    talk
}

async fn finished(talk: &mut JoinSet<()>) {
    while talk.join_next().await.is_some() {}
}

fn command(launch: &Launch, path: &Path, order: &Order) -> Result<Command, String> {
    let mut command = match &order.cwd {
        Some(cwd) => {
            // A relative path would be looked up in the new directory.
            let path = std::path::absolute(path).map_err(|error| error.to_string())?;
            let mut command = Command::new(path);
            command.current_dir(cwd);
            command
        }
        None => Command::new(path),
    };
    command.args(&launch.program.args);
    if launch.program.input == Input::Argument {
        command.arg(argument(&order.text)?);
    }
    command
        .env_clear()
        .envs(launch.environment())
        .envs(marks(&order.task, &order.agent))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

/// The text, if it can be an argument and nothing else.
fn argument(text: &str) -> Result<&str, String> {
    let why = if text.starts_with('-') {
        "begins with `-`, which would be an option"
    } else if text.contains('\0') {
        "has a zero byte in it"
    } else if text.len() >= MAX_ARGUMENT {
        "has 128 KiB or more"
    } else {
        return Ok(text);
    };
    Err(format!("this agent is given its task as an argument, and the task {why}"))
}

/// A program's output, and its listener.
struct ProgramOutput {
    stdout: Mutex<Capture>,
    stderr: Mutex<Capture>,
    progress: Progress,
}

impl ProgramOutput {
    fn answer(&self, status: io::Result<ExitStatus>) -> Result<Output, Fault> {
        match status {
            Ok(status) if status.success() => Ok(Output { text: self.stdout.lock().text() }),
            Ok(status) => Err(Fault::Failed(self.because(&ended(status)))),
            Err(error) => Err(Fault::Failed(format!("its end was not seen: {error}"))),
        }
    }

    /// With the end of what it has said to that: some say on stdout what went wrong.
    fn because(&self, what: &str) -> String {
        let stderr = self.stderr.lock().text();
        let why = if stderr.trim().is_empty() { self.stdout.lock().end(WHY) } else { stderr };
        match why.trim() {
            "" => what.to_owned(),
            why => format!("{what}: {why}"),
        }
    }
}

/// `exit status 3`, `killed by signal 9 (SIGKILL)`.
fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => format!("killed by {}", status.to_string().replace("signal: ", "signal ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_no_option() {
        assert_eq!(argument("review - this"), Ok("review - this"));
        for (text, why) in [
            ("--help", "begins with `-`"),
            ("a\0b", "zero byte"),
            (&"x".repeat(MAX_ARGUMENT), "128 KiB"),
        ] {
            assert!(argument(text).unwrap_err().contains(why));
        }
        assert!(argument(&"x".repeat(MAX_ARGUMENT - 1)).is_ok());
    }
}
