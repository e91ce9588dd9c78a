use serde_json::{Value, json};

use super::cases::{assert_is_valid, messages};

fn call(id: &str) -> Value {
    json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"})
}

fn output(id: &str) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": format!("out {id}")})
}

fn said(role: &str, text: &str) -> Value {
    json!({"role": role, "content": text})
}

fn thought(sealed: &str) -> Value {
    json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": sealed})
}

/// The messages in short: `assistant(text|reasoning|a,b)`, `tool(a)`, `user(text)`.
fn in_short(items: &Value) -> String {
    let messages = messages(items);
    assert_is_valid(&messages);
    let short = messages.as_array().unwrap().iter().map(|message| {
        let of = |field: &str| message[field].as_str().unwrap_or_default();
        match of("role") {
            "tool" => format!("tool({})", of("content")),
            "assistant" => {
                let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
                let ids: Vec<_> = calls.iter().map(|call| call["id"].as_str().unwrap()).collect();
                format!(
                    "assistant({}|{}|{})",
                    of("content"),
                    of("reasoning_content"),
                    ids.join(",")
                )
            }
            role => format!("{role}({})", of("content")),
        }
    });
    short.collect::<Vec<_>>().join(" ")
}

#[test]
fn calls_join_the_text_before_them() {
    assert_eq!(
        in_short(&json!([
            said("user", "q"),
            said("assistant", "let me see"),
            call("a"),
            call("b"),
            output("a"),
            output("b"),
            said("assistant", "done"),
        ])),
        "user(q) assistant(let me see||a,b) tool(out a) tool(out b) assistant(done||)"
    );
}

#[test]
fn rounds_stay_apart() {
    assert_eq!(
        in_short(&json!([call("a"), output("a"), call("b"), output("b")])),
        "assistant(||a) tool(out a) assistant(||b) tool(out b)"
    );
    assert_eq!(
        in_short(&json!([said("assistant", "x"), said("assistant", "y"), call("a"), output("a")])),
        "assistant(x||) assistant(y||a) tool(out a)"
    );
}

#[test]
fn outputs_stand_behind_their_call_whatever_the_order() {
    let cases = [
        (
            json!([call("a"), call("b"), output("b"), output("a")]),
            "assistant(||a,b) tool(out a) tool(out b)",
        ),
        (
            json!([call("a"), said("developer", "d"), output("a")]),
            "system(d) assistant(||a) tool(out a)",
        ),
        (
            json!([call("a"), said("user", "u"), call("b"), output("b"), output("a")]),
            "assistant(||a) tool(out a) user(u) assistant(||b) tool(out b)",
        ),
        (json!([output("a"), call("a")]), "assistant(||a) tool(out a)"),
        (
            json!([call("a"), said("assistant", "t"), output("a")]),
            "assistant(||a) tool(out a) assistant(t||)",
        ),
        (
            json!([call("a"), thought("ours:r"), call("b"), output("a"), output("b")]),
            "assistant(||a) tool(out a) assistant(|r|b) tool(out b)",
        ),
        (
            json!([call("a"), thought("foreign"), call("b"), output("a"), output("b")]),
            "assistant(||a,b) tool(out a) tool(out b)",
        ),
        (
            json!([call("a"), {"type": "web_search_call"}, call("b"), output("a"), output("b")]),
            "assistant(||a,b) tool(out a) tool(out b)",
        ),
    ];
    for (items, expected) in cases {
        assert_eq!(in_short(&items), expected, "{items}");
    }
}

#[test]
fn an_id_may_come_again_in_another_round() {
    let mut again = output("a");
    again["output"] = json!("second");
    assert_eq!(
        in_short(&json!([call("a"), output("a"), call("a"), again])),
        "assistant(||a) tool(out a) assistant(||a) tool(second)"
    );
}

#[test]
fn a_call_that_was_cut_off_is_told_so() {
    assert_eq!(
        in_short(&json!([call("a"), call("b"), output("b"), said("user", "stop")])),
        "assistant(||a,b) tool((no output: the call was cut off)) tool(out b) user(stop)"
    );
    assert_eq!(
        in_short(&json!([call("a")])),
        "assistant(||a) tool((no output: the call was cut off))"
    );
}

#[test]
fn images_of_several_outputs_follow_all_of_them() {
    let with_image = |id: &str| {
        json!({"type": "function_call_output", "call_id": id, "output": [
            {"type": "input_text", "text": id}, {"type": "input_image", "image_url": id}]})
    };
    let messages = messages(&json!([call("a"), call("b"), with_image("b"), with_image("a")]));
    assert_is_valid(&messages);
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    assert_eq!(messages[3], json!({"role": "user", "content": [image("a"), image("b")]}));
    assert_eq!(messages.as_array().unwrap().len(), 4);
}

#[test]
fn reasoning_goes_to_the_next_message_of_the_model() {
    let open = |text: &str| json!({"type": "reasoning", "content": [{"type": "reasoning_text", "text": text}]});
    let summary = |text: &str| json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]});
    let cases = [
        (json!([thought("ours:r"), call("a"), output("a")]), "assistant(|r|a) tool(out a)"),
        (
            json!([thought("ours:r"), said("assistant", "t"), call("a"), output("a")]),
            "assistant(t|r|a) tool(out a)",
        ),
        (
            json!([thought("ours:r"), said("developer", "d"), call("a"), output("a")]),
            "system(d) assistant(|r|a) tool(out a)",
        ),
        (
            json!([thought("ours:r"), thought("ours:s"), said("assistant", "t")]),
            "assistant(t|r\n\ns|)",
        ),
        (json!([open("r"), said("assistant", "t")]), "assistant(t|r|)"),
        (json!([summary("r"), said("assistant", "t")]), "assistant(t|r|)"),
        (json!([thought("foreign"), said("assistant", "t")]), "assistant(t||)"),
        (json!([thought("ours:"), said("assistant", "t")]), "assistant(t||)"),
        // The turn ended before it said anything: what came of it belongs to nothing.
        (
            json!([
                thought("ours:r"),
                said("user", "u"),
                thought("ours:s"),
                said("assistant", "t")
            ]),
            "user(u) assistant(t|s|)",
        ),
        (
            json!([thought("ours:r"), said("user", "u"), call("a"), output("a")]),
            "user(u) assistant(|r|a) tool(out a)",
        ),
        (json!([said("user", "u"), thought("ours:r")]), "user(u)"),
    ];
    for (items, expected) in cases {
        assert_eq!(in_short(&items), expected, "{items}");
    }
}

#[test]
fn a_summary_of_somebody_else_is_not_the_text() {
    let item = json!({"type": "reasoning", "encrypted_content": "foreign",
        "summary": [{"type": "summary_text", "text": "s"}]});
    assert_eq!(in_short(&json!([item, said("assistant", "t")])), "assistant(t||)");
    let item = json!({"type": "reasoning", "encrypted_content": "foreign",
        "content": [{"type": "reasoning_text", "text": "r"}]});
    assert_eq!(in_short(&json!([item, said("assistant", "t")])), "assistant(t|r|)");
}
