use serde_json::{Value, json};

use super::{
    MaxTokens, Options, Passes,
    cases::{chat, invalid, open, translated},
    translate, translate_for,
};

/// What the fields come to, besides the messages.
fn besides_messages(fields: Value) -> Value {
    let mut chat = chat(fields);
    chat.as_object_mut().unwrap().remove("messages");
    chat
}

#[test]
fn fields_become_fields() {
    let schema = json!({"type": "object", "properties": {}});
    let cases = [
        (json!({}), json!({})),
        (json!({"model": "a\"b"}), json!({"model": "a\"b"})),
        (
            json!({"temperature": 0.5, "top_p": 1, "presence_penalty": -1.5, "frequency_penalty": 2}),
            json!({"temperature": 0.5, "top_p": 1, "presence_penalty": -1.5, "frequency_penalty": 2}),
        ),
        (json!({"max_output_tokens": 16}), json!({"max_tokens": 16})),
        (
            json!({"reasoning": {"effort": "xhigh", "summary": "auto", "context": "auto"}}),
            json!({"reasoning_effort": "xhigh"}),
        ),
        (json!({"reasoning": {"effort": null}}), json!({})),
        (json!({"reasoning": {}}), json!({})),
        (json!({"text": {"format": {"type": "text"}, "verbosity": "low"}}), json!({})),
        (json!({"text": {"format": null, "verbosity": null}}), json!({})),
        (
            json!({"text": {"format": {"type": "json_object"}}}),
            json!({"response_format": {"type": "json_object"}}),
        ),
        (
            json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": schema,
                "strict": true, "description": "d"}}}),
            json!({"response_format": {"type": "json_schema", "json_schema":
                {"name": "n", "schema": schema, "strict": true, "description": "d"}}}),
        ),
        (
            json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": schema,
                "strict": null}}}),
            json!({"response_format":
                {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}),
        ),
        (json!({"top_logprobs": 3}), json!({"logprobs": true, "top_logprobs": 3})),
        (json!({"top_logprobs": 0}), json!({})),
        (
            json!({"stream": true}),
            json!({"stream": true, "stream_options": {"include_usage": true}}),
        ),
        (json!({"stream": false}), json!({})),
        (json!({"tools": [], "tool_choice": "required", "parallel_tool_calls": true}), json!({})),
        (json!({"background": false}), json!({})),
        (
            json!({"store": true, "include": ["reasoning.encrypted_content"], "metadata": {"a": "b"},
                "prompt_cache_key": "k", "client_metadata": {"x": 1}, "truncation": "auto",
                "service_tier": "flex", "safety_identifier": "s", "max_tool_calls": 3,
                "previous_response_id": "resp_1", "never_heard_of": [{}], "user": 7}),
            json!({}),
        ),
        (
            json!({"model": null, "instructions": null, "stream": null, "background": null,
                "temperature": null, "top_p": null, "presence_penalty": null, "store": null,
                "frequency_penalty": null, "max_output_tokens": null, "reasoning": null,
                "text": null, "top_logprobs": null, "tools": null, "tool_choice": null,
                "parallel_tool_calls": null, "include": null, "metadata": null}),
            json!({}),
        ),
    ];
    for (fields, expected) in cases {
        assert_eq!(besides_messages(fields.clone()), expected, "{fields}");
    }
}

