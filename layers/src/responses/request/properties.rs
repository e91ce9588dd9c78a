use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::{
    Options,
    cases::{assert_is_valid, open, translated},
    translate,
};

/// Keys and words that mean something, so that random values get somewhere.
const WORDS: [&str; 44] = [
    "input",
    "type",
    "role",
    "content",
    "user",
    "assistant",
    "developer",
    "message",
    "input_text",
    "text",
    "function_call",
    "function_call_output",
    "call_id",
    "name",
    "arguments",
    "output",
    "tools",
    "function",
    "namespace",
    "custom",
    "tool_choice",
    "allowed_tools",
    "additional_tools",
    "reasoning",
    "summary",
    "encrypted_content",
    "ours:x",
    "format",
    "parameters",
    "strict",
    "custom_tool_call",
    "input_image",
    "image_url",
    "detail",
    "tool_search_output",
    "id",
    "mode",
    "tool_search_call",
    "local_shell_call",
    "action",
    "include",
    "model",
    "stream",
    "instructions",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => select(&WORDS[..]).prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((select(&WORDS[..]), inner), 0..7).prop_map(|fields| {
                fields
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<Map<_, _>>()
                    .into()
            }),
        ]
    })
}

/// An item of a kind that is read, with whatever in it.
fn any_item() -> impl Strategy<Value = Value> {
    const KINDS: [&str; 9] = [
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "local_shell_call",
        "tool_search_call",
        "tool_search_output",
        "additional_tools",
        "reasoning",
    ];
    let sensible = json!({
        "role": "assistant", "call_id": "c", "name": "f", "arguments": "{}", "input": "i",
        "output": "o", "content": [], "action": {}, "tools": [],
    });
    (select(&KINDS[..]), prop::collection::vec((select(&WORDS[..]), any_json()), 0..2)).prop_map(
        move |(kind, others)| {
            let mut item = sensible.clone();
            for (key, value) in others {
                item[key] = value;
            }
            item["type"] = kind.into();
            item
        },
    )
}

/// What may be in a conversation; the number is a call's id.
#[derive(Clone, Debug)]
enum Step {
    Said(&'static str),
    Thought(bool),
    Call(usize),
    Output(usize),
    Ignored,
}

impl Step {
    fn item(&self) -> Value {
        match self {
            Self::Said(role) => json!({"role": role, "content": format!("{role} said")}),
            Self::Thought(true) => {
                json!({"type": "reasoning", "encrypted_content": "ours:thought"})
            }
            Self::Thought(false) => json!({"type": "reasoning", "encrypted_content": "foreign"}),
            Self::Call(n) if n % 2 == 0 => {
                json!({"type": "function_call", "call_id": n.to_string(), "name": "f", "arguments": "{}"})
            }
            Self::Call(n) => {
                json!({"type": "custom_tool_call", "call_id": n.to_string(), "name": "g", "input": "i"})
            }
            Self::Output(n) => {
                json!({"type": "function_call_output", "call_id": n.to_string(), "output": format!("out {n}")})
            }
            Self::Ignored => json!({"type": "web_search_call"}),
        }
    }
}

/// Calls, outputs for all but some, and whatever else, in any order.
fn any_order() -> impl Strategy<Value = Vec<Step>> {
    let others = prop_oneof![
        select(&["user", "assistant", "developer"][..]).prop_map(Step::Said),
        any::<bool>().prop_map(Step::Thought),
        Just(Step::Ignored),
    ];
    (prop::collection::vec(any::<bool>(), 1..8), prop::collection::vec(others, 0..8))
        .prop_map(|(answered, mut steps)| {
            for (n, answered) in answered.into_iter().enumerate() {
                steps.push(Step::Call(n));
                steps.extend(answered.then_some(Step::Output(n)));
            }
            steps
        })
        .prop_shuffle()
}

fn strings<'a>(messages: &'a Value, role: &str, field: &str) -> Vec<&'a str> {
    let of_role = messages.as_array().unwrap().iter().filter(|message| message["role"] == role);
    of_role.filter_map(|message| message[field].as_str()).collect()
}

