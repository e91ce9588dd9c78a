use serde_json::{Value, json};

use super::cases::{assert_is_valid, invalid, messages};

fn user(content: Value) -> Value {
    let mut item = json!({"type": "message", "role": "user"});
    item["content"] = content;
    item
}

/// What the content of a user's message becomes.
fn said(content: Value) -> Value {
    messages(&json!([user(content)]))[0]["content"].take()
}

#[test]
fn messages_keep_what_they_say() {
    let text =
        |kind: &str| json!([{"type": kind, "text": "a\n\u{2028}\u{1f600}\"", "annotations": []}]);
    let is = "a\n\u{2028}\u{1f600}\"";
    let cases = [
        (user(json!("plain \\ \"text\"")), json!({"role": "user", "content": "plain \\ \"text\""})),
        (user(text("input_text")), json!({"role": "user", "content": is})),
        (
            json!({"role": "user", "content": "typeless"}),
            json!({"role": "user", "content": "typeless"}),
        ),
        (
            json!({"role": "developer", "content": text("input_text")}),
            json!({"role": "system", "content": is}),
        ),
        (json!({"role": "system", "content": "s"}), json!({"role": "system", "content": "s"})),
        (
            json!({"type": "message", "id": "msg_1", "status": "completed", "phase": "commentary",
                "role": "assistant", "content": text("output_text")}),
            json!({"role": "assistant", "content": is}),
        ),
        (
            json!({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}),
            json!({"role": "assistant", "content": "no"}),
        ),
        (
            json!({"role": "assistant", "content": [
                {"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]}),
            json!({"role": "assistant", "content": "ab"}),
        ),
        (
            user(json!([{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}])),
            json!({"role": "user", "content": "a\nb"}),
        ),
    ];
    for (item, expected) in cases {
        assert_eq!(messages(&json!([item])), json!([expected]), "{item}");
    }
}

#[test]
fn images_and_files_stand_where_they_stood() {
    let url = "data:image/png;base64,AAAA";
    assert_eq!(
        said(json!([
            {"type": "input_image", "image_url": url, "detail": "original"},
            {"type": "input_text", "text": "between"},
            {"type": "input_image", "image_url": url, "detail": "low"},
            {"type": "input_image", "image_url": url, "detail": null, "file_id": null},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,A"},
            {"type": "input_file", "file_id": "file_1"},
            {"type": "input_audio", "input_audio": {"data": "A", "format": "wav"}},
        ])),
        json!([
            {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
            {"type": "text", "text": "between"},
            {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,A"}},
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "input_audio", "input_audio": {"data": "A", "format": "wav"}},
        ])
    );
}

#[test]
fn what_only_a_user_may_send_stands_behind() {
    let image = json!({"type": "input_image", "image_url": "u"});
    let sent =
        json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]});
    assert_eq!(
        messages(
            &json!([{"role": "developer", "content": [image, {"type": "input_text", "text": "look"}]}])
        ),
        json!([{"role": "system", "content": "look"}, sent])
    );
}

#[test]
fn a_wrong_item_is_named() {
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    let part = |part: Value| json!([user(json!([{"type": "input_text", "text": ""}, part]))]);
    let cases = [
        (json!([1]), "input[0]", "must be an object"),
        (json!([user(json!("a")), "b"]), "input[1]", "must be an object"),
        (json!([[user(json!("a"))]]), "input[0]", "must be an object"),
        (json!([null]), "input[0]", "must be an object"),
        (json!([{"type": 1}]), "input[0].type", "must be a string"),
        (json!([{"role": "tool", "content": "a"}]), "input[0].role", "must be `user`"),
        (json!([{"role": 1, "content": "a"}]), "input[0].role", "must be a string"),
        (json!([{"content": "a"}]), "input[0].role", "is missing"),
        (json!([{}]), "input[0].role", "is missing"),
        (json!([{"role": "user"}]), "input[0].content", "is missing"),
        (json!([user(json!(1))]), "input[0].content", "must be a string or an array"),
        (json!([user(json!({"type": "input_text"}))]), "input[0].content", "must be a string or"),
        (part(json!("x")), "input[0].content[1]", "must be an object"),
        (part(json!({"text": "x"})), "input[0].content[1].type", "is missing"),
        (part(json!({"type": "input_text"})), "input[0].content[1].text", "is missing"),
        (part(json!({"type": "input_text", "text": 1})), "input[0].content[1].text", "must be a s"),
        (part(json!({"type": "input_image"})), "input[0].content[1].image_url", "is missing"),
        (
            part(json!({"type": "input_image", "image_url": {"url": "u"}})),
            "input[0].content[1].image_url",
            "must be a string",
        ),
        (part(json!({"type": "input_file"})), "input[0].content[1].file_data", "will not do"),
        (
            part(json!({"type": "input_file", "file_url": "https://a"})),
            "input[0].content[1].file_url",
            "will not do",
        ),
        (
            part(json!({"type": "input_audio", "input_audio": "A"})),
            "input[0].content[1].input_audio",
            "must be an object",
        ),
        (json!([{"type": "function_call", "name": "f"}]), "input[0].call_id", "is missing"),
        (json!([{"type": "function_call", "call_id": "c"}]), "input[0].name", "is missing"),
        (
            json!([{"type": "function_call", "call_id": "c", "name": "f", "arguments": 1}]),
            "input[0].arguments",
            "must be a string",
        ),
        (
            json!([{"type": "custom_tool_call", "call_id": "c", "name": "f"}]),
            "input[0].input",
            "is missing",
        ),
        (json!([{"type": "local_shell_call", "call_id": "c"}]), "input[0].action", "is missing"),
        (
            json!([call, {"type": "function_call_output", "call_id": "c"}]),
            "input[1].output",
            "is missing",
        ),
        (
            json!([call, {"type": "function_call_output", "output": "o"}]),
            "input[1].call_id",
            "is missing",
        ),
        (
            json!([call, {"type": "function_call_output", "call_id": "other", "output": "o"}]),
            "input[1].call_id",
            "is the id of no call",
        ),
        (
            json!([
                {"type": "function_call_output", "call_id": "c", "output": "o"},
                call,
                {"type": "function_call_output", "call_id": "c", "output": "o"},
            ]),
            "input[2].call_id",
            "is the id of no call, or of one that has its output",
        ),
        (json!([{"type": "item_reference", "id": "msg_1"}]), "input[0]", "refers to a stored item"),
        (json!([{"id": "msg_1"}]), "input[0]", "refers to a stored item"),
        (json!([{"type": "additional_tools"}]), "input[0].tools", "is missing"),
        (
            json!([{"type": "additional_tools", "tools": 1}, user(json!("a"))]),
            "input[0].tools",
            "must be an array",
        ),
        (json!([{"type": "web_search_call"}, {"type": "hm"}]), "input", "has nothing"),
        (json!([{"type": "reasoning", "summary": []}]), "input", "has nothing"),
        (json!([{"role": "user", "content": []}]), "input", "has nothing"),
        (json!([{"role": "assistant", "content": null}]), "input", "has nothing"),
        (json!([{"type": "reasoning", "summary": "s"}]), "input[0].summary", "must be an array"),
    ];
    for (items, param, says) in cases {
        let (named, message) = invalid(json!({ "input": items }));
        assert!(message.starts_with(&format!("`{param}` {says}")), "{items}: {message}");
        assert_eq!(named, param, "{items}");
    }
}

#[test]
fn a_field_that_stands_there_twice_is_refused() {
    let body = br#"{"input":[{"role":"user","role":"system","content":"a"}]}"#;
    let error = super::translate(body, &super::Options::default(), &|_| None).unwrap_err();
    assert!(error.message.contains("duplicate field `role`"), "{error}");
}

#[test]
fn what_has_no_place_is_left_out() {
    let items = json!([
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        {"type": "compaction", "encrypted_content": "x"},
        {"type": "made_up_yesterday", "role": "user", "content": "no"},
        {"role": "user", "content": [{"type": "made_up", "x": 1}, {"type": "input_text", "text": "a"}]},
        {"type": "ghost_snapshot"},
        {"role": "assistant", "content": ""},
    ]);
    assert_eq!(messages(&items), json!([{"role": "user", "content": "a"}]));
}

#[test]
fn calls_are_functions_with_their_arguments() {
    let cases = [
        (
            json!({"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "status": "completed",
                "arguments": "{\"a\": \"\\n\"}"}),
            ("f", "{\"a\": \"\\n\"}"),
        ),
        (
            json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}),
            ("f", "{}"),
        ),
        (json!({"type": "function_call", "call_id": "c", "name": "f"}), ("f", "{}")),
        (
            json!({"type": "function_call", "call_id": "c", "namespace": "n", "name": "f",
                "arguments": "{"}),
            ("n__f", "{}"),
        ),
        (
            json!({"type": "custom_tool_call", "call_id": "c", "name": "apply_patch",
                "input": "*** \"a\\b\"\n\t\u{1}é"}),
            ("apply_patch", "{\"input\":\"*** \\\"a\\\\b\\\"\\n\\t\\u0001é\"}"),
        ),
        (
            json!({"type": "local_shell_call", "id": "lsh", "call_id": "c", "status": "completed",
                "action": {"type": "exec", "command": ["ls", "\""]}}),
            ("local_shell", r#"{"command":["ls","\""],"type":"exec"}"#),
        ),
        (
            json!({"type": "tool_search_call", "call_id": "c", "execution": "client",
                "arguments": {"query": "q"}}),
            ("tool_search", r#"{"query":"q"}"#),
        ),
    ];
    for (item, (name, arguments)) in cases {
        let output = json!({"type": "function_call_output", "call_id": "c", "output": "o"});
        assert_eq!(
            messages(&json!([item, output])),
            json!([
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}]},
                {"role": "tool", "tool_call_id": "c", "content": "o"},
            ]),
            "{item}"
        );
    }
}

