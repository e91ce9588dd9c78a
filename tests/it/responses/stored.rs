//! Responses that clients come back to, before a provider that knows nothing of them.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, RESPONSES, question, text},
    dialects::native_provider,
    script::{answer, call, calls, last, messages, says},
};
use crate::support::{Provider, always, client, envelope, post, provider, send};

/// Answers with the number of messages it got, and the last of them.
pub(crate) async fn listener() -> Provider {
    provider(|request| {
        let told = messages(&request).len();
        says(&request, answer(&format!("{told}: {}", last(&request))))
    })
    .await
}

pub(crate) fn follow(previous: &Value, input: &str, stream: bool) -> Value {
    json!({"model": "m", "previous_response_id": previous["id"], "input": input, "stream": stream})
}

/// The texts of the messages that the provider got last.
fn heard(provider: &Provider) -> Vec<String> {
    let messages = messages(&provider.received().pop().expect("a request"));
    let text = |message: &Value| message["content"].as_str().expect("a text").to_owned();
    messages.iter().map(text).collect()
}

async fn call_stored(desk: &Desk, method: Method, path: &str) -> (StatusCode, Value) {
    let mut request = post(&format!("{RESPONSES}/{path}"), &json!({}));
    *request.method_mut() = method;
    let answer = send(desk.addr(), request).await;
    (answer.status(), client::json(answer).await)
}

#[tokio::test]
async fn turns_form_chains_and_branches() {
    let provider = listener().await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let mut begin = json!({"model": "m", "input": "one", "stream": stream});
        begin["instructions"] = "Be short.".into();
        let first = desk.response(&begin).await;
        assert_eq!(heard(&provider), ["Be short.", "one"]);
        let second = desk.response(&follow(&first, "two", stream)).await;
        assert_eq!(second["previous_response_id"], first["id"]);
        assert_eq!(text(&second), "3: two");
        // Instructions are not inherited.
        assert_eq!(heard(&provider), ["one", "2: one", "two"]);
        desk.response(&follow(&second, "three", stream)).await;
        assert_eq!(heard(&provider), ["one", "2: one", "two", "3: two", "three"]);
        let branch = desk.response(&follow(&first, "other", stream)).await;
        assert_eq!(heard(&provider), ["one", "2: one", "other"]);
        desk.response(&follow(&branch, "end", stream)).await;
        assert_eq!(heard(&provider), ["one", "2: one", "other", "3: other", "end"]);
    }
}

#[tokio::test]
async fn a_call_is_answered_in_the_next_turn() {
    let provider = provider(|request| match messages(&request).len() {
        1 => {
            let mut message = calls(&[call("call_1", "look", json!({}))]);
            message["reasoning_content"] = "Hm.".into();
            says(&request, message)
        }
        _ => says(&request, answer("Clear.")),
    })
    .await;
    let desk = Desk::before(&provider).await;
    let tool = json!({"type": "function", "name": "look"});
    for stream in [false, true] {
        let ask = json!({
            "model": "m", "input": "Look.", "tools": [tool], "stream": stream,
            "include": ["reasoning.encrypted_content"],
        });
        let first = desk.response(&ask).await;
        let output = json!({"type": "function_call_output", "call_id": "call_1", "output": "yes"});
        let mut second = follow(&first, "", stream);
        second["tools"] = json!([tool]);
        second["input"] = json!([output]);
        assert_eq!(text(&desk.response(&second).await), "Clear.");
        let history = messages(&provider.received().pop().expect("a request"));
        let [_, called, answered] = &history[..] else { panic!("{history:?}") };
        assert_eq!(called["tool_calls"][0]["id"], "call_1");
        assert_eq!(called["reasoning_content"], "Hm.");
        assert_eq!(answered["content"], "yes");
    }
}

#[tokio::test]
async fn items_can_be_referred_to() {
    let provider = listener().await;
    let desk = Desk::before(&provider).await;
    let first = desk.response(&question(false)).await;
    let item = json!({"type": "item_reference", "id": first["output"][0]["id"]});
    let mut ask = question(true);
    ask["input"] = json!([item, {"role": "user", "content": "More."}]);
    desk.response(&ask).await;
    assert_eq!(heard(&provider), ["1: Hi", "More."]);
}

