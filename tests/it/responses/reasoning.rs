//! Reasoning that travels through the client, sealed.

use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, items, text},
    script::{answer, call, calls, messages, says},
};
use crate::support::{Provider, Received, Reply, provider};

const THOUGHT: &str = "First the signals, then the é-points.";

fn thinks(request: &Received) -> Reply {
    let mut message = match messages(request).len() {
        1 => calls(&[call("call_1", "look", json!({}))]),
        _ => answer("Clear."),
    };
    message["reasoning_content"] = THOUGHT.into();
    says(request, message)
}

async fn thinker() -> Provider {
    provider(|request| thinks(&request)).await
}

fn ask(input: &[Value], stream: bool) -> Value {
    let tool = json!({"type": "function", "name": "look"});
    json!({
        "model": "m", "input": input, "tools": [tool], "stream": stream, "store": false,
        "include": ["reasoning.encrypted_content"],
    })
}

fn begin() -> Vec<Value> {
    vec![json!({"role": "user", "content": "Is the line clear?"})]
}

/// What the client hands back: the output, with these seals, and the call's result.
fn history(response: &Value, seal: impl Fn(&mut Value)) -> Vec<Value> {
    let mut output = response["output"].as_array().expect("items").clone();
    output.iter_mut().filter(|item| item["type"] == "reasoning").for_each(seal);
    let result = json!({"type": "function_call_output", "call_id": "call_1", "output": "yes"});
    [begin(), output, vec![result]].concat()
}

fn resent(provider: &Provider) -> Value {
    messages(&provider.received().pop().expect("a request"))[1]["reasoning_content"].clone()
}

#[tokio::test]
async fn what_was_thought_is_known_in_the_next_round() {
    let provider = thinker().await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let response = desk.response(&ask(&begin(), stream)).await;
        let [thought] = items(&response, "reasoning")[..] else { panic!("{response}") };
        assert!(thought["id"].as_str().expect("an id").starts_with("rs_"));
        assert_eq!(thought["summary"], json!([{"type": "summary_text", "text": THOUGHT}]));
        let sealed = thought["encrypted_content"].as_str().expect("a seal");
        assert!(!sealed.contains("signals"));
        assert_eq!(response["output"][0], *thought, "it comes first");

        // Only the seal counts: a client may leave out all of the rest.
        let input = history(&response, |item| item["summary"] = json!([]));
        assert_eq!(text(&desk.response(&ask(&input, stream)).await), "Clear.");
        assert_eq!(resent(&provider), THOUGHT);
    }
    let told = desk.told(&ask(&begin(), true)).await;
    assert_eq!(told.deltas("response.reasoning_summary_text.delta"), THOUGHT);
}

#[tokio::test]
async fn seals_of_others_are_ignored() {
    let (provider, elsewhere) = (thinker().await, thinker().await);
    let (desk, other) = (Desk::before(&provider).await, Desk::before(&elsewhere).await);
    let foreign = other.response(&ask(&begin(), false)).await;
    let foreign = items(&foreign, "reasoning")[0]["encrypted_content"].clone();
    let own = desk.response(&ask(&begin(), false)).await;
    let genuine = items(&own, "reasoning")[0]["encrypted_content"].as_str().expect("a seal");
    let mut forged = genuine.to_owned();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.insert(forged.len() / 2, last);
    for seal in [foreign, "gAAAAABo-not-ours".into(), forged.into(), "".into(), Value::Null] {
        for stream in [false, true] {
            let input = history(&own, |item| {
                item["encrypted_content"] = seal.clone();
                item["summary"] = json!([]);
            });
            assert_eq!(text(&desk.response(&ask(&input, stream)).await), "Clear.", "{seal}");
            assert_eq!(resent(&provider), Value::Null, "{seal}");
        }
    }
}

#[tokio::test]
async fn nothing_is_sealed_for_who_did_not_ask() {
    let provider = thinker().await;
    let desk = Desk::before(&provider).await;
    let mut ask = ask(&begin(), false);
    ask["include"] = Value::Null;
    let response = desk.response(&ask).await;
    let thought = items(&response, "reasoning")[0];
    assert!(thought["encrypted_content"].is_null(), "{thought}");
    assert!(!desk.home.path().join("data/seal.key").exists());
}
