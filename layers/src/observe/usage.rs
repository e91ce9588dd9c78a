use serde::Deserialize;
use serde_json::{Number, value::RawValue};

use crate::exchange::Usage;

/// Reads a `usage` object in the words of Chat Completions or of Responses. One that is shaped
/// otherwise is as good as none: it does not break the answer.
pub(super) fn read(raw: Option<&RawValue>) -> Option<Usage> {
    let wire: Wire = serde_json::from_str(raw?.get()).ok()?;
    let input = wire.prompt_tokens.or(wire.input_tokens);
    let output = wire.completion_tokens.or(wire.output_tokens);
    if input.is_none() && output.is_none() {
        return None;
    }
    let input_details =
        wire.prompt_tokens_details.or(wire.input_tokens_details).unwrap_or_default();
    let output_details =
        wire.completion_tokens_details.or(wire.output_tokens_details).unwrap_or_default();
    Some(Usage {
        input: count(input),
        cached_input: count(input_details.cached_tokens.or(wire.prompt_cache_hit_tokens)),
        output: count(output),
        reasoning: count(output_details.reasoning_tokens),
    })
}

/// Usage after another report of it: the last count that is not zero, field by field. Providers
/// send running totals, and zeros or nulls as placeholders.
pub(super) fn merge(old: Usage, new: Usage) -> Usage {
    let last = |old, new| if new == 0 { old } else { new };
    Usage {
        input: last(old.input, new.input),
        cached_input: last(old.cached_input, new.cached_input),
        output: last(old.output, new.output),
        reasoning: last(old.reasoning, new.reasoning),
    }
}

/// Some providers send floats.
fn count(number: Option<Number>) -> u64 {
    number.map_or(0, |n| n.as_u64().unwrap_or(n.as_f64().unwrap_or_default() as u64))
}

#[derive(Deserialize)]
struct Wire {
    prompt_tokens: Option<Number>,
    completion_tokens: Option<Number>,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
    /// DeepSeek's name for cached tokens.
    prompt_cache_hit_tokens: Option<Number>,
    input_tokens: Option<Number>,
    output_tokens: Option<Number>,
    input_tokens_details: Option<Details>,
    output_tokens_details: Option<Details>,
}

#[derive(Default, Deserialize)]
struct Details {
    cached_tokens: Option<Number>,
    reasoning_tokens: Option<Number>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_str(json: &str) -> Option<Usage> {
        read(Some(&RawValue::from_string(json.to_owned()).unwrap()))
    }

    #[test]
    fn zeros_replace_nothing() {
        let usage =
            |input, output| Usage { input, output, cached_input: input / 2, ..Usage::default() };
        assert_eq!(merge(usage(4, 2), Usage::default()), usage(4, 2));
        assert_eq!(merge(Usage::default(), usage(4, 2)), usage(4, 2));
        let both = Usage { cached_input: 2, ..usage(4, 9) };
        assert_eq!(merge(usage(4, 2), Usage { output: 9, ..Usage::default() }), both);
        assert_eq!(merge(usage(4, 9), usage(6, 3)), usage(6, 3));
    }

    #[test]
    fn both_dialects_and_the_quirks() {
        let usage = |input, cached_input, output, reasoning| {
            Some(Usage { input, cached_input, output, reasoning })
        };
        for (json, expected) in [
            (r#"{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}"#, usage(3, 0, 5, 0)),
            (
                r#"{"prompt_tokens":3,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":2},
                    "completion_tokens_details":{"reasoning_tokens":4}}"#,
                usage(3, 2, 5, 4),
            ),
            (
                r#"{"input_tokens":3,"output_tokens":5,"input_tokens_details":{"cached_tokens":1},
                    "output_tokens_details":null}"#,
                usage(3, 1, 5, 0),
            ),
            (
                r#"{"prompt_tokens":3,"completion_tokens":0,"prompt_cache_hit_tokens":2}"#,
                usage(3, 2, 0, 0),
            ),
            (r#"{"prompt_tokens":3.0}"#, usage(3, 0, 0, 0)),
            (r#"{"prompt_tokens":-3}"#, usage(0, 0, 0, 0)),
            ("{}", None),
            ("null", None),
            ("[1]", None),
            (r#"{"prompt_tokens":"many"}"#, None),
        ] {
            assert_eq!(read_str(json), expected, "{json}");
        }
    }
}
