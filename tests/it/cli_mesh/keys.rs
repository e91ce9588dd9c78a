//! A gateway that asks for client keys.

use std::fs;

use switchtower::config::KeyHash;

use crate::cli_mesh::shell::{Ended, Shell, ended};
use crate::support::Binary;

const VARIABLE: &str = "SWITCHTOWER_API_KEY";

async fn gateway() -> (Binary, Shell) {
    let entry = |scope: &str| {
        let hash = KeyHash::of(key(scope).as_bytes());
        format!("{{name: {scope}, hash: '{hash}', scopes: [{scope}]}}")
    };
    let keys = ["agents", "models", "admin"].map(entry).join(", ");
    let agents = "agents: [{id: echo, type: process, command: cat}]";
    let yaml = format!("auth: {{keys: [{keys}]}}\n{agents}\n");
    let gateway = Binary::start(&yaml, &[("PATH", "/usr/bin:/bin")]).await;
    let shell = Shell::at(gateway.addr);
    (gateway, shell)
}

fn key(scope: &str) -> String {
    format!("st-key-with-the-scope-{scope}")
}

/// With this in the variable.
async fn run(shell: &Shell, key: &str, arguments: &[&str]) -> Ended {
    let child = shell.command(arguments).env(VARIABLE, key).spawn();
    ended(child.expect("the binary runs")).await
}

#[tokio::test]
async fn the_key_of_the_environment_is_shown() {
    let (_gateway, shell) = gateway().await;
    for arguments in [&["task", "say it"][..], &["to", "echo", "say it"]] {
        let ended = run(&shell, &key("agents"), arguments).await;
        assert_eq!((ended.status, ended.stdout.trim_end()), (Some(0), "say it"), "{ended:?}");
    }
    let ended = run(&shell, &key("admin"), &["health"]).await;
    assert!(ended.stdout.contains("the key has no scope `agents`"), "{ended:?}");
}

#[tokio::test]
async fn or_else_that_of_a_dotenv() {
    let (_gateway, shell) = gateway().await;
    fs::write(shell.path().join(".env"), format!("{VARIABLE}={}\n", key("agents"))).unwrap();
    assert!(shell.says(&["agents"]).await.contains("echo"));
    let ended = run(&shell, "", &["agents"]).await;
    assert_eq!(ended.status, Some(1), "one that is set to nothing is none: {ended:?}");
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let (_gateway, shell) = gateway().await;
    let help = |scope: &str| {
        format!("\n  help: set {VARIABLE} to a client key with the scope `{scope}`\n")
    };
    for arguments in [&["agents"][..], &["events"], &["task", "x"], &["tasks", "task_1"]] {
        let error = shell.complains(1, arguments).await;
        assert!(error.contains("(UNAUTHORIZED)") && error.ends_with(&help("agents")), "{error}");
        let error = run(&shell, &key("models"), arguments).await.stderr;
        let why = "the key `models` has no scope `agents` (FORBIDDEN)";
        assert!(error.contains(why) && error.ends_with(&help("agents")), "{error}");
    }
    let error = run(&shell, &key("agents"), &["health"]).await.stderr;
    assert!(error.contains("no scope `admin`") && error.ends_with(&help("admin")), "{error}");
    let error = run(&shell, "st-unknown", &["quota"]).await.stderr;
    assert!(error.contains("is not known here") && error.ends_with(&help("admin")), "{error}");
    let error = run(&shell, "st-\nunknown", &["quota"]).await.stderr;
    assert!(error.contains(VARIABLE) && !error.contains("unknown"), "{error}");
}
