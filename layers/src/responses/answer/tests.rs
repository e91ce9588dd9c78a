use serde_json::{Value, json};

use super::{
    Failure, StreamTranslator,
    script::{
        NOW, chunk, context, context_with, deltas, message, read, read_some, stream, stream_of,
        translator, whole_of,
    },
};
use crate::{
    exchange::{Fault, UpstreamError},
    responses::{Echo, ResponseContext},
};

static_assertions::assert_impl_all!(StreamTranslator: Send, Sync);

fn reasoning(text: &str) -> Value {
    let summary = [json!({"type": "summary_text", "text": text})];
    json!({"type": "reasoning", "status": "completed", "summary": summary})
}

fn text(text: &str) -> Value {
    let part = json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
    json!({"type": "message", "status": "completed", "role": "assistant", "content": [part]})
}

fn content(text: &str) -> Value {
    json!({"content": text})
}

#[test]
fn the_order_of_events() {
    let call = json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function",
        "function": {"name": "shell", "arguments": "{}"}}]});
    let all = [json!({"reasoning_content": "why"}), content("Hi"), content(" you"), call];
    let stream = deltas(&all, "tool_calls");
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(stream.types(), expected);
    assert_eq!(stream.output()[0], reasoning("why"));
    assert_eq!(stream.output()[1], text("Hi you"));
}

#[test]
fn nothing_is_held_back() {
    let (mut translator, mut out) = (translator(context()), Vec::new());
    let mut types = |delta: Value| {
        out.clear();
        translator.chunk(chunk(&delta, &Value::Null).as_bytes(), &mut out).unwrap();
        read_some(&out).types().join(" ")
    };
    assert_eq!(types(json!({"role": "assistant", "content": ""})), "created in_progress");
    let added = "output_item.added content_part.added output_text.delta";
    assert_eq!(types(content("Hi")), added);
    assert_eq!(types(content("!")), "output_text.delta");
    let call = |function: Value| json!({"tool_calls": [{"index": 0, "function": function}]});
    // A declared name is known to be whole.
    assert_eq!(
        types(call(json!({"name": "shell", "arguments": ""}))),
        "output_text.done content_part.done output_item.done output_item.added"
    );
    assert_eq!(types(call(json!({"arguments": "{"}))), "function_call_arguments.delta");
}

#[test]
fn null_and_empty_deltas_make_nothing() {
    let nothing = [
        json!(null),
        json!({"role": "assistant", "content": null, "tool_calls": null, "refusal": null}),
        json!({"content": "", "reasoning_content": "", "tool_calls": []}),
        json!({"tool_calls": [{"index": 0}]}),
        json!({"content": "\n\n"}),
    ];
    let stream = deltas(&nothing, "stop");
    assert_eq!(stream.types(), ["created", "in_progress", "completed"]);
    let chunks = [
        r#"{"choices":[],"prompt_filter_results":[]}"#,
        r#"{"choices":null}"#,
        r#"{"choices":[{"index":0,"finish_reason":"stop"}]}"#,
        "{}",
        "[DONE]",
    ];
    assert_eq!(self::stream(&chunks).types(), ["created", "in_progress", "completed"]);
}

#[test]
fn only_the_first_choice_counts() {
    let both = json!({"choices": [
        {"index": 1, "delta": {"content": "no"}, "finish_reason": "length"},
        {"index": 0.0, "delta": {"content": "yes"}, "finish_reason": "stop"},
    ]});
    assert_eq!(stream(&[both.to_string()]).output(), json!([text("yes")]));
}

#[test]
fn reasoning_under_every_name() {
    for delta in [
        json!({"reasoning_content": "why"}),
        json!({"reasoning": "why"}),
        json!({"reasoning": "why", "reasoning_content": "why", "content": ""}),
        json!({"reasoning": "why", "reasoning_details": [{"type": "reasoning.text", "text": "why"}]}),
        json!({"reasoning_details": [{"type": "reasoning.summary", "summary": "why"}]}),
        json!({"reasoning": null, "reasoning_details": [{"text": "wh"}, {"text": "y"}, {"data": "x"}]}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}]}),
        json!({"content": "<think>why</think>\n\n"}),
    ] {
        let stream = deltas(&[delta.clone(), content("Hi")], "stop");
        let mut output = stream.output();
        // What a provider attaches is sealed, whether or not the client asked.
        let sealed = output[0].as_object_mut().expect("an item").remove("encrypted_content");
        assert_eq!(sealed.is_some(), delta.get("reasoning_details").is_some(), "{delta}");
        assert_eq!(output, json!([reasoning("why"), text("Hi")]), "{delta}");
    }
}