#[test]
fn a_wrong_type_is_named() {
    let cases = [
        (json!({"model": 1}), "model", "must be a string"),
        (json!({"temperature": "hot"}), "temperature", "must be a number"),
        (json!({"top_p": [1]}), "top_p", "must be a number"),
        (json!({"presence_penalty": true}), "presence_penalty", "must be a number"),
        (json!({"frequency_penalty": {}}), "frequency_penalty", "must be a number"),
        (json!({"instructions": ["a"]}), "instructions", "must be a string"),
        (json!({"max_output_tokens": 1.5}), "max_output_tokens", "must be a whole number"),
        (json!({"max_output_tokens": -1}), "max_output_tokens", "must be a whole number"),
        (json!({"top_logprobs": "1"}), "top_logprobs", "must be a whole number"),
        (json!({"stream": "yes"}), "stream", "must be a boolean"),
        (json!({"store": 1}), "store", "must be a boolean"),
        (json!({"metadata": []}), "metadata", "must be an object"),
        (json!({"truncation": {}}), "truncation", "must be a string"),
        (json!({"include": "a"}), "include", "must be an array"),
        (json!({"include": [1]}), "include", "must be an array of strings"),
        (json!({"reasoning": "high"}), "reasoning", "must be an object"),
        (json!({"reasoning": {"effort": 1}}), "reasoning.effort", "must be a string"),
        (json!({"text": "json"}), "text", "must be an object"),
        (json!({"text": {"format": "json"}}), "text.format", "must be an object"),
        (json!({"text": {"format": {}}}), "text.format.type", "is missing"),
        (json!({"text": {"format": {"type": "yaml"}}}), "text.format.type", "must be `text`"),
        (json!({"text": {"format": {"type": "json_schema"}}}), "text.format.name", "is missing"),
        (
            json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": "s"}}}),
            "text.format.schema",
            "must be an object",
        ),
        (
            json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": {},
                "description": 1}}}),
            "text.format.description",
            "must be a string",
        ),
        (json!({"text": {"verbosity": 3}}), "text.verbosity", "must be a string"),
        (json!({"tools": {}}), "tools", "must be an array"),
        (json!({"tool_choice": true}), "tool_choice", "must be a string or an object"),
        (json!({"parallel_tool_calls": 1}), "parallel_tool_calls", "must be a boolean"),
        (json!({"background": true}), "background", "is not supported yet"),
        (json!({"background": "no"}), "background", "must be a boolean"),
        (json!({"input": null}), "input", "is missing"),
        (json!({"input": ""}), "input", "must not be empty"),
        (json!({"input": []}), "input", "must not be empty"),
        (json!({"input": 1}), "input", "must be a string or an array"),
        (json!({"input": {"role": "user"}}), "input", "must be a string or an array"),
        (json!({"input": true}), "input", "must be a string or an array"),
        (json!({"input": -1.5}), "input", "must be a string or an array"),
    ];
    for (fields, param, says) in cases {
        let (named, message) = invalid(fields.clone());
        assert_eq!(named, param, "{fields}");
        assert!(message.starts_with(&format!("`{param}` {says}")), "{fields}: {message}");
    }
}

#[test]
fn what_is_no_request_is_said_to_be_none() {
    let of = |body: &[u8]| translate(body, &Options::default(), &open).unwrap_err();
    for (body, says) in [
        (&b""[..], "the body is not a JSON object"),
        (b" [\"m\"]", "the body is not a JSON object"),
        (b"\"a\"", "the body is not a JSON object"),
        (b"{", "the body cannot be read: EOF"),
        (b"{}x", "the body cannot be read: trailing"),
        (b"{\"model\":\"a\",\"model\":\"b\"}", "the body cannot be read: duplicate field"),
        (b"{\"input\":\"\xff\"}", "the body is not UTF-8"),
    ] {
        let error = of(body);
        assert!(error.message.starts_with(says), "{error}");
        assert_eq!(error.param, None, "{error}");
    }
    assert_eq!(of(b"{}").param.as_deref(), Some("input"));
}

#[test]
fn instructions_are_the_first_system_message() {
    assert_eq!(
        chat(json!({"instructions": "be\nbrief", "input": "hi \"you\""}))["messages"],
        json!([{"role": "system", "content": "be\nbrief"}, {"role": "user", "content": "hi \"you\""}])
    );
    let none = json!([{"role": "user", "content": "hi"}]);
    assert_eq!(chat(json!({"instructions": ""}))["messages"], none);
}

#[test]
fn options_say_what_a_provider_takes() {
    let request = json!({"input": "hi", "max_output_tokens": 5, "text": {"verbosity": "low"}});
    let max_tokens = MaxTokens::MaxCompletionTokens;
    let options = Options { max_tokens, verbosity: true, ..Options::default() };
    let body = serde_json::to_vec(&request).unwrap();
    let chat = translate(&body, &options, &open).unwrap().body;
    let chat: Value = serde_json::from_slice(&chat).unwrap();
    assert_eq!(chat["max_completion_tokens"], 5);
    assert_eq!(chat["verbosity"], "low");
    assert_eq!(chat.get("max_tokens"), None);

    let streamed = br#"{"input":"hi","stream":true}"#;
    for include_usage in [true, false] {
        let options = Options { include_usage, ..Options::default() };
        let chat = translate(streamed, &options, &open).unwrap().body;
        let chat: Value = serde_json::from_slice(&chat).unwrap();
        assert_eq!(
            (&chat["stream"], chat.get("stream_options").is_some()),
            (&true.into(), include_usage)
        );
    }
}

