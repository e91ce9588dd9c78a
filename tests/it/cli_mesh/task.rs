//! `task` and `to`.

use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::{Value, json};
#[cfg(unix)]
use tokio::process::Command;

use crate::cli_mesh::gateway::{Gateway, TASK, event, view};
use crate::cli_mesh::shell::{Shell, ended};
use crate::support::eventually;

fn hello() -> Option<Value> {
    Some(view("completed", &json!({"result": "hello\u{1b}[0m\nworld"})))
}

fn story() -> Vec<Value> {
    vec![
        json!({"type": "connected", "client_id": "c"}),
        event("task_status", json!({"task": view("pending", &json!({"assigned_agents": []}))})),
        event("task.assigned", json!({"id": 1, "agents": ["echo"], "reason": "talk"})),
        event("task.started", json!({"id": 2, "agent_id": "echo"})),
        event(
            "task.progress",
            json!({"id": 3, "agent_id": "echo", "stream": "stderr", "text": "\u{1b}[31mthinking\n"}),
        ),
        event(
            "task.progress",
            json!({"id": 4, "agent_id": "echo", "stream": "stdout", "text": "hello\n"}),
        ),
        event("task.completed", json!({"id": 5, "result": "hello\nworld"})),
    ]
}

#[tokio::test]
async fn a_pipe_gets_the_result_and_nothing_else() {
    let gateway = Gateway::with_task().await.tells(story(), hello());
    let shell = Shell::at(gateway.addr);
    let file = shell.path().join("a.rs");
    std::fs::write(&file, "").expect("a file");
    let arguments = ["task", "say hello", "--space", "space_1", "--file", "a.rs", "--timeout", "9"];
    let ended = shell.run(&arguments).await;
    assert_eq!(ended.stdout, "hello\u{1b}[0m\nworld", "byte for byte");
    assert_snapshot!(ended.stderr, @r"
    task_1 is accepted
    given to echo by the rule `talk`
    echo is at work
    thinking
    ");
    assert_eq!(ended.status, Some(0));
    let asked = gateway.asked();
    let file = file.canonicalize().expect("it is there");
    let cwd = shell.path().canonicalize().expect("it is there");
    assert_eq!(asked[0].what, "POST /tasks");
    assert_eq!(
        asked[0].body,
        json!({"source": "cli", "payload": {
            "task": "say hello", "context": {"shared_space_id": "space_1"},
            "files": [file], "options": {"timeout": 9, "cwd": cwd},
        }})
    );
    assert_eq!(asked[1].what, format!("GET /events?taskId={TASK}"));
}

#[tokio::test]
async fn the_text_comes_from_stdin_too() {
    for arguments in [&["task"][..], &["task", "-"], &["to", "echo"], &["to", "echo", "-"]] {
        let gateway = Gateway::with_task().await.tells(story(), hello());
        let ended = Shell::at(gateway.addr).pipe("on stdin\n", arguments).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let body = &gateway.asked()[0].body;
        assert_eq!(body["payload"]["task"], "on stdin\n");
        let target = if arguments[0] == "to" { json!("echo") } else { Value::Null };
        assert_eq!(body["target"], target);
    }
    let shell = Shell::new();
    assert_eq!(shell.pipe("2026", &["task", ""]).await.status, Some(2), "an empty one is given");
    assert_snapshot!(shell.complains(2, &["task"]).await, @r"
    error: there is nothing to do: say it in an argument, or pipe it in

    For more information, try '--help'.
    ");
}

#[tokio::test]
async fn what_failed_is_an_error() {
    let error = json!({"code": "TASK_FAILED", "message": "exit status 3:\n\u{1b}[1mboom"});
    let failed = view("failed", &json!({"error": error}));
    let events = [event("task.failed", json!({"id": 1, "error": error}))];
    let gateway = Gateway::with_task().await.tells(events, Some(failed));
    assert_snapshot!(Shell::at(gateway.addr).complains(1, &["task", "x"]).await, @r"
    task_1 is accepted
    error: exit status 3:
    boom (TASK_FAILED)
    ");
    let cancelled = view("cancelled", &json!({}));
    let status = event("task_status", json!({"task": cancelled}));
    let gateway = Gateway::with_task().await.tells([status], Some(cancelled));
    assert_snapshot!(Shell::at(gateway.addr).complains(1, &["task", "x"]).await, @r"
    task_1 is accepted
    given to echo
    error: task_1 is cancelled
    ");
}

#[tokio::test]
async fn what_the_gateway_refuses_is_told() {
    let message = "there is no agent `nobody`; the agents are `echo`";
    let gateway = Gateway::start().await.refuses("POST /tasks", 404, "AGENT_NOT_FOUND", message);
    assert_snapshot!(Shell::at(gateway.addr).complains(1, &["to", "nobody", "x"]).await, @"error: there is no agent `nobody`; the agents are `echo` (AGENT_NOT_FOUND)");
}

#[tokio::test]
async fn without_a_gateway_it_says_what_to_do() {
    let shell = Shell::new();
    // No other process is likely to take this port so soon.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    for arguments in [&["task", "x"][..], &["agents"], &["events"], &["health"], &["tasks"]] {
        let arguments = [arguments, &["--url", &url]].concat();
        let error = shell.complains(1, &arguments).await;
        assert!(error.starts_with(&format!("error: no gateway listens on {url} (")), "{error}");
        assert!(error.contains("start it with: switchtower\n"), "{error}");
    }
    assert!(shell.complains(1, &["agents", "--url", "nowhere"]).await.contains("is not a URL"));
    std::fs::write(shell.path().join("gateway.yaml"), "port: 1").expect("a file");
    assert!(shell.complains(1, &["agents"]).await.contains("listens on http://127.0.0.1:1 "));
}

#[tokio::test]
async fn a_broken_stream_is_taken_up_where_it_broke() {
    let mut story = story();
    let rest = story.split_off(5);
    let gateway = Gateway::with_task().await.breaks(story).tells(rest, hello());
    let ended = Shell::at(gateway.addr).run(&["task", "x"]).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), "hello\u{1b}[0m\nworld"));
    assert_eq!(ended.stderr.matches("thinking").count(), 1, "{}", ended.stderr);
    let streams = gateway.asked_for("GET /events");
    let ids: Vec<_> = streams.iter().map(|asked| asked.last_event_id.as_deref()).collect();
    assert_eq!(ids, [Some("0"), Some("3")]);
}

