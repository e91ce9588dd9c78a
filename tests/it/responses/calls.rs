//! Calls of functions, there and back.

use serde_json::{Value, json};

use crate::responses::{
    desk::{Desk, items, text},
    script::{answer, call, calls, messages, says},
};
use crate::support::{Reply, always, provider};

fn weather() -> Value {
    json!({
        "type": "function", "name": "weather", "description": "Looks outside.", "strict": null,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    })
}

/// Goes on until the model calls nothing more, as an agent does; the outputs are what the function
/// makes of each call. The input in the end, and the last response.
async fn run(desk: &Desk, mut ask: Value, work: impl Fn(&Value) -> Value) -> (Value, Value) {
    loop {
        let response = desk.response(&ask).await;
        let output = response["output"].as_array().expect("items");
        let input = ask["input"].as_array_mut().expect("items");
        input.extend(output.iter().cloned());
        let before = input.len();
        input.extend(output.iter().filter(|item| item["call_id"].is_string()).map(|call| {
            let kind = format!("{}_output", call["type"].as_str().expect("a type"));
            json!({"type": kind, "call_id": call["call_id"], "output": work(call)})
        }));
        if input.len() == before {
            return (ask["input"].take(), response);
        }
    }
}

fn ask(tools: &Value, stream: bool) -> Value {
    let input = json!([{"role": "user", "content": "Do it."}]);
    json!({"model": "m", "input": input, "tools": tools, "stream": stream, "store": false})
}

#[tokio::test]
async fn a_function_is_called_and_answered() {
    let provider = provider(|request| match messages(&request).len() {
        1 => says(&request, calls(&[call("call_1", "weather", json!({"city": "Zürich"}))])),
        _ => says(&request, answer("Sunny.")),
    })
    .await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let (input, response) =
            run(&desk, ask(&json!([weather()]), stream), |_| "sun".into()).await;
        assert_eq!(text(&response), "Sunny.");
        let called = &input[1];
        assert!(called["id"].as_str().expect("an id").starts_with("fc_"));
        let arguments = r#"{"city":"Zürich"}"#;
        assert_eq!(
            [&called["type"], &called["call_id"], &called["name"], &called["arguments"]],
            ["function_call", "call_1", "weather", arguments],
        );
        let received = provider.received().pop().expect("a request");
        let sent = call("call_1", "weather", json!({"city": "Zürich"}));
        let [_, asked, answered] = &messages(&received)[..] else { panic!() };
        assert_eq!((&asked["role"], &asked["tool_calls"]), (&"assistant".into(), &json!([sent])));
        let expected = json!({"role": "tool", "tool_call_id": "call_1", "content": "sun"});
        assert_eq!(*answered, expected);
        let function = json!({
            "name": "weather", "description": "Looks outside.",
            "parameters": weather()["parameters"],
        });
        let tools = json!([{"type": "function", "function": function}]);
        assert_eq!(received.json()["tools"], tools);
    }
}

#[tokio::test]
async fn a_loop_of_five_rounds() {
    const ROUNDS: usize = 5;
    let provider = provider(|request| {
        let round = messages(&request).iter().filter(|message| message["role"] == "tool").count();
        if round == ROUNDS {
            return says(&request, answer("Done."));
        }
        let mut message =
            calls(&[call(&format!("call_{round}"), "weather", json!({"city": round}))]);
        message["content"] = format!("Step {round}.").into();
        says(&request, message)
    })
    .await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let work = |call: &Value| format!("result of {}", call["arguments"]).into();
        let (_, response) = run(&desk, ask(&json!([weather()]), stream), work).await;
        assert_eq!(text(&response), "Done.");
        let history = messages(&provider.received().pop().expect("a request"));
        assert_eq!(history.len(), 1 + 2 * ROUNDS);
        for (round, pair) in history[1..].chunks(2).enumerate() {
            let id = format!("call_{round}");
            assert_eq!(pair[0]["content"], format!("Step {round}."));
            assert_eq!(pair[0]["tool_calls"][0]["id"], id);
            assert_eq!(pair[1]["tool_call_id"], id);
        }
    }
    assert_eq!(provider.received().len(), 2 * (ROUNDS + 1));
}

