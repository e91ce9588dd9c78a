//! Many tasks at once, of all kinds, and a gateway that is killed in the middle.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::wire::{BUSY_TIMEOUT, ask, ended, submit, task};
use crate::support::{Binary, client::try_send, eventually, post};

const CONFIG: &str = r#"
tasks: {slots: 4}
agents:
  - {id: ok, type: process, command: cat}
  - {id: slow, type: process, command: sh, args: ["-c", "sleep 0.1; cat"]}
  - {id: bad, type: process, command: sh, args: ["-c", "cat >/dev/null; echo broken >&2; exit 3"]}
  - {id: hang, type: process, command: sh, args: ["-c", "trap '' TERM; sleep 1000"]}
  - {id: forks, type: process, command: sh, args: ["-c", "sleep 1000 & (sleep 1000 &) ; cat"]}
  - {id: prints, type: process, command: sh, args: ["-c", "cat >/dev/null; yes 0123456789 | head -c 100000000"]}
"#;

/// The gateway's agents are found there.
fn path() -> String {
    std::env::var("PATH").unwrap()
}

/// The agent of the nth task.
fn agent(nth: usize) -> &'static str {
    match nth % 25 {
        0 => "prints",
        1 | 2 => "hang",
        3..9 => "bad",
        9..15 => "forks",
        15..18 => "slow",
        _ => "ok",
    }
}

fn request(nth: usize) -> Value {
    let payload = json!({"task": format!("task {nth}"), "options": {"timeout": 20}});
    let mut request = json!({"target": agent(nth), "payload": payload});
    if agent(nth) == "hang" {
        request["payload"]["options"]["timeout"] = json!(0.5);
    }
    request
}

/// Processes that were started for any of these.
fn left(tasks: &HashSet<String>) -> Vec<String> {
    let mut left = Vec::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(environment) = fs::read(process.path().join("environ")) else { continue };
        let mut marks = environment
            .split(|byte| *byte == 0)
            .filter_map(|variable| variable.strip_prefix(b"SWITCHTOWER_TASK_ID="));
        let is_one = marks.any(|task| tasks.contains(&*String::from_utf8_lossy(task)));
        if is_one {
            let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
            left.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    left
}

async fn nobody_is_left(tasks: &HashSet<String>) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !left(tasks).is_empty() {
        assert!(Instant::now() < deadline, "left: {:?}", left(tasks));
        sleep(Duration::from_millis(50)).await;
    }
}

/// The most memory that it ever had, in KiB.
fn memory(gateway: &Binary) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[track_caller]
fn is_right(nth: usize, task: &Value) {
    let (status, result) = (task["status"].as_str().unwrap(), &task["result"]);
    let message = task["error"]["message"].as_str().unwrap_or_default();
    match agent(nth) {
        "bad" => assert!(status == "failed" && message.contains("broken"), "{task}"),
        "hang" => assert!(status == "failed" && message.contains("0.5 s"), "{task}"),
        "prints" => {
            let printed = result.as_str().unwrap();
            assert_eq!(status, "completed");
            assert!((1 << 19..(1 << 20) + 2000).contains(&printed.len()), "{}", printed.len());
            assert!(printed.starts_with("0123456789\n"));
        }
        _ => assert_eq!((status, result), ("completed", &json!(format!("task {nth}"))), "{task}"),
    }
}

async fn submit_all(addr: SocketAddr, count: usize) -> Vec<(usize, String)> {
    let mut submits = JoinSet::new();
    for nth in 0..count {
        submits.spawn(async move { (nth, submit(addr, &request(nth)).await) });
    }
    submits.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tasks_end_well_and_leave_nothing() {
    let mut gateway = Binary::start(CONFIG, &[("PATH", &path())]).await;
    let before = memory(&gateway);
    let tasks = submit_all(gateway.addr, 100).await;
    let ids: HashSet<String> = tasks.iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(ids.len(), 100);
    let mut most = 0;
    loop {
        let (_, running) = ask(gateway.addr, "/tasks?status=running&limit=500").await;
        most = most.max(running.as_array().unwrap().len());
        let (_, waiting) = ask(gateway.addr, "/tasks?status=assigned&limit=500").await;
        if running == json!([]) && waiting == json!([]) {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert!((2..=4).contains(&most), "{most} at a time");
    for (nth, id) in &tasks {
        is_right(*nth, &ended(gateway.addr, id).await);
    }
    nobody_is_left(&ids).await;
    let grown = memory(&gateway) - before;
    assert!(grown < 128 << 10, "{grown} KiB more");
    gateway.signal("TERM").await;
    assert_eq!(gateway.status().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_no_accepted_task() {
    let path = path();
    let env: [(&str, &str); 1] = [("PATH", &path)];
    let gateway = Binary::start(CONFIG, &env).await;
    let addr = gateway.addr;
    let mut submits = JoinSet::new();
    for nth in 0..80 {
        submits.spawn(async move {
            sleep(Duration::from_millis(5 * nth as u64)).await;
            let Ok(response) = try_send(addr, post("/tasks", &request(nth))).await else {
                return None;
            };
            // What was accepted is what the client has read.
            let accepted = http_body_util::BodyExt::collect(response.into_body()).await.ok()?;
            let accepted: Value = serde_json::from_slice(&accepted.to_bytes()).ok()?;
            Some((nth, accepted["task_id"].as_str()?.to_owned()))
        });
    }
    let mut accepted = Vec::new();
    while accepted.len() < 40 {
        accepted.extend(submits.join_next().await.expect("more").ok().flatten());
    }
    gateway.signal("KILL").await;
    while let Some(more) = submits.join_next().await {
        // One that is refused the connection was not accepted.
        accepted.extend(more.ok().flatten());
    }
    let mut gateway = gateway;
    assert_eq!(gateway.status().await, None);

    let mut gateway = Binary::start_in(gateway.home(), CONFIG, &env).await;
    let ids: HashSet<String> = accepted.iter().map(|(_, id)| id.clone()).collect();
    let deadline = Instant::now() + BUSY_TIMEOUT;
    let mut stopped = 0;
    for (nth, id) in &accepted {
        let task = ended(gateway.addr, id).await;
        assert!(Instant::now() < deadline);
        let stopped_it = "the gateway stopped while it ran";
        if task["error"]["message"] == stopped_it {
            assert_eq!(task["status"], "failed");
            stopped += 1;
        } else {
            is_right(*nth, &task);
        }
    }
    assert!((1..=4).contains(&stopped), "{stopped} were running");
    nobody_is_left(&ids).await;
    let again = task(gateway.addr, &accepted[0].1).await;
    gateway.signal("TERM").await;
    assert_eq!(gateway.status().await, Some(0));
    let gateway = Binary::start_in(gateway.home(), CONFIG, &env).await;
    assert_eq!(task(gateway.addr, &accepted[0].1).await, again);
}

#[tokio::test]
async fn an_impatient_ctrl_c_leaves_nothing_either() {
    let mut gateway = Binary::start(CONFIG, &[("PATH", &path())]).await;
    let task = json!({"target": "hang", "payload": {"task": "x"}});
    let ids = HashSet::from([submit(gateway.addr, &task).await]);
    // The shell does not listen to SIGTERM any more once it has begun to sleep.
    eventually(|| left(&ids).iter().any(|command| command.starts_with("sleep"))).await;
    gateway.signal("INT").await;
    sleep(Duration::from_millis(100)).await;
    gateway.signal("INT").await;
    assert_eq!(gateway.status().await, Some(130));
    assert_eq!(left(&ids), Vec::<String>::new());
}