proptest! {
    #[test]
    fn any_bytes_are_answered_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = translate(&bytes, &Options::default(), &open);
    }

    #[test]
    fn any_fields_are_answered_without_panic(fields in prop::collection::vec((select(&WORDS[..]), any_json()), 0..6)) {
        let request: Map<_, _> = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        if let Ok(translated) = translated(&request.into()) {
            let chat: Value = serde_json::from_slice(&translated.body).unwrap();
            assert_is_valid(&chat["messages"]);
        }
    }

    #[test]
    fn any_items_give_a_valid_conversation_or_an_error(
        items in prop::collection::vec(any_item(), 1..6), tools in any_json(),
    ) {
        let mut request = json!({ "input": items });
        if tools.is_array() {
            request["tools"] = tools;
        }
        if let Ok(translated) = translated(&request) {
            let chat: Value = serde_json::from_slice(&translated.body).unwrap();
            assert_is_valid(&chat["messages"]);
            prop_assert_ne!(chat.get("tools"), Some(&json!([])));
        }
    }

    #[test]
    fn any_order_of_the_items_gives_a_valid_conversation(steps in any_order()) {
        let items: Vec<_> = steps.iter().map(Step::item).collect();
        let body = translated(&json!({ "input": items })).unwrap().body;
        let messages = serde_json::from_slice::<Value>(&body).unwrap()["messages"].take();
        assert_is_valid(&messages);

        let ids: Vec<_> = steps.iter().filter_map(|step| match step {
            Step::Call(n) => Some(n.to_string()),
            _ => None,
        }).collect();
        prop_assert_eq!(strings(&messages, "tool", "tool_call_id"), ids, "calls keep their order");
        for message in messages.as_array().unwrap().iter().filter(|message| message["role"] == "tool") {
            let n: usize = message["tool_call_id"].as_str().unwrap().parse().unwrap();
            let is_answered = steps.iter().any(|step| matches!(step, Step::Output(of) if *of == n));
            let expected = if is_answered { format!("out {n}") } else { "(no output: the call was cut off)".into() };
            prop_assert_eq!(message["content"].as_str().unwrap(), expected);
        }
        let said = |who| steps.iter().filter(|step| matches!(step, Step::Said(role) if *role == who)).count();
        for role in ["user", "assistant"] {
            prop_assert_eq!(strings(&messages, role, "content").len(), said(role), "nothing said is lost");
        }
        let system = vec!["developer said"; said("developer")].join("\n\n");
        prop_assert!(system.is_empty() || messages[0]["role"] == "system");
        prop_assert_eq!(strings(&messages, "system", "content").concat(), system);
    }

    #[test]
    fn what_is_said_arrives_as_it_was(text in any::<String>(), input in any::<String>()) {
        let body = translated(&json!({"instructions": text, "input": [
            {"role": "user", "content": [{"type": "input_text", "text": text}, {"type": "input_text", "text": "b"}]},
            {"type": "custom_tool_call", "call_id": text, "name": text, "input": input},
            {"type": "custom_tool_call_output", "call_id": text, "output": {"a": text}},
            {"type": "reasoning", "encrypted_content": format!("ours:{text}")},
            {"role": "assistant", "content": format!("a{text}")},
        ]})).unwrap().body;
        let messages = serde_json::from_slice::<Value>(&body).unwrap()["messages"].take();
        assert_is_valid(&messages);
        let messages: Vec<_> = messages.as_array().unwrap().iter().skip(usize::from(!text.is_empty())).collect();
        prop_assert_eq!(&messages[0]["content"], &json!(format!("{text}\nb")));
        let call = &messages[1]["tool_calls"][0];
        prop_assert_eq!(&call["id"], &json!(text));
        let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        prop_assert_eq!(arguments, json!({ "input": input }));
        let output: Value = serde_json::from_str(messages[2]["content"].as_str().unwrap()).unwrap();
        prop_assert_eq!(output, json!({ "a": text }));
        prop_assert_eq!(&messages[3]["content"], &json!(format!("a{text}")));
        let reasoning = messages[3].get("reasoning_content").and_then(Value::as_str).unwrap_or_default();
        prop_assert_eq!(reasoning, text);
    }
}
