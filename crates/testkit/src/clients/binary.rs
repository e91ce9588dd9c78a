//! The gateway as a process of its own.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::{keys::Keys, soon};

/// The running binary. When this is dropped, it is killed, and its output must not contain a key.
#[derive(Debug)]
pub struct Binary {
    /// Listening address.
    pub addr: SocketAddr,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    /// Here until it is given away.
    home: Option<TempDir>,
    keys: Keys,
}

/// What it logs goes to this file in its home.
pub(super) const LOG: &str = "log";

impl Binary {
    /// Runs on a free port with this configuration and these variables, and no others.
    pub async fn start(yaml: &str, env: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        Self::start_in(home, yaml, env).await
    }

    /// Like [`start`](Self::start), in the home of an earlier run.
    pub async fn start_in(home: TempDir, yaml: &str, env: &[(&str, &str)]) -> Self {
        let log = fs::File::create(home.path().join(LOG)).unwrap();
        let mut child = command(home.path(), yaml)
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr = SocketAddr::from(([0, 0, 0, 0], 0));
        let keys = Keys::of(yaml, env);
        let mut binary = Self { addr, child, stdout, home: Some(home), keys };
        let line = binary.says("listens on http://").await;
        binary.addr = line.rsplit("http://").next().unwrap().parse().expect("an address");
        binary.says("Ctrl-C stops it.").await;
        binary
    }

    /// Runs where it cannot start; what it says to that.
    pub async fn fails_in(home: &Path, yaml: &str) -> String {
        let output = soon(command(home, yaml).output()).await.expect("the binary runs");
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).expect("text");
        Keys::of(yaml, &[]).are_not_in(&error);
        error
    }

    /// Home directory of the process.
    pub fn home_path(&self) -> &Path {
        self.home.as_ref().expect("it was not given away").path()
    }

    /// Returns the home directory. The process is killed if it still runs.
    pub fn home(mut self) -> TempDir {
        self.told_no_key();
        self.home.take().expect("it was not given away")
    }

    /// Waits for a line with these words.
    pub async fn says(&mut self, words: &str) -> String {
        while let Some(line) = soon(self.stdout.next_line()).await.expect("text") {
            if line.contains(words) {
                return line;
            }
        }
        panic!("it ended without saying {words:?}");
    }

    /// The log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home_path().join(LOG)).expect("text")
    }

    /// The process, while it runs.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends a signal by the shell's `kill`, which is there where no other is installed.
    pub async fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.id());
        let killed = Command::new("sh").args(["-c", &kill]).status().await;
        assert!(killed.expect("a shell").success(), "{kill}");
    }

    /// Waits for its end; `None` if a signal was the cause.
    pub async fn status(&mut self) -> Option<i32> {
        soon(self.child.wait()).await.expect("it runs").code()
    }

    fn told_no_key(&mut self) {
        let is_running = matches!(self.child.try_wait(), Ok(None));
        self.keys.were_not_told(self.home_path(), is_running.then_some(self.addr));
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        if self.home.is_some() && !std::thread::panicking() {
            self.told_no_key();
        }
    }
}

fn command(home: &Path, yaml: &str) -> Command {
    std::fs::write(home.join("gateway.yaml"), yaml).unwrap();
    let mut command = Command::new(program());
    command
        .args(["serve", "--port", "0"])
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// The binary of the package under test, which cargo has built next to the directory of this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let target = test.parent().and_then(Path::parent).expect("target/debug/deps/test");
    target.join(format!("switchtower{}", std::env::consts::EXE_SUFFIX))
}
