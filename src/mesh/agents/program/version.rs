//! Whether a program runs at all.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::Launch;
use crate::process::Group;

/// Some of them take seconds to say it.
const DEADLINE: Duration = Duration::from_secs(5);
/// What it prints is not longer, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// A program's file as it was when it was looked at: as long as it is the same, so is its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mesh::agents) struct File {
    pub(in crate::mesh::agents) path: PathBuf,
    modified: Option<SystemTime>,
    length: u64,
}

impl File {
    pub(in crate::mesh::agents) fn at(path: PathBuf) -> Option<Self> {
        let found = std::fs::metadata(&path).ok()?;
        Some(Self { path, modified: found.modified().ok(), length: found.len() })
    }
}

/// Whether it tells its version within 5 s.
pub(in crate::mesh::agents) async fn answers(launch: &Launch, path: &Path) -> bool {
    timeout(DEADLINE, ask(launch, path)).await.unwrap_or_default()
}

async fn ask(launch: &Launch, path: &Path) -> bool {
    let mut command = Command::new(path);
    command
        .arg("--version")
        .env_clear()
        .envs(launch.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let Ok(mut group) = Group::spawn(&mut command) else { return false };
    if let Some(pipe) = group.child.stdout.take() {
        let mut printed = Vec::new();
        let read = pipe.take(MAX_BYTES + 1).read_to_end(&mut printed).await;
        if read.is_err() || printed.len() as u64 > MAX_BYTES {
            return false;
        }
    }
    group.exited().await;
    group.finish().await.is_ok_and(|status| status.success())
}
