//! Other settings while tasks run and wait.

use super::*;

fn slots(slots: usize) -> Settings {
    Settings { slots, ..small() }
}

fn to(agent: &str, text: &str) -> Submission {
    Submission { target: Some(agent.into()), ..Submission::new(text) }
}

#[tokio::test(start_paused = true)]
async fn more_slots_are_taken_at_once_and_fewer_as_they_become_free() {
    let bench = Bench::start(slots(1)).await;
    let mut ids = Vec::new();
    for text in ["take 10", "take 100", "take 100", "Hello"] {
        ids.push(bench.submit(text).await);
    }
    bench.reaches(&ids[0], TaskStatus::Running).await;
    bench.tasks.apply(slots(3), routing());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*bench.crew.at_work.lock(), 3);
    bench.tasks.apply(slots(1), routing());
    bench.ends(&ids[0]).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(*bench.crew.at_work.lock(), 2, "they go on, and nobody begins");
    *bench.crew.most.lock() = 0;
    for id in &ids {
        assert_eq!(bench.ends(id).await.status, TaskStatus::Completed);
    }
    assert_eq!(*bench.crew.most.lock(), 1);
}

#[tokio::test(start_paused = true)]
async fn rules_count_for_the_next_task() {
    let bench = Bench::start(slots(1)).await;
    let ran = bench.submit("take 5").await;
    let waited = bench.submit("one for all").await;
    let rules = vec![rule("all", Strategy::Single("b".into()))];
    bench.tasks.apply(slots(1), Routing { default_agent: Some("c".into()), rules });
    let (next, other) = (bench.submit("two for all").await, bench.submit("Hello").await);
    for (id, agents) in [(ran, "a"), (waited, "a b c"), (next, "b"), (other, "c")] {
        let view = bench.ends(&id).await;
        assert_eq!(
            (view.status, view.assigned_agents.join(" ")),
            (TaskStatus::Completed, agents.into())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn other_bounds_count_for_what_comes_next() {
    let bench = Bench::start(Settings { queue: 1, ..slots(1) }).await;
    let long = "x".repeat(3000);
    let (ran, waits) = (bench.submit("take 5").await, bench.submit(&long).await);
    assert_eq!(bench.tasks.submit(Submission::new("Hello")).await, Err(SubmitError::Full));
    let more = Settings { queue: 2, output_limit: 5000, keep: 1, ..slots(1) };
    bench.tasks.apply(more, routing());
    let last = bench.submit("take 5").await;
    assert_eq!(bench.tasks.submit(Submission::new("Hello")).await, Err(SubmitError::Full));
    let view = bench.ends(&waits).await;
    assert_eq!(view.result, format!("a did: {long}"));
    bench.ends(&last).await;
    assert_eq!(bench.tasks.get(&ran).await, Ok(None));
}

/// Without a cap, the tasks that hang would have all slots.
#[tokio::test(start_paused = true)]
async fn one_that_hangs_leaves_slots_to_others() {
    let bench = Bench::start(Settings { caps: Caps::from([("a".into(), 1)]), ..small() }).await;
    let mut hang = Vec::new();
    for _ in 0..2 {
        hang.push(bench.tasks.submit(to("a", "hang")).await.unwrap().task_id);
    }
    for _ in 0..3 {
        let id = bench.tasks.submit(to("b", "take 2")).await.unwrap().task_id;
        assert_eq!(bench.ends(&id).await.status, TaskStatus::Completed);
    }
    assert_eq!(bench.get(&hang[0]).await.status, TaskStatus::Running);
    assert_eq!(bench.get(&hang[1]).await.status, TaskStatus::Assigned);
    bench.tasks.apply(small(), routing());
    bench.reaches(&hang[1], TaskStatus::Running).await;
}
