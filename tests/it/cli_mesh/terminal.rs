//! `setup` on a terminal, where somebody answers.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use tokio::process::Child;

use crate::cli_mesh::shell::Shell;
use crate::support::soon;

/// A terminal with a command on it.
struct Terminal {
    /// The side where somebody sits.
    keys: File,
    /// The command's, which keeps what was set when that has ended.
    screen: File,
    child: Child,
}

impl Terminal {
    fn run(shell: &Shell, arguments: &[&str]) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keys).and_then(|()| unlockpt(&keys)).expect("a terminal");
        let name = ptsname(&keys, Vec::new()).expect("its name").into_string().expect("UTF-8");
        let screen = OpenOptions::new().read(true).write(true).open(name).expect("a terminal");
        let side = || screen.try_clone().expect("a descriptor");
        let mut command = shell.command(arguments);
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn();
        Self { keys: keys.into(), screen, child: child.expect("the binary runs") }
    }

    /// All that it says until it has said this. A read that nothing ends ends with the command.
    async fn says(&self, what: &'static str) -> String {
        let mut keys = self.keys.try_clone().expect("a descriptor");
        let reading = tokio::task::spawn_blocking(move || {
            let (mut seen, mut buffer) = (String::new(), [0; 1024]);
            while !seen.contains(what) {
                let length = keys.read(&mut buffer).expect("it says more than {seen}");
                seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
            seen
        });
        soon(reading).await.expect("it is read")
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it is typed");
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.screen).expect("a terminal").local_modes.contains(LocalModes::ECHO)
    }

    async fn status(&mut self) -> Option<i32> {
        soon(self.child.wait()).await.expect("it ends").code()
    }
}

const SETUP: [&str; 7] =
    ["setup", "--provider", "deepseek", "--base-url", "http://127.0.0.1:1", "--port", "4000"];

#[tokio::test]
async fn ctrl_c_at_the_key_gives_the_terminal_back() {
    let shell = Shell::new();
    let mut terminal = Terminal::run(&shell, &SETUP);
    terminal.says("Key for deepseek").await;
    assert!(!terminal.echoes());
    terminal.types("sk-1\u{3}");
    assert_eq!(terminal.status().await, Some(130));
    assert!(terminal.echoes());
    assert_eq!(std::fs::read_dir(shell.path()).expect("a directory").count(), 0);
}

#[tokio::test]
async fn a_key_is_typed_unseen() {
    let shell = Shell::new();
    let mut terminal = Terminal::run(&shell, &SETUP);
    terminal.says("Key for deepseek").await;
    terminal.types("sk-1\n");
    let seen = terminal.says("Model of requests").await;
    assert!(terminal.echoes() && !seen.contains("sk-1"), "{seen}");
    terminal.types("\n");
    assert_eq!(terminal.status().await, Some(0));
    let env = std::fs::read_to_string(shell.path().join(".env")).expect("a file");
    assert_eq!(env, "DEEPSEEK_API_KEY=sk-1\n");
}
