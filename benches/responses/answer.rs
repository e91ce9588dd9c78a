//! Answers, from Chat Completions to Responses: whole ones, and streams.

use std::{hint::black_box, sync::Arc};

use switchtower_layers::responses::{
    Ids, ResponseContext, Sealing, StreamTranslator, translate_response,
};

use crate::{
    contest::{Contests, prepared, work},
    inputs::{ChatStream, call_stream, completion, padded_stream, text_stream},
    naive,
};

fn sealing() -> Sealing {
    Box::new(str::to_owned)
}

fn drive(mut translator: StreamTranslator, chunks: &[String], out: &mut Vec<u8>) {
    for chunk in chunks {
        out.clear();
        translator.chunk(chunk.as_bytes(), out).expect("a good chunk");
        black_box(&out);
    }
    out.clear();
    translator.finish(2, out);
    black_box(&out);
}

fn naive_drive(chunks: &[String], out: &mut Vec<u8>) {
    let mut translator = naive::StreamTranslator::default();
    for chunk in chunks {
        out.clear();
        translator.chunk(chunk.as_bytes(), out);
        black_box(&out);
    }
    out.clear();
    translator.finish(out);
    black_box(&out);
}

pub(crate) fn hold(contests: &mut Contests) {
    let context = Arc::new(ResponseContext {
        model: "gpt-5.1".into(),
        stream: true,
        ..ResponseContext::default()
    });

    contests.hold("answer", |contest| {
        let (completion, context) = (completion().into_bytes(), Arc::clone(&context));
        contest.bytes(completion.len());
        let (body, input) = (completion.clone(), || (Ids::seeded(1), sealing()));
        let ours = move |(ids, sealing)| translate_response(&body, &context, ids, 1, sealing);
        contest.add("ours", prepared(input, ours));
        contest.add("naive", work(move || naive::translate_response(&completion)));
    });

    for (title, ChatStream { chunks, text }) in [
        ("stream of text", text_stream(500)),
        ("stream of padded text", padded_stream(500)),
        ("stream of a call", call_stream(500)),
    ] {
        contests.hold(title, |contest| {
            contest.events(chunks.len(), chunks.iter().map(String::len).sum());
            let context = Arc::clone(&context);
            let translator =
                move || StreamTranslator::new(Arc::clone(&context), Ids::seeded(1), 1, sealing());

            let (mut ours, mut naive) = (Vec::new(), Vec::new());
            drive(translator(), &chunks, &mut ours);
            naive_drive(&chunks, &mut naive);
            assert!(tells(&ours, &text) && tells(&naive, &text), "both tell all");

            let input = chunks.clone();
            let run = move |translator| drive(translator, &input, &mut ours);
            contest.add("ours", prepared(translator, run));
            contest.add("naive", work(move || naive_drive(&chunks, &mut naive)));
        });
    }
}

/// Whether the last events, the final response among them, have the text.
fn tells(events: &[u8], text: &str) -> bool {
    let text = serde_json::to_string(text).expect("JSON");
    String::from_utf8_lossy(events).matches(&*text).count() >= 2
}
