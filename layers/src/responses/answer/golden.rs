//! Snapshot tests of streams in the notation of several providers.

use serde_json::Value;

use super::script::{Stream, stream};

/// Each event on a line: its type, and what else it says. Ids are short, responses are left out
/// but for the last one's changing fields.
fn rendered(stream: &Stream) -> String {
    let mut lines = String::new();
    for event in &stream.events {
        let mut event = event.as_object().unwrap().clone();
        let kind = event.remove("type").unwrap();
        event.remove("sequence_number");
        if let Some(response) = event.remove("response") {
            for field in ["status", "error", "incomplete_details", "usage"] {
                if !response[field].is_null() {
                    event.insert(field.to_owned(), response[field].clone());
                }
            }
        }
        lines.push_str(&format!("{} {}\n", kind.as_str().unwrap(), Value::from(event)));
    }
    shortened(&lines)
}

/// The same text, with four of the 32 digits of each id.
fn shortened(text: &str) -> String {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('_') {
        let (before, after) = rest.split_at(at + 1);
        let digits = after.bytes().take_while(|byte| is_digit(byte)).count();
        let (kept, skipped) = if digits == 32 { (4, 32) } else { (digits, digits) };
        out.push_str(before);
        out.push_str(&after[..kept]);
        rest = &after[skipped..];
    }
    out + rest
}

macro_rules! golden {
    ($($name:ident: $chunks:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut settings = insta::Settings::clone_current();
            settings.set_omit_expression(true);
            settings.set_prepend_module_to_snapshot(false);
            let seen = rendered(&stream(&$chunks));
            settings.bind(|| insta::assert_snapshot!(stringify!($name), seen));
        }
    )*};
}