#[tokio::test]
async fn what_is_stored_can_be_read_and_deleted() {
    let provider = listener().await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let first = desk.response(&question(stream)).await;
        let second = desk.response(&follow(&first, "two", stream)).await;
        let id = second["id"].as_str().expect("an id");
        assert_eq!(desk.look(id).await, (StatusCode::OK, second.clone()));

        let (status, page) = desk.look(&format!("{id}/input_items?order=asc&limit=2")).await;
        assert_eq!((status.as_u16(), &page["object"]), (200, &"list".into()));
        let texts = |page: &Value| -> Vec<String> {
            let data = page["data"].as_array().expect("items");
            data.iter().map(|item| text(&json!({"output": [item]}))).collect()
        };
        assert_eq!(
            (texts(&page), &page["has_more"]),
            (vec!["Hi".into(), "1: Hi".into()], &true.into())
        );
        let after = page["last_id"].as_str().expect("an id");
        let (_, page) = desk.look(&format!("{id}/input_items?order=asc&after={after}")).await;
        assert_eq!((texts(&page), &page["has_more"]), (vec!["two".into()], &false.into()));
        let (_, page) = desk.look(&format!("{id}/input_items")).await;
        assert_eq!(texts(&page), ["two", "1: Hi", "Hi"]);

        let (status, error) = call_stored(&desk, Method::POST, &format!("{id}/cancel")).await;
        assert_eq!((status.as_u16(), &error["error"]["code"]), (400, &"INVALID_REQUEST".into()));
        let (status, error) = call_stored(&desk, Method::PUT, id).await;
        assert_eq!((status.as_u16(), &error["error"]["code"]), (405, &"METHOD_NOT_ALLOWED".into()));

        let first_id = first["id"].as_str().expect("an id");
        let (status, gone) = call_stored(&desk, Method::DELETE, first_id).await;
        let expected = json!({"id": first_id, "object": "response", "deleted": true});
        assert_eq!((status.as_u16(), gone), (200, expected));
        for (method, path) in [
            (Method::GET, first_id.to_owned()),
            (Method::DELETE, first_id.to_owned()),
            (Method::GET, format!("{first_id}/input_items")),
            (Method::POST, format!("{first_id}/cancel")),
        ] {
            let (status, error) = call_stored(&desk, method.clone(), &path).await;
            let expected = (404, &"NOT_FOUND".into());
            assert_eq!((status.as_u16(), &error["error"]["code"]), expected, "{method} {path}");
        }
        // What went on from it is whole by itself.
        desk.response(&follow(&second, "three", stream)).await;
        assert_eq!(heard(&provider), ["Hi", "1: Hi", "two", "3: two", "three"]);
    }
    assert_eq!(provider.received().len(), 6, "it heard of nothing else");
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_not_to_be_stored() {
    let provider = listener().await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let mut ask = question(stream);
        ask["store"] = false.into();
        let response = desk.response(&ask).await;
        assert_eq!(response["store"], false);
        let (status, _) = desk.look(response["id"].as_str().expect("an id")).await;
        assert_eq!(status, 404);
        let seen = desk.ask(&follow(&response, "two", stream)).await;
        assert_eq!(seen.status, 404);
    }
    assert!(!desk.home.path().join("data/responses.sqlite").exists());
}

#[tokio::test]
async fn an_unknown_response_is_404_before_anybody_is_asked() {
    for dialect in ["chat", "responses"] {
        let provider = always(crate::support::Reply::error(500, "oops")).await;
        let desk = Desk::with(&[(dialect, &provider)], "").await;
        for stream in [false, true] {
            let seen = desk.ask(&follow(&json!({"id": "resp_unknown"}), "Hi", stream)).await;
            assert_eq!(seen.status, 404);
            let error = envelope(&seen.body);
            assert_eq!(error.code, "previous_response_not_found");
            assert_eq!(error.param.as_deref(), Some("previous_response_id"));
        }
        assert_eq!(provider.received().len(), 0);
    }
}

#[tokio::test]
async fn native_answers_are_stored_too() {
    let provider = native_provider().await;
    let desk = Desk::with(&[("responses", &provider)], "").await;
    for stream in [false, true] {
        desk.ask(&question(stream)).await;
        let (status, stored) = desk.look("resp_native").await;
        assert_eq!((status.as_u16(), &stored["new_field"]), (200, &json!([1, 2])));
        let previous = json!({"id": "resp_native"});
        assert_eq!(desk.ask(&follow(&previous, "two", stream)).await.status, 200);
        let sent = provider.received().pop().expect("a request").json();
        assert!(sent.get("previous_response_id").is_none(), "{sent}");
        let input = sent["input"].as_array().expect("items");
        assert_eq!(input.len(), 3, "{sent}");
        assert_eq!(input[1]["id"], "msg_native");
    }
}
