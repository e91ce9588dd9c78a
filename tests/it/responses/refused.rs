//! Errors before there is a stream: the status that they have, in one form.

use http::HeaderValue;
use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, RESPONSES, question},
    told::Told,
};
use crate::{
    recorded_response::Seen,
    support::{Fault, Reply, always, client::post_bytes, envelope, get, post, send},
};

/// What the client sees of a provider's only answer, streamed and not.
async fn both(reply: Reply, check: impl Fn(&Seen)) {
    let provider = always(reply).await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let seen = desk.ask(&question(stream)).await;
        assert_eq!(seen.header("content-type"), "application/json");
        for key in ["sk-key-of-a", "Bearer"] {
            assert!(!seen.text().contains(key), "{}", seen.text());
        }
        check(&seen);
    }
}

#[tokio::test]
async fn a_429_keeps_what_clients_wait_by() {
    let limited = Reply::error(429, "rate_limit_exceeded").header("retry-after", 7);
    let provider = always(limited).await;
    for stream in [false, true] {
        // A gateway of its own each time: it knows from now on how long to wait.
        let desk = Desk::before(&provider).await;
        let seen = desk.ask(&question(stream)).await;
        assert_eq!((seen.status.as_u16(), seen.header("retry-after")), (429, "7"));
        assert_eq!(envelope(&seen.body).code, "rate_limit_exceeded");
        let seen = desk.ask(&question(stream)).await;
        let wait: u64 = seen.header("retry-after").parse().expect("seconds");
        assert!(seen.status == 429 && (1..=7).contains(&wait), "{seen:?}");
    }
}

/// The client's key is not the one that was refused.
#[tokio::test]
async fn a_provider_that_refuses_its_key_is_not_the_clients_fault() {
    for status in [401, 403] {
        let refused =
            json!({"error": {"message": "bad key sk-key-of-a", "code": "invalid_api_key"}});
        let provider = always(Reply::status(status, &refused)).await;
        let desk = Desk::before(&provider).await;
        for stream in [false, true] {
            let seen = desk.ask(&question(stream)).await;
            assert_eq!(seen.status, 502, "{}", seen.text());
            assert_eq!(seen.error()["code"], "PROVIDER_ERROR");
            assert!(!seen.text().contains("sk-key-of-a"), "{}", seen.text());
        }
    }
}

#[tokio::test]
async fn what_providers_say_comes_in_one_form() {
    let page = |status| Reply::new(status).content_type("text/html").bytes("<h1>Busy</h1>").sized();
    let detail = Reply::status(422, &json!({"detail": "no such field"}));
    both(detail, |seen| {
        let error = envelope(&seen.body);
        assert_eq!((seen.status.as_u16(), &*error.message), (422, "no such field"));
        assert_eq!(error.code, "invalid_request_error");
    })
    .await;
    both(Reply::status(400, &json!({"error": "no such thing"})), |seen| {
        assert_eq!((seen.status.as_u16(), &*envelope(&seen.body).message), (400, "no such thing"));
    })
    .await;
    both(page(400), |seen| {
        assert_eq!(seen.status, 400);
        let message = envelope(&seen.body).message;
        assert_eq!(message, "the provider answered 400 Bad Request");
    })
    .await;
    both(Reply::error(400, "context_length_exceeded"), |seen| {
        assert_eq!(seen.status, 400);
        assert_eq!(envelope(&seen.body).code, "context_length_exceeded");
    })
    .await;
    for reply in [page(503), page(200), Reply::new(200).sized(), Reply::error(500, "oops")] {
        both(reply, |seen| {
            assert_eq!(seen.status, 502);
            assert_eq!(envelope(&seen.body).code, "PROVIDER_ERROR");
        })
        .await;
    }
}

#[tokio::test]
async fn a_provider_that_does_not_stream_is_translated_all_the_same() {
    let provider = always(Reply::chat("Hello")).await;
    let desk = Desk::before(&provider).await;
    let seen = desk.ask(&question(true)).await;
    assert_eq!((seen.status.as_u16(), seen.header("content-type")), (200, "text/event-stream"));
    let text = seen.text();
    assert!(text.contains("event: response.completed") && text.contains("Hello"), "{text}");
}

