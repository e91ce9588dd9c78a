//! The agent side: what is at work and what waits goes on, and what comes next goes by the new
//! configuration.

use std::{fs, process::Stdio};

use serde_json::{Value, json};
use tokio::{process::Command, time::sleep};

use crate::reload::house::House;
use crate::support::{TEST_TIMEOUT, client, eventually, get, post, send, soon};

const ONE: &str = "
tasks: {slots: 1}
agents:
  - {id: a, type: process, command: sh, args: [-c, 'touch begun; while [ ! -e go ]; do sleep 0.02; done; echo one']}
routing: {defaultAgent: a}
";
const TWO: &str = "
tasks: {slots: 2}
agents:
  - {id: a, type: process, command: sh, args: [-c, 'echo two']}
  - {id: b, type: process, command: sh, args: [-c, 'echo b']}
routing: {rules: [{name: to-b, keywords: [please], agent: b}], defaultAgent: a}
";
const THREE: &str = "agents: [{id: b, type: process, command: sh, args: [-c, 'echo three']}]\n";

async fn submit(house: &House, text: &str) -> String {
    let answer = send(house.addr(), post("/tasks", &json!({"payload": {"task": text}}))).await;
    assert_eq!(answer.status(), 202);
    client::json(answer).await["task_id"].as_str().expect("an id").to_owned()
}

async fn task(house: &House, id: &str) -> Value {
    client::json(send(house.addr(), get(&format!("/tasks/{id}"))).await).await
}

/// What came of it.
async fn ended(house: &House, id: &str) -> Value {
    let ended = async {
        loop {
            let task = task(house, id).await;
            if ["completed", "failed"].iter().any(|end| task["status"] == *end) {
                return json!([task["status"], task["assigned_agents"], task["result"]]);
            }
            sleep(TEST_TIMEOUT / 200).await;
        }
    };
    soon(ended).await
}

/// As a person sees them.
async fn listed(house: &House) -> String {
    let gateway = format!("http://{}", house.addr());
    let command = Command::new(env!("CARGO_BIN_EXE_switchtower"))
        .arg("agents")
        .env("SWITCHTOWER_URL", gateway)
        .current_dir(house.binary.home_path())
        .stdin(Stdio::null())
        .output();
    String::from_utf8(soon(command).await.expect("it runs").stdout).expect("text")
}

fn has(list: &str, id: &str) -> bool {
    list.lines().any(|line| line.split_whitespace().next() == Some(id))
}

#[tokio::test]
async fn tasks_go_on_and_the_next_ones_go_by_the_new_file() {
    let mut house = House::start(ONE).await;
    let home = house.binary.home_path().to_owned();
    let runs = submit(&house, "please").await;
    eventually(|| home.join("begun").exists()).await;
    let waits = submit(&house, "please").await;
    let list = listed(&house).await;
    assert!(has(&list, "a") && !has(&list, "b"), "{list}");

    // Saved, and found by itself.
    house.write(TWO);
    let report = house.reloaded().await;
    assert_eq!(report["restart_needed"], json!([]));
    let log = house.binary.log();
    assert!(log.contains("changed=routing, agents, tasks"), "{log}");
    let list = listed(&house).await;
    assert!(has(&list, "a") && has(&list, "b"), "{list}");
    assert_eq!(ended(&house, &waits).await, json!(["completed", ["a"], "two"]), "a slot came");
    let next = submit(&house, "please").await;
    assert_eq!(ended(&house, &next).await, json!(["completed", ["b"], "b"]));

    // The agent that is at work is not there any more.
    house.reload(THREE).await;
    let list = listed(&house).await;
    assert!(!has(&list, "a") && has(&list, "b"), "{list}");
    assert_eq!(send(house.addr(), get("/agents/a")).await.status(), 404);
    assert_eq!(task(&house, &runs).await["status"], "running");
    fs::write(home.join("go"), "").unwrap();
    assert_eq!(ended(&house, &runs).await, json!(["completed", ["a"], "one"]));
}

#[tokio::test]
async fn a_file_that_is_wrong_changes_no_agent() {
    let house = House::start(TWO).await;
    house.write(&THREE.replace("process", "robot"));
    house.binary.signal("HUP").await;
    house.refused().await;
    let list = listed(&house).await;
    assert!(has(&list, "a") && has(&list, "b"), "{list}");
    let id = submit(&house, "hello").await;
    assert_eq!(ended(&house, &id).await, json!(["completed", ["a"], "two"]));
}
