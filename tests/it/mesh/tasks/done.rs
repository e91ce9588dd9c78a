//! Tasks that programs do.

use serde_json::{Value, json};

use super::wire::{ask, ended, submit, task, tell, to, until};
use crate::support::{
    Gateway,
    client::{body, json},
    envelope, post, send,
};

const CONFIG: &str = r#"
tasks: {slots: 2, queue: 2}
routing:
  defaultAgent: ok
  rules:
    - {name: team, keywords: [everybody, 大家], strategy: broadcast, agents: [ok, loud, bad], priority: 5}
    - {name: shout, keywords: [shout], agent: loud}
agents:
  - {id: ok, type: process, command: cat}
  - {id: loud, type: process, command: sh, args: ["-c", "tr a-z A-Z"]}
  - {id: bad, type: process, command: sh, args: ["-c", "echo working; echo no luck >&2; exit 3"]}
  - {id: hang, type: process, command: sh, args: ["-c", "echo begun; sleep 1000"]}
  - {id: gone, type: process, command: there-is-no-such-program}
"#;

#[tokio::test]
async fn a_task_goes_to_whom_the_rules_say() {
    let gateway = Gateway::start(CONFIG).await;
    for (text, agent, result) in [
        ("hello", "ok", "hello"),
        ("SHOUT it", "loud", "SHOUT IT"),
        ("shouted", "loud", "SHOUTED"),
        ("outshout", "ok", "outshout"),
    ] {
        let sent = json!({"type": "t", "source": "me", "target": "gateway", "correlation_id": "7",
            "more": {"a": 1}, "payload": {"task": text, "options": {"timeout": 60}}});
        let id = submit(gateway.addr, &sent).await;
        let task = ended(gateway.addr, &id).await;
        let (created, updated) = (&task["created_at"], &task["updated_at"]);
        assert!(created.as_u64() <= updated.as_u64() && created.is_u64(), "{task}");
        let expected = json!({"id": id, "status": "completed", "assigned_agents": [agent],
            "result": result, "error": null, "created_at": created, "updated_at": updated,
            "task": text, "type": "t", "source": "me", "correlation_id": "7"});
        assert_eq!(task, expected);
    }
    let id = submit(gateway.addr, &to("loud", "hello")).await;
    assert_eq!(ended(gateway.addr, &id).await["result"], "HELLO");
}

#[tokio::test]
async fn everybody_answers_a_broadcast() {
    let gateway = Gateway::start(CONFIG).await;
    let id = submit(gateway.addr, &json!({"payload": {"task": "大家好 abc"}})).await;
    let task = ended(gateway.addr, &id).await;
    assert_eq!(task["status"], "completed");
    assert_eq!(task["assigned_agents"], json!(["ok", "loud", "bad"]));
    assert_eq!(
        (&task["result"]["ok"], &task["result"]["loud"]),
        (&json!("大家好 abc"), &json!("大家好 ABC"))
    );
    let failed = &task["result"]["bad"]["error"];
    assert_eq!(failed["code"], "TASK_FAILED");
    assert!(failed["message"].as_str().unwrap().contains("no luck"), "{failed}");
}

#[tokio::test]
async fn why_a_task_failed_is_said() {
    let gateway = Gateway::start(CONFIG).await;
    let hurried = json!({"target": "hang", "payload": {"task": "x", "options": {"timeout": 0.2}}});
    for (request, words) in [
        (to("bad", "x"), "no luck"),
        (to("gone", "x"), "there-is-no-such-program"),
        (hurried, "0.2 s"),
    ] {
        let id = submit(gateway.addr, &request).await;
        let task = ended(gateway.addr, &id).await;
        assert_eq!((&task["status"], &task["result"]), (&json!("failed"), &Value::Null), "{task}");
        assert_eq!(task["error"]["code"], "TASK_FAILED");
        assert!(task["error"]["message"].as_str().unwrap().contains(words), "{task}");
    }
}