#[test]
fn text_in_parts_and_refusals() {
    let parts = json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]});
    assert_eq!(deltas(&[parts], "stop").output(), json!([text("ab")]));

    let refused = deltas(&[json!({"refusal": "I ca"}), json!({"refusal": "nnot"})], "stop");
    assert_eq!(refused.response()["status"], "completed");
    let part = json!({"type": "refusal", "refusal": "I cannot"});
    assert_eq!(refused.output()[0]["content"], json!([part]));

    let both = deltas(&[content("Well,"), json!({"refusal": "no"})], "stop");
    let content = &both.output()[0]["content"];
    assert_eq!((&content[0]["text"], &content[1]["refusal"]), (&json!("Well,"), &json!("no")));
}

#[test]
fn text_that_is_hard_on_transports() {
    let hard = "\u{2028}\r\n\"\\\u{0}\u{1f600}\u{fffd}</think>";
    let stream = deltas(&[content("é"), content(hard)], "stop");
    assert_eq!(stream.output(), json!([text(&format!("é{hard}"))]));
    assert_eq!(stream.deltas("response.output_text.delta"), ["é", hard]);
}

#[test]
fn reasoning_is_sealed_for_whom_it_was_asked() {
    let context = || ResponseContext { include_encrypted: true, ..context() };
    let chunks = [
        chunk(&json!({"reasoning": "a\n"}), &json!(null)),
        chunk(&json!({"reasoning": "\"b\""}), &json!("stop")),
    ];
    let stream = stream_of(context(), &chunks);
    assert_eq!(stream.output()[0]["encrypted_content"], "sealed(a\n\"b\")");
    let message = json!({"reasoning": "a\n\"b\""});
    let body = json!({"choices": [{"message": message, "finish_reason": "stop"}]});
    let whole = whole_of(context(), &body).unwrap();
    assert_eq!(whole["output"][0]["encrypted_content"], "sealed(a\n\"b\")");
    assert_eq!(whole["output"][0].get("content"), None);
}

#[test]
fn log_probabilities_go_along() {
    let token =
        |token: &str| json!({"token": token, "logprob": -0.5, "bytes": [1], "top_logprobs": []});
    let chunk = |text: &str, finish: Value| {
        let logprobs = json!({"content": [token(text)], "refusal": null});
        let choice = json!({"index": 0, "delta": {"content": text}, "logprobs": logprobs,
            "finish_reason": finish});
        json!({"choices": [choice]}).to_string()
    };
    let stream = stream(&[chunk("a", json!(null)), chunk("b", json!("stop"))]);
    assert_eq!(stream.events[4]["logprobs"], json!([token("a")]));
    assert_eq!(stream.events[5]["logprobs"], json!([token("b")]));
    let all = json!([token("a"), token("b")]);
    assert_eq!(stream.output()[0]["content"][0]["logprobs"], all);
    assert_eq!(stream.events[6]["logprobs"], all);
}

#[test]
fn how_an_answer_ends() {
    for (reason, status, why) in [
        ("stop", "completed", json!(null)),
        ("tool_calls", "completed", json!(null)),
        ("function_call", "completed", json!(null)),
        ("eos", "completed", json!(null)),
        ("length", "incomplete", json!({"reason": "max_output_tokens"})),
        ("model_length", "incomplete", json!({"reason": "max_output_tokens"})),
        ("content_filter", "incomplete", json!({"reason": "content_filter"})),
    ] {
        let stream = deltas(&[json!({"reasoning": "r"}), content("Hi")], reason);
        let whole = message(&json!({"reasoning": "r", "content": "Hi"}), reason);
        for response in [stream.response(), &whole] {
            assert_eq!(response["status"], status, "{reason}");
            assert_eq!(response["incomplete_details"], why, "{reason}");
            assert_eq!(response["output"][0]["status"], "completed");
            assert_eq!(response["output"][1]["status"], status);
            assert_eq!(response["completed_at"].is_null(), status != "completed");
        }
    }
}

