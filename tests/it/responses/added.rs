//! Fields that the gateway adds to a request, and that a provider may refuse.

use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, text},
    script::{answer, call, calls, messages, says},
};
use crate::{
    recorded_response::Seen,
    support::{CHAT, Gateway, Received, Reply, ask_stream, post, provider, send},
};

fn refused(status: u16, body: &Value) -> Reply {
    Reply::status(status, body)
}

/// How providers say that they do not know a field.
fn refusals(field: &str) -> Vec<(u16, Value)> {
    vec![
        (
            400,
            json!({"error": {"message": format!("'messages.1' : property '{field}' is unsupported"), "type": "invalid_request_error"}}),
        ),
        (
            400,
            json!({"error": {"message": format!("Unrecognized request argument supplied: {field}"), "type": "invalid_request_error", "param": null}}),
        ),
        (
            422,
            json!({"detail": [{"type": "extra_forbidden", "loc": ["body", field], "msg": "Extra inputs are not permitted", "input": {}}]}),
        ),
        (400, json!({"error": {"message": "Extra inputs are not permitted", "param": field}})),
        (
            400,
            json!([{"error": {"code": 400, "message": format!("Invalid JSON payload received. Unknown name \"{field}\": Cannot find field."), "status": "INVALID_ARGUMENT"}}]),
        ),
    ]
}

fn has(request: &Received, field: &str) -> bool {
    request.json().to_string().contains(&format!("\"{field}\""))
}

fn tools() -> Value {
    json!([{"type": "function", "name": "look"}])
}

#[tokio::test]
async fn thoughts_that_a_provider_does_not_take_are_left_out() {
    for (status, body) in refusals("reasoning_content") {
        let a = provider(|request| match messages(&request).len() {
            1 => {
                let mut message = calls(&[call("c1", "look", json!({}))]);
                message["reasoning_content"] = "I have to look.".into();
                says(&request, message)
            }
            _ => Reply::error(503, "overloaded"),
        })
        .await;
        let b = provider(move |request| match has(&request, "reasoning_content") {
            true => refused(status, &body),
            false => says(&request, answer("Clear.")),
        })
        .await;
        let settings = "fallback_chain: [a, b]\nretry: {max_retries: 0}";
        let desk = Desk::with(&[("chat", &a), ("chat", &b)], settings).await;
        let first = desk.response(&json!({"model": "m", "input": "Hi", "tools": tools()})).await;
        let second = |stream: bool| {
            let output = json!({"type": "function_call_output", "call_id": "c1", "output": "yes"});
            json!({"model": "m", "previous_response_id": first["id"], "input": [output],
                "tools": tools(), "stream": stream})
        };
        assert_eq!(text(&desk.response(&second(false)).await), "Clear.");
        assert_eq!(b.received().len(), 2, "it is asked once more");
        assert_eq!(text(&desk.response(&second(true)).await), "Clear.");
        assert_eq!(b.received().len(), 3, "what it refuses is remembered");
    }
}

#[tokio::test]
async fn usage_is_not_asked_for_where_nobody_tells_it() {
    for (status, body) in refusals("stream_options") {
        for path in [CHAT, "/v1/responses"] {
            let reply = body.clone();
            let a = provider(move |request| match has(&request, "stream_options") {
                true => refused(status, &reply),
                false => Reply::events().role().delta("Clear.").finish("stop").done(),
            })
            .await;
            let desk = Desk::before(&a).await;
            let mut ask = ask_stream();
            ask["input"] = "Hi".into();
            for attempts in [2, 3] {
                let seen = Seen::read(send(desk.addr(), post(path, &ask)).await).await;
                assert_eq!(seen.status, 200, "{body} {}", seen.text());
                assert!(seen.text().contains("Clear."));
                assert_eq!(a.received().len(), attempts, "{path} {body}");
            }
        }
    }
}