#[test]
fn the_answer_learns_what_was_asked() {
    let request = json!({
        "model": "gpt-\u{e9}\n", "input": "hi", "stream": true, "temperature": 0.5,
        "include": ["reasoning.encrypted_content"], "metadata": {"a": "b"}, "store": false,
        "tools": [{"type": "web_search"}], "top_p": null, "client_metadata": {},
    });
    let context = translated(&request).unwrap().context;
    assert_eq!(&*context.model, "gpt-\u{e9}\n");
    assert!(context.stream && context.include_encrypted);
    let echo = |field| context.echo.get(field).map(serde_json::value::RawValue::get);
    assert_eq!(echo("metadata"), Some(r#"{"a":"b"}"#));
    assert_eq!(echo("tools"), Some(r#"[{"type":"web_search"}]"#), "what was dropped, too");
    assert_eq!(echo("store"), Some("false"));
    assert_eq!(echo("temperature"), Some("0.5"));
    assert_eq!(echo("top_p"), None, "null is as if absent");
    assert_eq!(echo("model"), None);

    let context = translated(&json!({"input": "hi", "include": []})).unwrap().context;
    assert!(!context.stream && !context.include_encrypted);
    assert_eq!(&*context.model, "");
}

#[test]
fn every_field_of_the_echo_can_be_repeated() {
    let values = json!({
        "background": false, "frequency_penalty": 1, "instructions": "i", "max_output_tokens": 1,
        "max_tool_calls": 1, "metadata": {}, "parallel_tool_calls": true, "presence_penalty": 1,
        "previous_response_id": "r", "prompt_cache_key": "k", "prompt_cache_retention": "24h",
        "reasoning": {}, "safety_identifier": "s", "service_tier": "auto", "store": true,
        "temperature": 1, "text": {}, "tool_choice": "auto", "tools": [], "top_logprobs": 0,
        "top_p": 1, "truncation": "disabled", "input": "hi",
    });
    let context = translated(&values).unwrap().context;
    for field in crate::responses::Echo::FIELDS {
        assert_eq!(context.echo.get(field).unwrap().get(), values[field].to_string(), "{field}");
    }
}

#[test]
fn all_that_the_system_says_is_one_message_and_the_first() {
    let part = |text: &str| json!({"type": "input_text", "text": text});
    let image = json!({"type": "input_image", "image_url": "u"});
    let input = json!([
        {"role": "user", "content": "q"},
        {"role": "developer", "content": [part("b"), image, part("c")]},
        {"role": "system", "content": ""},
        {"role": "system", "content": "d"},
    ]);
    assert_eq!(
        chat(json!({"instructions": "a", "input": input}))["messages"],
        json!([
            {"role": "system", "content": "a\n\nb\nc\n\nd"},
            {"role": "user", "content": "q"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]},
        ])
    );
    let only = json!([{"role": "developer", "content": "b"}]);
    assert_eq!(
        chat(json!({"instructions": "", "input": only}))["messages"],
        json!([{"role": "system", "content": "b"}])
    );
    let empty = json!([{"role": "developer", "content": [part("")]}]);
    assert_eq!(invalid(json!({"instructions": "a", "input": empty})).0, "input");
}

#[test]
fn what_is_kept_elsewhere_is_refused_by_name() {
    for (field, value) in [
        ("conversation", json!("conv_1")),
        ("conversation", json!({"id": "conv_1"})),
        ("prompt", json!({"id": "pmpt_1", "variables": {}})),
    ] {
        let (param, message) = invalid(json!({ field: value }));
        assert_eq!(param, field);
        assert!(message.starts_with(&format!("`{field}` is not supported")), "{message}");
    }
    chat(json!({"conversation": null, "prompt": null}));
}

#[test]
fn only_some_providers_get_fields_that_chat_does_not_have() {
    let request = json!({"input": "hi", "prompt_cache_key": "k", "safety_identifier": "s",
        "metadata": {"a": "b"}, "store": false});
    let body = serde_json::to_vec(&request).unwrap();
    let passes = Passes::default().and("prompt_cache_key").and_then(|p| p.and("metadata")).unwrap();
    let options = Options { passes, ..Options::default() };
    let translated = translate(&body, &options, &|_| None).unwrap();
    let chat: Value = serde_json::from_slice(&translated.body).unwrap();
    let messages = json!([{"role": "user", "content": "hi"}]);
    assert_eq!(
        chat,
        json!({"prompt_cache_key": "k", "metadata": {"a": "b"}, "messages": messages})
    );
    let refused = [Box::from("metadata")];
    let (translated, added) = translate_for(&body, &options, None, &refused, &|_| None).unwrap();
    assert!(!String::from_utf8_lossy(&translated.body).contains("metadata"));
    assert_eq!(added, [Box::from("prompt_cache_key")]);
}
