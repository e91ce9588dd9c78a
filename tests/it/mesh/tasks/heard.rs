//! What is heard of a task, from a gateway that is a process of its own.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::wire::{ended, submit, to};
use crate::support::{Binary, Events, get, send};

const CONFIG: &str = r#"
routing:
  defaultAgent: ok
  rules: [{name: team, keywords: [everybody], strategy: broadcast, agents: [ok, loud]}]
agents:
  - {id: ok, type: process, command: cat}
  - {id: loud, type: process, command: sh, args: ["-c", "tr a-z A-Z"]}
"#;

async fn gateway() -> Binary {
    Binary::start(CONFIG, &[("PATH", &std::env::var("PATH").unwrap())]).await
}

async fn listen(addr: SocketAddr, query: &str, opening: &[&str]) -> Events {
    let mut events = Events::new(send(addr, get(&format!("/events{query}"))).await);
    for kind in opening {
        assert_eq!(events.next().await.json()["type"], *kind);
    }
    events
}

/// Up to the end of the task.
async fn to_the_end(events: &mut Events) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let event = events.next().await;
        let json = event.json();
        assert_eq!(event.id, Some(json["id"].to_string()));
        assert!(json["timestamp"].is_u64(), "{json}");
        let is_last = json["type"] == "task.completed";
        heard.push(json);
        if is_last {
            return heard;
        }
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_task_is_heard_from_its_first_event_to_its_last() {
    let gateway = gateway().await;
    let mut live = listen(gateway.addr, "", &["connected", "welcome"]).await;
    let id = submit(gateway.addr, &to("loud", "hello")).await;
    let heard = to_the_end(&mut live).await;
    let expected =
        ["task.submitted", "task.assigned", "task.started", "task.progress", "task.completed"];
    assert_eq!(kinds(&heard), expected);
    assert!(heard.iter().all(|event| event["task_id"] == *id), "{heard:?}");
    assert_eq!((&heard[1]["agents"], &heard[1]["reason"]), (&json!(["loud"]), &json!("target")));
    assert_eq!((&heard[3]["stream"], &heard[3]["text"]), (&json!("stdout"), &json!("HELLO")));
    assert_eq!(heard[4]["result"], "HELLO");

    // Filtered by the task, for a late subscriber.
    submit(gateway.addr, &to("ok", "another")).await;
    let opening = ["connected", "task_status", "welcome"];
    let query = format!("?taskId={id}&lastEventId=0");
    let mut later = listen(gateway.addr, &query, &opening).await;
    assert_eq!(to_the_end(&mut later).await, heard);
}

#[tokio::test]
async fn a_broadcast_is_heard_from_each_agent_and_ends_once() {
    let gateway = gateway().await;
    let id = submit(gateway.addr, &json!({"payload": {"task": "everybody"}})).await;
    let opening = ["connected", "task_status", "welcome"];
    let query = format!("?taskId={id}&lastEventId=0");
    let mut events = listen(gateway.addr, &query, &opening).await;
    let heard = to_the_end(&mut events).await;
    assert_eq!(kinds(&heard)[..2], ["task.submitted", "task.assigned"]);
    let assigned = (&heard[1]["agents"], &heard[1]["reason"]);
    assert_eq!(assigned, (&json!(["ok", "loud"]), &json!("team")));
    for kind in ["task.started", "task.progress"] {
        let of_kind = heard.iter().filter(|event| event["type"] == kind);
        let mut agents: Vec<_> = of_kind.map(|event| event["agent_id"].as_str().unwrap()).collect();
        agents.sort_unstable();
        assert_eq!(agents, ["loud", "ok"], "{kind}");
    }
    assert_eq!(heard.len(), 7, "{heard:?}");
    let result = json!({"ok": "everybody", "loud": "EVERYBODY"});
    assert_eq!(heard[6]["result"], result);
    assert_eq!(ended(gateway.addr, &id).await["result"], result);
}