#[tokio::test]
async fn a_full_queue_and_a_cancel() {
    let gateway = Gateway::start(CONFIG).await;
    let hang = to("hang", "x");
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(submit(gateway.addr, &hang).await);
    }
    let response = send(gateway.addr, post("/tasks", &hang)).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(envelope(&body(response).await).code, "RATE_LIMITED");

    until(gateway.addr, &ids[0], |task| task["status"] == "running").await;
    assert_eq!(task(gateway.addr, &ids[3]).await["status"], "assigned");
    for id in ids.iter().rev() {
        let path = format!("/tasks/{id}/cancel");
        let (status, cancelled) = tell(gateway.addr, &path, &json!({})).await;
        assert_eq!((status, &cancelled["status"]), (200, &json!("cancelled")), "{cancelled}");
        assert_eq!(tell(gateway.addr, &path, &Value::Null).await, (200, cancelled), "again");
    }
    let id = submit(gateway.addr, &to("ok", "x")).await;
    ended(gateway.addr, &id).await;
    let response = send(gateway.addr, post(&format!("/tasks/{id}/cancel"), &json!({}))).await;
    assert_eq!(response.status(), 409);
    assert_eq!(envelope(&body(response).await).code, "INVALID_REQUEST");
}

#[tokio::test]
async fn tasks_are_listed_newest_first() {
    let gateway = Gateway::start(CONFIG).await;
    let mut ids = Vec::new();
    for agent in ["ok", "bad", "ok", "bad", "ok"] {
        let id = submit(gateway.addr, &to(agent, "x")).await;
        ended(gateway.addr, &id).await;
        ids.push(id);
    }
    ids.reverse();
    let listed = async |query: String| -> Vec<String> {
        let (status, tasks) = ask(gateway.addr, &format!("/tasks?{query}")).await;
        assert_eq!(status, 200, "{tasks}");
        let tasks = tasks.as_array().unwrap();
        tasks.iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(String::new()).await, ids);
    assert_eq!(listed("limit=2".into()).await, ids[..2]);
    assert_eq!(listed(format!("limit=2&after={}", ids[1])).await, ids[2..4]);
    assert_eq!(listed(format!("after={}", ids[4])).await, [""; 0]);
    assert_eq!(listed("status=failed".into()).await, [&*ids[1], &ids[3]]);
    assert_eq!(listed(format!("status=completed&after={}", ids[2])).await, [&*ids[4]]);
}

#[tokio::test]
async fn a_space_hears_the_task_and_what_came_of_it() {
    let gateway = Gateway::start(CONFIG).await;
    let nowhere = json!({"payload": {"task": "x", "context": {"shared_space_id": "space_0"}}});
    let response = send(gateway.addr, post("/tasks", &nowhere)).await;
    assert_eq!(response.status(), 404);
    assert_eq!(envelope(&body(response).await).code, "SPACE_NOT_FOUND");

    let space = json(send(gateway.addr, post("/spaces", &json!({}))).await).await;
    let space = space["space_id"].as_str().unwrap().to_owned();
    let mut said = Vec::new();
    for (agent, text) in [("ok", "first"), ("bad", "second"), ("ok", "third")] {
        let id = submit(
            gateway.addr,
            &json!({"source": "me", "target": agent,
                "payload": {"task": text, "context": {"shared_space_id": space}}}),
        )
        .await;
        let task = ended(gateway.addr, &id).await;
        assert_eq!(task["space_id"], *space);
        said.push((id, task["result"].clone()));
    }
    let (_, messages) = ask(gateway.addr, &format!("/spaces/{space}/messages")).await;
    let messages = messages.as_array().unwrap();
    let of = |nth: usize, field: &str| messages[nth][field].as_str().unwrap_or_default();
    assert_eq!(messages.len(), 6, "{messages:?}");
    for (nth, (role, source, content)) in [
        ("user", "me", "first"),
        ("agent", "ok", "first"),
        ("user", "me", "second"),
        ("agent", "bad", "failed: "),
        ("user", "me", "third"),
        ("agent", "ok", "What was said"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!((of(nth, "role"), of(nth, "source")), (role, source), "{nth}");
        assert!(of(nth, "content").starts_with(content), "{nth}: {}", of(nth, "content"));
        assert_eq!(of(nth, "task_id"), said[nth / 2].0);
    }
    let third = said[2].1.as_str().unwrap();
    assert!(third.contains("[user me]\nsecond\n\n[agent bad]\nfailed: "), "{third}");
    assert!(third.ends_with("Your task:\n\nthird"), "{third}");
}
