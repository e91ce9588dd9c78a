//! What providers send besides their answers, and answers that only look whole, through the
//! gateway.

#[allow(dead_code, reason = "shared with tests that use more of it")]
use crate::recorded_response::Seen;
use crate::support::*;
use serde_json::{Value, json};

/// A gateway before the provider `a` of the case and `b`, which answers well.
async fn gateway(a: &Provider, b: &Provider, settings: &str) -> Gateway {
    Gateway::start(&format!(
        "models:\n  retry: {{max_retries: 0}}\n  circuit_breaker: {{failure_threshold: 0}}\n  \
         fallback_chain: [a, b]\n  providers:\n    \
         a: {{base_url: \"{}\", api_key: sk-a, models: [m]{settings}}}\n    \
         b: {{base_url: \"{}\", api_key: sk-b, models: [m]}}\n",
        a.base_url(),
        b.base_url()
    ))
    .await
}

fn good() -> Reply {
    Reply::chat_stream(["of ", "b"])
}

/// The text of a chat stream whose every event is JSON, up to `[DONE]`.
async fn text(events: &mut Events) -> String {
    let chunks = events.until_done().await;
    assert!(chunks.iter().all(|chunk| chunk["error"].is_null()), "{chunks:?}");
    let pieces = chunks.iter().map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    pieces.map(Option::unwrap_or_default).collect()
}

async fn ask_for_stream(gateway: &Gateway) -> Events {
    Events::new(send(gateway.addr, post(CHAT, &ask_stream())).await)
}

async fn ask_plain(gateway: &Gateway, question: &Value) -> Seen {
    Seen::read(send(gateway.addr, post(CHAT, question)).await).await
}

const HEARTBEATS: [&str; 9] = [
    "data:\n\n",
    "data: \n\n",
    "event: ping\n\n",
    "id: 1\nevent: ping\ndata:\n\n",
    "data: ping\n\n",
    "data: \"ping\"\n\n",
    "data: null\r\n\r\n",
    "data: 17\n\n",
    ": comment\ndata: []\n\n",
];

#[tokio::test]
async fn a_heartbeat_breaks_nothing_wherever_it_stands() {
    for heartbeat in HEARTBEATS {
        let bytes = |reply: Reply| reply.bytes(heartbeat);
        let middle = bytes(bytes(Reply::events().role().delta("Hello")))
            .delta(" there.")
            .finish("stop")
            .done();
        let first =
            bytes(Reply::events()).role().delta("Hello").delta(" there.").finish("stop").done();
        let last = Reply::events().role().delta("Hello there.").finish("stop");
        for reply in [middle, first, bytes(last.clone()).done(), bytes(last.done())] {
            for reply in [reply.clone(), reply.byte_by_byte()] {
                let provider = always(reply).await;
                let gateway = Gateway::before(&provider).await;
                let mut events = ask_for_stream(&gateway).await;
                assert_eq!(text(&mut events).await, "Hello there.", "{heartbeat:?}");
            }
        }
    }
}

#[tokio::test]
async fn comments_reach_the_client() {
    let reply = Reply::events().comment("busy").role().comment("still").delta("Hi").finish("stop");
    let provider = always(reply.done()).await;
    let gateway = Gateway::before(&provider).await;
    let mut events = ask_for_stream(&gateway).await;
    assert_eq!(text(&mut events).await, "Hi");
    assert_eq!(events.comments, ["busy", "still"]);
}

#[tokio::test]
async fn an_odd_end_is_an_end_behind_the_finish_reason_only() {
    for end in ["DONE", "[DONE] ", "[done]", "\"[DONE]\"", " [DONE]"] {
        let start = || Reply::events().role().delta("Hi");
        for reply in [
            start().finish("stop").event(end),
            start().finish("stop").event(end).done(),
            start().finish("stop").event(end).event(end),
            start().event(end).finish("stop").event(end),
        ] {
            let provider = always(reply).await;
            let gateway = Gateway::before(&provider).await;
            assert_eq!(text(&mut ask_for_stream(&gateway).await).await, "Hi", "{end:?}");
        }
        let (a, b) = (always(Reply::events().role().event(end)).await, always(good()).await);
        let gateway = gateway(&a, &b, "").await;
        assert_eq!(text(&mut ask_for_stream(&gateway).await).await, "of b", "{end:?}");
    }
    let reply = Reply::events().role().delta("Hi").finish("stop").bytes("data:[DONE]\n\n");
    let provider = always(reply).await;
    let gateway = Gateway::before(&provider).await;
    let seen = ask_plain(&gateway, &ask_stream()).await;
    assert!(seen.text().ends_with("}\n\ndata: [DONE]\n\n"), "{}", seen.text());
}