#[tokio::test]
async fn a_request_that_is_wrong_names_the_field() {
    let provider = always(Reply::chat("Hello")).await;
    let desk = Desk::before(&provider).await;
    let output = json!({"type": "function_call_output", "call_id": "c", "output": "x"});
    for (field, value, param) in [
        ("input", Value::Null, "input"),
        ("input", json!([]), "input"),
        ("input", json!(7), "input"),
        ("input", json!([{"role": "nobody", "content": "x"}]), "input[0].role"),
        ("input", json!([{"role": "user", "content": "x"}, output]), "input[1].call_id"),
        ("temperature", json!("hot"), "temperature"),
        ("max_output_tokens", json!("many"), "max_output_tokens"),
        ("tools", json!([{"type": "function"}]), "tools[0].name"),
        ("background", json!(true), "background"),
        ("previous_response_id", json!(7), "previous_response_id"),
    ] {
        for stream in [false, true] {
            let mut ask = question(stream);
            ask[field] = value.clone();
            let seen = desk.ask(&ask).await;
            assert_eq!(seen.status, 400, "{ask}: {}", seen.text());
            let error = envelope(&seen.body);
            assert_eq!(error.code, "INVALID_REQUEST", "{ask}");
            assert_eq!(error.param.as_deref(), Some(param), "{ask}");
        }
    }
    for body in ["", "{", "[]", "\"Hi\"", "{\"model\": \"m\", \"input\": \"a\"} x"] {
        let seen = Seen::read(send(desk.addr(), post_bytes(RESPONSES, body)).await).await;
        assert_eq!(seen.status, 400, "{body}: {}", seen.text());
        assert_eq!(seen.error()["code"], "INVALID_REQUEST");
    }
    assert_eq!(provider.received().len(), 0);
}

#[tokio::test]
async fn when_nobody_is_left_all_reasons_are_told() {
    let a = always(Reply::error(503, "overloaded")).await;
    let b = always(Reply::fault(Fault::Reset)).await;
    for dialects in [["chat", "chat"], ["chat", "responses"], ["responses", "chat"]] {
        let desk = Desk::with(&[(dialects[0], &a), (dialects[1], &b)], "").await;
        for stream in [false, true] {
            let seen = desk.ask(&question(stream)).await;
            assert_eq!((seen.status.as_u16(), seen.attempts()), (502, 2), "{dialects:?}");
            let error = seen.error();
            assert_eq!(error["code"], "PROVIDER_ERROR");
            let message = error["message"].as_str().expect("a text");
            assert!(
                message.starts_with("a: 503 overloaded: The provider says overloaded.; b: "),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn deadlines_before_the_first_word() {
    let silent = always(Reply::fault(Fault::Silence)).await;
    let wordless = always(Reply::events().role().stall()).await;
    for (provider, deadline, stream, status, code) in [
        (&silent, "headers_ms: 150", true, 502, "PROVIDER_ERROR"),
        (&silent, "first_token_ms: 150", false, 502, "PROVIDER_ERROR"),
        (&wordless, "first_token_ms: 150", true, 502, "PROVIDER_ERROR"),
        (&silent, "total_ms: 150", true, 504, "DEADLINE_EXCEEDED"),
        (&silent, "total_ms: 150", false, 504, "DEADLINE_EXCEEDED"),
        (&wordless, "total_ms: 150", true, 504, "DEADLINE_EXCEEDED"),
    ] {
        let settings = format!("timeouts: {{{deadline}}}");
        let desk = Desk::with(&[("chat", provider)], &settings).await;
        let seen = desk.ask(&question(stream)).await;
        assert_eq!(seen.status, status, "{deadline}, {stream}: {}", seen.text());
        assert_eq!(seen.error()["code"], code);
        assert_eq!(seen.attempts(), 1);
    }
}

/// When the head has left already, the error is an event.
#[tokio::test]
async fn behind_an_early_head_the_error_is_an_event() {
    let provider = always(Reply::events().role().event(json!({"error": {"code": "busy"}}))).await;
    let desk = Desk::before(&provider).await;
    let mut request = post(RESPONSES, &question(true));
    let headers = HeaderValue::from_static("headers");
    request.headers_mut().insert("x-switchtower-commit", headers);
    let told = Told::read(send(desk.addr(), request).await).await;
    assert_eq!(told.ending(), "response.failed");
    assert_eq!(told.response()["error"]["code"], "busy");
    assert_eq!(told.response()["output"], json!([]));
}

/// Codex asks for it and goes on without.
#[tokio::test]
async fn there_are_no_web_sockets() {
    let provider = always(Reply::chat("Hello")).await;
    let desk = Desk::before(&provider).await;
    let mut request = get(RESPONSES);
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let seen = Seen::read(send(desk.addr(), request).await).await;
    assert_eq!(seen.status, 426, "{}", seen.text());
    envelope(&seen.body);
    assert_eq!(provider.received().len(), 0);
}
