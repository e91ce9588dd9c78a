//! What a gateway has left that was killed.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Stdio;

use rusqlite::params;
use switchtower::mesh::database::Database;
use tokio::process::{Child, Command};

use super::{Rig, left};
use crate::support::{eventually, soon};

/// A program that a run of another gateway would have started.
fn stranded(task: Option<&str>) -> Child {
    let mut command = Command::new("sleep");
    command.arg("60").process_group(0).stdin(Stdio::null()).kill_on_drop(true);
    if let Some(task) = task {
        command.env("SWITCHTOWER_TASK_ID", task).env("SWITCHTOWER_AGENT_ID", "a");
    }
    command.spawn().unwrap()
}

fn started(child: &Child) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id().unwrap())).unwrap();
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_was_running_is_ended_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let tasks = [1, 2].map(|n| format!("task_left_{}_{n}", std::process::id()));
    let (mut marked, mut other_task) = (stranded(Some(&tasks[0])), stranded(Some(&tasks[1])));
    let (mut led, mut reused) = (stranded(None), stranded(None));
    let rows = [
        (tasks[0].clone(), None, None),
        ("task_led".to_owned(), led.id(), Some(started(&led))),
        ("task_reused".to_owned(), reused.id(), Some(started(&reused) + 1)),
    ];
    let database = Database::new(home.path());
    let insert = "INSERT INTO agent_runs (task, agent, leader, started) VALUES (?1, 'a', ?2, ?3)";
    database
        .call(move |connection| {
            for (task, leader, started) in rows {
                let started = started.map(u64::cast_signed);
                connection.execute(insert, params![task, leader, started])?;
            }
            Ok(())
        })
        .await
        .unwrap();
    drop(database);

    let rig = Rig::start_in(home, "{}").await;
    assert!(!soon(marked.wait()).await.unwrap().success());
    assert!(!soon(led.wait()).await.unwrap().success());
    assert_eq!(other_task.try_wait().unwrap(), None, "a task of another gateway");
    assert_eq!(reused.try_wait().unwrap(), None, "somebody else has the number now");
    eventually(|| left(&tasks[0]).is_empty()).await;
    assert_eq!(left(&tasks[1]).len(), 1);
    assert_eq!(recorded(rig).await, 0);
}

#[tokio::test]
async fn a_run_is_written_down_as_long_as_it_is_on() {
    let rig = Rig::script("exit 0", "").await;
    rig.answer("").await;
    assert_eq!(recorded(rig).await, 0);
}

async fn recorded(rig: Rig) -> u32 {
    rig.agents.stop().await;
    let Rig { agents, home, .. } = rig;
    drop(agents);
    let path = home.path().join("mesh.sqlite");
    assert!(path.exists());
    let count = || -> rusqlite::Result<u32> {
        let connection = rusqlite::Connection::open(&path)?;
        connection.query_row("SELECT count(*) FROM agent_runs", [], |row| row.get(0))
    };
    // The watch may hold on to the database for a moment.
    let mut found = None;
    eventually(|| {
        found = count().ok();
        found.is_some()
    })
    .await;
    found.unwrap()
}
