use serde_json::{Value, json};

use super::cases::{assert_is_valid, chat, invalid, translated};
use crate::responses::context::{ToolKind, ToolRef};

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name})
}

fn sent(name: &str) -> Value {
    json!({"type": "function", "function":
        {"name": name, "parameters": {"type": "object", "properties": {}}}})
}

fn names(chat: &Value) -> Vec<&str> {
    let tools = chat["tools"].as_array().map_or(&[][..], Vec::as_slice);
    tools.iter().map(|tool| tool["function"]["name"].as_str().unwrap()).collect()
}

#[test]
fn functions_are_nested() {
    let parameters = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let chat = chat(json!({"tools": [
        {"type": "function", "name": "f", "description": "d\n", "parameters": parameters, "strict": true},
        {"type": "function", "name": "g", "description": null, "parameters": null, "strict": null},
        {"type": "function", "name": "h", "strict": false, "defer_loading": true},
    ]}));
    assert_eq!(
        chat["tools"],
        json!([
            {"type": "function", "function":
                {"name": "f", "description": "d\n", "parameters": parameters, "strict": true}},
            sent("g"),
            {"type": "function", "function": {"name": "h", "strict": false,
                "parameters": {"type": "object", "properties": {}}}},
        ])
    );
}

#[test]
fn custom_tools_are_functions_of_one_text() {
    let request = json!({"input": "hi", "tools": [{
        "type": "custom", "name": "apply_patch", "description": "Edits files.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: \"a\"\n"},
    }, {"type": "custom", "name": "say", "format": {"type": "text"}}]});
    let translated = translated(&request).unwrap();
    let chat: Value = serde_json::from_slice(&translated.body).unwrap();
    let function = &chat["tools"][0]["function"];
    assert_eq!(
        function["description"],
        "Edits files.\n\nPut the tool's whole input into `input`, as plain text.\n\n\
         The text must follow this lark grammar:\n\nstart: \"a\"\n"
    );
    assert_eq!(function["parameters"]["properties"]["input"]["type"], "string");
    assert_eq!(function["parameters"]["required"], json!(["input"]));
    assert_eq!(
        chat["tools"][1]["function"]["description"],
        "Put the tool's whole input into `input`, as plain text."
    );
    let called = translated.context.tools.resolve("apply_patch");
    assert_eq!(
        called,
        ToolRef { kind: ToolKind::Custom, name: "apply_patch".into(), namespace: None }
    );
}

#[test]
fn namespaces_are_flattened_and_mapped_back() {
    let long = "x".repeat(70);
    let request = json!({"input": [
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "a", "namespace": "mcp__b", "name": "read", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "namespace": "functions", "name": "exec", "input": "1"},
        {"type": "function_call", "call_id": "c", "name": long, "arguments": "{}"},
    ], "tools": [
        {"type": "namespace", "name": "mcp__a", "description": "Files.", "tools": [function("read"), function("write")]},
        {"type": "namespace", "name": "mcp__b", "description": "", "tools": [function("read")]},
        {"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]},
        function(&long), function("a b"), function("a_b"), function("mcp__a__read"),
    ]});
    let translated = translated(&request).unwrap();
    let chat: Value = serde_json::from_slice(&translated.body).unwrap();
    let sent = names(&chat);
    assert_eq!(sent[..4], ["mcp__a__read_2", "mcp__a__write", "mcp__b__read", "functions__exec"]);
    assert_eq!(sent[5..], ["a_b_2", "a_b", "mcp__a__read"], "plain names stay");
    assert_eq!(chat["tools"][0]["function"]["description"], "Files.");
    assert_eq!(chat["tools"][1]["function"].get("description"), None);

    let is = |sent: &str, kind, namespace: Option<&str>, name: &str| {
        let called = translated.context.tools.resolve(sent);
        assert_eq!(
            called,
            ToolRef { kind, name: name.into(), namespace: namespace.map(Box::from) }
        );
    };
    is(sent[0], ToolKind::Function, Some("mcp__a"), "read");
    is(sent[2], ToolKind::Function, Some("mcp__b"), "read");
    is(sent[3], ToolKind::Custom, Some("functions"), "exec");
    is(sent[4], ToolKind::Function, None, &long);
    is(sent[5], ToolKind::Function, None, "a b");
    is(sent[6], ToolKind::Function, None, "a_b");
    is(sent[7], ToolKind::Function, None, "mcp__a__read");
    is("never_declared", ToolKind::Function, None, "never_declared");

    let calls = &chat["messages"][1]["tool_calls"];
    let called: Vec<_> =
        calls.as_array().unwrap().iter().map(|call| &call["function"]["name"]).collect();
    assert_eq!(called, [sent[2], sent[3], sent[4]]);
}

