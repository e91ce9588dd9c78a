//! Attachments of messages and calls are returned unchanged to the provider that made them, and to
//! no other.

use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, text},
    script::{answer, call, calls, messages},
};
use crate::support::{Provider, Received, Reply, provider};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Signs the first call of each message, as Gemini does.
    Gemini,
    /// Gives the reasoning of each message with calls in pieces, as OpenRouter does.
    OpenRouter,
    /// Attaches fields of its own to messages, calls and functions.
    Other,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Gemini, Self::OpenRouter, Self::Other];

    /// A message with these calls, and everything attached.
    fn message(self, ids: &[&str]) -> Value {
        let mut made: Vec<Value> = ids.iter().map(|id| call(id, "look", json!({}))).collect();
        let mut message = json!({"role": "assistant", "content": null});
        match self {
            Self::Gemini => {
                made[0]["extra_content"] = json!({"google": {"thought_signature": ids[0]}});
            }
            Self::OpenRouter => {
                message["reasoning_details"] = json!([
                    {"type": "reasoning.text", "text": format!("Let me see {}", ids[0]),
                     "index": 0, "format": "f", "signature": "c2ln"},
                    {"type": "reasoning.encrypted", "data": ids[0], "id": "r1", "index": 1},
                ]);
            }
            Self::Other => {
                message["trace"] = json!({"of": ids[0], "n": 1.50});
                for call in &mut made {
                    call["function"]["seal"] = call["id"].clone();
                    call["rank"] = json!([1, {"a": null}]);
                }
            }
        }
        message["tool_calls"] = made.into();
        message
    }

    fn reply(self, request: &Received, ids: &[&str]) -> Reply {
        let message = self.message(ids);
        if request.json()["stream"] != true {
            return plain(&message, "tool_calls");
        }
        let mut reply = Reply::events().role();
        if let Some(trace) = message.get("trace") {
            reply = reply.chunk(json!({"trace": {"of": trace["of"]}}));
            reply = reply.chunk(json!({"trace": {"n": trace["n"]}}));
        }
        if self == Self::OpenRouter {
            let piece = |field: &str, value: &str| {
                json!({"reasoning_details": [
                    {"type": "reasoning.text", "index": 0, "format": "f", field: value},
                ]})
            };
            reply = reply.chunk(piece("text", "Let me see "));
            reply = reply.chunk(piece("text", ids[0])).chunk(piece("signature", "c2ln"));
            let secret = message["reasoning_details"][1].clone();
            reply = reply.chunk(json!({"reasoning_details": [secret]}));
        }
        for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let mut call = call.clone();
            call["index"] = index.into();
            reply = reply.chunk(json!({"tool_calls": [call]}));
        }
        reply.finish("tool_calls").usage(9, 3).done()
    }

    /// Refuses a conversation in which its own messages are not as they were, or others' are not
    /// free of attachments.
    fn check(self, request: &Received) -> Option<Reply> {
        for message in messages(request) {
            let Some(made) = message["tool_calls"].as_array() else { continue };
            let ids: Vec<_> = made.iter().filter_map(|call| call["id"].as_str()).collect();
            let expected = if ids[0].starts_with('b') {
                calls(&[call(ids[0], "look", json!({}))])
            } else {
                self.message(&ids)
            };
            let mut sent = message.clone();
            // The gateway's own word for the reasoning.
            sent.as_object_mut().expect("a message").remove("reasoning_content");
            if sent != expected {
                let message = format!("{sent} is missing a thought_signature or the like");
                return Some(Reply::status(400, &json!({"error": {"message": message}})));
            }
        }
        None
    }
}