const MALFORMED: [&str; 4] = [
    "data: {\"id\":\"c\",\"choi\n\n",
    "data: {\"choices\":\"none\"}\n\n",
    "event: chunk\ndata: {\"id\":\n\n",
    "data: <html>busy</html>\n\n",
];

async fn malformed_events(gateway: &Gateway) -> f64 {
    let metrics = client::body(send(gateway.addr, get("/metrics")).await).await;
    let scrape = Scrape::parse(&String::from_utf8_lossy(&metrics));
    scrape.sum("switchtower_malformed_events_total", &[r#"gen_ai_provider_name="a""#])
}

#[tokio::test]
async fn a_malformed_event_is_skipped_where_that_is_set() {
    for malformed in MALFORMED {
        let reply = Reply::events().role().delta("Hello").bytes(malformed).delta(" there.");
        let reply = reply.bytes(malformed).finish("stop").done();
        let (a, b) = (always(reply).await, always(good()).await);
        let gateway = gateway(&a, &b, ", malformed: skip").await;
        assert_eq!(malformed_events(&gateway).await, 0.);
        assert_eq!(text(&mut ask_for_stream(&gateway).await).await, "Hello there.");
        assert_eq!(malformed_events(&gateway).await, 2., "{malformed}");
    }
}

#[tokio::test]
async fn a_malformed_event_fails_the_answer_otherwise() {
    for setting in ["", ", malformed: fail"] {
        for malformed in MALFORMED {
            // Nothing was passed on.
            let reply = Reply::events().role().bytes(malformed).delta("Hi").finish("stop").done();
            let (a, b) = (always(reply).await, always(good()).await);
            let failing = gateway(&a, &b, setting).await;
            assert_eq!(text(&mut ask_for_stream(&failing).await).await, "of b", "{malformed}");
            assert_eq!(malformed_events(&failing).await, 1.);

            let reply = Reply::events().role().delta("Hi").bytes(malformed).finish("stop").done();
            let a = always(reply).await;
            let failing = gateway(&a, &b, setting).await;
            let mut events = ask_for_stream(&failing).await;
            let mut all = Vec::new();
            while let Ok(Some(event)) = events.try_next().await {
                all.push(event);
            }
            let last = all.last().unwrap().json();
            let message = last["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains("not JSON of the expected shape"), "{last}");
        }
    }
}

fn choice(rest: &str) -> Value {
    let choice = format!(r#"{{"index":0,"delta":{{"content":""}},{rest}}}"#);
    json!({"choices": [serde_json::from_str::<Value>(&choice).expect("JSON")]})
}

const ENDED_WITH_AN_ERROR: [(&str, &str); 4] = [
    (r#""finish_reason":"error""#, "the provider ended the answer with an error"),
    (r#""finish_reason":"stop","native_finish_reason":"error""#, "ended the answer with an error"),
    (r#""finish_reason":"error","error":{"code":502,"message":"Upstream went away"}"#, "went away"),
    (r#""finish_reason":"network_error""#, "network_error"),
];

#[tokio::test]
async fn an_answer_that_ends_with_an_error_fails_over() {
    for (rest, says) in ENDED_WITH_AN_ERROR {
        let (a, b) =
            (always(Reply::events().role().event(choice(rest)).done()).await, always(good()).await);
        let failing = gateway(&a, &b, "").await;
        assert_eq!(text(&mut ask_for_stream(&failing).await).await, "of b", "{rest}");

        let a = always(Reply::events().role().delta("Hi").event(choice(rest)).done()).await;
        let failing = gateway(&a, &b, "").await;
        let mut events = ask_for_stream(&failing).await;
        let mut all = Vec::new();
        while let Ok(Some(event)) = events.try_next().await {
            all.push(event);
        }
        let last = all.last().unwrap().json();
        let message = last["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{rest}: {last}");
    }
}

#[tokio::test]
async fn a_plain_answer_that_says_nothing_fails_over() {
    let message = |rest: &str| {
        let choice =
            format!(r#"{{"index":0,"message":{{"role":"assistant","content":""}},{rest}}}"#);
        json!({"choices": [serde_json::from_str::<Value>(&choice).expect("JSON")]})
    };
    let errors = ENDED_WITH_AN_ERROR.map(|(rest, _)| message(rest));
    let silent = [json!({"choices": []}), message(r#""finish_reason":null"#), message(r#""a":1"#)];
    for answer in silent.into_iter().chain(errors) {
        let (a, b) = (always(Reply::json(&answer)).await, always(Reply::chat("of b")).await);
        let gateway = gateway(&a, &b, "").await;
        let seen = ask_plain(&gateway, &ask()).await;
        assert_eq!((seen.target(), seen.attempts()), ("b/m".into(), 2), "{answer}");
    }
    for reason in ["stop", "length", "content_filter", "tool_calls"] {
        let answer = message(&format!(r#""finish_reason":"{reason}""#));
        let (a, b) = (always(Reply::json(&answer)).await, always(Reply::chat("of b")).await);
        let gateway = gateway(&a, &b, "").await;
        assert_eq!(ask_plain(&gateway, &ask()).await.target(), "a/m", "{reason}");
    }
}

/// Tokens that the client's budget is charged with for one answer.
async fn charged(path: &str, reply: Reply, question: &Value) -> u64 {
    let provider = always(reply).await;
    let gateway = Gateway::start(&format!(
        "models:\n  retry: {{max_retries: 0}}\n  circuit_breaker: {{failure_threshold: 0}}\n  \
         providers: {{main: {{base_url: \"{}\", api_key: k, models: [m]}}}}\n  \
         budgets: {{default: {{tokens_per_day: 100000}}}}\n",
        provider.base_url()
    ))
    .await;
    let seen = Seen::read(send(gateway.addr, post(path, question)).await).await;
    assert!(seen.is_complete && seen.status == 200, "{}", seen.text());
    let standing = client::json(send(gateway.addr, get("/model-gateway/budgets")).await).await;
    let limit = &standing["127.0.0.1"]["tokens_per_day"];
    assert_eq!(limit["reserved"], 0, "{standing}");
    limit["used"].as_u64().expect("a number")
}

#[tokio::test]
async fn usage_is_charged_wherever_it_stands() {
    let usage = json!({"prompt_tokens": 1336, "completion_tokens": 31, "total_tokens": 1367});
    let zeros = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
    let finish = json!({"index": 0, "delta": {}, "finish_reason": "stop"});
    let mut with_usage = finish.clone();
    with_usage["usage"] = usage.clone();
    let beside = json!({"choices": [finish], "usage": usage});
    let in_choice = json!({"choices": [with_usage]});
    let of_groq = json!({"choices": [finish], "x_groq": {"id": "r", "usage": usage}});
    let half = json!({"prompt_tokens": 1336, "completion_tokens": 3});
    let growing = json!({"choices": [{"index": 0, "delta": {"content": "!"}}], "usage": half});
    let no_more = |usage: &Value| json!({"choices": [], "usage": usage});
    let start = || Reply::events().role().delta("Hi");
    let responses = json!({"model": "m", "input": "Hi", "stream": true});
    for (name, reply) in [
        ("beside", start().event(&beside)),
        ("in the choice", start().event(&in_choice)),
        ("of Groq", start().event(&of_groq)),
        ("alone", start().finish("stop").event(no_more(&usage))),
        ("zeros behind it", start().event(&in_choice).event(no_more(&zeros))),
        ("null behind it", start().event(&in_choice).event(no_more(&Value::Null))),
        ("growing", start().event(&growing).event(&beside)),
        ("behind an odd end", start().finish("stop").event("DONE").event(no_more(&usage))),
    ] {
        let reply = reply.done();
        assert_eq!(charged(CHAT, reply.clone(), &ask_stream()).await, 1367, "{name}");
        assert_eq!(charged("/v1/responses", reply, &responses).await, 1367, "{name}");
    }
    let message = json!({"role": "assistant", "content": "Hi"});
    let plain = json!({"choices": [
        {"index": 0, "message": message, "finish_reason": "stop", "usage": usage},
    ], "usage": zeros});
    assert_eq!(charged(CHAT, Reply::json(&plain), &ask()).await, 1367);
    let no_usage = start().finish("stop");
    let estimate = charged(CHAT, no_usage.clone().done(), &ask_stream()).await;
    let zeros = no_usage.event(no_more(&zeros)).done();
    assert_eq!(charged(CHAT, zeros, &ask_stream()).await, estimate, "zeros are no usage");
}