#[tokio::test]
async fn without_events_the_task_is_asked_for() {
    let gateway = Gateway::with_task().await.task(&hello().expect("a task"));
    let ended = Shell::at(gateway.addr).run(&["task", "x"]).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), "hello\u{1b}[0m\nworld"));
    // One that is gone will not come back.
    let gateway = Gateway::with_task().await.refuses(
        &format!("GET /tasks/{TASK}"),
        404,
        "TASK_NOT_FOUND",
        "there is no such task",
    );
    let error = Shell::at(gateway.addr).complains(1, &["task", "x"]).await;
    assert!(error.ends_with("error: there is no such task (TASK_NOT_FOUND)\n"), "{error}");
}

#[tokio::test]
async fn json_is_a_line_per_event_and_the_task() {
    let gateway = Gateway::with_task().await.tells(story(), hello());
    let stdout = Shell::at(gateway.addr).says(&["task", "x", "--json"]).await;
    let lines: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 8);
    assert_eq!(lines[3]["type"], "task.started");
    assert_eq!(lines[7], hello().expect("a task"));
}

#[tokio::test]
async fn several_answers_have_headings() {
    let result = json!({"result": {"a": "one\n", "b": {"error": {"code": "TASK_FAILED", "message": "no"}}}, "assigned_agents": ["a", "b"]});
    let events = [event("task.completed", json!({"id": 1}))];
    let gateway = Gateway::with_task().await.tells(events, Some(view("completed", &result)));
    let ended = Shell::at(gateway.addr).run(&["task", "x"]).await;
    assert_eq!(ended.stdout, "[a]\none\n\n[b]\nfailed: no\n");
}

#[tokio::test]
async fn detached_is_an_id() {
    let gateway = Gateway::with_task().await;
    assert_eq!(Shell::at(gateway.addr).says(&["task", "x", "--detach"]).await, "task_1\n");
    assert_eq!(gateway.asked().len(), 1);
}

#[tokio::test]
async fn a_reader_that_leaves_is_no_error() {
    for arguments in [&["task", "x"][..], &["task", "x", "--json"]] {
        let gateway = Gateway::with_task().await.tells(story(), hello());
        let shell = Shell::at(gateway.addr);
        let mut command = shell.command(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        drop(child.stdout.take());
        let ended = ended(child).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(!ended.stderr.contains("error"), "{ended:?}");
    }
}

/// By the shell's `kill`, which is there where no other is installed.
#[cfg(unix)]
async fn interrupt(child: &tokio::process::Child) {
    let kill = format!("kill -INT {}", child.id().expect("it runs"));
    let killed = Command::new("sh").args(["-c", &kill]).status().await;
    assert!(killed.expect("a shell").success());
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_cancels() {
    let events = [event("task.started", json!({"id": 1, "agent_id": "echo"}))];
    let cancel = format!("POST /tasks/{TASK}/cancel");
    let gateway = Gateway::with_task().await.tells(events, None).says(
        &cancel,
        200,
        view("cancelled", &json!({})),
    );
    let shell = Shell::at(gateway.addr);
    let child = shell.command(&["task", "x"]).spawn().expect("it runs");
    eventually(|| !gateway.asked_for("GET /events").is_empty()).await;
    interrupt(&child).await;
    let ended = ended(child).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(130), ""), "{ended:?}");
    assert!(ended.stderr.ends_with("cancelling task_1\ncancelled\n"), "{ended:?}");
    assert_eq!(gateway.asked_for(&cancel).len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn one_that_ended_before_it_was_cancelled_is_shown() {
    let cancel = format!("POST /tasks/{TASK}/cancel");
    let gateway = Gateway::with_task()
        .await
        .tells([event("task.started", json!({"agent_id": "echo"}))], hello())
        .refuses(&cancel, 409, "INVALID_REQUEST", "it has ended");
    let shell = Shell::at(gateway.addr);
    let child = shell.command(&["task", "x"]).spawn().expect("it runs");
    eventually(|| !gateway.asked_for("GET /events").is_empty()).await;
    interrupt(&child).await;
    let ended = ended(child).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), "hello\u{1b}[0m\nworld"));
}