#[test]
fn hosted_tools_are_dropped() {
    let hosted = json!([
        {"type": "web_search", "external_web_access": true}, {"type": "web_search_preview"},
        {"type": "image_generation"}, {"type": "file_search", "vector_store_ids": []},
        {"type": "mcp", "server_label": "s"}, {"type": "code_interpreter"}, {"type": "computer"},
        {"type": "tool_search"}, {"type": "tool_search", "execution": "server"}, {"type": "new"},
        {"type": "namespace", "name": "n", "tools": [{"type": "namespace", "name": "m", "tools": []}]},
    ]);
    let with_choice = json!({"tools": hosted, "tool_choice": "auto", "parallel_tool_calls": true});
    let chat_of = chat(with_choice);
    for field in ["tools", "tool_choice", "parallel_tool_calls"] {
        assert_eq!(chat_of.get(field), None, "{field}");
    }
    let mut tools = hosted.as_array().unwrap().clone();
    tools.insert(1, function("f"));
    let chat_of =
        chat(json!({"tools": tools, "tool_choice": "auto", "parallel_tool_calls": false}));
    assert_eq!(chat_of["tools"], json!([sent("f")]));
    assert_eq!(chat_of["tool_choice"], "auto");
    assert_eq!(chat_of["parallel_tool_calls"], false);
}

#[test]
fn tools_that_the_client_runs_are_functions() {
    let parameters = json!({"type": "object", "properties": {"query": {"type": "string"}}});
    let request = json!({"input": "hi", "tools": [
        {"type": "local_shell"},
        {"type": "tool_search", "execution": "client", "description": "d", "parameters": parameters},
    ]});
    let translated = translated(&request).unwrap();
    let chat: Value = serde_json::from_slice(&translated.body).unwrap();
    assert_eq!(names(&chat), ["local_shell", "tool_search"]);
    assert_eq!(chat["tools"][0]["function"]["parameters"]["required"], json!(["command"]));
    assert_eq!(chat["tools"][1]["function"]["parameters"], parameters);
    let kind = |name| translated.context.tools.resolve(name).kind;
    assert_eq!(
        (kind("local_shell"), kind("tool_search")),
        (ToolKind::LocalShell, ToolKind::ToolSearch)
    );
}

#[test]
fn tools_among_the_items_are_added() {
    let mut again = function("f");
    again["description"] = json!("newer");
    let chat = chat(json!({"tools": [function("f")], "input": [
        {"type": "additional_tools", "role": "developer", "id": "at_1", "tools": [
            {"type": "namespace", "name": "n", "tools": [function("g")]}, {"type": "web_search"}]},
        {"role": "user", "content": "hi"},
        {"type": "additional_tools", "tools": [again]},
        {"type": "tool_search_call", "call_id": null, "execution": "server", "arguments": {}},
        {"type": "tool_search_output", "call_id": null, "execution": "server", "tools": [function("h")]},
        {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {"query": "q"}},
        {"type": "tool_search_output", "call_id": "s", "status": "completed", "execution": "client", "tools": [
            {"type": "namespace", "name": "n", "tools": [function("i"), function("g")]}]},
        {"type": "tool_search_call", "call_id": "t", "execution": "client", "arguments": {}},
        {"type": "tool_search_output", "call_id": "t", "tools": []},
    ]}));
    assert_eq!(names(&chat), ["f", "n__g", "h", "n__i"]);
    assert_eq!(chat["tools"][0]["function"]["description"], "newer");
    assert_is_valid(&chat["messages"]);
    assert_eq!(chat["messages"][2]["content"], "Tools that can be called now: n__i, n__g");
    assert_eq!(chat["messages"][4]["content"], "No tools were found.");
}

