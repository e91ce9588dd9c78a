use std::ops::Range;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::range_of;

/// Where `stream_options.include_usage` goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UsagePosition {
    /// The client asks for it, or has written there what no provider takes.
    Kept,
    /// The text, instead of these bytes.
    Splice(Range<usize>, &'static str),
}

#[derive(Deserialize)]
struct Options<'a> {
    #[serde(borrow, default, deserialize_with = "even_null")]
    include_usage: Option<&'a RawValue>,
}

impl UsagePosition {
    /// `options` is borrowed from `whole`, which is an object.
    pub(super) fn find(options: Option<&RawValue>, whole: &[u8]) -> Self {
        let Some(raw) = options else {
            let open = whole.iter().position(|&byte| byte == b'{').unwrap_or_default() + 1;
            return Self::Splice(open..open, r#""stream_options":{"include_usage":true},"#);
        };
        if raw.get() == "null" {
            return Self::Splice(range_of(raw.get(), whole), r#"{"include_usage":true}"#);
        }
        let Some(inside) = raw.get().strip_prefix('{') else { return Self::Kept };
        let Ok(options) = serde_json::from_str::<Options<'_>>(raw.get()) else { return Self::Kept };
        match options.include_usage.map(RawValue::get) {
            Some(value @ ("false" | "null")) => Self::Splice(range_of(value, whole), "true"),
            Some(_) => Self::Kept,
            None => {
                let at = range_of(inside, whole).start;
                let is_alone = inside.trim_start().starts_with('}');
                let field = r#""include_usage":true,"#;
                Self::Splice(at..at, if is_alone { field.trim_end_matches(',') } else { field })
            }
        }
    }
}

/// A null that stands there is something to replace.
fn even_null<'de, D: Deserializer<'de>>(json: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(json).map(Some)
}
