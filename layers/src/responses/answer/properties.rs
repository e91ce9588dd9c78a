use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Failure,
    script::{NOW, chunk, context, read, stream_of, translator, whole_of, without_ids},
};

/// Text with all that is special to somebody.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<think>",
            "</think>",
            "<",
            "\n",
            " ",
            "{\"input\":\"",
            "\\n",
            "\\ud83d",
            "\\ude00",
            "\"}",
            "{}",
            "é\u{2028}",
            "a",
            "\"",
            "{\"a\":1}",
        ])
        .prop_map(str::to_owned),
        ".{0,4}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn pieces(text: &str, cuts: &[prop::sample::Index]) -> Vec<String> {
    let places: Vec<_> = (0..=text.len()).filter(|&at| text.is_char_boundary(at)).collect();
    let mut cuts: Vec<_> = cuts.iter().map(|cut| places[cut.index(places.len())]).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| text[cut[0]..cut[1]].to_owned()).collect()
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "shell",
        "get_",
        "get_weather",
        "apply_patch",
        "mail__send",
        "mail__draft",
        "other",
        "local_shell",
        "tool_search",
        "",
    ])
}

fn finish() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["stop", "tool_calls", "length", "content_filter", "", "error"])
}

/// A delta as no provider would send it.
fn delta() -> impl Strategy<Value = Value> {
    let maybe = |text: BoxedStrategy<String>| prop::option::of(text);
    let index = prop_oneof![Just(json!(null)), (0..3u64).prop_map(Value::from)];
    let id = prop::sample::select(vec!["", "c1", "c2"]);
    let call = (index, id, name(), maybe(text().boxed())).prop_map(|(index, id, name, arguments)| {
        json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}})
    });
    let calls = prop::collection::vec(call, 0..3).boxed();
    prop_oneof![
        4 => text().prop_map(|text| json!({"content": text})),
        2 => text().prop_map(|text| json!({"reasoning_content": text})),
        1 => text().prop_map(|text| json!({"refusal": text})),
        4 => calls.clone().prop_map(|calls| json!({"tool_calls": calls})),
        1 => (maybe(text().boxed()), maybe(text().boxed()), maybe(text().boxed()), calls).prop_map(
            |(content, reasoning, refusal, calls)| json!({"content": content,
                "reasoning": reasoning, "refusal": refusal, "tool_calls": calls})
        ),
        1 => Just(json!(null)),
    ]
}

#[derive(Clone, Debug)]
struct Answer {
    reasoning: String,
    content: String,
    refusal: String,
    calls: Vec<(&'static str, String)>,
    finish: &'static str,
}

fn answer() -> impl Strategy<Value = Answer> {
    let name = name().prop_filter("a name", |name| !name.is_empty());
    let input = text().prop_map(|text| json!({"input": text}).to_string());
    let arguments = prop_oneof![text(), input]
        .prop_filter("a piece behind a whole object", |text| !goes_on_behind_an_object(text));
    let calls = prop::collection::vec((name, arguments), 0..4);
    let finish = prop::sample::select(vec!["stop", "tool_calls", "length", "content_filter"]);
    (text(), text(), text(), calls, finish).prop_map(
        |(reasoning, content, refusal, calls, finish)| Answer {
            reasoning,
            content,
            refusal,
            calls,
            finish,
        },
    )
}

/// Whether an object is whole before the text ends. What comes behind may be taken for a summary of
/// the call, or an empty object for the place of the arguments.
fn goes_on_behind_an_object(text: &str) -> bool {
    let objects = serde_json::Deserializer::from_str(text);
    let mut objects = objects.into_iter::<serde_json::Map<String, Value>>();
    matches!(objects.next(), Some(Ok(_))) && objects.byte_offset() < text.len()
}

impl Answer {
    fn whole(&self) -> Value {
        let calls = self.calls.iter().enumerate().map(|(at, (name, arguments))| {
            json!({"id": format!("c{at}"), "function": {"name": name, "arguments": arguments}})
        });
        let message = json!({"reasoning_content": self.reasoning, "content": self.content,
            "refusal": self.refusal, "tool_calls": calls.collect::<Vec<_>>()});
        json!({"choices": [{"message": message, "finish_reason": self.finish}]})
    }