golden! {
    deepseek: [
        r#"{"id":"d1","object":"chat.completion.chunk","created":1,"model":"deepseek-reasoner","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":""},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"d1","choices":[{"index":0,"delta":{"content":null,"reasoning_content":"The user"},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"d1","choices":[{"index":0,"delta":{"content":null,"reasoning_content":" greets."},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"d1","choices":[{"index":0,"delta":{"content":"I will look.","reasoning_content":null},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"d1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_00_abc","type":"function","function":{"name":"shell","arguments":""}}]},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"d1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"command\":"}}]},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"d1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":" [\"ls\"]}"}}]},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"d1","choices":[{"index":0,"delta":{"content":"","reasoning_content":null},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":16},"completion_tokens_details":{"reasoning_tokens":4},"prompt_cache_hit_tokens":16,"prompt_cache_miss_tokens":4}}"#,
    ];
    openrouter: [
        r#"{"id":"gen-1","provider":"Anthropic","model":"x","object":"chat.completion.chunk","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"Let me","reasoning_details":[{"type":"reasoning.text","text":"Let me","format":"anthropic-claude-v1","index":0}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}"#,
        r#"{"id":"gen-1","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":null,"reasoning_details":[{"type":"reasoning.text","signature":"c2ln","format":"anthropic-claude-v1","index":0}]},"finish_reason":null}]}"#,
        r#"{"id":"gen-1","choices":[{"index":0,"delta":{"role":"assistant","content":"Sunny"},"finish_reason":null}]}"#,
        r#"{"id":"gen-1","choices":[{"index":0,"delta":{"role":"assistant","content":" today"},"finish_reason":null}]}"#,
        r#"{"id":"gen-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop","native_finish_reason":"end_turn"}]}"#,
        r#"{"id":"gen-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":{"prompt_tokens":10,"completion_tokens":6,"total_tokens":16,"cost":0.001,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":8},"completion_tokens_details":{"reasoning_tokens":2}}}"#,
    ];
    openrouter_breaks: [
        r#"{"id":"gen-1","choices":[{"index":0,"delta":{"role":"assistant","content":"Sun"},"finish_reason":null}]}"#,
        r#"{"id":"gen-1","object":"chat.completion.chunk","provider":"X","error":{"code":502,"message":"Provider disconnected"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
    ];
    ollama: [
        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"qwen3:14b","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"\u003cthi"},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"role":"assistant","content":"nk\u003e\n"},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"role":"assistant","content":"two files"},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"role":"assistant","content":"\u003c/think\u003e\n\n"},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_8x","index":0,"type":"function","function":{"name":"shell","arguments":"{\"command\":[\"cat\",\"a\"]}"}},{"id":"call_9y","index":1,"type":"function","function":{"name":"shell","arguments":"{\"command\":[\"cat\",\"b\"]}"}}]},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}"#,
        r#"{"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}"#,
    ];
    vllm: [
        r#"{"id":"chatcmpl-v","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":5,"total_tokens":5,"completion_tokens":0}}"#,
        r#"{"id":"chatcmpl-v","choices":[{"index":0,"delta":{"reasoning_content":"patch it"},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":5,"total_tokens":7,"completion_tokens":2}}"#,
        r#"{"id":"chatcmpl-v","choices":[{"index":0,"delta":{"content":"\n\n"},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-v","choices":[{"index":0,"delta":{"tool_calls":[{"id":"chatcmpl-tool-a","type":"function","index":0,"function":{"name":"apply_patch"}}]},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-v","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"input\": \"*** Beg"}}]},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-v","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"in Patch\\n"}}]},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-v","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"*** End Patch\"}"}}]},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-v","choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"tool_calls","stop_reason":null}]}"#,
        r#"{"id":"chatcmpl-v","choices":[],"usage":{"prompt_tokens":5,"total_tokens":14,"completion_tokens":9,"prompt_tokens_details":null}}"#,
    ];
    groq: [
        r#"{"id":"chatcmpl-g","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning":"hm"},"logprobs":null,"finish_reason":null}],"x_groq":{"id":"req_1"}}"#,
        r#"{"id":"chatcmpl-g","choices":[{"index":0,"delta":{"tool_calls":[{"id":"fc_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}"},"index":0}]},"logprobs":null,"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-g","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}],"x_groq":{"id":"req_1","usage":{"queue_time":0.02,"prompt_tokens":30,"prompt_time":0.001,"completion_tokens":12,"completion_time":0.1,"total_tokens":42,"total_time":0.11}}}"#,
    ];
    gemini: [
        r#"{"choices":[{"delta":{"content":"Two calls.","role":"assistant"},"index":0}],"created":1,"id":"g1","model":"gemini-2.5-flash","object":"chat.completion.chunk"}"#,
        r#"{"choices":[{"delta":{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"city\":\"Oslo\"}","name":"get_weather"},"id":"function-call-1","type":"function"}]},"finish_reason":"tool_calls","index":0}],"created":1,"id":"g1","model":"gemini-2.5-flash","object":"chat.completion.chunk"}"#,
        r#"{"choices":[{"delta":{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"city\":\"Rome\"}","name":"get_weather"},"id":"","type":"function"}]},"finish_reason":"stop","index":0}],"created":1,"id":"g1","usage":{"completion_tokens":8.0,"prompt_tokens":6.0,"total_tokens":20.0}}"#,
    ];
    azure: [
        r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}"#,
        r#"{"choices":[{"content_filter_results":{},"delta":{"content":"","refusal":null,"role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}],"created":1,"id":"chatcmpl-z","model":"gpt-4o"}"#,
        r#"{"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"delta":{"content":"Once upon"},"finish_reason":null,"index":0,"logprobs":null}],"id":"chatcmpl-z"}"#,
        r#"{"choices":[{"content_filter_offsets":{"check_offset":1,"start_offset":1,"end_offset":9},"content_filter_results":{},"finish_reason":null,"index":0}],"id":""}"#,
        r#"{"choices":[{"content_filter_results":{"violence":{"filtered":true,"severity":"high"}},"delta":{},"finish_reason":"content_filter","index":0,"logprobs":null}],"id":"chatcmpl-z"}"#,
    ];
}