#[test]
fn outputs_are_text_and_images_follow() {
    let image = json!({"type": "input_image", "image_url": "u", "detail": "original"});
    let sent = json!({"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "u", "detail": "high"}}]});
    let text = |text: &str| json!({"type": "input_text", "text": text});
    let cases = [
        (json!("a\n"), json!("a\n"), None),
        (json!(""), json!(""), None),
        (json!([]), json!(""), None),
        (json!([text("a"), text("b")]), json!("a\nb"), None),
        (json!([text("a"), image]), json!("a"), Some(&sent)),
        (json!([image]), json!("(the output is in the next user message)"), Some(&sent)),
        (json!({"ok": true}), json!(r#"{"ok":true}"#), None),
        (json!([1, "a"]), json!(r#"[1,"a"]"#), None),
        (json!([{"stdout": "x"}]), json!(r#"[{"stdout":"x"}]"#), None),
        (json!(7), json!("7"), None),
    ];
    for (output, content, behind) in cases {
        for kind in ["function_call_output", "custom_tool_call_output", "local_shell_call_output"] {
            let messages = messages(&json!([
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": kind, "call_id": "c", "output": output},
                user(json!("next")),
            ]));
            assert_is_valid(&messages);
            assert_eq!(messages[1]["content"], content, "{output}");
            match behind {
                Some(behind) => assert_eq!(messages[2], *behind, "{output}"),
                None => assert_eq!(messages[2]["content"], "next", "{output}"),
            }
        }
    }
}

#[test]
fn a_shell_output_may_have_the_id_of_its_call() {
    let messages = messages(&json!([
        {"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}},
        {"type": "local_shell_call_output", "id": "c", "output": "o"},
    ]));
    assert_eq!(messages[1], json!({"role": "tool", "tool_call_id": "c", "content": "o"}));
}
