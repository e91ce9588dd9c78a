//! Providers that speak Responses beside those that do not, within one request.

use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, RESPONSES, items, question, text},
    script::{answer, call, calls, messages, says},
    told::Told,
};
use crate::{
    recorded_response::Seen,
    support::{Fault, Provider, Received, Reply, always, client::post_bytes, provider, send},
};

/// An answer of a provider that speaks Responses, spaced as no serialiser of ours does it.
pub(crate) fn native(stream: bool) -> Reply {
    let response = |status: &str| {
        format!(
            r#"{{ "id":"resp_native",  "object":"response", "status":"{status}", "created_at": 1.0, "new_field": [1 ,2],
                "output":[{{"type":"message","id":"msg_native","role":"assistant","status":"completed","content":[{{"type":"output_text","text":"Native.","annotations":[]}}]}}] }}"#
        )
    };
    if !stream {
        let whole = response("completed");
        return Reply::new(200).content_type("application/json").bytes(whole).sized();
    }
    let event = |reply: Reply, number: usize, kind: &str, rest: String| {
        let data = format!(r#"{{ "type":"{kind}" , "sequence_number":{number}, {rest} }}"#);
        reply.named_event(kind, data.replace('\n', " "))
    };
    let field = |status: &str| format!(r#""response": {}"#, response(status));
    let delta = r#""item_id":"msg_native","output_index":0,"content_index":0,"delta":"Native.""#;
    let reply = event(Reply::events(), 0, "response.created", field("in_progress"));
    let reply = event(reply, 1, "response.in_progress", field("in_progress"));
    let reply = event(reply, 2, "response.output_text.delta", delta.into());
    event(reply, 3, "response.completed", field("completed"))
}

pub(crate) async fn native_provider() -> Provider {
    provider(|request| native(request.json()["stream"] == true)).await
}

async fn chat_provider() -> Provider {
    provider(|request| says(&request, answer("Translated."))).await
}

/// What fails before commit.
fn failures(stream: bool) -> Vec<Reply> {
    let mut failures = vec![
        Reply::error(503, "overloaded"),
        Reply::error(401, "invalid_api_key"),
        Reply::error(404, "model_not_found"),
        Reply::error(429, "rate_limit_exceeded").header("retry-after", 60),
        Reply::fault(Fault::Reset),
        Reply::html("<h1>Sign in</h1>"),
    ];
    if stream {
        failures.push(Reply::events().event(json!({"error": {"code": "overloaded"}})));
        failures.push(Reply::events().role().cut(Fault::Reset));
        for broken in ["error", "insufficient_system_resource"] {
            failures.push(Reply::events().role().finish(broken).done());
        }
    }
    failures
}

#[tokio::test]
async fn a_native_answer_passes_byte_for_byte() {
    let provider = native_provider().await;
    let desk = Desk::with(&[("responses", &provider)], "").await;
    for stream in [false, true] {
        let body = format!(
            "{{ \"input\" :\"Hi \\u00e9\", \"model\":\"m\",\n \"unheard_of\": 1.0, \"stream\": {stream} }}"
        );
        let seen = Seen::read(send(desk.addr(), post_bytes(RESPONSES, body.clone())).await).await;
        assert_eq!(seen.text().as_bytes(), native(stream).body());
        let received = provider.received().pop().expect("a request");
        assert_eq!(received.path(), "/v1/responses");
        assert_eq!(received.body, body.replace("\"m\"", "\"m-at-a\""));
    }
}

#[tokio::test]
async fn from_a_translated_provider_to_a_native_one() {
    for stream in [false, true] {
        for failure in failures(stream) {
            let (a, b) = (always(failure).await, native_provider().await);
            let desk = Desk::with(&[("chat", &a), ("responses", &b)], "").await;
            let seen = desk.ask(&question(stream)).await;
            assert_eq!((seen.target(), seen.attempts()), ("b/m-at-b".into(), 2));
            assert_eq!(seen.text().as_bytes(), native(stream).body());
            assert_eq!(a.received()[0].path(), "/v1/chat/completions");
            let mut sent = question(stream);
            sent["model"] = "m-at-b".into();
            assert_eq!((b.received()[0].path(), b.received()[0].json()), ("/v1/responses", sent));
        }
    }
}

#[tokio::test]
async fn from_a_native_provider_to_a_translated_one() {
    for stream in [false, true] {
        for failure in failures(stream) {
            let (a, b) = (always(failure).await, chat_provider().await);
            let desk = Desk::with(&[("responses", &a), ("chat", &b)], "").await;
            let response = desk.send(&question(stream)).await;
            assert_eq!(response.headers()["x-switchtower-provider"], "b");
            assert_eq!(response.headers()["x-switchtower-attempts"], "2");
            let response = match stream {
                true => Told::read(response).await.response(),
                false => crate::support::client::json(response).await,
            };
            assert_eq!(text(&response), "Translated.");
            assert_eq!(response["model"], "m-at-b");
            assert_eq!(messages(&b.received()[0]).len(), 1);
        }
    }
}

/// What only the real API can do is no reason to refuse it where there is one.
#[tokio::test]
async fn what_cannot_be_translated_goes_to_who_need_not() {
    let (a, b) = (chat_provider().await, native_provider().await);
    let desk = Desk::with(&[("chat", &a), ("responses", &b)], "").await;
    let mut ask = question(false);
    ask["background"] = true.into();
    let seen = desk.ask(&ask).await;
    assert_eq!((seen.status.as_u16(), seen.target()), (200, "b/m-at-b".into()));
    assert_eq!(a.received().len(), 0);
}

/// A turn that began at a translated provider goes on at a native one: what only this gateway can
/// open is left out, all else is as the client sent it.
#[tokio::test]
async fn a_native_provider_never_sees_our_seals() {
    let thinks = |request: &Received| {
        let mut message = calls(&[call("call_1", "look", json!({}))]);
        message["reasoning_content"] = "Hm.".into();
        if messages(request).len() > 1 {
            Reply::error(503, "overloaded")
        } else {
            says(request, message)
        }
    };
    let (a, b) = (provider(move |request| thinks(&request)).await, native_provider().await);
    let desk = Desk::with(&[("chat", &a), ("responses", &b)], "").await;
    for stream in [false, true] {
        let mut input = vec![json!({"role": "user", "content": "Look."})];
        let ask = |input: &[Value]| {
            json!({
                "model": "m", "input": input, "stream": stream, "store": false,
                "tools": [{"type": "function", "name": "look"}],
                "include": ["reasoning.encrypted_content"],
            })
        };
        let response = desk.response(&ask(&input)).await;
        let ours = items(&response, "reasoning")[0];
        assert!(ours["encrypted_content"].is_string());
        let foreign =
            json!({"type": "reasoning", "id": "rs_x", "summary": [], "encrypted_content": "gAAAx"});
        let output = json!({"type": "function_call_output", "call_id": "call_1", "output": "ok"});
        input.extend([foreign, ours.clone(), items(&response, "function_call")[0].clone(), output]);
        let seen = desk.ask(&ask(&input)).await;
        assert_eq!(seen.text().as_bytes(), native(stream).body());
        input.remove(2);
        let sent = b.received().pop().expect("a request").json();
        assert_eq!(sent["input"], Value::Array(input));
    }
}

#[tokio::test]
async fn reasoning_that_a_provider_does_not_know_is_left_out_once() {
    let unknown = Reply::status(
        400,
        &json!({"error": {"code": "invalid_encrypted_content", "message": "cannot be verified"}}),
    );
    let refused = unknown.clone();
    let picky =
        provider(move |request| match request.json()["input"].to_string().contains("gAAAx") {
            true => refused.clone(),
            false => native(request.json()["stream"] == true),
        })
        .await;
    let never = always(unknown).await;
    let foreign =
        json!({"type": "reasoning", "id": "rs_x", "summary": [], "encrypted_content": "gAAAx"});
    for stream in [false, true] {
        let mut ask = question(stream);
        ask["input"] = json!([{"role": "user", "content": "Hi"}, foreign]);
        let desk = Desk::with(&[("responses", &picky)], "").await;
        let seen = desk.ask(&ask).await;
        assert_eq!((seen.status.as_u16(), seen.attempts()), (200, 2));
        assert_eq!(seen.text().as_bytes(), native(stream).body());
        let sent = picky.received().pop().expect("a request").json();
        assert_eq!(sent["input"], json!([{"role": "user", "content": "Hi"}]));

        let before = never.received().len();
        let desk = Desk::with(&[("responses", &never)], "").await;
        let seen = desk.ask(&ask).await;
        assert_eq!((seen.status.as_u16(), never.received().len() - before), (400, 2));
    }
}