fn plain(message: &Value, finish: &str) -> Reply {
    Reply::json(&json!({
        "id": "chatcmpl-7", "object": "chat.completion", "created": 1, "model": "m-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }))
}

fn says(request: &Received, what: &str) -> Reply {
    match request.json()["stream"] == true {
        true => Reply::events().role().delta(what).finish("stop").done(),
        false => plain(&answer(what), "stop"),
    }
}

/// Of how many tools the conversation has the output.
fn outputs(request: &Received) -> usize {
    messages(request).iter().filter(|message| message["role"] == "tool").count()
}

async fn signer(kind: Kind) -> Provider {
    provider(move |request| match (kind.check(&request), outputs(&request)) {
        (Some(refused), _) => refused,
        (None, 0) => kind.reply(&request, &["c1", "c2"]),
        (None, 2) => kind.reply(&request, &["c3"]),
        (None, 3) => Reply::error(503, "overloaded"),
        (None, _) => says(&request, "Clear."),
    })
    .await
}

/// Knows nothing but Chat Completions.
async fn plain_speaker() -> Provider {
    provider(|request| {
        let body = request.json().to_string();
        let alien = ["extra_content", "reasoning_details", "trace", "rank", "seal", "c2ln"];
        if let Some(field) = alien.iter().find(|field| body.contains(**field)) {
            return Reply::status(
                400,
                &json!({"error": {"message": format!("not mine: {field}")}}),
            );
        }
        calls_plainly(&request)
    })
    .await
}

fn calls_plainly(request: &Received) -> Reply {
    let mut made = call("b1", "look", json!({}));
    if request.json()["stream"] != true {
        return plain(&calls(&[made]), "tool_calls");
    }
    made["index"] = 0.into();
    let reply = Reply::events().role().chunk(json!({"tool_calls": [made]}));
    reply.finish("tool_calls").done()
}

/// The output of the calls in a response.
fn given(response: &Value) -> Vec<Value> {
    let output = response["output"].as_array().expect("items");
    let calls = output.iter().filter(|item| item["type"] == "function_call");
    let give = |call: &Value| json!({"type": "function_call_output", "call_id": call["call_id"], "output": "yes"});
    calls.map(give).collect()
}

/// What Codex keeps of an item.
fn kept(item: &Value) -> Value {
    let mut item = item.clone();
    for field in ["id", "status"] {
        item.as_object_mut().expect("an item").remove(field);
    }
    item
}

/// Four turns: two calls at once, one call, one call of another provider, and the answer.
async fn converse(kind: Kind, stream: bool, store: bool, include: bool) {
    let (signer, other) = (signer(kind).await, plain_speaker().await);
    let providers = [("chat", &signer), ("chat", &other)];
    let settings = "fallback_chain: [a, b]\nretry: {max_retries: 0}";
    let desk = Desk::with(&providers, settings).await;
    let mut history = vec![json!({"role": "user", "content": "Is the line clear?"})];
    let mut previous = Value::Null;
    let mut said = String::new();
    for turn in 0..4 {
        let include = if include { json!(["reasoning.encrypted_content"]) } else { Value::Null };
        let response = desk
            .response(&json!({
                "model": "m", "input": history, "stream": stream, "store": store,
                "previous_response_id": previous, "include": include,
                "tools": [{"type": "function", "name": "look"}],
            }))
            .await;
        let output = response["output"].as_array().expect("items");
        let made = output.iter().filter(|item| item["type"] == "function_call").count();
        assert_eq!(made, [2, 1, 1, 0][turn], "{kind:?} {stream} {store} {response}");
        for part in ["thought_signature", "c2ln", "trace"] {
            assert!(!response.to_string().contains(part), "it is sealed: {response}");
        }
        if store {
            history.clear();
            previous = response["id"].clone();
        } else {
            history.extend(output.iter().map(kept));
        }
        history.extend(given(&response));
        said = text(&response);
    }
    assert_eq!(said, "Clear.");
    assert_eq!(other.received().len(), 1);
    assert_eq!(signer.received().len(), 4);
}

#[tokio::test]
async fn signed_conversations_work_stored() {
    for kind in Kind::ALL {
        for stream in [false, true] {
            converse(kind, stream, true, false).await;
        }
    }
}

#[tokio::test]
async fn signed_conversations_work_through_the_client() {
    for kind in Kind::ALL {
        for stream in [false, true] {
            converse(kind, stream, false, true).await;
            converse(kind, stream, false, false).await;
        }
    }
}

/// A provider may send what belongs to a call behind its arguments.
#[tokio::test]
async fn what_comes_late_comes_back_too() {
    let signer = provider(|request| {
        if outputs(&request) > 0 {
            return says(&request, "Clear.");
        }
        let call = |piece: Value| json!({"tool_calls": [piece]});
        Reply::events()
            .role()
            .delta("I look.")
            .chunk(call(json!({"index": 0, "id": "c1", "type": "function",
                "function": {"name": "look", "arguments": "{}"}})))
            .chunk(call(
                json!({"index": 0, "extra_content": {"google": {"thought_signature": "s"}}}),
            ))
            .chunk(json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "d"}]}))
            .finish("tool_calls")
            .done()
    })
    .await;
    let desk = Desk::before(&signer).await;
    let user = json!({"role": "user", "content": "Is the line clear?"});
    let tools = json!([{"type": "function", "name": "look"}]);
    let ask = |input: &[Value]| json!({"model": "m", "input": input, "stream": true, "store": false, "tools": tools});
    let response = desk.response(&ask(std::slice::from_ref(&user))).await;
    let output: Vec<Value> =
        response["output"].as_array().expect("items").iter().map(kept).collect();
    let types: Vec<_> = output.iter().map(|item| item["type"].as_str().expect("a type")).collect();
    assert_eq!(types, ["message", "function_call", "reasoning"]);
    assert_eq!(output[2]["summary"], json!([]));
    let input = [vec![user], output, given(&response)].concat();
    assert_eq!(text(&desk.response(&ask(&input)).await), "Clear.");
    let sent = &messages(&signer.received()[1])[1];
    assert_eq!(sent["content"], "I look.");
    assert_eq!(sent["reasoning_details"], json!([{"type": "reasoning.encrypted", "data": "d"}]));
    let extra = &sent["tool_calls"][0]["extra_content"];
    assert_eq!(*extra, json!({"google": {"thought_signature": "s"}}));
}

/// Nothing is made for providers that attach nothing.
#[tokio::test]
async fn without_attachments_there_is_no_item_for_them() {
    let speaker = plain_speaker().await;
    let desk = Desk::before(&speaker).await;
    for stream in [false, true] {
        let response = desk.response(&json!({"model": "m", "input": "Hi", "stream": stream})).await;
        assert_eq!(response["output"].as_array().map(Vec::len), Some(1), "{response}");
    }
}
