//! Reasoning items in a Responses request, found and left out without touching anything else.

use std::{borrow::Cow, ops::Range};

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A reasoning item with something sealed in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reasoning {
    /// Where it stands in the body.
    place: Range<usize>,
    /// Its `encrypted_content`.
    pub(super) sealed: String,
}

/// The sealed reasoning items of a request, in order; none if the request cannot be read, which is
/// for its provider to say.
pub(super) fn reasoning(body: &[u8]) -> Vec<Reasoning> {
    #[derive(Deserialize)]
    struct Request<'a> {
        #[serde(borrow)]
        input: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Item<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
        #[serde(borrow)]
        encrypted_content: Option<Cow<'a, str>>,
    }
    if memmem::find(body, b"\"encrypted_content\"").is_none() {
        return Vec::new();
    }
    let Ok(Request { input }) = serde_json::from_slice(body) else { return Vec::new() };
    let found = input.into_iter().filter_map(|raw| {
        let item: Item<'_> = serde_json::from_str(raw.get()).ok()?;
        let start = raw.get().as_ptr() as usize - body.as_ptr() as usize;
        let sealed = item.encrypted_content?.into_owned();
        let is_reasoning = item.kind.as_deref() == Some("reasoning");
        is_reasoning.then(|| Reasoning { place: start..start + raw.get().len(), sealed })
    });
    found.collect()
}

/// The body without these items, which stand in it in this order; `None` if there are none.
pub(super) fn without<'a>(
    body: &[u8],
    items: impl IntoIterator<Item = &'a Reasoning>,
) -> Option<Bytes> {
    let mut kept = Vec::new();
    let mut from = 0;
    for item in items {
        kept.extend_from_slice(&body[from..item.place.start]);
        from = item.place.end;
        // One comma goes with it: the one behind it, or that before it if it is the last.
        let rest = &body[from..];
        let space = rest.len() - rest.trim_ascii_start().len();
        if rest[space..].starts_with(b",") {
            from += space + 1;
        } else if let [before @ .., b','] = kept.trim_ascii_end() {
            kept.truncate(before.len());
        }
    }
    if from == 0 {
        return None;
    }
    kept.extend_from_slice(&body[from..]);
    Some(kept.into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(input: &[Value]) -> Bytes {
        serde_json::to_vec(&json!({"a": 1, "input": input, "z": [{"type": "reasoning"}]}))
            .unwrap()
            .into()
    }

    #[test]
    fn any_selection_can_be_left_out() {
        let sealed = |n| json!({"type": "reasoning", "encrypted_content": format!("{n}\u{e9}")});
        let items = [
            sealed(0),
            sealed(1),
            json!({"type": "message", "encrypted_content": "no"}),
            json!("text"),
            sealed(2),
            json!({"type": "reasoning", "summary": []}),
            sealed(3),
        ];
        let body = request(&items);
        let found = reasoning(&body);
        let names: Vec<_> = found.iter().map(|item| &*item.sealed).collect();
        assert_eq!(names, ["0\u{e9}", "1\u{e9}", "2\u{e9}", "3\u{e9}"]);
        for selection in 0..16_u32 {
            let chosen = |n: usize| selection >> n & 1 == 1;
            let left_out = found.iter().enumerate().filter(|(n, _)| chosen(*n)).map(|(_, i)| i);
            let places = [0, 1, 4, 6];
            let left = items.iter().enumerate().filter(|(at, _)| {
                places.iter().position(|place| place == at).is_none_or(|n| !chosen(n))
            });
            let expected = request(&left.map(|(_, item)| item.clone()).collect::<Vec<_>>());
            let without = without(&body, left_out);
            assert_eq!(without.is_none(), selection == 0);
            assert_eq!(without.unwrap_or(body.clone()), expected, "{selection:b}");
        }
    }

    #[test]
    fn spaces_do_not_matter_and_what_cannot_be_read_is_left_alone() {
        let item = r#"{"type":"reasoning","encrypted_content":"x"}"#;
        let body = format!("{{\"input\": [ {item} , {item} , 1 , {item} ] }}");
        let left = without(body.as_bytes(), &reasoning(body.as_bytes())).unwrap();
        let left: Value = serde_json::from_slice(&left).unwrap();
        assert_eq!(left, json!({"input": [1]}));
        for body in [r#"{"input":"\"encrypted_content\""}"#, "\"encrypted_content\"", ""] {
            assert_eq!(reasoning(body.as_bytes()), []);
        }
    }
}
