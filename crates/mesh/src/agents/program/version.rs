//! Whether a program runs at all.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::Launch;
use switchtower_platform::process::Group;

/// Some of them take seconds to say it.
const DEADLINE: Duration = Duration::from_secs(5);
/// What it prints is not longer, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// A program's file as it was when it was looked at: as long as it is the same, so is its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::agents) struct File {
    pub(in crate::agents) path: PathBuf,
    modified: Option<SystemTime>,
    length: u64,
}

impl File {
    pub(in crate::agents) fn at(path: PathBuf) -> Option<Self> {
        let found = std::fs::metadata(&path).ok()?;
        Some(Self { path, modified: found.modified().ok(), length: found.len() })
    }
}

/// Whether it prints its version within 5 s.
pub(in crate::agents) async fn answers(launch: &Launch, path: &Path) -> bool {
    version(launch, path).await.is_some()
}

/// What it says of its version, if it does within 5 s.
pub(in crate::agents) async fn version(launch: &Launch, path: &Path) -> Option<String> {
    timeout(DEADLINE, ask(launch, path)).await.ok().flatten()
}

async fn ask(launch: &Launch, path: &Path) -> Option<String> {
    let mut command = Command::new(path);
    command
        .arg("--version")
        .env_clear()
        .envs(launch.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut group = Group::spawn(&mut command).ok()?;
    let mut printed = Vec::new();
    if let Some(pipe) = group.child.stdout.take() {
        pipe.take(MAX_BYTES + 1).read_to_end(&mut printed).await.ok()?;
        if printed.len() as u64 > MAX_BYTES {
            return None;
        }
    }
    group.exited().await;
    let is_well = group.finish().await.is_ok_and(|status| status.success());
    is_well.then(|| String::from_utf8_lossy(&printed).into_owned())
}
