//! The directory that a task is done in.

use serde_json::{Value, json};

use crate::cli_mesh::gateway::{Gateway, TASK, event, view};
use crate::cli_mesh::shell::Shell;
use crate::support::Binary;

const WORKER: &str = "agents: [{id: worker, type: process, command: sh, args: ['-c', 'pwd -P']}]\n\
                      routing: {defaultAgent: worker}\n";

fn real(shell: &Shell, name: &str) -> String {
    let path = shell.path().canonicalize().expect("it is there").join(name);
    path.to_str().expect("UTF-8").trim_end_matches('/').to_owned()
}

/// From another directory than the gateway's.
#[tokio::test]
async fn an_agent_works_where_its_task_is_given() {
    let gateway = Binary::start(WORKER, &[("PATH", "/usr/bin:/bin")]).await;
    let shell = Shell::at(gateway.addr);
    std::fs::create_dir(shell.path().join("sub")).expect("a directory");
    let url = format!("http://localhost:{}", gateway.addr.port());
    for (arguments, name) in [
        (&["to", "worker", "review the last commit", "--url", &url][..], ""),
        (&["task", "review the last commit"], ""),
        (&["task", "x", "--cwd", "."], ""),
        (&["task", "x", "--cwd", "sub"], "sub"),
        (&["to", "worker", "x", "--cwd", "./sub/../sub"], "sub"),
        (&["task", "x", "--cwd", &real(&shell, "sub")], "sub"),
    ] {
        let ended = shell.run(arguments).await;
        assert_eq!(ended.status, Some(0), "{arguments:?}: {ended:?}");
        assert_eq!(ended.stdout.trim_end(), real(&shell, name), "{arguments:?}");
    }
    std::fs::write(shell.path().join("file"), "").expect("a file");
    for (cwd, why) in [("missing", "does not exist"), ("file", "is no directory")] {
        let error = shell.complains(1, &["task", "x", "--cwd", cwd]).await;
        assert!(error.contains("payload.options.cwd") && error.contains(why), "{error}");
        assert!(error.contains(&real(&shell, cwd)), "{error}");
    }
}

/// Of the tasks that were handed in.
fn sent(gateway: &Gateway) -> Vec<Value> {
    let sent = gateway.asked_for("POST /tasks");
    sent.into_iter().map(|asked| asked.body["payload"]["options"]["cwd"].clone()).collect()
}

/// One that runs in a container, say: what is a directory here is none there.
#[tokio::test]
async fn a_directory_that_nobody_asked_for_does_not_fail_the_task() {
    let error = json!({"error": {"code": "INVALID_REQUEST", "type": "", "param": "payload.options.cwd",
        "message": "`payload.options.cwd` does not exist: /here"}});
    let gateway = Gateway::start().await.says("POST /tasks", 400, error);
    let shell = Shell::at(gateway.addr);
    let ended = shell.run(&["task", "x", "--detach"]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended.stderr.starts_with("note: the agent works in the gateway's directory"),
        "{ended:?}"
    );
    assert_eq!(sent(&gateway), [json!(real(&shell, "")), Value::Null]);
    let ended = shell.run(&["task", "x", "--detach", "--cwd", "."]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("error: `payload.options.cwd` does not exist"), "{ended:?}");
    assert_eq!(sent(&gateway).len(), 3, "it was asked for, so it is not tried without");
}

#[tokio::test]
async fn a_gateway_elsewhere_gets_only_what_is_absolute() {
    let shell = Shell::new();
    let url = ["--url", "http://gateway.invalid:3000"];
    for cwd in [".", "sub", "~"] {
        let error = shell.complains(1, &[&["task", "x", "--cwd", cwd][..], &url].concat()).await;
        assert!(error.starts_with(&format!("error: --cwd {cwd}: has to be absolute")), "{error}");
    }
}

#[tokio::test]
async fn other_options_go_with_it() {
    let done = view("completed", &json!({"result": "hello"}));
    let events = [event("task.completed", json!({"id": 1, "result": "hello"}))];
    let gateway = Gateway::with_task().await.tells(events, Some(done));
    let shell = Shell::at(gateway.addr);
    let ended = shell.run(&["task", "x", "--timeout", "9", "--cwd", "/srv"]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let body = &gateway.asked_for("POST /tasks")[0].body;
    assert_eq!(body["payload"]["options"], json!({"timeout": 9, "cwd": "/srv"}));
    assert!(gateway.asked_for(&format!("GET /events?taskId={TASK}")).len() == 1);
}
