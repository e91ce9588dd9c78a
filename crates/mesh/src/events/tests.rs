use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::*;
use crate::tasks::{TaskStatus, TaskView};

fn custom(n: u64) -> Event {
    Event::Custom { r#type: "n".into(), data: json!(n) }
}

fn progress(text: &str) -> Event {
    let (task_id, agent_id) = ("t".into(), "a".into());
    let stream = crate::tasks::Stream::Stdout;
    Event::TaskProgress { task_id, agent_id, stream, text: text.into() }
}

fn everything(events: &Events) -> EventStream {
    events.subscribe(Filter::default(), None).unwrap().into_stream(None, Vec::new())
}

fn resumed(events: &Events, last: &str) -> EventStream {
    events.subscribe(Filter::default(), Some(last)).unwrap().into_stream(None, Vec::new())
}

fn json_of(frame: &Frame) -> Value {
    serde_json::from_slice(&frame.json()).unwrap()
}

async fn next(stream: &mut EventStream) -> Value {
    json_of(&stream.next().await.unwrap())
}

/// Past what each stream begins with.
async fn opened(mut stream: EventStream) -> EventStream {
    assert_eq!(next(&mut stream).await["type"], "connected");
    assert_eq!(next(&mut stream).await["type"], "welcome");
    stream
}

#[tokio::test]
async fn a_stream_begins_with_how_things_stand() {
    let events = Events::new();
    let filter = Filter { task: Some("t".into()), space: None };
    let subscription = events.subscribe(filter, None).unwrap();
    events.publish(&progress("hi"), Some("t"), None);
    events.publish(&custom(1), None, None);
    let task = TaskView {
        id: "t".into(),
        status: TaskStatus::Running,
        assigned_agents: vec!["a".into()],
        result: Value::Null,
        error: None,
        task: String::new(),
        r#type: None,
        source: None,
        correlation_id: None,
        space_id: None,
        cwd: None,
        created_at: 1,
        updated_at: 2,
    };
    let mut stream = subscription.into_stream(Some(task), Vec::new());
    let connected = stream.next().await.unwrap();
    assert!(connected.sse().starts_with(b"data: {"), "no number");
    let connected = json_of(&connected);
    assert!(connected["client_id"].as_str().unwrap().starts_with("client_"));
    assert!(connected.get("resumed").is_none() && connected["timestamp"].is_u64());
    let status = next(&mut stream).await;
    assert_eq!(
        (&status["type"], &status["task_id"], &status["task"]["status"]),
        (&json!("task_status"), &json!("t"), &json!("running"))
    );
    assert_eq!(next(&mut stream).await["agents"], json!([]));
    let heard = stream.next().await.unwrap();
    let (sse, heard) = (heard.sse(), json_of(&heard));
    assert_eq!((&heard["type"], &heard["text"]), (&json!("task.progress"), &json!("hi")));
    assert!(sse.starts_with(format!("id: {}\ndata: {{", heard["id"]).as_bytes()));
    assert!(sse.ends_with(b"}\n\n"));
}

#[tokio::test]
async fn texts_cannot_break_out_of_their_event() {
    let events = Events::new();
    let mut stream = opened(everything(&events)).await;
    let text = "a\n\ndata: b\r\n\u{2028}id: 1\n\n";
    events.publish(&progress(text), None, None);
    let frame = stream.next().await.unwrap();
    assert_eq!(json_of(&frame)["text"], text);
    let lines = frame.sse().iter().filter(|&&byte| byte == b'\n' || byte == b'\r').count();
    assert_eq!(lines, 3);
}

#[test]
fn all_built_in_types_are_known() {
    let agent = || crate::agents::Summary {
        id: "a".into(),
        name: "A".into(),
        r#type: crate::agents::Kind::Http,
        capabilities: Vec::new(),
        status: crate::agents::Status::Online,
        last_seen: None,
    };
    let task_id = || "t".to_owned();
    let task = TaskView {
        id: task_id(),
        status: TaskStatus::Failed,
        assigned_agents: Vec::new(),
        result: Value::Null,
        error: None,
        task: String::new(),
        r#type: None,
        source: None,
        correlation_id: None,
        space_id: None,
        cwd: None,
        created_at: 0,
        updated_at: 0,
    };
    let error = crate::tasks::TaskError { code: "c".into(), message: "m".into() };
    let all = [
        Event::Connected { client_id: "c".into(), resumed: None },
        Event::TaskStatus { task_id: task_id(), task: Box::new(task) },
        Event::Welcome { agents: vec![agent()] },
        Event::AgentRegistered { agent: agent() },
        Event::AgentUnregistered { agent_id: "a".into() },
        Event::TaskSubmitted { task_id: task_id(), source: None, space_id: None },
        Event::TaskAssigned { task_id: task_id(), agents: Vec::new(), reason: "r".into() },
        Event::TaskStarted { task_id: task_id(), agent_id: "a".into() },
        progress(""),
        Event::TaskCompleted { task_id: task_id(), result: Value::Null },
        Event::TaskFailed { task_id: task_id(), error },
        Event::TaskCancelled { task_id: task_id() },
        Event::ContextUpdated { space_id: "s".into(), message_id: None, artifact: None },
        Event::Heartbeat {},
    ];
    let types = all.map(|event| json_of(&Frame::passing(&event))["type"].clone());
    assert_eq!(types.to_vec(), Event::BUILT_IN.map(Value::from).to_vec());
}

#[tokio::test]
async fn who_comes_back_hears_what_it_missed() {
    let events = Events::new();
    let mut stream = opened(everything(&events)).await;
    events.publish(&custom(1), None, None);
    let last = next(&mut stream).await["id"].to_string();
    drop(stream);
    events.publish(&custom(2), None, None);
    let mut stream = resumed(&events, &last);
    events.publish(&custom(3), None, None);
    assert_eq!(next(&mut stream).await["resumed"], true);
    assert_eq!(next(&mut stream).await["type"], "welcome");
    assert_eq!(next(&mut stream).await["data"], 2);
    assert_eq!(next(&mut stream).await["data"], 3);
    for last in ["", "x", "-1", "0", "99999999999999999999", "18446744073709551615"] {
        assert_eq!(next(&mut resumed(&events, last)).await["resumed"], false, "{last:?}");
    }
    let numbers = last.parse::<u64>().unwrap();
    assert!(numbers < 1 << 53, "JavaScript can hold it");
    assert!(
        numbers > switchtower_platform::clock::now() * 999,
        "more than an earlier process gave"
    );
}

/// Each event is heard once and in order, whenever somebody comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_between_log_and_live() {
    const COUNT: u64 = 900;
    let events = Events::new();
    let first = events.0.hub.lock().log.next_id().to_string();
    let publisher = tokio::spawn({
        let events = events.clone();
        async move {
            for n in 0..COUNT {
                events.publish(&custom(n), None, None);
                if n % 16 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    let mut listeners = Vec::new();
    for _ in 0..50 {
        let mut stream = opened(resumed(&events, &first)).await;
        listeners.push(tokio::spawn(async move {
            for n in 0..COUNT {
                assert_eq!(next(&mut stream).await["data"], n);
            }
        }));
        tokio::task::yield_now().await;
    }
    publisher.await.unwrap();
    for listener in listeners {
        listener.await.unwrap();
    }
}

#[tokio::test]
async fn a_slow_listener_is_dropped_and_the_others_go_on() {
    for (event, least) in [(progress("x"), 1000), (progress(&"x".repeat(100_000)), 40)] {
        let events = Events::new();
        let mut slow = opened(everything(&events)).await;
        let mut quick = opened(everything(&events)).await;
        let mut published = 0;
        while events.publish(&event, None, None) == 2 {
            published += 1;
            next(&mut quick).await;
            assert!(published <= 1024, "it is never dropped");
        }
        assert!(published >= least, "dropped after {published}");
        assert_eq!(next(&mut quick).await["type"], "task.progress");
        assert_eq!(slow.next().await.unwrap_err(), End::Overrun);
        assert_eq!(events.publish(&event, None, None), 1);
        assert_eq!(events.0.hub.lock().listeners.len(), 1, "its place is free");
    }
}

#[tokio::test]
async fn one_large_event_is_heard() {
    let events = Events::new();
    let mut stream = opened(everything(&events)).await;
    let text = "x".repeat(9 << 20);
    assert_eq!(events.publish(&progress(&text), None, None), 1);
    assert_eq!(next(&mut stream).await["text"], text);
}

#[tokio::test]
async fn there_are_so_many_places_and_no_more() {
    let events = Events::new();
    let take = || events.subscribe(Filter::default(), None);
    let mut taken: Vec<_> = std::iter::from_fn(take).collect();
    assert_eq!(taken.len(), MAX_STREAMS);
    taken.pop();
    assert!(take().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_heart_beats_whatever_else_happens() {
    let events = Events::new();
    let mut stream = opened(everything(&events)).await;
    let start = Instant::now();
    for beat in 1..=3 {
        let chatty = async {
            loop {
                let event = next(&mut stream).await;
                if event["type"] == "heartbeat" {
                    break event;
                }
                tokio::time::sleep(Duration::from_millis(900)).await;
                events.publish(&custom(1), None, None);
            }
        };
        events.publish(&custom(0), None, None);
        let event = timeout(Duration::from_secs(40), chatty).await.unwrap();
        assert!(event.get("id").is_none() && event["timestamp"].is_u64());
        let due = Duration::from_secs(30 * beat);
        assert!(start.elapsed() >= due && start.elapsed() < due + Duration::from_secs(3));
    }
}

#[tokio::test]
async fn closing_ends_all_streams() {
    let events = Events::new();
    let mut stream = opened(everything(&events)).await;
    let waiting = tokio::spawn(async move {
        let last = next(&mut stream).await;
        (last["data"].clone(), stream.next().await.unwrap_err())
    });
    tokio::task::yield_now().await;
    events.publish(&custom(1), None, None);
    events.close();
    assert_eq!(waiting.await.unwrap(), (json!(1), End::Closed));
    events.left().await;
    let mut late = opened(everything(&events)).await;
    assert_eq!(late.next().await.unwrap_err(), End::Closed);
    assert_eq!(events.publish(&custom(2), None, None), 0);
}