#[test]
fn a_choice_names_what_was_sent() {
    let tools = json!([
        function("f"), {"type": "custom", "name": "c"}, {"type": "local_shell"}, {"type": "web_search"},
        {"type": "namespace", "name": "n", "tools": [function("f"), function("g")]},
    ]);
    let chosen = |name: &str| json!({"type": "function", "function": {"name": name}});
    let all = ["f", "c", "local_shell", "n__f", "n__g"];
    let allowed =
        |mode: Value, tools: Value| json!({"type": "allowed_tools", "mode": mode, "tools": tools});
    let cases = [
        (json!("auto"), json!("auto"), &all[..]),
        (json!("none"), json!("none"), &all),
        (json!("required"), json!("required"), &all),
        (json!({"type": "function", "name": "f"}), chosen("f"), &all),
        (json!({"type": "function", "name": "g", "namespace": "n"}), chosen("n__g"), &all),
        (json!({"type": "custom", "name": "c"}), chosen("c"), &all),
        (json!({"type": "local_shell"}), chosen("local_shell"), &all),
        (json!({"type": "web_search"}), Value::Null, &all),
        (
            allowed(
                json!("required"),
                json!([{"type": "function", "name": "f"}, {"type": "web_search"},
                {"type": "custom", "name": "c"}]),
            ),
            json!("required"),
            &["f", "c"],
        ),
        (
            allowed(Value::Null, json!([{"type": "namespace", "name": "n"}])),
            json!("auto"),
            &["n__f", "n__g"],
        ),
        (allowed(json!("required"), json!([{"type": "web_search"}])), Value::Null, &[]),
    ];
    for (choice, expected, left) in cases {
        let chat = chat(json!({"tools": tools, "tool_choice": choice}));
        assert_eq!(chat.get("tool_choice").unwrap_or(&Value::Null), &expected, "{choice}");
        assert_eq!(names(&chat), left, "{choice}");
        assert_eq!(chat.get("tools").is_some(), !left.is_empty(), "{choice}");
    }
}

#[test]
fn a_wrong_tool_or_choice_is_named() {
    let tool = |tool: Value| json!({"tools": [function("f"), tool]});
    let choice = |choice: Value| json!({"tools": [function("f")], "tool_choice": choice});
    let cases = [
        (tool(json!("f")), "tools[1]", "must be an object"),
        (tool(json!({"name": "g"})), "tools[1].type", "is missing"),
        (tool(json!({"type": "function"})), "tools[1].name", "is missing"),
        (tool(function("")), "tools[1].name", "must not be empty"),
        (tool(json!({"type": "custom", "name": 1})), "tools[1].name", "must be a string"),
        (
            tool(json!({"type": "function", "name": "g", "parameters": "p"})),
            "tools[1].parameters",
            "must be an object",
        ),
        (
            tool(json!({"type": "function", "name": "g", "strict": "yes"})),
            "tools[1].strict",
            "must be a boolean",
        ),
        (
            tool(json!({"type": "custom", "name": "g", "format": {"type": "grammar"}})),
            "tools[1].format.definition",
            "is missing",
        ),
        (tool(json!({"type": "namespace", "name": "n"})), "tools[1].tools", "is missing"),
        (
            tool(json!({"type": "namespace", "name": "n", "tools": [{"type": "function"}]})),
            "tools[1].tools[0].name",
            "is missing",
        ),
        (choice(json!("maybe")), "tool_choice", "must be one of `auto`, `none`, `required`"),
        (choice(json!({})), "tool_choice.type", "is missing"),
        (choice(json!({"type": "function"})), "tool_choice.name", "is missing"),
        (choice(json!({"type": "function", "name": "g"})), "tool_choice.name", "is the name of no"),
        (choice(json!({"type": "allowed_tools"})), "tool_choice.tools", "is missing"),
        (
            choice(json!({"type": "allowed_tools", "mode": "none", "tools": []})),
            "tool_choice.mode",
            "must be one of `auto`, `required`",
        ),
        (
            choice(json!({"type": "allowed_tools", "tools": [{"type": "function", "name": "g"}]})),
            "tool_choice.tools[0].name",
            "is the name of no tool",
        ),
    ];
    for (fields, param, says) in cases {
        let (named, message) = invalid(fields.clone());
        assert!(message.starts_with(&format!("`{param}` {says}")), "{fields}: {message}");
        assert_eq!(named, param, "{fields}");
    }
    let (named, _) = invalid(
        json!({"input": [{"type": "additional_tools", "tools": [1]}, {"role": "user", "content": "a"}]}),
    );
    assert_eq!(named, "input[0].tools[0]");
}
