//! The binary in an empty directory that is also the home, in an empty environment.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::support::soon;

#[derive(Debug)]
pub(crate) struct Shell {
    home: TempDir,
    url: Option<String>,
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Shell {
    /// One that knows of no gateway.
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a temporary directory"), url: None }
    }

    /// One whose commands talk to the gateway at this address.
    pub(crate) fn at(addr: std::net::SocketAddr) -> Self {
        Self { url: Some(format!("http://{addr}")), ..Self::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchtower"));
        command
            .args(arguments)
            .current_dir(&self.home)
            .env_clear()
            .env("HOME", self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(url) = &self.url {
            command.env("SWITCHTOWER_URL", url);
        }
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).spawn().expect("the binary runs")).await
    }

    /// With this on stdin.
    pub(crate) async fn pipe(&self, input: &str, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("piped");
        // One that fails before it reads is no fault of the pipe.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        ended(child).await
    }

    /// What it prints to stdout when all is well.
    pub(crate) async fn says(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        ended.stdout
    }

    /// What it prints to stderr when it fails with this status and says nothing else.
    pub(crate) async fn complains(&self, status: i32, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(status), ""), "{ended:?}");
        ended.stderr
    }
}

pub(crate) async fn ended(child: Child) -> Ended {
    let output = soon(child.wait_with_output()).await.expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