#[test]
fn a_stream_that_breaks_fails() {
    let error = r#"{"error":{"message":"slow down","code":429}}"#;
    let in_choice = r#"{"choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":"c","message":"m"}}]}"#;
    let word = chunk(&json!({}), &json!("insufficient_system_resource"));
    for (last, code, message) in [
        (error, "rate_limit_exceeded", "slow down"),
        (in_choice, "c", "m"),
        (
            &*word,
            "server_error",
            "the provider gave the finish reason `insufficient_system_resource`",
        ),
        ("{\"choices\":", "server_error", "an event is not JSON of the expected shape"),
        ("{}", "server_error", "the answer ended without a finish reason"),
    ] {
        let call = json!({"tool_calls": [{"index": 0, "function": {"name": "shell", "arguments": "{\"c"}}]});
        let said = [content("Hi"), call].map(|delta| chunk(&delta, &Value::Null));
        let stream = stream(&[&*said[0], &*said[1], last]);
        assert_eq!(stream.response()["status"], "failed", "{last}");
        assert_eq!(stream.response()["error"], json!({"code": code, "message": message}));
        // The call is not handed over: half of one must not be executed.
        assert_eq!(stream.output(), json!([text("Hi")]), "{last}");
    }
}

#[test]
fn nothing_comes_after_the_end() {
    let (mut translator, mut out) = (translator(context()), Vec::new());
    assert!(!translator.is_over());
    let failure = Failure { code: "c".into(), message: "m \"".into() };
    translator.fail(&failure, &mut out);
    assert!(translator.is_over());
    translator.chunk(chunk(&content("Hi"), &json!("stop")).as_bytes(), &mut out).unwrap();
    translator.chunk(b"garbage", &mut out).unwrap();
    translator.finish(NOW, &mut out);
    translator.fail(&failure, &mut out);
    translator.start(&mut out);
    let stream = read(&out);
    assert_eq!(stream.types(), ["created", "in_progress", "failed"]);
    assert_eq!(stream.response()["id"], *translator.response_id());
    assert_eq!(stream.response()["error"]["message"], "m \"");
}

#[test]
fn what_comes_behind_the_finish_reason_still_counts() {
    let chunks = [
        chunk(&content("Hi"), &json!("stop")),
        chunk(&content(" you"), &json!(null)),
        json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}).to_string(),
    ];
    let stream = stream(&chunks);
    assert_eq!(stream.output(), json!([text("Hi you")]));
    assert_eq!(stream.response()["usage"]["total_tokens"], 8);
}

/// A chunk with this JSON as its delta.
fn raw(delta: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
}