#[tokio::test]
async fn who_sent_a_field_is_told_that_it_is_refused() {
    for (status, body) in refusals("stream_options") {
        let reply = body.clone();
        let a = provider(move |_| refused(status, &reply)).await;
        let desk = Desk::before(&a).await;
        let mut ask = ask_stream();
        ask["stream_options"] = json!({"include_usage": true});
        let seen = Seen::read(send(desk.addr(), post(CHAT, &ask)).await).await;
        assert_eq!((seen.status.as_u16(), seen.attempts()), (status, 1));
        let told: Value = serde_json::from_str(seen.text()).expect("JSON");
        assert_eq!(told, body, "as it came");
    }
}

#[tokio::test]
async fn other_errors_reach_the_client_after_one_attempt() {
    let wrong = json!({"error": {"message": "Invalid type for 'messages'", "type": "invalid_request_error", "param": "messages", "code": "invalid_type"}});
    let missing = json!({"error": {"message": "The `reasoning_content` in the thinking mode must be passed back to the API."}});
    for body in [wrong, missing] {
        let reply = body.clone();
        let a = provider(move |_| refused(400, &reply)).await;
        let desk = Desk::before(&a).await;
        let input = json!([
            {"role": "user", "content": "Hi"},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"role": "assistant", "content": "Ho"},
            {"role": "user", "content": "Hi"},
        ]);
        for stream in [false, true] {
            let seen = desk.ask(&json!({"model": "m", "input": input, "stream": stream})).await;
            assert_eq!((seen.status.as_u16(), seen.attempts()), (400, 1), "{}", seen.text());
            assert!(seen.text().contains(body["error"]["message"].as_str().expect("text")));
        }
    }
}

/// One that refuses whatever it is sent is not asked for ever.
#[tokio::test]
async fn a_provider_that_refuses_all_is_asked_once_more() {
    let all = json!({"error": {"message": "stream_options, parallel_tool_calls: no"}});
    let a = provider(move |_| refused(400, &all)).await;
    let desk = Desk::before(&a).await;
    let ask = json!({"model": "m", "input": "Hi", "stream": true, "tools": tools(), "parallel_tool_calls": true});
    for attempts in [2, 4] {
        let seen = desk.ask(&ask).await;
        assert_eq!((seen.status.as_u16(), seen.attempts()), (400, 2));
        assert_eq!(a.received().len(), attempts, "nothing is learnt from it");
    }
    let seen = Seen::read(send(desk.addr(), post(CHAT, &ask_stream())).await).await;
    assert_eq!((seen.status.as_u16(), seen.attempts()), (400, 2));
}

#[tokio::test]
async fn cache_keys_go_where_they_are_taken() {
    let a = provider(|request| says(&request, answer("Clear."))).await;
    let config = |passes: &str| {
        format!(
            "models:\n  providers:\n    a: {{base_url: \"{}\", api_key: k, models: [m]{passes}}}\n",
            a.base_url()
        )
    };
    let ask = json!({"model": "m", "input": "Hi", "prompt_cache_key": "k", "safety_identifier": "s",
        "metadata": {"a": "b"}, "store": false});
    for (passes, sent) in [
        ("", [false, false, false]),
        (", passes: []", [false, false, false]),
        (", passes: [prompt_cache_key, safety_identifier]", [true, true, false]),
        (", passes: [metadata]", [false, false, true]),
    ] {
        let gateway = Gateway::start(&config(passes)).await;
        let seen = Seen::read(send(gateway.addr, post("/v1/responses", &ask)).await).await;
        assert_eq!(seen.status, 200);
        let received = a.received().pop().expect("a request").json();
        for (field, sent) in ["prompt_cache_key", "safety_identifier", "metadata"].iter().zip(sent)
        {
            assert_eq!(received[*field] == ask[*field], sent, "{passes}: {received}");
        }
        let response: Value = serde_json::from_str(seen.text()).expect("JSON");
        assert_eq!(response["prompt_cache_key"], "k", "it is echoed anyway");
    }
}