    fn chunks(&self, cuts: &[prop::sample::Index], interleaved: bool) -> Vec<String> {
        let mut deltas = Vec::new();
        for (field, text) in [
            ("reasoning_content", &self.reasoning),
            ("content", &self.content),
            ("refusal", &self.refusal),
        ] {
            deltas.extend(pieces(text, cuts).into_iter().map(|piece| json!({field: piece})));
        }
        // By round: in the first come the names, then piece by piece of each.
        let mut rounds = Vec::new();
        for (at, (name, arguments)) in self.calls.iter().enumerate() {
            let id = format!("c{at}");
            let begin = json!({"index": at, "id": id, "function": {"name": name, "arguments": ""}});
            rounds.push((0, at, begin));
            for (round, piece) in pieces(arguments, cuts).into_iter().enumerate() {
                let piece = json!({"index": at, "function": {"arguments": piece}});
                rounds.push((round + 1, at, piece));
            }
        }
        rounds
            .sort_by_key(|(round, at, _)| if interleaved { (*round, *at) } else { (*at, *round) });
        deltas.extend(rounds.into_iter().map(|(_, _, piece)| json!({"tool_calls": [piece]})));
        let mut chunks: Vec<_> = deltas.iter().map(|delta| chunk(delta, &Value::Null)).collect();
        chunks.push(chunk(&json!({}), &json!(self.finish)));
        chunks
    }
}

proptest! {
    #[test]
    fn whatever_comes_the_stream_is_grammatical(
        deltas in prop::collection::vec((delta(), prop::option::weighted(0.1, finish())), 0..12),
        ending in prop::option::of(finish()),
        breaks: bool,
    ) {
        let (mut translator, mut out) = (translator(context()), Vec::new());
        let mut chunks: Vec<_> =
            deltas.iter().map(|(delta, finish)| chunk(delta, &json!(finish))).collect();
        chunks.extend(ending.map(|finish| chunk(&Value::Null, &json!(finish))));
        for chunk in &chunks {
            if let Err(fault) = translator.chunk(chunk.as_bytes(), &mut out) {
                translator.fail(&Failure::from(&fault), &mut out);
            }
        }
        if breaks {
            translator.fail(&Failure { code: "c".into(), message: "m".into() }, &mut out);
        }
        translator.finish(NOW, &mut out);
        prop_assert!(translator.is_over());
        read(&out);
    }

    #[test]
    fn what_is_familiar_says_the_same(
        deltas in prop::collection::vec(delta(), 0..8),
        repeats in prop::collection::vec((any::<prop::sample::Index>(), text()), 0..8),
    ) {
        let mut chunks: Vec<_> = deltas.iter().map(|delta| chunk(delta, &Value::Null)).collect();
        // The same field again, with other text.
        for (at, text) in repeats {
            let Some(delta) = deltas.get(at.index(deltas.len().max(1))) else { continue };
            let mut delta = delta.clone();
            let call = delta.pointer_mut("/tool_calls/0/function/arguments");
            match call {
                Some(arguments) => *arguments = text.into(),
                None => delta.as_object_mut().into_iter().flatten().for_each(|(_, value)| {
                    *value = text.clone().into();
                }),
            }
            chunks.push(chunk(&delta, &Value::Null));
        }
        let strange = chunks.iter().enumerate().map(|(at, chunk)| match at % 2 {
            0 => chunk.clone(),
            _ => format!(" {chunk}"),
        });
        let strange = stream_of(context(), &strange.collect::<Vec<_>>());
        prop_assert_eq!(stream_of(context(), &chunks).events, strange.events);
    }

    #[test]
    fn a_stream_and_a_whole_answer_give_the_same_items(
        answer in answer(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        interleaved: bool,
    ) {
        let stream = stream_of(context(), &answer.chunks(&cuts, interleaved));
        let whole = whole_of(context(), &answer.whole()).unwrap();
        prop_assert_eq!(&stream.response()["status"], &whole["status"]);
        prop_assert_eq!(stream.output(), without_ids(whole["output"].clone()));
    }
}
