//! Stops, ends, and starts.

use serde_json::json;
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_stop_fails_what_runs_and_leaves_what_waits() {
    let bench = Bench::start(small()).await;
    let mut ids = Vec::new();
    for text in ["hang", "hang all", "Hello"] {
        ids.push(bench.submit(text).await);
    }
    bench.reaches(&ids[1], TaskStatus::Running).await;
    bench.tasks.stop().await;
    assert_eq!(*bench.crew.at_work.lock(), 0, "it waits for them");
    for id in &ids[..2] {
        let view = bench.get(id).await;
        assert_eq!(view.error, Some(TaskError::new("the gateway stopped")));
        assert_eq!(bench.told()[id].last().unwrap(), "task.failed");
    }
    assert_eq!(bench.get(&ids[2]).await.status, TaskStatus::Assigned);
    let refused = bench.tasks.submit(Submission::new("Hello")).await;
    assert_eq!(refused, Err(SubmitError::Stopping));
    bench.tasks.stop().await;

    let Bench { data, tasks, .. } = bench;
    drop(tasks);
    let again = Bench::start_in(data, small()).await;
    let view = again.ends(&ids[2]).await;
    assert_eq!(view.result, json!("a did: Hello"));
    assert_eq!(again.told()[&ids[2]].first().unwrap(), "task.started");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_ever() {
    let bench = Bench::start(small()).await;
    let id = bench.submit("never").await;
    bench.reaches(&id, TaskStatus::Running).await;
    let started = Instant::now();
    bench.tasks.stop().await;
    assert!(started.elapsed() < Duration::from_secs(6));
    assert_eq!(*bench.crew.at_work.lock(), 0);
}

#[tokio::test(start_paused = true)]
async fn agents_end_with_the_last_handle() {
    let bench = Bench::start(small()).await;
    let id = bench.submit("never").await;
    bench.reaches(&id, TaskStatus::Running).await;
    drop(bench.tasks);
    for _ in 0..100 {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(*bench.crew.at_work.lock(), 0);
}

/// What a process leaves that was killed: one that ran, one that waited, one that was only just
/// accepted, and one that had ended.
#[tokio::test(start_paused = true)]
async fn a_kill_loses_nothing() {
    let one = || Settings { slots: 1, ..small() };
    let bench = Bench::start(one()).await;
    let ended = bench.submit("Hello").await;
    let view = bench.ends(&ended).await;
    let (ran, waited) = (bench.submit("never").await, bench.submit("take 1 second").await);
    let pending = bench.submit("take 1 more").await;
    bench.reaches(&ran, TaskStatus::Running).await;
    let Bench { data, tasks, .. } = bench;
    drop(tasks);
    tokio::task::yield_now().await;
    let connection = loop {
        match rusqlite::Connection::open(data.path().join("mesh.sqlite")) {
            Ok(connection) => break connection,
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    };
    let accepted = "UPDATE tasks SET status = 'pending' WHERE id = ?1";
    while connection.execute(accepted, [&pending]).is_err() {
        sleep(Duration::from_millis(10)).await;
    }
    drop(connection);

    let again = Bench::start_in(data, one()).await;
    assert_eq!(again.get(&ended).await, view);
    let failed = again.get(&ran).await;
    assert_eq!(failed.error, Some(TaskError::new("the gateway stopped while it ran")));
    assert_eq!(again.ends(&pending).await.status, TaskStatus::Completed);
    assert_eq!(again.get(&waited).await.status, TaskStatus::Completed);
    let told = again.told();
    assert_eq!(told[&ran], ["task.failed"]);
    assert_eq!(told[&pending].first().unwrap(), "task.assigned");
    assert_eq!(*again.crew.begun.lock(), ["take 1 second", "take 1 more"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_on_disk_until_it_is_needed() {
    let bench = Bench::start(small()).await;
    assert_eq!(bench.tasks.get("task_0").await, Ok(None));
    assert_eq!(bench.tasks.cancel("task_0").await, Err(CancelError::Unknown));
    bench.tasks.stop().await;
    assert_eq!(std::fs::read_dir(bench.data.path()).unwrap().count(), 0);
}

/// The database that does not work for a while.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_is_tried_again() {
    let bench = Bench::start(small()).await;
    let id = bench.submit("take 5").await;
    bench.reaches(&id, TaskStatus::Running).await;
    let database = bench.tasks.scheduler.journal.database();
    let refuse =
        "CREATE TRIGGER refuse BEFORE UPDATE ON tasks BEGIN SELECT RAISE(ABORT, 'no'); END";
    database.call(|connection| connection.execute_batch(refuse)).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.get(&id).await.status, TaskStatus::Running);
    assert!(!bench.told()[&id].contains(&"task.completed".to_owned()), "what is told is written");
    database.call(|connection| connection.execute_batch("DROP TRIGGER refuse")).await.unwrap();
    assert_eq!(bench.ends(&id).await.status, TaskStatus::Completed);
}
