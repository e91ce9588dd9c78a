//! Streams of providers that do not write as OpenAI does, and are well all the same.

use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, items, question, text},
    told::Told,
};
use crate::support::{Reply, always};

/// A chunk with this delta, which is JSON already: halves of characters are no text.
fn raw(delta: &str) -> String {
    format!(
        r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
    )
}

async fn told(reply: Reply) -> Told {
    let provider = always(reply).await;
    let desk = Desk::before(&provider).await;
    desk.told(&question(true)).await
}

#[tokio::test]
async fn events_that_carry_nothing_break_nothing() {
    for nothing in [
        "data:\n\n",
        "data: \n\n",
        "data\n\n",
        "data: ping\n\n",
        "data: \"ping\"\n\n",
        "data: null\n\n",
        "data: 7\n\n",
        "data: []\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "event: heartbeat\n\n",
        ": OPENROUTER PROCESSING\n\n",
        "\n\n",
    ] {
        let reply = Reply::events().bytes(nothing).role().delta("Hello").bytes(nothing);
        let reply = reply.bytes(nothing).delta(" there.").bytes(nothing).finish("stop");
        let told = told(reply.bytes(nothing).done()).await;
        assert_eq!(told.ending(), "response.completed", "{nothing}");
        assert_eq!(text(&told.response()), "Hello there.", "{nothing}");
        assert_eq!(told.deltas("response.output_text.delta"), "Hello there.", "{nothing}");
    }
}

#[tokio::test]
async fn a_stream_may_end_in_other_words() {
    for end in ["[DONE]", "[DONE] ", "[done]", "DONE", "done"] {
        let reply = Reply::events().role().delta("Hi").finish("stop").event(end);
        let told = told(reply).await;
        assert_eq!(
            (told.ending(), &*text(&told.response())),
            ("response.completed", "Hi"),
            "{end}"
        );
    }
}

fn piece(fields: &Value, function: &Value) -> Value {
    let mut call = json!({"index": 0, "id": "call_1", "type": "function", "function": function});
    call.as_object_mut().expect("an object").extend(fields.as_object().expect("one").clone());
    json!({"tool_calls": [call]})
}

async fn summed_up(tool: &str, whole: &str) {
    let encoded = json!(whole).to_string();
    let spaced = whole.replace(": ", ":");
    let named = |arguments: &str| json!({"name": "lookup", "arguments": arguments});
    for (last, why) in [
        (piece(&json!({}), &named(whole)), "whole"),
        (piece(&json!({}), &named(&encoded)), "encoded once more"),
        (piece(&json!({}), &named(&spaced)), "spaced otherwise"),
        (piece(&json!({"id": null}), &named(whole)), "without its id"),
        (piece(&json!({"index": null}), &named(whole)), "without its index"),
        (piece(&json!({}), &json!({"arguments": whole})), "without its name"),
    ] {
        let (begin, rest) = whole.split_at(4);
        let reply = Reply::events().role().chunk(piece(&json!({}), &named(begin)));
        let reply = reply.chunk(piece(&json!({}), &json!({"arguments": rest}))).chunk(last);
        let provider = always(reply.finish("tool_calls").done()).await;
        let desk = Desk::before(&provider).await;
        let mut ask = question(true);
        ask["tools"] = json!([{"type": tool, "name": "lookup"}]);
        let told = desk.told(&ask).await;
        let response = told.response();
        assert_eq!(response["output"].as_array().map(Vec::len), Some(1), "{tool} {why}");
        let call = &response["output"][0];
        assert_eq!(call["call_id"], "call_1", "{tool} {why}");
        if tool == "custom" {
            assert_eq!((&call["type"], &call["input"]), (&json!("custom_tool_call"), &json!("x")));
        } else {
            assert_eq!(
                (&call["type"], &call["arguments"]),
                (&json!("function_call"), &json!(whole))
            );
            assert_eq!(told.deltas("response.function_call_arguments.delta"), whole);
        }
    }
}

