//! Another configuration.

use futures_util::FutureExt;
use serde_json::{Value, json};
use switchtower::mesh::agents::{Fault, Kind, Registration, Status};
use switchtower::mesh::events::{EventStream, Filter};
use switchtower::mesh::tasks::Runner;

use super::{Job, Rig};
use crate::support::{Provider, Reply, always, eventually, soon};

/// This shell script; its settings come behind.
fn script(id: &str, script: &str, settings: &str) -> String {
    let args = json!(["-c", script]);
    format!("{{id: {id}, type: process, command: sh, args: {args}{settings}}}")
}

fn agents(agents: &[String]) -> String {
    format!("agents: [{}]\n", agents.join(", "))
}

fn listen(rig: &Rig) -> EventStream {
    rig.events.subscribe(Filter::default(), None).unwrap().into_stream(None, Vec::new())
}

/// Events since the last call, a line each.
fn told(events: &mut EventStream) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(frame) = events.next().now_or_never() {
        let event: Value = serde_json::from_slice(&frame.unwrap().json()).unwrap();
        let agent = [&event["agent"]["id"], &event["agent_id"]].into_iter().find_map(Value::as_str);
        let kind = event["type"].as_str().unwrap();
        told.extend(agent.map(|agent| format!("{kind} {agent}")));
    }
    told
}

fn status(rig: &Rig, id: &str) -> Option<Status> {
    rig.agents.get(id).map(|agent| agent.status)
}

async fn register(rig: &Rig, id: &str, endpoint: String) {
    let (name, kind, capabilities) = (id.to_owned(), Kind::Http, Vec::new());
    let registration = Registration { id: id.to_owned(), name, kind, capabilities, endpoint };
    rig.agents.register(registration).await.unwrap();
}

fn to(agent: &str) -> Job {
    let mut job = Job::new("x");
    job.work.agent = agent.into();
    job
}

async fn answer(rig: &Rig, agent: &str) -> String {
    soon(rig.agents.run(to(agent).work)).await.expect("an answer").text
}

async fn failure(rig: &Rig, agent: &str) -> String {
    match soon(rig.agents.run(to(agent).work)).await {
        Err(Fault::Failed(message)) => message,
        other => panic!("it has not failed: {other:?}"),
    }
}

#[tokio::test]
async fn agents_come_go_and_change() {
    let same = script("same", "echo same", "");
    let a = script("a", "echo one", "");
    let rig = Rig::start(&agents(&[a, script("gone", "echo", ""), same.clone()])).await;
    let mut events = listen(&rig);
    assert_eq!(answer(&rig, "a").await, "one");
    let before = rig.agents.get("same").unwrap();

    let a = script("a", "echo two", ", name: An agent");
    rig.reconfigure(&agents(&[script("new", "echo new", ""), a.clone(), same.clone()])).await;
    let expected = ["agent.unregistered gone", "agent.registered new", "agent.registered a"];
    assert_eq!(told(&mut events), expected);
    let listed: Vec<_> = rig.agents.list().into_iter().map(|agent| agent.id).collect();
    assert_eq!(listed[..3], ["new", "a", "same"]);
    assert_eq!(status(&rig, "new"), Some(Status::Online));
    assert_eq!(rig.agents.get("same").unwrap().last_seen, before.last_seen);
    assert_eq!((answer(&rig, "a").await, answer(&rig, "new").await), ("two".into(), "new".into()));
    assert_eq!(failure(&rig, "gone").await, "there is no agent `gone`");

    // Nothing that people see.
    let quick = script("a", "sleep 60", ", name: An agent, timeout: 1");
    rig.reconfigure(&agents(&[script("new", "echo new", ""), quick, same])).await;
    assert_eq!(told(&mut events), [""; 0]);
    assert!(failure(&rig, "a").await.contains("1 s"));
}

#[tokio::test]
async fn what_is_at_work_goes_on() {
    let waits = "while [ ! -e $GO ]; do sleep 0.02; done; echo one";
    let home = tempfile::tempdir().unwrap();
    let go = home.path().join("go");
    let env = format!(", env: {{GO: '{}'}}", go.display());
    let rig = Rig::start_in(home, &agents(&[script("a", waits, &env)])).await;
    let running = tokio::spawn(rig.agents.run(to("a").work));
    eventually(|| status(&rig, "a") == Some(Status::Busy)).await;

    rig.reconfigure(&agents(&[script("a", "echo two", "")])).await;
    assert_eq!(status(&rig, "a"), Some(Status::Busy));
    assert_eq!(answer(&rig, "a").await, "two");
    rig.reconfigure("").await;
    assert_eq!(status(&rig, "a"), None);

    std::fs::write(&go, "").unwrap();
    assert_eq!(soon(running).await.unwrap().unwrap().text, "one");
}

