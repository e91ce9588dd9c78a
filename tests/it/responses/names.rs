//! Tools whose names no chat provider takes as they are.

use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, items, text},
    script::{answer, call, calls, messages, says},
};
use crate::support::{Received, Reply, provider};

/// Calls every tool that is there, under the name that it is there under.
fn calls_all(request: &Received) -> Reply {
    if messages(request).len() > 1 {
        return says(request, answer("Called."));
    }
    let sent = request.json();
    let tools = sent["tools"].as_array().expect("tools").iter().enumerate();
    let all: Vec<_> = tools
        .map(|(n, tool)| {
            let name = tool["function"]["name"].as_str().expect("a name");
            call(&format!("call_{n}"), name, json!({"n": n}))
        })
        .collect();
    says(request, calls(&all))
}

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}})
}

fn namespace(name: &str, tools: &[&str]) -> Value {
    let tools: Vec<_> = tools.iter().map(|tool| function(tool)).collect();
    json!({"type": "namespace", "name": name, "description": "Of a server.", "tools": tools})
}

/// Every tool is called once under its own name, and the history has it under the name that was
/// sent.
async fn check(tools: Value, expected: &[(Option<&str>, &str)]) {
    let provider = provider(|request| calls_all(&request)).await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let mut input = vec![json!({"role": "user", "content": "Call them."})];
        let ask = |input: &[Value]| json!({"model": "m", "input": input, "tools": tools, "stream": stream});
        let response = desk.response(&ask(&input)).await;
        let called = items(&response, "function_call");
        let seen: Vec<_> = called
            .iter()
            .map(|call| (call["namespace"].as_str(), call["name"].as_str().expect("a name")))
            .collect();
        assert_eq!(seen, expected);
        input.extend(called.iter().map(|call| (*call).clone()));
        input.extend(called.iter().map(|call| {
            json!({"type": "function_call_output", "call_id": call["call_id"], "output": "ok"})
        }));
        assert_eq!(text(&desk.response(&ask(&input)).await), "Called.");

        let received = provider.received();
        let [.., first, second] = &received[..] else { panic!() };
        let sent = first.json();
        let names: Vec<_> = sent["tools"]
            .as_array()
            .expect("tools")
            .iter()
            .map(|tool| tool["function"]["name"].as_str().expect("a name"))
            .collect();
        for name in &names {
            let is_taken = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
            assert!((1..=64).contains(&name.len()) && name.chars().all(is_taken), "{name}");
        }
        let history = messages(second);
        let history = history[1]["tool_calls"].as_array().expect("calls");
        let history: Vec<_> = history.iter().map(|call| &call["function"]["name"]).collect();
        assert_eq!(history, names);
    }
}

#[tokio::test]
async fn two_namespaces_may_have_the_same_tool() {
    let tools = json!([
        namespace("mcp__alpha", &["search", "read"]),
        namespace("mcp__beta", &["search"]),
        function("search"),
        function("mcp__alpha__search"),
    ]);
    check(
        tools,
        &[
            (Some("mcp__alpha"), "search"),
            (Some("mcp__alpha"), "read"),
            (Some("mcp__beta"), "search"),
            (None, "search"),
            (None, "mcp__alpha__search"),
        ],
    )
    .await;
}

#[tokio::test]
async fn long_names_are_cut_and_come_back_whole() {
    let long =
        "a_tool_with_a_name_of_which_only_the_very_last_letters_tell_it_from_others_".repeat(2);
    let (first, second) = (format!("{long}1"), format!("{long}2"));
    let server = "a_server_whose_own_name_is_already_longer_than_any_provider_would_ever_take_it";
    let odd = "say.hello/wörld";
    let tools =
        json!([function(&first), function(&second), namespace(server, &["t"]), function(odd)]);
    check(tools, &[(None, &first), (None, &second), (Some(server), "t"), (None, odd)]).await;
}
