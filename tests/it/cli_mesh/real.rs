//! Against the gateway itself.

use serde_json::Value;

use crate::cli_mesh::shell::Shell;
use crate::support::Binary;

const ECHO: &str =
    "agents: [{id: echo, type: process, command: cat}]\nrouting: {defaultAgent: echo}\n";

async fn gateway() -> (Binary, Shell) {
    let gateway = Binary::start(ECHO, &[("PATH", "/usr/bin:/bin")]).await;
    let shell = Shell::at(gateway.addr);
    (gateway, shell)
}

#[tokio::test]
async fn an_agent_answers() {
    let (_gateway, shell) = gateway().await;
    for arguments in [&["task", "say it"][..], &["to", "echo", "say it"]] {
        let ended = shell.run(arguments).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_eq!(ended.stdout.trim_end(), "say it");
    }
    let tasks: Value = serde_json::from_str(&shell.says(&["tasks", "--json"]).await).expect("JSON");
    assert_eq!(tasks.as_array().expect("a list").len(), 2);
    let error = shell.complains(1, &["to", "nobody", "x"]).await;
    assert!(error.contains("(AGENT_NOT_FOUND)"), "{error}");
}

#[tokio::test]
async fn a_space_keeps_a_task() {
    let (_gateway, shell) = gateway().await;
    let id = shell.says(&["space", "new", "--name", "mine"]).await;
    let ended = shell.run(&["task", "find the 瓶颈", "--space", id.trim()]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(shell.says(&["space", "show", id.trim()]).await.contains("find the 瓶颈"));
    assert!(shell.says(&["space", "search", id.trim(), "瓶颈"]).await.contains("find the 瓶颈"));
}

#[tokio::test]
async fn agents_and_health() {
    let (_gateway, shell) = gateway().await;
    assert!(shell.says(&["agents"]).await.contains("echo"));
    assert!(shell.says(&["health"]).await.contains("echo"));
}

#[tokio::test]
async fn whether_it_answers_needs_no_key() {
    let keys = "auth: {keys: [{name: a, key_env: A_KEY}]}";
    let mut gateway = Binary::start(keys, &[("A_KEY", "sk-0123456789abcdef0123")]).await;
    let shell = Shell::at(gateway.addr);
    assert_eq!(shell.says(&["health", "--live"]).await, "It answers.\n");
    let error = shell.complains(1, &["health"]).await;
    assert!(error.contains("(UNAUTHORIZED)"), "{error}");
    gateway.signal("TERM").await;
    assert_eq!(gateway.status().await, Some(0));
    let error = shell.complains(1, &["health", "--live"]).await;
    assert!(error.starts_with("error: no gateway listens on "), "{error}");
}
