//! How tasks go and end.

use serde_json::json;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_task_is_done() {
    let bench = Bench::start(small()).await;
    let accepted = bench.tasks.submit(Submission::new("Hello")).await.unwrap();
    assert_eq!((accepted.agents, accepted.reason.as_str()), (vec!["a".to_owned()], "online"));
    let id = accepted.task_id;
    assert!(id.len() == 37 && id.starts_with("task_"), "{id}");
    let view = bench.ends(&id).await;
    assert_eq!((view.status, view.result), (TaskStatus::Completed, json!("a did: Hello")));
    assert_eq!((view.assigned_agents, view.task), (vec!["a".to_owned()], "Hello".to_owned()));
    assert!(view.error.is_none() && view.updated_at >= view.created_at);
    let events =
        ["task.submitted", "task.assigned", "task.started", "task.progress", "task.completed"];
    assert_eq!(bench.told()[&id], events);
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_is_said() {
    let bench = Bench::start(small()).await;
    for (text, message) in
        [("fail", "exit status 3"), ("panic", "the gateway has a fault: running `a` broke")]
    {
        let id = bench.submit(text).await;
        let view = bench.ends(&id).await;
        assert_eq!((view.status, view.result), (TaskStatus::Failed, json!(null)));
        assert_eq!(view.error, Some(TaskError::new(message)));
        assert_eq!(bench.told()[&id].last().unwrap(), "task.failed");
    }
    let after = bench.submit("Hello").await;
    assert_eq!(bench.ends(&after).await.status, TaskStatus::Completed, "the slot is free again");
}

#[tokio::test(start_paused = true)]
async fn a_long_answer_is_cut() {
    let bench = Bench::start(small()).await;
    let id = bench.submit(&"x".repeat(2000)).await;
    let view = bench.ends(&id).await;
    let result = view.result.as_str().unwrap();
    assert!(result.len() < 1200 && result.ends_with("bytes are left out]"), "{result}");
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_has_a_result_per_agent() {
    let bench = Bench::start(small()).await;
    let id = bench.submit("only b of all").await;
    let view = bench.ends(&id).await;
    let failed = json!({"error": {"code": "TASK_FAILED", "message": "not me"}});
    assert_eq!(view.status, TaskStatus::Completed);
    assert_eq!(view.result, json!({"a": failed, "b": "b did: only b of all", "c": failed}));
    let id = bench.submit("fail all").await;
    let view = bench.ends(&id).await;
    let message = "a: exit status 3\nb: exit status 3\nc: exit status 3";
    assert_eq!(view.error, Some(TaskError::new(message)));
    assert_eq!(bench.told()[&id].iter().filter(|kind| *kind == "task.started").count(), 3);
    assert_eq!(bench.told()[&id].last().unwrap(), "task.failed");
}

#[tokio::test(start_paused = true)]
async fn slots_are_given_in_order_and_never_more() {
    let many = Settings { queue: 100, ..small() };
    let bench = Bench::start(many).await;
    let mut ids = Vec::new();
    for nth in 0..20 {
        ids.push(bench.submit(&format!("take {} {nth}", 1 + nth % 3)).await);
    }
    for id in &ids {
        assert_eq!(bench.ends(id).await.status, TaskStatus::Completed);
    }
    assert_eq!(*bench.crew.most.lock(), 2);
    let begun = bench.crew.begun.lock();
    let order: Vec<usize> =
        begun.iter().map(|text| text.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    for (at, nth) in order.iter().enumerate() {
        assert!(at.abs_diff(*nth) <= 1, "two begin at a time: {order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_are_refused() {
    let bench = Bench::start(small()).await;
    let mut ids = Vec::new();
    for nth in 0..5 {
        ids.push(bench.submit(&format!("hang {nth}")).await);
    }
    let refused = bench.tasks.submit(Submission::new("Hello")).await;
    assert_eq!(refused, Err(SubmitError::Full));
    bench.tasks.cancel(&ids[4]).await.unwrap();
    let id = bench.submit("take its place").await;
    bench.reaches(&ids[0], TaskStatus::Running).await;
    bench.tasks.cancel(&ids[0]).await.unwrap();
    bench.reaches(&ids[2], TaskStatus::Running).await;
    for id in &ids[1..4] {
        bench.tasks.cancel(id).await.unwrap();
    }
    assert_eq!(bench.ends(&id).await.status, TaskStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn nobody_and_nowhere_are_refused() {
    let bench = Bench::start(small()).await;
    let to = |target: &str| Submission { target: Some(target.into()), ..Submission::new("Hello") };
    let unknown = bench.tasks.submit(to("nobody")).await;
    assert_eq!(unknown, Err(SubmitError::NoAgent(NoAgent::Unknown("nobody".into()))));
    let space = Some("space_0".to_owned());
    let nowhere = bench.tasks.submit(Submission { space, ..Submission::new("Hello") }).await;
    assert_eq!(nowhere, Err(SubmitError::NoSpace("space_0".into())));
    assert!(bench.tasks.list(Page { limit: 9, ..Page::default() }).await.unwrap().is_empty());
    assert!(bench.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_at_once_and_the_slot_is_free_when_the_agent_has_ended() {
    let one = Settings { slots: 1, ..small() };
    let bench = Bench::start(one).await;
    let (hangs, waits) = (bench.submit("hang").await, bench.submit("Hello").await);
    bench.reaches(&hangs, TaskStatus::Running).await;
    let view = bench.tasks.cancel(&hangs).await.unwrap();
    assert_eq!(view.status, TaskStatus::Cancelled);
    assert_eq!(bench.tasks.cancel(&hangs).await, Ok(view.clone()), "again");
    sleep(GRACE / 2).await;
    assert_eq!(*bench.crew.at_work.lock(), 1);
    assert_eq!(bench.get(&waits).await.status, TaskStatus::Assigned);
    let done = bench.ends(&waits).await;
    assert_eq!(bench.get(&hangs).await, view, "what comes late is ignored");
    assert_eq!(bench.told()[&hangs].last().unwrap(), "task.cancelled");
    let ended = bench.tasks.cancel(&waits).await;
    assert_eq!(ended, Err(CancelError::Ended(TaskStatus::Completed)));
    assert_eq!(bench.get(&waits).await, done);
    assert_eq!(bench.tasks.cancel("task_0").await, Err(CancelError::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_cancelled_as_a_whole() {
    let bench = Bench::start(small()).await;
    let id = bench.submit("hang all").await;
    bench.reaches(&id, TaskStatus::Running).await;
    bench.tasks.cancel(&id).await.unwrap();
    let after = bench.submit("Hello").await;
    bench.ends(&after).await;
    // After less, they would end at the very instant at which this looks.
    sleep(2 * GRACE).await;
    assert_eq!(*bench.crew.at_work.lock(), 0);
    let begun = bench.crew.begun.lock().clone();
    assert_eq!(begun, ["hang all", "hang all", "Hello"], "the third agent never began");
}

#[tokio::test(start_paused = true)]
async fn what_a_task_asks_for_reaches_the_agent() {
    let bench = Bench::start(small()).await;
    let quiet = Submission {
        stream: false,
        timeout: Some(Duration::from_millis(1500)),
        files: vec!["a.rs".into()],
        ..Submission::new("Look")
    };
    let id = bench.tasks.submit(quiet).await.unwrap().task_id;
    let view = bench.ends(&id).await;
    assert_eq!(view.result, json!("a did: Look\n\nFiles:\n- a.rs"));
    assert_eq!(*bench.crew.timeouts.lock(), [Some(Duration::from_millis(1500))]);
    assert!(!bench.told()[&id].contains(&"task.progress".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn only_so_many_finished_ones_are_kept() {
    let few = Settings { keep: 3, ..small() };
    let bench = Bench::start(few).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let id = bench.submit("Hello").await;
        bench.ends(&id).await;
        ids.push(id);
    }
    let listed = bench.tasks.list(Page { limit: 9, ..Page::default() }).await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|view| view.id).collect();
    assert_eq!(listed, [&*ids[4], &ids[3], &ids[2]]);
    assert_eq!(bench.tasks.get(&ids[0]).await, Ok(None));
}

/// Many at once: all end as they should, with their events in order, and none stays running.
#[tokio::test(start_paused = true)]
async fn a_burst_ends_well() {
    let many = Settings { slots: 4, queue: 200, ..small() };
    let bench = Arc::new(Bench::start(Settings { keep: 500, ..many }).await);
    let script = ["Hello", "fail", "hang", "panic", "take 2", "only a of all"];
    let mut submits = tokio::task::JoinSet::new();
    for nth in 0..100 {
        let (bench, text) = (bench.clone(), script[nth % script.len()]);
        submits.spawn(async move { (bench.submit(text).await, text) });
    }
    let tasks = submits.join_all().await;
    for (id, _) in tasks.iter().filter(|(_, text)| *text == "hang") {
        bench.tasks.cancel(id).await.unwrap();
    }
    for (id, text) in &tasks {
        let status = match *text {
            "fail" | "panic" => TaskStatus::Failed,
            "hang" => TaskStatus::Cancelled,
            _ => TaskStatus::Completed,
        };
        assert_eq!(bench.ends(id).await.status, status, "{text}");
    }
    sleep(GRACE * 2).await;
    assert_eq!(*bench.crew.at_work.lock(), 0);
    assert_eq!(*bench.crew.most.lock(), 4);
    let order =
        ["task.submitted", "task.assigned", "task.started", "task.progress", "task.completed"];
    for events in bench.told().into_values() {
        let at = |kind: &String| order.iter().position(|known| known == kind).unwrap_or(4);
        let (last, before) = events.split_last().unwrap();
        assert_eq!(at(last), 4, "{events:?}");
        assert!(before.iter().all(|kind| at(kind) < 4), "one end: {events:?}");
        assert!(before.iter().take(2).map(at).eq([0, 1]), "{events:?}");
    }
}