#[tokio::test]
async fn parallel_calls_are_one_message() {
    let provider = provider(|request| match messages(&request).len() {
        1 => {
            let calling = |n: usize| call(&format!("call_{n}"), "weather", json!({"city": n}));
            says(&request, calls(&[calling(0), calling(1), calling(2)]))
        }
        _ => says(&request, answer("All seen.")),
    })
    .await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let work = |call: &Value| call["arguments"].clone();
        let (_, response) = run(&desk, ask(&json!([weather()]), stream), work).await;
        assert_eq!(text(&response), "All seen.");
        let history = messages(&provider.received().pop().expect("a request"));
        assert_eq!(history.len(), 5);
        assert_eq!(history[1]["tool_calls"].as_array().map(Vec::len), Some(3));
        for n in 0..3 {
            assert_eq!(history[2 + n]["tool_call_id"], format!("call_{n}"));
            assert_eq!(history[2 + n]["content"], json!({"city": n}).to_string());
        }
    }
}

#[tokio::test]
async fn calls_that_come_in_turns_keep_apart() {
    let fragment = |index: usize, text: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]});
    let begin = |index: usize| {
        json!({"tool_calls": [
            {"index": index, "id": format!("call_{index}"), "function": {"name": "weather", "arguments": ""}},
        ]})
    };
    let both = json!({"tool_calls": [
        {"index": 1, "function": {"arguments": "1}"}}, {"index": 0, "function": {"arguments": "0}"}},
    ]});
    let reply = Reply::events()
        .role()
        .chunk(begin(0))
        .chunk(begin(1))
        .chunk(fragment(1, "{\"n\":"))
        .chunk(fragment(0, "{\"n\":"))
        .chunk(both)
        .finish("tool_calls")
        .done();
    let provider = always(reply).await;
    let desk = Desk::before(&provider).await;
    let told = desk.told(&ask(&json!([weather()]), true)).await;
    let response = told.response();
    let called = items(&response, "function_call");
    assert_eq!(called.len(), 2);
    for (n, call) in called.into_iter().enumerate() {
        assert_eq!(call["call_id"], format!("call_{n}"));
        assert_eq!(call["arguments"], format!("{{\"n\":{n}}}"));
        let deltas = told.of("response.function_call_arguments.delta");
        let own = deltas.filter(|delta| delta["item_id"] == call["id"]);
        let arguments: String = own.map(|delta| delta["delta"].as_str().expect("text")).collect();
        assert_eq!(call["arguments"], arguments);
    }
}

/// Codex always sends some of these.
#[tokio::test]
async fn tools_that_only_the_real_api_has_are_left_out() {
    let provider = provider(|request| says(&request, answer("Fine."))).await;
    let desk = Desk::before(&provider).await;
    let hosted = json!([{"type": "web_search"}, {"type": "image_generation"}]);
    let mut alone = ask(&hosted, false);
    alone["tool_choice"] = "auto".into();
    alone["parallel_tool_calls"] = true.into();
    let response = desk.response(&alone).await;
    assert_eq!(response["tools"].as_array().map(Vec::len), Some(2), "they are echoed");
    let sent = provider.received().pop().expect("a request").json();
    for field in ["tools", "tool_choice", "parallel_tool_calls"] {
        assert!(sent.get(field).is_none(), "{field}: {sent}");
    }
    let mut beside = ask(&json!([hosted[0], weather()]), false);
    beside["tool_choice"] = json!({"type": "function", "name": "weather"});
    desk.response(&beside).await;
    let sent = provider.received().pop().expect("a request").json();
    assert_eq!(sent["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(sent["tool_choice"], json!({"type": "function", "function": {"name": "weather"}}));
}