#[tokio::test]
async fn a_call_that_is_summed_up_is_one_call() {
    summed_up("function", r#"{"q": "x"}"#).await;
    summed_up("custom", r#"{"input": "x"}"#).await;
}

#[tokio::test]
async fn parallel_calls_with_one_index_stay_two() {
    let call = |id: &str, arguments: &str| {
        piece(&json!({"id": id}), &json!({"name": "lookup", "arguments": arguments}))
    };
    for (first, second) in
        [("{}", "{}"), (r#"{"q":1}"#, r#"{"q":1}"#), (r#"{"q":1}"#, r#"{"q":2}"#)]
    {
        let reply = Reply::events().role().chunk(call("a", first)).chunk(call("b", second));
        let response = told(reply.finish("tool_calls").done()).await.response();
        let calls = items(&response, "function_call");
        let ids: Vec<_> = calls.iter().map(|call| call["call_id"].clone()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(
            (&calls[0]["arguments"], &calls[1]["arguments"]),
            (&first.into(), &second.into())
        );
    }
}

#[tokio::test]
async fn a_character_that_two_chunks_share_is_whole() {
    for (pieces, expected) in [
        (&["go \\ud83d", "\\ude80 now"][..], "go 🚀 now"),
        (&["go \\uD83D", "", "\\uDE80", " now"], "go 🚀 now"),
        (&["\\ud83d\\ude80\\ud83d", "\\ude80"], "🚀🚀"),
        (&["go \\ud83d", " on"], "go \u{fffd} on"),
        (&["go \\ud83d"], "go \u{fffd}"),
    ] {
        for split in [false, true] {
            let of = |field: &str| {
                let chunk = |text: &&str| raw(&format!(r#"{{"{field}":"{text}"}}"#));
                let reply = pieces.iter().map(chunk).fold(Reply::events().role(), Reply::event);
                let reply = reply.finish("stop").done();
                if split { reply.byte_by_byte() } else { reply }
            };
            let told = told(of("content")).await;
            assert_eq!(text(&told.response()), expected);
            assert_eq!(told.deltas("response.output_text.delta"), expected);
            let told = self::told(of("reasoning_content")).await;
            assert_eq!(told.deltas("response.reasoning_summary_text.delta"), expected);
            assert_eq!(items(&told.response(), "reasoning")[0]["summary"][0]["text"], expected);
        }
    }
    // In arguments, too.
    let begin = r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"q\": \"\ud83d"}}]}"#;
    let rest = r#"{"tool_calls":[{"index":0,"function":{"arguments":"\ude80\"}"}}]}"#;
    let reply = Reply::events().role().event(raw(begin)).event(raw(rest)).finish("tool_calls");
    let told = told(reply.done()).await;
    let expected = r#"{"q": "🚀"}"#;
    assert_eq!(items(&told.response(), "function_call")[0]["arguments"], expected);
    assert_eq!(told.deltas("response.function_call_arguments.delta"), expected);
}

#[tokio::test]
async fn usage_is_found_wherever_it_stands() {
    let usage = json!({"prompt_tokens": 1336, "completion_tokens": 31, "total_tokens": 1367});
    let zeros = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
    let last = |usage: &Value| json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage}]});
    let groq = json!({"choices": [], "x_groq": {"id": "r", "usage": usage}});
    let beside = |usage: &Value| json!({"choices": [], "usage": usage});
    let begun = || Reply::events().role().delta("Hi");
    for (reply, why) in [
        (begun().event(last(&usage)), "in the choice"),
        (begun().event(last(&usage)).event(beside(&zeros)), "and zeros behind it"),
        (begun().event(last(&usage)).event(beside(&json!(null))), "and null behind it"),
        (begun().event(beside(&usage)).delta("!").event(last(&zeros)), "in the middle"),
        (begun().finish("stop").event(groq), "in Groq's own field"),
    ] {
        let response = told(reply.done()).await.response();
        let numbers = ["input_tokens", "output_tokens", "total_tokens"];
        assert_eq!(numbers.map(|field| &response["usage"][field]), [1336, 31, 1367], "{why}");
    }
    let message = json!({"role": "assistant", "content": "Hi"});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop", "usage": usage});
    let provider = always(Reply::json(&json!({"choices": [choice], "usage": null}))).await;
    let response = Desk::before(&provider).await.response(&question(false)).await;
    assert_eq!(response["usage"]["input_tokens"], 1336, "in a plain answer");
}
