//! Freeform tools, which travel through Chat Completions as functions.

use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, items, text},
    script::{answer, call, calls, messages, says},
};
use crate::support::{Reply, always, provider};

const PATCH: &str =
    "*** Begin Patch\n*** Update File: a.rs\n-let x = \"é\\n\";\n+let x = 1;\n*** End Patch\n";
const GRAMMAR: &str = "start: begin_patch hunk+ end_patch";

fn ask(input: &Value, stream: bool) -> Value {
    let format = json!({"type": "grammar", "syntax": "lark", "definition": GRAMMAR});
    let tool = json!({
        "type": "custom", "name": "apply_patch", "description": "Edits files.", "format": format,
    });
    json!({"model": "m", "input": input, "tools": [tool], "stream": stream})
}

#[tokio::test]
async fn a_patch_goes_there_and_back() {
    let provider = provider(|request| match messages(&request).len() {
        1 => {
            let function = request.json()["tools"][0]["function"].clone();
            let parameter =
                function["parameters"]["required"][0].as_str().expect("a name").to_owned();
            says(&request, calls(&[call("call_1", "apply_patch", json!({parameter: PATCH}))]))
        }
        _ => says(&request, answer("Patched.")),
    })
    .await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let mut input = json!([{"role": "user", "content": "Patch it."}]);
        let response = desk.response(&ask(&input, stream)).await;
        let [called] = items(&response, "custom_tool_call")[..] else { panic!("{response}") };
        assert!(called["id"].as_str().expect("an id").starts_with("ctc_"));
        let seen = [&called["call_id"], &called["name"], &called["input"]];
        assert_eq!(seen, ["call_1", "apply_patch", PATCH]);
        assert!(items(&response, "function_call").is_empty());

        let output = json!({
            "type": "custom_tool_call_output", "call_id": "call_1", "output": "Success.",
        });
        input.as_array_mut().expect("items").extend([called.clone(), output]);
        assert_eq!(text(&desk.response(&ask(&input, stream)).await), "Patched.");

        let [first, second] = &provider.received()[provider.received().len() - 2..] else {
            panic!()
        };
        let function = &first.json()["tools"][0]["function"];
        let description = function["description"].as_str().expect("a description");
        assert!(description.contains("Edits files.") && description.contains(GRAMMAR));
        let [_, asked, answered] = &messages(second)[..] else { panic!() };
        let arguments = asked["tool_calls"][0]["function"]["arguments"].as_str().expect("text");
        let parameter = function["parameters"]["required"][0].as_str().expect("a name");
        let arguments: Value = serde_json::from_str(arguments).expect("JSON");
        assert_eq!(arguments, json!({parameter: PATCH}), "wrapped as it was declared");
        assert_eq!(answered["content"], "Success.");
    }
}

/// A client shows the patch while it is written.
#[tokio::test]
async fn the_input_is_unwrapped_while_it_streams() {
    let arguments = json!({"input": PATCH}).to_string();
    let begin = json!({"tool_calls": [
        {"index": 0, "id": "call_1", "function": {"name": "apply_patch", "arguments": ""}},
    ]});
    let pieces = arguments.chars().map(String::from);
    let reply = pieces.fold(Reply::events().role().chunk(begin), |reply, piece| {
        reply.chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}))
    });
    let provider = always(reply.finish("tool_calls").done()).await;
    let desk = Desk::before(&provider).await;
    let told = desk.told(&ask(&"Patch it.".into(), true)).await;
    assert_eq!(told.deltas("response.custom_tool_call_input.delta"), PATCH);
    assert!(told.of("response.custom_tool_call_input.delta").count() > PATCH.len() / 2);
    let [done] = &told.of("response.custom_tool_call_input.done").collect::<Vec<_>>()[..] else {
        panic!("{told:?}")
    };
    assert_eq!(done["input"], PATCH);
    assert_eq!(told.of("response.function_call_arguments.delta").count(), 0);
}
