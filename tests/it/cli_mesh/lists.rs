//! The commands that show what there is.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::cli_mesh::gateway::{Gateway, event, view};
use crate::cli_mesh::shell::{Shell, ended};
use crate::support::{eventually, soon};

fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.expect("after 1970").as_millis()).expect("before the end of time")
}

fn agents() -> Value {
    json!([
        {"id": "codex", "name": "Codex", "type": "codex", "capabilities": ["code", "tests"], "status": "busy", "lastSeen": now() - 190_000},
        {"id": "审查", "name": "审查员\u{1b}[2J", "type": "http", "capabilities": [], "status": "offline", "lastSeen": null},
    ])
}

#[tokio::test]
async fn agents_are_a_table() {
    let gateway = Gateway::start().await.says("GET /agents", 200, agents());
    let shell = Shell::at(gateway.addr);
    assert_snapshot!(shell.says(&["agents"]).await, @r"
    ID     NAME    TYPE   STATUS   LAST SEEN  CAPABILITIES
    codex  Codex   codex  busy     3 min ago  code, tests
    审查   审查员  http   offline  never
    ");
    let json: Value = serde_json::from_str(&shell.says(&["agents", "--json"]).await).expect("JSON");
    assert_eq!(json[0]["id"], "codex");
    let gateway = Gateway::start().await.says("GET /agents", 200, json!([]));
    assert!(Shell::at(gateway.addr).says(&["agents"]).await.starts_with("There are no agents:"));
}

#[tokio::test]
async fn tasks_are_a_table() {
    let error = json!({"code": "TASK_FAILED", "message": "exit status 3\nboom"});
    let times = json!({"created_at": now() - 120_500, "updated_at": now() - 60_500});
    let with = |status: &str, fields: Value| {
        let mut view = view(status, &times);
        for (name, value) in fields.as_object().expect("an object") {
            view[name] = value.clone();
        }
        view
    };
    let failed = with("failed", json!({"id": "task_2", "error": error}));
    let done = with("completed", json!({"result": format!("first line\n{}", "word ".repeat(50))}));
    let gateway = Gateway::start()
        .await
        .says("GET /tasks", 200, json!([failed, done, with("running", json!({"id": "task_3"}))]))
        .says("GET /tasks/task_2", 200, failed)
        .says("GET /tasks/task_1", 200, with("completed", json!({"result": "a\nb\u{7}\n"})))
        .says("POST /tasks/task_3/cancel", 200, with("cancelled", json!({"id": "task_3"})))
        .refuses("POST /tasks/task_1/cancel", 409, "INVALID_REQUEST", "it is completed");
    let shell = Shell::at(gateway.addr);
    assert_snapshot!(shell.says(&["tasks", "--status", "failed", "--limit", "7"]).await, @r"
    ID      STATUS     AGENT  AGE        TASK
    task_2  failed     echo   2 min ago  say hello to 代码
    task_1  completed  echo   2 min ago  say hello to 代码
    task_3  running    echo   2 min ago  say hello to 代码
    ");
    assert_eq!(gateway.asked()[0].what, "GET /tasks?status=failed&limit=7");
    assert_snapshot!(shell.says(&["tasks", "task_2"]).await, @r"
      id        task_2
      status    failed
      given to  echo
      accepted  2 min ago
      changed   1 min ago

    say
    hello to 代码

    exit status 3
    boom (TASK_FAILED)
    ");
    assert_snapshot!(shell.says(&["tasks", "task_1"]).await, @r"
      id        task_1
      status    completed
      given to  echo
      accepted  2 min ago
      changed   1 min ago

    say
    hello to 代码

    a
    b
    ");
    assert_eq!(shell.says(&["tasks", "cancel", "task_3"]).await, "task_3 is cancelled\n");
    assert_eq!(
        shell.complains(1, &["tasks", "cancel", "task_1"]).await,
        "error: it is completed (INVALID_REQUEST)\n"
    );
    assert!(shell.complains(2, &["tasks", "--status", "lost"]).await.contains("possible values"));
    assert!(shell.complains(2, &["tasks", "--limit", "501"]).await.contains("501"));
    shell.complains(1, &["tasks", "../agents?"]).await;
    assert_eq!(gateway.asked().last().expect("one").what, "GET /tasks/..%2Fagents%3F");
}

#[tokio::test]
async fn the_last_messages_come_after_a_page_that_is_short() {
    let space = json!({"shared_space_id": "s", "message_count": 2, "artifact_count": 0, "created_at": 0, "updated_at": 0});
    let message = json!({"id": 7, "role": "user", "content": "as long as a page", "created_at": 0});
    let gateway = Gateway::start()
        .await
        .says("GET /spaces/s", 200, space)
        .says("GET /spaces/s/messages", 200, json!([message]))
        .says("GET /spaces/s/artifacts", 200, json!([]));
    Shell::at(gateway.addr).says(&["space", "show", "s"]).await;
    let asked = gateway.asked_for("GET /spaces/s/messages");
    let asked: Vec<_> = asked.iter().map(|asked| asked.what.rsplit('?').next().unwrap()).collect();
    assert_eq!(asked, ["limit=500", "limit=500&after=7"]);
}

#[tokio::test]
async fn spaces() {
    let message = |id: u64| json!({"id": id, "role": "user", "source": if id == 3 { Some("codex") } else { None }, "task_id": null, "content": "slow\nparser", "metadata": null, "created_at": now() - 190_000});
    let space = json!({"shared_space_id": "space_1", "message_count": 2, "artifact_count": 1, "metadata": {"name": "x"}, "created_at": now() - 190_000, "updated_at": now() - 190_000});
    let gateway = Gateway::start()
        .await
        .says("POST /spaces", 201, json!({"space_id": "space_1"}))
        .says("GET /spaces/space_1", 200, space)
        .says("GET /spaces/space_1/messages", 200, json!([message(2), message(3)]))
        .says("GET /spaces/space_1/artifacts", 200, json!([{"name": "notes.md", "size": 12, "content_type": "text/markdown", "updated_at": 1}]))
        .says("GET /spaces/space_1/search", 200, json!([{"message": message(3), "snippet": "a [slow] parser"}]));
    let shell = Shell::at(gateway.addr);
    assert_eq!(shell.says(&["space", "new", "--name", "the parser"]).await, "space_1\n");
    assert_eq!(gateway.asked()[0].body, json!({"metadata": {"name": "the parser"}}));
    shell.says(&["space", "new", "--metadata", r#"{"a": [1]}"#]).await;
    assert_eq!(gateway.asked()[1].body, json!({"metadata": {"a": [1]}}));
    assert!(
        shell.complains(1, &["space", "new", "--metadata", "7"]).await.contains("no JSON object")
    );
    assert_snapshot!(shell.says(&["space", "show", "space_1"]).await, @r#"
    id         space_1
    metadata   {"name":"x"}
    messages   2
    artifacts  1
    made       3 min ago
    changed    3 min ago

    notes.md  12 bytes

    #2  user   3 min ago  slow parser
    #3  codex  3 min ago  slow parser
    "#);
    assert_snapshot!(shell.says(&["space", "search", "space_1", "slow & 慢"]).await, @"  #3  codex  3 min ago  a [slow] parser");
    let asked = gateway.asked_for("GET /spaces/space_1/search");
    assert_eq!(asked[0].what, "GET /spaces/space_1/search?q=slow%20%26%20%E6%85%A2");
    let json = shell.says(&["space", "show", "space_1", "--json"]).await;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["message_count"], &json["messages"][0]["id"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn health_has_a_status() {
    let providers = |available: Value| json!({"status": "x", "timestamp": 1, "providers_available": available, "providers_unavailable": [{"name": "openai", "summary": "No key: set OPENAI_API_KEY"}]});
    let health = |status: &str| json!({"status": "ok", "version": "1", "timestamp": 1, "agents": [{"id": "codex", "name": "Codex", "status": status}]});
    let gateway = Gateway::start().await.says("GET /health", 200, health("offline")).says(
        "GET /model-gateway/health",
        200,
        providers(json!([])),
    );
    let shell = Shell::at(gateway.addr);
    let ended = shell.run(&["health"]).await;
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), ""));
    assert_snapshot!(ended.stdout, @r"
    Providers:
      openai  unavailable  No key: set OPENAI_API_KEY

    Agents:
      codex  offline  Codex
    ");
    let gateway = gateway.says("GET /health", 200, health("busy"));
    assert!(shell.says(&["health"]).await.contains("codex  busy"));
    let one = providers(json!([{"name": "ollama", "summary": "Local - always available"}]));
    let _gateway = gateway.says("GET /health", 200, json!({"status": "ok"})).says(
        "GET /model-gateway/health",
        200,
        one,
    );
    assert!(shell.says(&["health"]).await.contains("ollama  available    Local"));
}

#[tokio::test]
async fn quota_and_budgets() {
    let later = now() + 2 * 3_600_000 + 1_800_000;
    let gateway = Gateway::start()
        .await
        .says("GET /model-gateway/quota", 200, json!({
            "codex": {"provider": "codex", "available": true, "usedPercent": 41.6, "summary": "5h: 42%", "as_of": now() - 190_000},
            "deepseek": {"provider": "deepseek", "available": false, "balance": {"amount": 0.0, "currency": "CNY"}, "summary": "Balance: 0 CNY", "as_of": now() - 90_500},
        }))
        .says("GET /model-gateway/budgets", 200, json!({"127.0.0.1": {
            "tokens_per_day": {"limit": 1000, "used": 10, "reserved": 5, "resets_at": later},
            "usd_per_month": {"limit": 50.0, "used": 1.234, "reserved": 0.0, "resets_at": later},
        }}));
    let shell = Shell::at(gateway.addr);
    assert_snapshot!(shell.says(&["quota"]).await, @r"
    PROVIDER  AVAILABLE  USED  AS OF      SUMMARY
    codex     yes        42%   3 min ago  5h: 42%
    deepseek  no               1 min ago  Balance: 0 CNY

    CLIENT     LIMIT           USED  RESERVED  OF     RESETS
    127.0.0.1  tokens_per_day  10    5         1000   in 2 h
    127.0.0.1  usd_per_month   1.23  0.00      50.00  in 2 h
    ");
    let json: Value = serde_json::from_str(&shell.says(&["quota", "--json"]).await).expect("JSON");
    assert_eq!(json["quota"]["codex"]["usedPercent"], 41.6);
}

#[tokio::test]
async fn events_are_followed_over_broken_connections() {
    let submitted = |id: u64| event("task.submitted", json!({"id": id, "timestamp": id * 1000}));
    let gateway =
        Gateway::start().await.breaks([submitted(1), submitted(2)]).breaks([submitted(3)]);
    let shell = Shell::at(gateway.addr);
    let mut command = shell.command(&["events", "--task", "task_1"]);
    let mut child = command.spawn().expect("it runs");
    eventually(|| gateway.asked().len() > 2).await;
    child.start_kill().expect("it runs");
    let ended = ended(child).await;
    assert_snapshot!(ended.stdout, @r"
    00:00:01Z  task.submitted      task_1
    00:00:02Z  task.submitted      task_1
    00:00:03Z  task.submitted      task_1
    ");
    let told: Vec<_> =
        gateway.asked().into_iter().map(|asked| asked.last_event_id.unwrap_or_default()).collect();
    assert_eq!(told[..3], ["", "2", "3"]);
}

#[tokio::test]
async fn events_end_when_nobody_reads_them() {
    let many = (0..3).map(|id| event("task.submitted", json!({"id": id})));
    let gateway = Gateway::start().await.tells(many, None);
    let shell = Shell::at(gateway.addr);
    let mut child = shell.command(&["events"]).spawn().expect("it runs");
    drop(child.stdout.take());
    let status = soon(child.wait()).await.expect("it ends");
    assert_eq!(status.code(), Some(0));
}