#[test]
fn characters_cut_in_halves_are_joined() {
    let end = chunk(&json!({}), &json!("stop"));
    for (field, kind) in [
        ("content", "response.output_text.delta"),
        ("reasoning_content", "response.reasoning_summary_text.delta"),
        ("refusal", "response.refusal.delta"),
    ] {
        let piece = |text: &str| raw(&format!(r#"{{"role":"assistant","{field}":"{text}"}}"#));
        let of = |pieces: &[&str]| {
            let chunks: Vec<_> =
                pieces.iter().map(|text| piece(text)).chain([end.clone()]).collect();
            let stream = stream(&chunks);
            let deltas = stream.deltas(kind).concat();
            let item = &stream.output()[0];
            let part =
                item["summary"].get(0).or(item["content"].get(0)).cloned().unwrap_or_default();
            let text = part.get("text").or(part.get("refusal")).cloned().unwrap_or_default();
            assert_eq!(text.as_str().unwrap_or_default(), deltas);
            deltas
        };
        for (pieces, text) in [
            (&["go \\ud83d", "\\ude80 now"][..], "go 🚀 now"),
            (&["a", "b\\ud83d", "", "\\uDE80", "c"], "ab🚀c"),
            (&["a", "\\ud83d", "b", "c"], "a\u{fffd}bc"),
            (&["a", "\\ude80", "b"], "a\u{fffd}b"),
            (&["a\\ud83d"], "a\u{fffd}"),
            (&["\\ud83d\\ud83d", "\\ude80\\ud83d"], "\u{fffd}🚀\u{fffd}"),
        ] {
            assert_eq!(of(pieces), text, "{field} {pieces:?}");
        }
    }
}

#[test]
fn half_a_character_waits_for_its_own_text() {
    let end = chunk(&json!({}), &json!("stop"));
    // Neither a heartbeat nor an empty delta is in the way, another text is.
    let (half, other) = (r#"{"content":"a\ud83d"}"#, r#"{"content":"\ude80b"}"#);
    for (between, expected) in [
        ("", json!([text("a🚀b")])),
        ("ping", json!([text("a🚀b")])),
        (&*raw(r#"{"content":"","reasoning_content":null}"#), json!([text("a🚀b")])),
        (
            &*raw(r#"{"reasoning":"why"}"#),
            json!([text("a\u{fffd}"), reasoning("why"), text("\u{fffd}b")]),
        ),
    ] {
        let chunks = [&*raw(half), between, &*raw(other), &*end];
        assert_eq!(stream(&chunks).output(), expected, "{between}");
    }
    // In parts, in details, in a whole answer, and around a tag.
    let parts =
        r#"{"content":[{"type":"text","text":"a\ud83d"},{"type":"text","text":"\ude80b"}]}"#;
    assert_eq!(stream(&[&*raw(parts), &*end]).output(), json!([text("a🚀b")]));
    let details = r#"{"reasoning_details":[{"text":"a\ud83d"},{"summary":"\ude80b"}]}"#;
    let mut output = stream(&[&*raw(details), &*end]).output();
    // Details are attachments, too, which go back with the item.
    output[0].as_object_mut().unwrap().remove("encrypted_content");
    assert_eq!(output, json!([reasoning("a🚀b")]));
    let tagged =
        [r#"{"content":"<think>a\ud83d"}"#, r#"{"content":"\ude80</think>b\ud83d"}"#].map(raw);
    let expected = json!([reasoning("a🚀"), text("b\u{fffd}")]);
    assert_eq!(stream(&[&*tagged[0], &*tagged[1], &*end]).output(), expected);
    let body =
        r#"{"choices":[{"message":{"content":"\ud83d\ude80\ud83d"},"finish_reason":"stop"}]}"#;
    let context = std::sync::Arc::new(context());
    let whole = super::translate_response(
        body.as_bytes(),
        &context,
        super::Ids::seeded(7),
        NOW,
        super::script::sealing(),
    );
    let whole: Value = serde_json::from_slice(&whole.unwrap()).unwrap();
    assert_eq!(whole["output"][0]["content"][0]["text"], "🚀\u{fffd}");
}

#[test]
fn log_probabilities_of_half_a_character_can_be_read() {
    let chunk = |text: &str| {
        format!(
            r#"{{"choices":[{{"delta":{{"content":"{text}"}},"logprobs":{{"content":[{{"token":"{text}","bytes":null}}]}}}}]}}"#
        )
    };
    let end = self::chunk(&json!({}), &json!("stop"));
    let stream = stream(&[chunk("a\\ud83d"), chunk("\\ude80"), end]);
    assert_eq!(stream.output()[0]["content"][0]["text"], "a🚀");
    assert_eq!(stream.events[4]["logprobs"][0]["token"], "a\u{fffd}");
}

#[test]
fn heartbeats_and_ends_break_nothing() {
    let said = |text: &str| chunk(&content(text), &Value::Null);
    let odd = [
        "",
        " ",
        "ping",
        "\"ping\"",
        "null",
        "7",
        "-1.5",
        "true",
        "[]",
        "[1]",
        "[{}]",
        "{}",
        "{\"type\":\"ping\"}",
        "{\"choices\":[]}",
        "\u{feff}",
        ": ping",
        "OK",
        "<keep-alive/>",
        "\"\"",
    ];
    let plain = stream(&[&*said("Hello"), &*said(" there."), &*chunk(&json!({}), &json!("stop"))]);
    for odd in odd {
        let chunks = [
            odd,
            &*said("Hello"),
            odd,
            odd,
            &*said(" there."),
            odd,
            &*chunk(&json!({}), &json!("stop")),
            odd,
        ];
        assert_eq!(stream(&chunks).events, plain.events, "{odd}");
    }
}

#[test]
fn an_end_in_another_spelling_ends_behind_a_finish_reason_only() {
    let (mut translator, mut out) = (translator(context()), Vec::new());
    let mut is_end = |data: &str, delta: &str, finish: Value| {
        translator.chunk(chunk(&content(delta), &finish).as_bytes(), &mut out).unwrap();
        translator.is_end(data.as_bytes())
    };
    for end in ["DONE", "done", "\"[DONE]\"", " DONE "] {
        assert!(!is_end(end, "a", json!(null)), "{end}");
    }
    for end in ["[DONE]", "[DONE] ", "[done]"] {
        assert!(is_end(end, "a", json!(null)), "{end}");
    }
    for end in ["[DONE]", "[DONE] ", "[done]", "DONE", "done", "\"[DONE]\""] {
        assert!(is_end(end, "", json!("stop")), "{end}");
    }
    assert!(!is_end("ping", "", json!(null)) && !is_end("{\"a\":\"[DONE]\"}", "", json!(null)));
}

#[test]
fn an_error_in_an_array_is_an_error() {
    let error = r#"[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]"#;
    let stream = stream(&[&*chunk(&content("Hi"), &Value::Null), error]);
    assert_eq!(stream.response()["error"]["message"], "busy");
}

#[test]
fn a_provider_behind_a_gateway_may_have_failed() {
    for (finish, native, is_failed) in [
        (json!("error"), json!("error"), true),
        (json!("stop"), json!("error"), true),
        (json!(null), json!("ERROR"), true),
        (json!("error"), json!(null), true),
        (json!("stop"), json!("STOP"), false),
        (json!("stop"), json!(null), false),
    ] {
        let choice = json!({"index": 0, "delta": {}, "finish_reason": finish,
            "native_finish_reason": native});
        let last = json!({"choices": [choice]}).to_string();
        let stream = stream(&[chunk(&content("Hi"), &Value::Null), last]);
        let status = if is_failed { "failed" } else { "completed" };
        assert_eq!(stream.response()["status"], status, "{finish} {native}");
        let choice = json!({"message": {"content": "Hi"}, "finish_reason": finish,
            "native_finish_reason": native});
        let whole = whole_of(context(), &json!({"choices": [choice]}));
        assert_eq!(whole.is_err(), is_failed, "{finish} {native}");
    }
}

#[test]
fn usage_in_every_place_and_never_taken_back() {
    let usage = |input: u64, output: u64| json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    let (real, zero) = (usage(1336, 31), usage(0, 0));
    let choice = |extra: Value| {
        let mut choice = json!({"index": 0, "delta": {}, "finish_reason": null});
        choice.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"choices": [choice]})
    };
    let stop = || choice(json!({"finish_reason": "stop"}));
    let with = |mut chunk: Value, field: &str, value: &Value| {
        chunk[field] = value.clone();
        chunk
    };
    for chunks in [
        vec![choice(json!({"finish_reason": "stop", "usage": real}))],
        vec![choice(json!({"usage": real})), stop()],
        vec![choice(json!({"delta": {"content": "Hi", "usage": real}})), stop()],
        vec![with(stop(), "x_groq", &json!({"usage": real}))],
        vec![with(stop(), "x_groq", &json!("id")), json!({"choices": [], "usage": real})],
        vec![with(choice(json!({})), "usage", &real), with(stop(), "usage", &zero)],
        vec![with(choice(json!({})), "usage", &real), with(stop(), "usage", &json!(null))],
        vec![with(choice(json!({})), "usage", &real), with(stop(), "usage", &json!({}))],
        vec![choice(json!({"usage": real})), with(stop(), "usage", &zero)],
        vec![with(choice(json!({})), "usage", &usage(1336, 1)), with(stop(), "usage", &real)],
        vec![
            with(choice(json!({})), "usage", &usage(1336, 0)),
            with(stop(), "usage", &usage(0, 31)),
        ],
        vec![
            choice(json!({"finish_reason": "stop", "usage": real})),
            json!({"choices": [], "usage": zero}),
        ],
        vec![with(choice(json!({"finish_reason": "stop", "usage": zero})), "usage", &real)],
        vec![stop(), json!({"choices": [], "usage": {"input_tokens": 1336, "output_tokens": 31}})],
        vec![stop(), json!({"usage": real})],
    ] {
        let lines: Vec<_> = chunks.iter().map(Value::to_string).collect();
        let stream = stream(&lines);
        let seen = &stream.response()["usage"];
        let numbers = ["input_tokens", "output_tokens", "total_tokens"].map(|field| &seen[field]);
        assert_eq!(numbers, [1336, 31, 1367], "{lines:?}");
    }
    for body in [
        json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop", "usage": real}]}),
        json!({"choices": [{"message": {"content": "Hi"}, "usage": real}], "usage": zero}),
        json!({"choices": [{"message": {"content": "Hi"}}], "x_groq": {"usage": real}, "usage": null}),
        json!({"choices": [{"message": {"content": "Hi", "usage": real}}]}),
    ] {
        let whole = whole_of(context(), &body).unwrap();
        assert_eq!(whole["usage"]["input_tokens"], 1336, "{body}");
    }
}

#[test]
fn usage_inline_alone_or_absent() {
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 1}});
    let expected = json!({"input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 8});
    let end = json!({"delta": {"content": "Hi"}, "finish_reason": "stop"});
    for chunks in [
        vec![json!({"choices": [end], "usage": usage})],
        vec![json!({"choices": [end], "usage": null}), json!({"choices": [], "usage": usage})],
        vec![json!({"usage": usage}), json!({"choices": [end]})],
        vec![json!({"choices": [end], "x_groq": {"id": "r", "usage": usage}})],
    ] {
        let chunks: Vec<_> = chunks.iter().map(Value::to_string).collect();
        assert_eq!(stream(&chunks).response()["usage"], expected, "{chunks:?}");
    }
    assert_eq!(deltas(&[content("Hi")], "stop").response()["usage"], Value::Null);
    let body = json!({"choices": [{"message": {"content": "Hi"}}], "usage": usage});
    assert_eq!(whole_of(context(), &body).unwrap()["usage"], expected);
}

#[test]
fn every_field_of_the_response_is_there() {
    let response = message(&json!({"content": "Hi"}), "stop");
    for null in [
        "error",
        "incomplete_details",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "previous_response_id",
        "prompt_cache_key",
        "reasoning",
        "safety_identifier",
        "usage",
    ] {
        assert_eq!(response.get(null), Some(&Value::Null), "{null}");
    }
    let rest = json!({
        "object": "response", "created_at": NOW, "completed_at": NOW, "status": "completed",
        "model": "gpt-5.1-codex", "truncation": "disabled", "top_p": 1, "temperature": 1,
        "presence_penalty": 0, "frequency_penalty": 0, "top_logprobs": 0, "store": true,
        "background": false, "service_tier": "default", "parallel_tool_calls": true, "tools": [],
        "tool_choice": "auto", "metadata": {}, "text": {"format": {"type": "text"}},
    });
    for (field, value) in rest.as_object().unwrap() {
        assert_eq!(response[field], *value, "{field}");
    }
    assert!(response["id"].as_str().unwrap().starts_with("resp_"));
}

#[test]
fn what_was_asked_is_repeated() {
    let raw = |json: &str| serde_json::value::RawValue::from_string(json.to_owned()).unwrap();
    let echo = [
        ("instructions", raw("\"be \\\"kind\\\"\"")),
        ("reasoning", raw(r#"{"effort":"high"}"#)),
        ("store", raw("false")),
        ("temperature", raw("0.2")),
    ];
    let context =
        ResponseContext { model: "m\"1".into(), echo: Echo(echo.into()), ..context_with(&[]) };
    let stream = stream_of(context, &[chunk(&content("Hi"), &json!("stop"))]);
    for event in [&stream.events[0], &stream.events[1], stream.events.last().unwrap()] {
        let response = &event["response"];
        assert_eq!(response["model"], "m\"1");
        assert_eq!(response["instructions"], "be \"kind\"");
        assert_eq!(response["reasoning"], json!({"effort": "high", "summary": null}));
        assert_eq!(response["store"], false);
        assert_eq!(response["temperature"], 0.2);
    }
    assert_eq!(stream.events[0]["response"]["output"], json!([]));
}

#[test]
fn what_is_no_answer() {
    let malformed = |what: &'static str| Fault::Malformed(what.into());
    let error = UpstreamError { message: Some("no".into()), ..UpstreamError::default() };
    let choice = |choice: Value| json!({"choices": [choice]});
    for (body, fault) in [
        (json!({"error": {"message": "no"}}), Fault::Upstream(error.clone())),
        (choice(json!({"error": "no"})), Fault::Upstream(error)),
        (json!({"choices": []}), malformed("the answer has no choices")),
        (json!({"detail": "x"}), malformed("the answer has no choices")),
        (json!("text"), malformed("the answer is not JSON of the expected shape")),
        (
            choice(json!({"message": {"content": null}})),
            malformed("the answer has neither content nor a finish reason"),
        ),
        (
            choice(json!({"message": {"tool_calls": [{"id": "c1"}]}})),
            malformed("a tool call without a name"),
        ),
    ] {
        assert_eq!(whole_of(context(), &body).unwrap_err(), fault, "{body}");
    }
}
