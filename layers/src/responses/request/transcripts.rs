//! Requests as clients send them, and what becomes of them.

use super::{MaxTokens, Options, cases::open, translate};

fn pretty(request: &str, options: &Options) -> String {
    let translated = translate(request.as_bytes(), options, &open).unwrap();
    let chat: serde_json::Value = serde_json::from_slice(&translated.body).unwrap();
    super::cases::assert_is_valid(&chat["messages"]);
    let mut called: Vec<_> = translated.context.tools.0.iter().collect();
    called.sort_by_key(|(sent, _)| *sent);
    let called = called.iter().map(|(sent, called)| {
        let namespace = called.namespace.as_deref().unwrap_or("-");
        format!("{sent} = {:?} {namespace} {}\n", called.kind, called.name)
    });
    format!("{}{}", called.collect::<String>(), serde_json::to_string_pretty(&chat).unwrap())
}

#[test]
fn a_first_turn_of_codex() {
    let request = include_str!("transcripts/codex_first_turn.json");
    insta::assert_snapshot!(pretty(request, &Options::default()));
}

#[test]
fn a_tool_loop_of_codex_whose_tools_are_among_the_items() {
    let request = include_str!("transcripts/codex_tool_loop.json");
    insta::assert_snapshot!(pretty(request, &Options::default()));
}

#[test]
fn an_interrupted_turn_of_codex() {
    let request = include_str!("transcripts/codex_interrupted.json");
    insta::assert_snapshot!(pretty(request, &Options::default()));
}

#[test]
fn a_structured_answer_from_the_sdk() {
    let request = include_str!("transcripts/sdk_structured.json");
    let max_tokens = MaxTokens::MaxCompletionTokens;
    let options = Options { max_tokens, verbosity: true, ..Options::default() };
    insta::assert_snapshot!(pretty(request, &options));
}
