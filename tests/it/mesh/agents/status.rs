//! The status of agents.

use switchtower::config::{Config, Env};
use switchtower::mesh::agents::{Agents, Status};
use switchtower::mesh::database::Database;
use switchtower::mesh::events::Events;
use tokio::net::TcpListener;

use super::Rig;
use crate::support::eventually;

fn status(rig: &Rig, id: &str) -> Option<Status> {
    rig.agents.get(id).map(|agent| agent.status)
}

#[tokio::test]
async fn a_well_known_program_has_to_tell_its_version() {
    let rig = Rig::start(
        "agents: [{id: good, type: claude-code, command: 'true'}, \
         {id: bad, type: codex, command: 'false'}, {id: none, type: openclaw, command: /no/such}, \
         {id: any, type: process, command: 'false'}]",
    )
    .await;
    assert_eq!(status(&rig, "none"), Some(Status::Offline));
    eventually(|| status(&rig, "bad") == Some(Status::Offline)).await;
    assert_eq!(status(&rig, "good"), Some(Status::Online));
    assert_eq!(status(&rig, "any"), Some(Status::Online), "nobody knows its options");
    assert!(rig.agents.get("good").unwrap().last_seen.is_some());
    assert_eq!(rig.agents.get("none").unwrap().last_seen, None);
}

#[tokio::test]
async fn a_configured_endpoint_is_known_from_the_start() {
    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (here_port, gone_port) =
        (here.local_addr().unwrap().port(), gone.local_addr().unwrap().port());
    drop(gone);
    let rig = Rig::start(&format!(
        "agents: [{{id: here, type: http, endpoint: 'http://127.0.0.1:{here_port}'}}, \
         {{id: gone, type: http, endpoint: 'http://127.0.0.1:{gone_port}'}}]"
    ))
    .await;
    assert_eq!(status(&rig, "here"), Some(Status::Online));
    assert_eq!(status(&rig, "gone"), Some(Status::Offline));
}

#[tokio::test]
async fn one_that_is_named_is_listed_though_it_is_not_there() {
    let installed = |id: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(id).exists())
    };
    let rig = Rig::start("routing: {defaultAgent: aider}").await;
    assert!(rig.agents.get("aider").is_some());
    assert_eq!(rig.agents.get("openclaw").is_some(), installed("openclaw"));
}

#[tokio::test]
async fn after_a_failure_it_is_looked_at_again() {
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("tool");
    std::os::unix::fs::symlink("/bin/false", &program).unwrap();
    let yaml = format!("agents: [{{id: a, type: process, command: '{}'}}]", program.display());
    let rig = Rig::start_in(home, &yaml).await;
    assert_eq!(status(&rig, "a"), Some(Status::Online));
    std::fs::remove_file(&program).unwrap();
    rig.failure("").await;
    eventually(|| status(&rig, "a") == Some(Status::Offline)).await;
    assert!(rig.home.path().exists());
}

#[tokio::test]
async fn the_start_does_not_touch_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let config = Config::from_yaml("test.yaml", "", &Env::empty()).unwrap();
    let database = Database::new(&home.path().join("data"));
    let agents = Agents::new(&config.into(), database, Events::new());
    agents.start().await;
    agents.stop().await;
    assert!(!home.path().join("data").exists());
}
