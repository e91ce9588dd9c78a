//! Text from a provider that speaks Chat Completions only.

use std::{collections::HashSet, net::SocketAddr};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::responses::{
    desk::{Desk, RESPONSES, items, question, text},
    script::{answer, last, messages, says, says_until},
    told::Told,
};
use crate::support::{Gate, Reply, always, post, provider, send, soon};

/// What every response object has.
const FIELDS: [&str; 32] = [
    "background",
    "completed_at",
    "created_at",
    "error",
    "frequency_penalty",
    "id",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "object",
    "output",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "status",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "usage",
];

#[tokio::test]
async fn text_comes_plain_and_streamed() {
    let provider = provider(|request| says(&request, answer("Grün, 日本 🚂."))).await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let mut ask = question(stream);
        ask["instructions"] = "Be short.".into();
        ask["metadata"] = json!({"track": "9¾"});
        let response = desk.response(&ask).await;
        let fields: Vec<_> = response.as_object().expect("an object").keys().collect();
        assert_eq!(fields, FIELDS, "streamed: {stream}");
        assert!(response["id"].as_str().expect("an id").starts_with("resp_"));
        assert_eq!(
            (&response["status"], &response["object"]),
            (&"completed".into(), &"response".into())
        );
        assert_eq!(response["instructions"], "Be short.");
        assert_eq!(response["metadata"], ask["metadata"]);
        let [message] = &response["output"].as_array().expect("items")[..] else { panic!() };
        assert!(message["id"].as_str().expect("an id").starts_with("msg_"));
        assert_eq!(
            (&message["role"], &message["status"]),
            (&"assistant".into(), &"completed".into())
        );
        assert_eq!(text(&response), "Grün, 日本 🚂.");
        assert_eq!(response["usage"], usage(9, 0, 3, 0));

        let received = provider.received().pop().expect("a request");
        assert_eq!(received.path(), "/v1/chat/completions");
        assert_eq!(received.header("authorization"), Some("Bearer sk-key-of-a"));
        let sent = received.json();
        assert_eq!(sent["model"], "m-at-a");
        assert_eq!(
            messages(&received),
            [
                json!({"role": "system", "content": "Be short."}),
                json!({"role": "user", "content": "Hi"}),
            ]
        );
        assert_eq!(sent["stream_options"]["include_usage"] == true, stream);
        assert!(sent.get("metadata").is_none() && sent.get("tools").is_none());
    }
}

fn usage(input: u64, cached: u64, output: u64, reasoning: u64) -> Value {
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": input + output,
    })
}

#[tokio::test]
async fn a_stream_says_who_answered_and_gives_each_delta() {
    let provider = always(Reply::chat_stream(["Hel", "lo"]).byte_by_byte()).await;
    let desk = Desk::before(&provider).await;
    let response = desk.send(&question(true)).await;
    assert_eq!(response.headers()["x-switchtower-provider"], "a");
    assert_eq!(response.headers()["x-switchtower-model"], "m-at-a");
    let told = Told::read(response).await;
    assert_eq!(told.of("response.output_text.delta").count(), 2);
    assert_eq!(told.deltas("response.output_text.delta"), "Hello");
    assert_eq!(told.response()["usage"], Value::Null, "the provider gave none");
}

#[tokio::test]
async fn usage_keeps_its_details() {
    let used = json!({
        "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 7},
    });
    let chunk = json!({"choices": [], "usage": used});
    let streamed = Reply::events().delta("Hi").finish("stop").event(chunk).done();
    let plain = json!({
        "choices": [{"index": 0, "message": answer("Hi"), "finish_reason": "stop"}], "usage": used,
    });
    let plain = Reply::json(&plain);
    let provider =
        provider(
            move |request| {
                if request.json()["stream"] == true { streamed.clone() } else { plain.clone() }
            },
        )
        .await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        assert_eq!(desk.response(&question(stream)).await["usage"], usage(100, 64, 20, 7));
    }
}

#[tokio::test]
async fn what_is_cut_short_or_refused_says_so() {
    let provider = provider(|request| match &*last(&request) {
        "long" => says_until(&request, answer("Once upon"), "length"),
        "bad" => says_until(&request, answer("The"), "content_filter"),
        _ => says(&request, json!({"role": "assistant", "content": null, "refusal": "No way."})),
    })
    .await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        for (input, reason) in [("long", "max_output_tokens"), ("bad", "content_filter")] {
            let ask = json!({"model": "m", "input": input, "stream": stream});
            let response = desk.response(&ask).await;
            assert_eq!(response["status"], "incomplete");
            assert_eq!(response["incomplete_details"]["reason"], reason);
            assert_eq!(response["output"][0]["status"], "incomplete");
        }
        let response = desk.response(&question(stream)).await;
        assert_eq!(response["status"], "completed");
        let [message] = items(&response, "message")[..] else { panic!("{response}") };
        assert_eq!(message["content"], json!([{"type": "refusal", "refusal": "No way."}]));
    }
}

/// As an agent's are at the end of a long day.
#[tokio::test]
async fn a_request_of_six_megabytes_arrives_whole() {
    const TURNS: usize = 1500;
    let provider = provider(|request| says(&request, answer("Read."))).await;
    let desk = Desk::before(&provider).await;
    let long = "é \"quoted\"\n".repeat(4000 / 11);
    let turn = |n: usize| {
        let role = ["user", "assistant"][n % 2];
        let kind = ["input_text", "output_text"][n % 2];
        json!({"type": "message", "role": role, "content": [{"type": kind, "text": format!("{n} {long}")}]})
    };
    let input: Vec<_> = (0..TURNS).map(turn).collect();
    let ask = json!({"model": "m", "stream": true, "store": false, "input": input});
    assert!(ask.to_string().len() > 6 << 20);
    assert_eq!(text(&desk.response(&ask).await), "Read.");
    let sent = messages(&provider.received()[0]);
    assert_eq!(sent.len(), TURNS);
    for (n, message) in sent.iter().enumerate() {
        assert!(message["content"] == format!("{n} {long}"), "message {n} has changed");
    }
}

#[tokio::test]
async fn forty_streams_at_once_do_not_mix() {
    const STREAMS: usize = 40;
    let gate = Gate::new();
    let held = gate.clone();
    let provider = provider(move |request| {
        let name = last(&request);
        let begun = Reply::events().role().delta(&name).gate(&held);
        (0..20).fold(begun, |reply, n| reply.delta(&format!(" {name}.{n}"))).finish("stop").done()
    })
    .await;
    let desk = Desk::before(&provider).await;
    let addr = desk.addr();
    let mut asking: JoinSet<_> = (0..STREAMS).map(|n| one_of_many(addr, n)).collect();
    soon(provider.requested(STREAMS)).await;
    gate.open();
    let mut ids = HashSet::new();
    while let Some(id) = asking.join_next().await {
        ids.insert(id.expect("no panic"));
    }
    assert_eq!(ids.len(), STREAMS);
}

/// The id of the response.
async fn one_of_many(addr: SocketAddr, n: usize) -> String {
    let ask = json!({"model": "m", "input": format!("{n}"), "stream": true});
    let told = Told::read(send(addr, post(RESPONSES, &ask)).await).await;
    let words: String = (0..20).map(|word| format!(" {n}.{word}")).collect();
    assert_eq!(told.deltas("response.output_text.delta"), format!("{n}{words}"));
    told.response()["id"].as_str().expect("an id").to_owned()
}
