//! What is remembered when the binary starts again.

use serde_json::{Value, json};

use crate::responses::{
    desk::{config, items, look, respond, text},
    script::{answer, call, calls, messages, says},
    stored::follow,
};
use crate::support::{Binary, Provider, provider};

async fn thinker() -> Provider {
    provider(|request| {
        let mut message = match messages(&request).len() {
            1 => calls(&[call("call_1", "look", json!({}))]),
            _ => answer("Clear."),
        };
        message["reasoning_content"] = "Hm.".into();
        says(&request, message)
    })
    .await
}

fn ask(input: &Value) -> Value {
    json!({
        "model": "m", "input": input, "tools": [{"type": "function", "name": "look"}],
        "include": ["reasoning.encrypted_content"], "stream": true,
    })
}

async fn stopped(mut binary: Binary, signal: &str) -> tempfile::TempDir {
    binary.signal(signal).await;
    let expected = (signal == "TERM").then_some(0);
    assert_eq!(binary.status().await, expected);
    binary.home()
}

/// Also when it had no time to put anything away.
#[tokio::test]
async fn a_conversation_goes_on() {
    let provider = thinker().await;
    let yaml = config(&[("chat", &provider)], "");
    let output = json!({"type": "function_call_output", "call_id": "call_1", "output": "yes"});
    for signal in ["TERM", "KILL"] {
        let binary = Binary::start(&yaml, &[]).await;
        let first = respond(binary.addr, &ask(&"Look.".into())).await;
        let id = first["id"].as_str().expect("an id");

        let binary = Binary::start_in(stopped(binary, signal).await, &yaml, &[]).await;
        let (status, stored) = look(binary.addr, id).await;
        assert_eq!((status.as_u16(), &stored), (200, &first), "{signal}");
        let mut next = ask(&json!([output]));
        next["previous_response_id"] = first["id"].clone();
        let second = respond(binary.addr, &next).await;
        assert_eq!(text(&second), "Clear.");
        let history = messages(&provider.received().pop().expect("a request"));
        assert_eq!(history[1]["reasoning_content"], "Hm.", "the key is the same");

        // Nor is the order of things lost behind another restart.
        let binary = Binary::start_in(stopped(binary, signal).await, &yaml, &[]).await;
        respond(binary.addr, &follow(&second, "Sure?", true)).await;
        let history = messages(&provider.received().pop().expect("a request"));
        assert_eq!(history.len(), 5);
        assert_eq!(history[4]["content"], "Sure?");
    }
}

/// Clients that keep their history themselves come back with the seals of before.
#[tokio::test]
async fn a_seal_outlives_the_process_and_is_for_its_user_only() {
    let provider = thinker().await;
    let yaml = config(&[("chat", &provider)], "") + "responses: {store: memory}\n";
    let binary = Binary::start(&yaml, &[]).await;
    let first = respond(binary.addr, &ask(&"Look.".into())).await;
    let data = binary.home_path().join("data");
    let mode = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
    };
    assert_eq!((mode(&data), mode(&data.join("seal.key"))), (0o700, 0o600));
    assert!(!data.join("responses.sqlite").exists());

    let binary = Binary::start_in(stopped(binary, "TERM").await, &yaml, &[]).await;
    let id = first["id"].as_str().expect("an id");
    assert_eq!(look(binary.addr, id).await.0, 404, "it was kept in memory");
    let mut input = vec![json!({"role": "user", "content": "Look."})];
    input.push(items(&first, "reasoning")[0].clone());
    input.push(items(&first, "function_call")[0].clone());
    input.push(json!({"type": "function_call_output", "call_id": "call_1", "output": "yes"}));
    input[1]["summary"] = json!([]);
    respond(binary.addr, &ask(&input.into())).await;
    let history = messages(&provider.received().pop().expect("a request"));
    assert_eq!(history[1]["reasoning_content"], "Hm.");
}
