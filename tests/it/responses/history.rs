//! Conversations in forms that chat providers refuse, or that they cannot know.

use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, text},
    script::{answer, messages, says},
};
use crate::support::{Provider, Reply, provider};

/// Takes one system message, at the beginning, and arguments that are objects.
async fn strict() -> Provider {
    provider(|request| {
        for (n, message) in messages(&request).iter().enumerate() {
            if message["role"] == "system" && n > 0 {
                let error =
                    json!({"error": {"message": "System message must be at the beginning"}});
                return Reply::status(400, &error);
            }
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let arguments = call["function"]["arguments"].as_str().expect("a string");
                if !serde_json::from_str::<Value>(arguments).is_ok_and(|json| json.is_object()) {
                    let message = "Failed to parse tool call arguments as JSON";
                    return Reply::status(500, &json!({"error": {"message": message}}));
                }
            }
        }
        says(&request, answer("Paris."))
    })
    .await
}

fn said(role: &str, text: &str) -> Value {
    json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]})
}

fn last(provider: &Provider) -> Vec<Value> {
    messages(&provider.received().pop().expect("a request"))
}

#[tokio::test]
async fn a_first_turn_of_codex_has_one_system_message() {
    let strict = strict().await;
    let desk = Desk::before(&strict).await;
    let input = [
        said("developer", "Sandbox: read-only."),
        said("user", "Guidelines"),
        said("user", "And?"),
    ];
    let first = desk
        .response(&json!({"model": "m", "instructions": "You are an agent.", "input": input}))
        .await;
    assert_eq!(text(&first), "Paris.");
    let system = json!({"role": "system", "content": "You are an agent.\n\nSandbox: read-only."});
    assert_eq!(last(&strict)[0], system);

    // In later turns too, and streamed. Instructions are not inherited.
    let input =
        [said("user", "Go on."), said("system", "Be brief."), said("developer", "Now write.")];
    let ask =
        json!({"model": "m", "previous_response_id": first["id"], "input": input, "stream": true});
    assert_eq!(text(&desk.response(&ask).await), "Paris.");
    let sent = last(&strict);
    let roles: Vec<_> =
        sent.iter().map(|message| message["role"].as_str().expect("a role")).collect();
    assert_eq!(roles, ["system", "user", "user", "assistant", "user"]);
    assert_eq!(sent[0]["content"], "Sandbox: read-only.\n\nBe brief.\n\nNow write.");

    // Without any there is none.
    desk.response(&json!({"model": "m", "instructions": "", "input": [said("user", "Hi")]})).await;
    assert_eq!(last(&strict), [json!({"role": "user", "content": "Hi"})]);
}

#[tokio::test]
async fn arguments_that_were_cut_off_do_not_poison_the_conversation() {
    let strict = strict().await;
    let desk = Desk::before(&strict).await;
    for (arguments, mended) in [
        (r#"{"path": "#, json!({})),
        (r#"{"path": "/tmp", "depth": [1, 2"#, json!({"path": "/tmp", "depth": [1, 2]})),
        ("", json!({})),
        (r#""{\"path\": \"/tmp\"}""#, json!({"path": "/tmp"})),
        ("[1]", json!({"arguments": [1]})),
        ("ls -l", json!({"arguments": "ls -l"})),
        (r#"{"path": "/tmp"}"#, json!({"path": "/tmp"})),
    ] {
        let input = json!([
            said("user", "List the files."),
            {"type": "function_call", "call_id": "c1", "name": "lookup", "arguments": arguments},
            {"type": "function_call_output", "call_id": "c1", "output": "not run: bad arguments"},
            said("user", "Go on."),
        ]);
        assert_eq!(text(&desk.response(&json!({"model": "m", "input": input})).await), "Paris.");
        let sent = last(&strict)[1]["tool_calls"][0]["function"]["arguments"].clone();
        let sent: Value = serde_json::from_str(sent.as_str().expect("a string")).expect("JSON");
        assert_eq!(sent, mended, "{arguments}");
    }
}

#[tokio::test]
async fn what_only_a_provider_could_know_is_refused_by_name() {
    let strict = strict().await;
    let desk = Desk::before(&strict).await;
    for (field, value) in [
        ("conversation", json!("conv_0123456789abcdef")),
        ("conversation", json!({"id": "conv_0123456789abcdef"})),
        ("prompt", json!({"id": "pmpt_1"})),
        ("background", json!(true)),
    ] {
        for stream in [false, true] {
            let mut ask = json!({"model": "m", "input": "And what was my name?", "stream": stream});
            ask[field] = value.clone();
            let seen = desk.ask(&ask).await;
            assert_eq!(seen.status, 400, "{}", seen.text());
            let error = seen.error();
            assert_eq!(error["param"], field);
            assert!(error["message"].as_str().expect("text").contains(field), "{error}");
        }
    }
    assert_eq!(strict.received().len(), 0, "nobody was asked");
    let ask = json!({"model": "m", "input": "Hi", "conversation": null, "prompt": null});
    assert_eq!(text(&desk.response(&ask).await), "Paris.");
}

#[tokio::test]
async fn a_provider_that_speaks_responses_may_know_the_conversation() {
    let strict = strict().await;
    let native = provider(|_| {
        Reply::json(&json!({"id": "resp_1", "object": "response", "status": "completed", "output": [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Anna."}]},
        ]}))
    })
    .await;
    let settings = "fallback_chain: [a, b]";
    let desk = Desk::with(&[("chat", &strict), ("responses", &native)], settings).await;
    let ask = json!({"model": "m", "input": "And what was my name?", "conversation": "conv_1"});
    assert_eq!(text(&desk.response(&ask).await), "Anna.");
    assert_eq!(native.received()[0].json()["conversation"], "conv_1");
    assert_eq!(strict.received().len(), 0);
}