#[tokio::test]
async fn one_that_a_rule_names_is_listed_until_no_rule_does() {
    let rig = Rig::start("").await;
    let was_there = rig.agents.get("aider").is_some();
    let mut events = listen(&rig);
    rig.reconfigure("routing: {defaultAgent: aider}").await;
    assert!(rig.agents.get("aider").is_some());
    let expected = ["agent.registered aider"];
    assert_eq!(told(&mut events), if was_there { &[][..] } else { &expected });
    rig.reconfigure("").await;
    assert_eq!(rig.agents.get("aider").is_some(), was_there);
}

#[tokio::test]
async fn what_is_registered_stays_and_what_is_configured_comes_first() {
    let endpoint = always(Reply::new(200).bytes("registered").sized()).await;
    let rig = Rig::start("").await;
    for id in ["mine", "both"] {
        register(&rig, id, endpoint.base_url()).await;
    }
    let mut events = listen(&rig);
    rig.reconfigure(&agents(&[script("both", "echo configured", "")])).await;
    assert_eq!(told(&mut events), ["agent.registered both"]);
    assert_eq!(answer(&rig, "both").await, "configured");
    assert_eq!(answer(&rig, "mine").await, "registered");
    rig.reconfigure("tasks: {timeout: 5}").await;
    assert_eq!(told(&mut events), ["agent.registered both"]);
    assert_eq!(
        (status(&rig, "both"), status(&rig, "mine")),
        (Some(Status::Online), Some(Status::Online))
    );
    assert_eq!(answer(&rig, "both").await, "registered");
}

/// Not an address of this machine by itself, but one that leads to it.
fn elsewhere(endpoint: &Provider) -> String {
    format!("http://0.0.0.0:{}/", endpoint.addr().port())
}

#[tokio::test]
async fn endpoints_elsewhere_go_offline_when_they_are_not_allowed_any_more() {
    let endpoint = always(Reply::new(200).bytes("done").sized()).await;
    let rig = Rig::start("allow_remote_agents: true").await;
    register(&rig, "far", elsewhere(&endpoint)).await;
    register(&rig, "near", endpoint.base_url()).await;
    assert_eq!(answer(&rig, "far").await, "done");

    rig.reconfigure("").await;
    assert_eq!(
        (status(&rig, "far"), status(&rig, "near")),
        (Some(Status::Offline), Some(Status::Online))
    );
    let failure = failure(&rig, "far").await;
    assert!(failure.contains("set `allow_remote_agents` to allow it"), "{failure}");
    assert_eq!(endpoint.received().len(), 1);
    assert_eq!(answer(&rig, "near").await, "done");

    // Nor after a restart is it forgotten.
    let Rig { agents, home, .. } = rig;
    agents.stop().await;
    drop(agents);
    let rig = Rig::start_in(home, "").await;
    assert_eq!(status(&rig, "far"), Some(Status::Offline));
    rig.reconfigure("allow_remote_agents: true").await;
    assert_eq!(status(&rig, "far"), Some(Status::Online));
    assert_eq!(answer(&rig, "far").await, "done");
}

#[tokio::test]
async fn a_run_that_began_before_does_not_bring_one_back_that_is_not_allowed() {
    let gate = switchtower::demo::Gate::new();
    let held = gate.clone();
    let script = move |_| Reply::new(200).bytes("a").gate(&held).bytes("b").chunked();
    let endpoint = crate::support::provider(script).await;
    let rig = Rig::start("allow_remote_agents: true").await;
    register(&rig, "far", elsewhere(&endpoint)).await;
    let running = tokio::spawn(rig.agents.run(to("far").work));
    soon(endpoint.requested(1)).await;
    rig.reconfigure("").await;
    gate.open();
    assert_eq!(soon(running).await.unwrap().unwrap().text, "ab");
    assert_eq!(status(&rig, "far"), Some(Status::Offline));
}
