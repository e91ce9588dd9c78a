//! `switchtower events`.

use super::args::EventsArgs;
use super::client::{self, Client, Event, follow, query};
use super::output::{Failure, clock, complain, line, start, tell};

/// How much of a text is shown.
const COLUMNS: usize = 80;

/// Prints events until stdout is closed. Ctrl-C ends it as it ends `tail -f`: by the signal.
pub(super) fn run(args: &EventsArgs) -> Result<(), Failure> {
    let fields = [("taskId", args.task.clone()), ("spaceId", args.space.clone())];
    let path = format!("/events{}", query(fields));
    client::run(async {
        let client = Client::new(&args.show.gateway)?;
        let mut events = follow(client, path, "");
        // One that was never there is an error, one that went away is waited for.
        let (mut met, mut lost) = (false, false);
        while let Some(event) = events.recv().await {
            match event {
                Ok(event) => {
                    (met, lost) = (true, false);
                    let shown =
                        if args.show.json { Some(event.to_string()) } else { shown(&event) };
                    if let Some(shown) = shown
                        && !tell(&format!("{shown}\n"))?
                    {
                        break;
                    }
                }
                Err(error) if !met || error.is_final() => return Err(error.into()),
                Err(error) => {
                    if !std::mem::replace(&mut lost, true) {
                        complain(&format!("{error}\nwaiting for it to come back"));
                    }
                }
            }
        }
        Ok(())
    })
}

/// One line; none for those that only keep the connection open.
fn shown(event: &Event) -> Option<String> {
    let text = |field: &str| event[field].as_str().unwrap_or_default();
    let named = |field: &str| line(text(field));
    let list = |value: &Event| {
        let items = value.as_array().into_iter().flatten().filter_map(|item| item.as_str());
        line(&items.collect::<Vec<_>>().join(", "))
    };
    let task = named("task_id");
    let what = match text("type") {
        "heartbeat" => return None,
        "connected" if event["resumed"] == false => "some events were missed".to_owned(),
        "connected" => named("client_id"),
        "task_status" => format!("{task} is {}", line(event["task"]["status"].as_str()?)),
        "welcome" => {
            let agents = event["agents"].as_array().map_or(0, Vec::len);
            format!("{agents} {}", if agents == 1 { "agent" } else { "agents" })
        }
        "agent.registered" => line(event["agent"]["id"].as_str().unwrap_or_default()),
        "agent.unregistered" => named("agent_id"),
        "task.assigned" => format!("{task} to {} ({})", list(&event["agents"]), named("reason")),
        "task.started" => format!("{task} by {}", named("agent_id")),
        "task.progress" => {
            format!("{task} {}: {}", named("agent_id"), start(text("text"), COLUMNS))
        }
        "task.completed" => {
            let result = &event["result"];
            let result = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
            format!("{task} {}", start(&result, COLUMNS))
        }
        "task.failed" => {
            let message = event["error"]["message"].as_str().unwrap_or_default();
            format!("{task} {}", start(message, COLUMNS))
        }
        "context.updated" => {
            let number = &event["message_id"];
            let message = number.as_u64().map(|number| format!(" message #{number}"));
            let artifact = event["artifact"].as_str().map(|name| format!(" {}", line(name)));
            let what = message.or(artifact).unwrap_or_default();
            format!("{}{what}", named("space_id"))
        }
        _ if !task.is_empty() => task,
        _ => start(&event["data"].to_string(), COLUMNS),
    };
    let time = clock(event["timestamp"].as_u64().unwrap_or_default());
    Some(format!("{time}  {:18}  {what}", named("type")).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_each() {
        let events = [
            json!({"type": "connected", "client_id": "c1"}),
            json!({"type": "connected", "client_id": "c1", "resumed": false}),
            json!({"type": "welcome", "agents": [{"id": "codex"}]}),
            json!({"type": "agent.registered", "agent": {"id": "codex"}}),
            json!({"type": "agent.unregistered", "agent_id": "codex"}),
            json!({"type": "task_status", "task_id": "t", "task": {"status": "running"}}),
            json!({"type": "task.submitted", "task_id": "t"}),
            json!({"type": "task.assigned", "task_id": "t", "agents": ["a", "b"], "reason": "team"}),
            json!({"type": "task.started", "task_id": "t", "agent_id": "a"}),
            json!({"type": "task.progress", "task_id": "t", "agent_id": "a", "stream": "stdout", "text": "one\n\u{1b}[31mtwo"}),
            json!({"type": "task.completed", "task_id": "t", "result": {"a": "done"}}),
            json!({"type": "task.failed", "task_id": "t", "error": {"code": "TASK_FAILED", "message": "exit 1"}}),
            json!({"type": "context.updated", "space_id": "s", "message_id": 7}),
            json!({"type": "context.updated", "space_id": "s", "artifact": "notes.md"}),
            json!({"type": "mine", "data": {"a": 1}, "timestamp": 1_763_838_783_123_u64}),
            json!({"type": "heartbeat"}),
        ];
        let lines: Vec<_> = events.iter().filter_map(shown).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
    00:00:00Z  connected           c1
    00:00:00Z  connected           some events were missed
    00:00:00Z  welcome             1 agent
    00:00:00Z  agent.registered    codex
    00:00:00Z  agent.unregistered  codex
    00:00:00Z  task_status         t is running
    00:00:00Z  task.submitted      t
    00:00:00Z  task.assigned       t to a, b (team)
    00:00:00Z  task.started        t by a
    00:00:00Z  task.progress       t a: one two
    00:00:00Z  task.completed      t {"a":"done"}
    00:00:00Z  task.failed         t exit 1
    00:00:00Z  context.updated     s message #7
    00:00:00Z  context.updated     s notes.md
    19:13:03Z  mine                {"a":1}
    "#);
    }
}
