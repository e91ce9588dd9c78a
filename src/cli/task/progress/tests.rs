use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;

/// Answers as they are, all else in brackets on a line of its own.
fn shown(pieces: &[Piece]) -> String {
    let show = |piece: &Piece| match piece {
        Piece::Answer(text) => text.clone(),
        Piece::Aside(text) => format!("<aside {text:?}>\n"),
        Piece::Note(text) => format!("<note {text}>\n"),
        Piece::Step(text) => format!("<step {text}>\n"),
    };
    pieces.iter().map(show).collect::<String>().replace('\u{1b}', "ESC")
}

/// What is shown of these events, and of a task that has ended with this result.
fn story(streams: bool, events: &[Value], result: &Value) -> String {
    let mut progress = Progress::new(streams);
    let mut pieces: Vec<_> = events.iter().flat_map(|event| progress.event(event)).collect();
    let task = json!({"id": "t", "status": "completed", "result": result, "error": null,
        "assigned_agents": ["a"], "created_at": 0, "updated_at": 0});
    pieces.push(Piece::Note("the end".to_owned()));
    pieces.extend(progress.end(&serde_json::from_value(task).unwrap()));
    shown(&pieces)
}

fn assigned(agents: &[&str]) -> Value {
    json!({"type": "task.assigned", "agents": agents, "reason": "default"})
}

fn said(agent: &str, text: &str) -> Value {
    json!({"type": "task.progress", "agent_id": agent, "stream": "stdout", "text": text})
}

#[test]
fn what_was_streamed_is_not_shown_again() {
    let events = [
        assigned(&["a"]),
        json!({"type": "task.started", "agent_id": "a"}),
        said("a", "one\ntw\u{1b}[3"),
        json!({"type": "task.progress", "agent_id": "a", "stream": "stderr", "text": "hm\u{7}\n"}),
        said("a", "1mo"),
    ];
    let result = json!("one\ntw\u{1b}[31mo\n");
    assert_snapshot!(story(true, &events, &result), @r#"
    <note given to a by default>
    <step a is at work>
    one
    tw<aside "hm\n">
    o<note the end>
    "#);
    assert_snapshot!(story(false, &events, &result), @r#"
    <note given to a by default>
    <step a is at work>
    <aside "hm\n">
    <note the end>
    one
    twESC[31mo
    "#);
}

#[test]
fn what_was_missed_is() {
    assert_snapshot!(story(true, &[said("a", "the beg")], &json!("the beginning\nthe end")), @r"
    the beg<note the end>
    inning
    the end
    ");
    assert_snapshot!(story(true, &[said("a", "the end\n")], &json!("the beginning\nthe end")), @r"
    the end
    <note the end>
    <note the whole answer of a:>
    the beginning
    the end
    ");
    assert_snapshot!(story(true, &[], &json!("all of it")), @r"
    <note the end>
    all of it
    ");
    assert_snapshot!(story(true, &[], &Value::Null), @"<note the end>");
    // The gateway keeps a part of what was streamed.
    assert_snapshot!(story(true, &[said("a", "a long answer")], &json!("a […] er")), @"a long answer<note the end>");
}

#[test]
fn several_agents_are_told_apart() {
    let events = [assigned(&["a", "b"]), said("a", "one"), said("a", " two"), said("b", "three\n")];
    let result = json!({"a": "one two", "b": "three\nfour"});
    assert_snapshot!(story(true, &events, &result), @r"
    <note given to a, b by default>
    [a]
    one two
    [b]
    three
    <note the end>
    four
    ");
    assert_snapshot!(story(false, &events, &result), @r"
    <note given to a, b by default>
    <note the end>
    [a]
    one two

    [b]
    three
    four
    ");
}

#[test]
fn the_state_says_who_is_at_work() {
    let mut progress = Progress::new(true);
    assert_eq!(progress.state(), "waiting for an agent");
    let task = json!({"status": "assigned", "assigned_agents": ["a", "b"]});
    let status = json!({"type": "task_status", "task": task});
    assert_eq!(shown(&progress.event(&status)), "<note given to a, b>\n");
    assert_eq!(progress.state(), "waiting for a, b");
    assert!(progress.event(&status).is_empty(), "it is said once");
    progress.event(&json!({"type": "task.started", "agent_id": "b"}));
    assert_eq!(progress.state(), "b at work");
    let status = json!({"type": "task_status", "task": {"status": "running", "assigned_agents": ["a", "b"]}});
    progress.event(&status);
    assert_eq!(progress.state(), "a, b at work");
    progress.event(&json!({"type": "task.started", "agent_id": "b"}));
    assert_eq!(progress.state(), "a, b at work");
}

#[test]
fn what_is_unknown_is_not_shown() {
    let mut progress = Progress::new(true);
    for event in [json!({"type": "heartbeat"}), json!({}), json!(7), json!({"type": "task.new"})] {
        assert!(progress.event(&event).is_empty(), "{event}");
    }
}
