use std::ops::Range;

use bytes::Bytes;

use super::{
    Item,
    references::{Input, Reference, StateRequest},
};
use crate::Buffered;

/// A string input as an item: this prefix, the string, and a closing brace.
pub(super) const TEXT: &str = r#"{"type":"message","role":"user","content":"#;

/// The body with all that it refers to in it: the prior items before its own input, and each
/// reference replaced by what was found for it, in order. The id of the previous response is gone,
/// as no provider knows it; all other bytes are shared with `body`, which is the one that was read.
pub(super) fn expand(
    body: &Buffered,
    ask: &StateRequest,
    prior: &[Item],
    found: &[Item],
) -> Buffered {
    let mut edits: Vec<(Range<usize>, Bytes)> = Vec::new();
    for (reference, item) in ask.references.iter().zip(found) {
        edits.push((reference.place.clone(), item.json.clone()));
    }
    if let Some(Reference { place: field, .. }) = &ask.previous {
        let prior = joined(prior);
        match &ask.input {
            Input::Absent => edits.push((field.clone(), format!(r#""input":[{prior}]"#).into())),
            input => {
                edits.push((with_comma(&body.to_bytes(), field.clone()), Bytes::new()));
                put_before(input, &prior, &body.to_bytes(), &mut edits);
            }
        }
    }
    // Where something is put in before what goes, it comes first.
    edits.sort_by_key(|(place, _)| (place.start, place.end));
    let whole = body.to_bytes();
    let (mut segments, mut from) = (Vec::with_capacity(2 * edits.len() + 1), 0);
    for (place, with) in edits {
        segments.extend([whole.slice(from..place.start), with]);
        from = place.end;
    }
    segments.push(whole.slice(from..));
    Buffered::from_segments(segments)
}

fn put_before(input: &Input, prior: &str, body: &[u8], edits: &mut Vec<(Range<usize>, Bytes)>) {
    let comma = |more: bool| if more && !prior.is_empty() { "," } else { "" };
    match input {
        Input::Null(place) => edits.push((place.clone(), format!("[{prior}]").into())),
        Input::Text(Range { start, end }) => {
            let comma = comma(true);
            edits.push((*start..*start, format!("[{prior}{comma}{TEXT}").into()));
            edits.push((*end..*end, Bytes::from_static(b"}]")));
        }
        Input::Items(Range { start, end }) => {
            let more = !body[start + 1..end - 1].trim_ascii().is_empty();
            let first = start + 1;
            edits.push((first..first, format!("{prior}{}", comma(more)).into()));
        }
        Input::Absent | Input::Wrong => {}
    }
}

fn joined(items: &[Item]) -> String {
    let mut joined = String::with_capacity(items.iter().map(|item| item.json.len() + 1).sum());
    for item in items {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(&String::from_utf8_lossy(&item.json));
    }
    joined
}

/// The field with the comma that goes with it: the one behind it, or for the last field the one
/// before it.
fn with_comma(body: &[u8], field: Range<usize>) -> Range<usize> {
    let blanks = |bytes: &[u8]| bytes.len() - bytes.trim_ascii_start().len();
    let behind = field.end + blanks(&body[field.end..]);
    if body.get(behind) == Some(&b',') {
        return field.start..behind + 1;
    }
    let before = body[..field.start].trim_ascii_end();
    match before.last() {
        Some(b',') => before.len() - 1..field.end,
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn item(json: &str) -> Item {
        Item { id: "i".into(), json: Bytes::from(json.to_owned()) }
    }

    fn expanded(body: &'static str, prior: &[&str], found: &[&str]) -> String {
        let of = |items: &[&str]| items.iter().map(|json| item(json)).collect::<Vec<_>>();
        let ask = StateRequest::read(body.as_bytes()).unwrap().unwrap();
        let expanded = expand(&Buffered::from(body), &ask, &of(prior), &of(found));
        String::from_utf8(expanded.to_bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_prior_items_stand_before_the_new_ones() {
        let prior = ["{\"a\":1.0}", "{\"b\":2}"];
        for (body, result) in [
            (
                r#"{"previous_response_id":"r","input":[ {"c":3} ],"x":1e2}"#,
                r#"{"input":[{"a":1.0},{"b":2}, {"c":3} ],"x":1e2}"#,
            ),
            (
                r#"{"input":"hi\u0021", "previous_response_id" : "r" }"#,
                r#"{"input":[{"a":1.0},{"b":2},{"type":"message","role":"user","content":"hi\u0021"}] }"#,
            ),
            (
                "{\"x\":0 ,\n\"previous_response_id\":\"r\"\n,\"input\":[]}",
                "{\"x\":0 ,\n\"input\":[{\"a\":1.0},{\"b\":2}]}",
            ),
            (r#"{"previous_response_id":"r"}"#, r#"{"input":[{"a":1.0},{"b":2}]}"#),
            (
                r#"{"input":null,"previous_response_\u0069d":"r","y":"previous_response_id"}"#,
                r#"{"input":[{"a":1.0},{"b":2}],"y":"previous_response_id"}"#,
            ),
        ] {
            assert_eq!(expanded(body, &prior, &[]), result);
        }
    }

    #[test]
    fn a_response_without_items_is_continued_all_the_same() {
        let body = r#"{"previous_response_id":"r","input":"hi"}"#;
        let result = r#"{"input":[{"type":"message","role":"user","content":"hi"}]}"#;
        assert_eq!(expanded(body, &[], &[]), result);
        let body = r#"{"previous_response_id":"r","input":[1]}"#;
        assert_eq!(expanded(body, &[], &[]), r#"{"input":[1]}"#);
    }

    #[test]
    fn references_are_replaced_where_they_stand() {
        let body = r#"{"input":[{"type":"item_reference","id":"a"},{"c":3},{"id":"b","type":"item_reference"}],"z":0}"#;
        assert_eq!(
            expanded(body, &[], &["{\"a\":1}", "{\"b\":2}"]),
            r#"{"input":[{"a":1},{"c":3},{"b":2}],"z":0}"#
        );
        let body = r#"{"previous_response_id":"r","input":[{"type":"item_reference","id":"a"}]}"#;
        assert_eq!(
            expanded(body, &["{\"p\":0}"], &["{\"a\":1}"]),
            r#"{"input":[{"p":0},{"a":1}]}"#
        );
    }

    #[test]
    fn the_clients_own_items_are_not_copied() {
        let input = format!("[{{\"text\":\"{}\"}}]", "x".repeat(1 << 20));
        let body = Bytes::from(format!(r#"{{"previous_response_id":"r","input":{input}}}"#));
        let ask = StateRequest::read(&body).unwrap().unwrap();
        let expanded = expand(&body.clone().into(), &ask, &[item("{}")], &[]);
        let large = expanded.segments().iter().max_by_key(|segment| segment.len()).unwrap();
        assert!(body.as_ptr_range().contains(&large.as_ptr()) && large.len() > 1 << 20);
    }

    /// Blanks, as JSON has them.
    fn blank() -> impl Strategy<Value = String> {
        "[ \t\r\n]{0,2}"
    }

    proptest! {
        #[test]
        fn it_means_what_the_tree_means(
            order in Just(vec!["previous_response_id", "input", "x"]).prop_shuffle(),
            kept in 0..3usize,
            input in prop_oneof![
                Just(json!("hi \"there\"")), Just(json!([])), Just(json!([{"n": 1}, {"m": [2]}])),
                Just(Value::Null),
            ],
            blanks in prop::collection::vec(blank(), 16),
            prior in prop::collection::vec(Just(json!({"p": "é"})), 0..3),
        ) {
            let mut blanks = blanks.into_iter().cycle();
            let mut blank = || blanks.next().unwrap();
            let kept = if order[kept] == "previous_response_id" { None } else { Some(order[kept]) };
            let fields: Vec<String> = order
                .iter()
                .filter(|field| kept != Some(**field))
                .map(|field| {
                    let value = match *field {
                        "input" => input.clone(),
                        "x" => json!({"input": 0}),
                        _ => json!("resp_1"),
                    };
                    format!("{}\"{field}\"{}:{}{value}{}", blank(), blank(), blank(), blank())
                })
                .collect();
            let body = format!("{}{{{}}}", blank(), fields.join(","));
            let ask = StateRequest::read(body.as_bytes()).unwrap().unwrap();
            let items: Vec<Item> = prior.iter().map(|value| item(&value.to_string())).collect();
            let result = expand(&Buffered::from(body.clone()), &ask, &items, &[]).to_bytes();
            let result: Value = serde_json::from_slice(&result).unwrap();

            let mut tree: Value = serde_json::from_str(&body).unwrap();
            let new = match tree.get("input") {
                Some(Value::String(text)) => {
                    vec![json!({"type": "message", "role": "user", "content": text})]
                }
                Some(Value::Array(items)) => items.clone(),
                _ => vec![],
            };
            tree["input"] = [prior, new].concat().into();
            tree.as_object_mut().unwrap().remove("previous_response_id");
            prop_assert_eq!(result, tree);
        }
    }
}
