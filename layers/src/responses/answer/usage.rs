use serde::Deserialize;
use serde_json::value::RawValue;

use super::{json::Put, lenient::Number};

/// Tokens of one answer. A detail that the provider did not give is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    input: u64,
    cached: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
    total: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Number,
    #[serde(alias = "output_tokens")]
    completion_tokens: Number,
    total_tokens: Number,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
    /// DeepSeek's name for cached tokens.
    prompt_cache_hit_tokens: Number,
    /// The name that gateways in front of Anthropic keep.
    cache_creation_input_tokens: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Number,
    cache_write_tokens: Number,
    reasoning_tokens: Number,
}

impl Usage {
    /// Reads a `usage` object. One that is shaped otherwise is as good as none.
    pub(super) fn read(raw: &RawValue) -> Option<Self> {
        let wire: Wire = serde_json::from_str(raw.get()).ok()?;
        if wire.prompt_tokens.0.is_none() && wire.completion_tokens.0.is_none() {
            return None;
        }
        let input = wire.prompt_tokens.0.unwrap_or(0);
        let output = wire.completion_tokens.0.unwrap_or(0);
        let of_input = wire.prompt_tokens_details.unwrap_or_default();
        let of_output = wire.completion_tokens_details.unwrap_or_default();
        let written = of_input.cache_write_tokens.0.or(wire.cache_creation_input_tokens.0);
        Some(Self {
            input,
            cached: of_input.cached_tokens.0.or(wire.prompt_cache_hit_tokens.0).unwrap_or(0),
            cache_write: written.unwrap_or(0),
            output,
            reasoning: of_output.reasoning_tokens.0.unwrap_or(0),
            total: wire.total_tokens.0.unwrap_or_else(|| input.saturating_add(output)),
        })
    }

    /// Merges a later usage into the known one: the last number wins, and zeros are ignored.
    pub(super) fn merged(known: Option<Self>, more: Option<Self>) -> Option<Self> {
        let (Some(known), Some(more)) = (known, more) else { return more.or(known) };
        let last = |known: u64, more: u64| if more == 0 { known } else { more };
        let mut merged = Self {
            input: last(known.input, more.input),
            cached: last(known.cached, more.cached),
            cache_write: last(known.cache_write, more.cache_write),
            output: last(known.output, more.output),
            reasoning: last(known.reasoning, more.reasoning),
            total: last(known.total, more.total),
        };
        // With usage from two places, the sum may have been of one of them.
        merged.total = merged.total.max(merged.input.saturating_add(merged.output));
        Some(merged)
    }

    /// The `usage` of a response.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.put("{\"input_tokens\":").number(self.input);
        out.put(",\"input_tokens_details\":{\"cached_tokens\":").number(self.cached);
        out.put(",\"cache_write_tokens\":").number(self.cache_write);
        out.put("},\"output_tokens\":").number(self.output);
        out.put(",\"output_tokens_details\":{\"reasoning_tokens\":").number(self.reasoning);
        out.put("},\"total_tokens\":").number(self.total).put("}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<[u64; 6]> {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        let Usage { input, cached, cache_write, output, reasoning, total } = Usage::read(&raw)?;
        Some([input, cached, cache_write, output, reasoning, total])
    }

    #[test]
    fn every_detail_and_every_spelling() {
        for (json, expected) in [
            (
                r#"{"prompt_tokens":3,"completion_tokens":5,"total_tokens":9}"#,
                Some([3, 0, 0, 5, 0, 9]),
            ),
            (
                r#"{"prompt_tokens":3,"completion_tokens":5,
                    "prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":1},
                    "completion_tokens_details":{"reasoning_tokens":4}}"#,
                Some([3, 2, 1, 5, 4, 8]),
            ),
            (
                r#"{"prompt_tokens":3.0,"completion_tokens":"5","prompt_cache_hit_tokens":2,
                    "prompt_tokens_details":null}"#,
                Some([3, 2, 0, 5, 0, 8]),
            ),
            (r#"{"input_tokens":3,"output_tokens":5}"#, Some([3, 0, 0, 5, 0, 8])),
            (r#"{"prompt_tokens":3,"cache_creation_input_tokens":1}"#, Some([3, 0, 1, 0, 0, 3])),
            ("{}", None),
            ("[]", None),
            ("7", None),
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
    }

    #[test]
    fn zeros_take_nothing_back() {
        let usage = |input, output, total| Usage { input, output, total, ..Usage::default() };
        for (known, more, merged) in [
            (None, None, None),
            (None, Some(usage(0, 0, 0)), Some(usage(0, 0, 0))),
            (Some(usage(3, 5, 8)), None, Some(usage(3, 5, 8))),
            (Some(usage(3, 5, 8)), Some(usage(0, 0, 0)), Some(usage(3, 5, 8))),
            (Some(usage(0, 0, 0)), Some(usage(3, 5, 8)), Some(usage(3, 5, 8))),
            (Some(usage(3, 1, 4)), Some(usage(3, 5, 8)), Some(usage(3, 5, 8))),
            (Some(usage(3, 0, 3)), Some(usage(0, 5, 5)), Some(usage(3, 5, 8))),
        ] {
            assert_eq!(Usage::merged(known, more), merged);
        }
    }
}
