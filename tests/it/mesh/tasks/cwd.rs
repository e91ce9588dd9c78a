//! Tasks that name the directory that their agents work in.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::wire::{ended, submit, tell, until};
use crate::support::{Gateway, Reply, always};

const CONFIG: &str = r#"
tasks: {slots: 1}
routing: {rules: [{name: team, keywords: [everybody], strategy: broadcast, agents: [one, two]}]}
agents:
  - {id: one, type: process, command: pwd}
  - {id: two, type: process, command: sh, args: ["-c", "cat >/dev/null; pwd -P"]}
  - {id: hang, type: process, command: sh, args: ["-c", "echo begun; sleep 1000"]}
"#;

/// In this directory.
fn there(agent: &str, cwd: &Path) -> Value {
    json!({"target": agent, "payload": {"task": "x", "options": {"cwd": cwd}}})
}

/// A directory, by its real name.
fn directory() -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    (directory, path)
}

#[tokio::test]
async fn an_agent_starts_where_its_task_says() {
    let gateway = Gateway::start(CONFIG).await;
    let (_held, root) = directory();
    let odd = root.join("mein Projekt 项目");
    fs::create_dir(&odd).unwrap();
    for agent in ["one", "two"] {
        for path in [&root, &odd] {
            let id = submit(gateway.addr, &there(agent, path)).await;
            let task = ended(gateway.addr, &id).await;
            assert_eq!(task["result"].as_str().unwrap().trim_end(), path.to_str().unwrap());
            assert_eq!(task["cwd"], json!(path));
        }
    }
    let id = submit(gateway.addr, &json!({"target": "two", "payload": {"task": "x"}})).await;
    let task = ended(gateway.addr, &id).await;
    let own = std::env::current_dir().unwrap().canonicalize().unwrap();
    assert_eq!(task["result"].as_str().unwrap().trim_end(), own.to_str().unwrap());
    assert!(task.get("cwd").is_none(), "{task}");
}

#[tokio::test]
async fn all_agents_of_a_broadcast_start_there() {
    let gateway = Gateway::start(CONFIG).await;
    let (_held, root) = directory();
    let sent = json!({"payload": {"task": "everybody", "options": {"cwd": root}}});
    let task = ended(gateway.addr, &submit(gateway.addr, &sent).await).await;
    for agent in ["one", "two"] {
        assert_eq!(task["result"][agent].as_str().unwrap().trim_end(), root.to_str().unwrap());
    }
}

#[tokio::test]
async fn what_is_no_directory_is_refused_by_name() {
    let gateway = Gateway::start(CONFIG).await;
    let (_held, root) = directory();
    let file = root.join("file");
    fs::write(&file, "").unwrap();
    let text = |path: &Path| json!(path);
    for (cwd, why) in [
        (text(&root.join("missing")), "does not exist"),
        (text(&file), "is no directory"),
        (text(&file.join("below")), "is no directory"),
        (json!("."), "has to be an absolute path"),
        (json!("src"), "has to be an absolute path"),
        (json!(""), "has to be an absolute path"),
        (json!("~"), "has to be an absolute path"),
        (json!("/tmp\u{0}"), "cannot be entered"),
        (json!(format!("/{}", "x".repeat(4096))), "has more than 4096 characters"),
        (json!(7), "invalid type"),
        (json!(["/tmp"]), "invalid type"),
    ] {
        let sent = json!({"target": "one", "payload": {"task": "x", "options": {"cwd": cwd}}});
        let (status, answer) = tell(gateway.addr, "/tasks", &sent).await;
        assert_eq!(status, 400, "{cwd}: {answer}");
        let error = &answer["error"];
        assert_eq!(error["code"], "INVALID_REQUEST", "{cwd}: {answer}");
        assert_eq!(error["param"], "payload.options.cwd", "{cwd}: {answer}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("payload.options.cwd") && message.contains(why), "{message}");
    }
    let nothing = json!({"target": "one", "payload": {"task": "x", "options": {"cwd": null}}});
    submit(gateway.addr, &nothing).await;
}

/// The directory was there when the task was accepted, and goes while it waits.
#[tokio::test]
async fn a_directory_that_is_gone_fails_the_task() {
    let gateway = Gateway::start(CONFIG).await;
    for becomes_file in [false, true] {
        let (held, root) = directory();
        let running =
            submit(gateway.addr, &json!({"target": "hang", "payload": {"task": "x"}})).await;
        until(gateway.addr, &running, |task| task["status"] == "running").await;
        let waiting = submit(gateway.addr, &there("one", &root)).await;
        drop(held);
        if becomes_file {
            fs::write(&root, "").unwrap();
        }
        let (status, _) = tell(gateway.addr, &format!("/tasks/{running}/cancel"), &json!({})).await;
        assert_eq!(status, 200);
        let task = ended(gateway.addr, &waiting).await;
        assert_eq!(task["status"], "failed", "{task}");
        let message = task["error"]["message"].as_str().unwrap();
        assert!(message.contains(root.to_str().unwrap()), "{message}");
        if becomes_file {
            fs::remove_file(&root).unwrap();
        }
    }
}

/// One that waits keeps its directory when the gateway starts again.
#[tokio::test]
async fn a_task_that_waits_keeps_its_directory_over_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let yaml = format!("dataDir: '{}'\n{CONFIG}", data.path().display());
    let mut gateway = Gateway::start(&yaml).await;
    let (_held, root) = directory();
    let running = submit(gateway.addr, &json!({"target": "hang", "payload": {"task": "x"}})).await;
    until(gateway.addr, &running, |task| task["status"] == "running").await;
    let waiting = submit(gateway.addr, &there("one", &root)).await;
    gateway.stop();
    gateway.stopped().await;
    let gateway = Gateway::start(&yaml).await;
    let task = ended(gateway.addr, &waiting).await;
    let result = task["result"].as_str().unwrap_or_default().trim_end();
    assert_eq!(result, root.to_str().unwrap(), "{task}");
}

/// The program is the one that the gateway finds, not one in the task's directory.
#[tokio::test]
async fn a_relative_program_is_the_gateways_own() {
    let (_held, root) = directory();
    let own = std::env::current_dir().unwrap();
    let up = "../".repeat(own.components().count() - 1);
    let yaml = format!("agents: [{{id: a, type: process, command: '{up}bin/pwd'}}]");
    let gateway = Gateway::start(&yaml).await;
    let task = ended(gateway.addr, &submit(gateway.addr, &there("a", &root)).await).await;
    assert_eq!(
        task["result"].as_str().unwrap_or_default().trim_end(),
        root.to_str().unwrap(),
        "{task}"
    );
}

#[tokio::test]
async fn an_endpoint_is_told_of_it() {
    let provider = always(Reply::json(&json!({"result": "done"}))).await;
    let port = provider.addr().port();
    let yaml = format!("agents: [{{id: far, type: http, endpoint: 'http://127.0.0.1:{port}/do'}}]");
    let gateway = Gateway::start(&yaml).await;
    let (_held, root) = directory();
    let id = submit(gateway.addr, &there("far", &root)).await;
    assert_eq!(ended(gateway.addr, &id).await["result"], "done");
    let received = provider.received();
    let body = received.iter().find(|request| request.path() == "/do").unwrap().json();
    assert_eq!(body, json!({"message": "x", "task_id": id, "cwd": root}));
}
