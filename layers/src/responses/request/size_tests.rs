//! Large requests, and such as are written in ways that cost the most.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Invalid, Options, Translated, cases::assert_is_valid, translate};

/// Translates, and says how many times its size the body took in memory.
fn weighed(body: &str) -> (Result<Translated, Invalid>, u64) {
    let mut result = None;
    let used = allocation_counter::measure(|| {
        result = Some(translate(body.as_bytes(), &Options::default(), &|_| None));
    });
    (result.unwrap(), used.bytes_max / body.len() as u64)
}

fn array_of(element: &str, count: usize) -> String {
    vec![element; count].join(",")
}

#[test]
fn a_large_body_is_copied_once() {
    let text = "line \"one\"\\n\n".repeat(250_000);
    let image = format!("data:image/png;base64,{}", "A".repeat(3_000_000));
    let body = json!({"input": [{"role": "user", "content": [
        {"type": "input_text", "text": text}, {"type": "input_image", "image_url": image}]}]});
    let body = body.to_string();
    assert!(body.len() > 6_000_000);
    let (translated, times) = weighed(&body);
    assert_eq!(times, 1, "one copy, and a little more");
    let chat: Value = serde_json::from_slice(&translated.unwrap().body).unwrap();
    let content = &chat["messages"][0]["content"];
    assert_eq!(content[0]["text"], text);
    assert_eq!(content[1]["image_url"]["url"], image);
}

#[test]
fn what_is_refused_takes_no_memory() {
    let parts = |parts: &str| format!(r#"{{"input":[{{"role":"user","content":[{parts}]}}]}}"#);
    let tools = |tools: &str| format!(r#"{{"input":"a","tools":[{tools}]}}"#);
    for element in ["0", "{}", "[]", r#"{"x":0}"#] {
        let elements = array_of(element, 50_000);
        for body in [format!(r#"{{"input":[{elements}]}}"#), parts(&elements), tools(&elements)] {
            let (result, times) = weighed(&body);
            assert!(result.is_err() && times == 0, "{element}: {times}");
        }
    }
    let unknown = array_of(r#"{"type":"x"}"#, 50_000);
    let (result, times) = weighed(&format!(r#"{{"input":[{unknown}]}}"#));
    assert_eq!((result.unwrap_err().param.as_deref(), times), (Some("input"), 0));
}

#[test]
fn many_tools_of_the_same_name_have_their_own() {
    // Each of them would be sent as `________________`.
    let name = |n: usize| -> String {
        (0..16).map(|bit| if n >> bit & 1 == 1 { '.' } else { ' ' }).collect()
    };
    let tools: Vec<_> = (0..5_000).map(|n| json!({"type": "function", "name": name(n)})).collect();
    let calls = (0..5_000).map(|n| {
        json!({"type": "function_call", "call_id": n.to_string(), "name": name(n), "arguments": ""})
    });
    let body = json!({"input": calls.collect::<Vec<_>>(), "tools": tools}).to_string();
    let translated = weighed(&body).0.unwrap();
    let chat: Value = serde_json::from_slice(&translated.body).unwrap();
    assert_is_valid(&chat["messages"]);
    let sent: HashSet<_> =
        chat["tools"].as_array().unwrap().iter().map(|tool| &tool["function"]["name"]).collect();
    assert_eq!(sent.len(), 5_000);
    for (n, call) in chat["messages"][0]["tool_calls"].as_array().unwrap().iter().enumerate() {
        let called = translated.context.tools.resolve(call["function"]["name"].as_str().unwrap());
        assert_eq!(*called.name, name(n));
    }
}

#[test]
fn nesting_takes_no_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        format!(r#"{{"input":"a","never_heard_of":{deep}}}"#),
        format!(r#"{{"input":"a","metadata":{{"a":{deep}}}}}"#),
        format!(r#"{{"input":[{{"role":"user","content":"a","x":{deep}}}]}}"#),
        format!(
            r#"{{"input":"a","tools":[{{"type":"function","name":"f","parameters":{{"a":{deep}}}}}]}}"#
        ),
    ] {
        weighed(&body).0.unwrap();
    }
    for body in [format!(r#"{{"input":{deep}}}"#), deep] {
        weighed(&body).0.unwrap_err();
    }
    let namespaces = r#"{"type":"namespace","name":"n","tools":["#.repeat(50_000);
    let body = format!(r#"{{"input":"a","tools":[{namespaces}{}]}}"#, "]}".repeat(50_000));
    assert_eq!(weighed(&body).0.unwrap().body, r#"{"messages":[{"role":"user","content":"a"}]}"#);
}

#[test]
fn keys_may_have_escapes_and_space_around_them() {
    let body = r#" { "inp\u0075t" : [ { "cont\u0065nt" : [ { "typ\u0065" : "input_text" , "text" : "a" } ] ,
        "r\u006fle" : "user" } , { "role" :"user","content"
        : [ {"type":"input_text","text":"b"} ] }, {"role":"user","cont\u0065nt":"c"} ] } "#;
    let chat: Value = serde_json::from_slice(&weighed(body).0.unwrap().body).unwrap();
    let said = |text| json!({"role": "user", "content": text});
    assert_eq!(chat["messages"], json!([said("a"), said("b"), said("c")]));
    let chat = weighed(r#"{"inp\u0075t":"a"}"#).0.unwrap().body;
    assert_eq!(chat, r#"{"messages":[{"role":"user","content":"a"}]}"#);
}
