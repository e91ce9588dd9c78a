//! Chat Completions: chunks and whole answers.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    error,
    progress::News,
    usage,
    wire::{Present, Text},
};
use crate::{
    exchange::{Fault, Finish},
    json,
    sse::Event,
};

/// Reads one event and hands its news on. Gives whether it is the chunk that carries the usage
/// and nothing else, which only comes to those who ask for it.
pub(super) fn read_event(event: Event<'_>, news: impl FnOnce(News<'_>)) -> Result<bool, Fault> {
    let chunk: Wire<'_> = json::read(event.data)
        .map_err(|_| Fault::Malformed("an event is not JSON of the expected shape".into()))?;
    if event.name == b"error" && chunk.error.is_none() {
        return Err(Fault::Upstream(error::read_body(event.data)));
    }
    let has_usage = chunk.usage.is_some();
    chunk.hand_on(news).map(|choices| has_usage && choices == 0)
}

/// Reads a whole answer and hands its news on.
pub(super) fn read_answer(bytes: &[u8], news: impl FnOnce(News<'_>)) -> Result<(), Fault> {
    let answer: Wire<'_> = json::read(bytes).map_err(|_| not_an_answer(bytes))?;
    match answer.hand_on(news)? {
        0 => Err(Fault::Malformed("the answer has no choices".into())),
        _ => Ok(()),
    }
}

/// Why these bytes, under a 200, are no answer.
pub(super) fn not_an_answer(bytes: &[u8]) -> Fault {
    Fault::Malformed(match bytes.trim_ascii_start() {
        [] => "the answer is empty".into(),
        [b'<', ..] => "the answer is HTML, not JSON".into(),
        _ => "the answer is not JSON of the expected shape".into(),
    })
}

#[derive(Deserialize)]
struct Wire<'a> {
    choices: Option<Choices>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Wire<'_> {
    /// Gives the choices that were there, as bits.
    fn hand_on(self, news: impl FnOnce(News<'_>)) -> Result<u64, Fault> {
        if let Some(error) = self.error {
            return Err(Fault::Upstream(error::read_field(error)));
        }
        let choices = self.choices.unwrap_or_default();
        if let Some(word) = choices.broken {
            let why = format!("the provider gave the finish reason `{word}`");
            return Err(Fault::Malformed(why.into()));
        }
        news(News {
            content: choices.content,
            started: choices.started,
            finished: choices.finished,
            finish: choices.finish,
            usage: usage::read(self.usage),
            model: self.model.as_ref().map(|model| &*model.0).filter(|model| !model.is_empty()),
            ..News::default()
        });
        Ok(choices.started)
    }
}

/// OpenRouter's and DeepSeek's finish reasons for an answer that broke.
const BROKEN: [&str; 2] = ["error", "insufficient_system_resource"];

/// All choices of a chunk, folded into what counts.
#[derive(Default)]
struct Choices {
    content: bool,
    started: u64,
    finished: u64,
    finish: Option<Finish>,
    broken: Option<&'static str>,
}

impl Choices {
    fn add(&mut self, choice: &Choice<'_>, position: u32) {
        let bit = 1 << choice.index.unwrap_or(position).min(63);
        let said = [&choice.delta, &choice.message];
        self.content |= said.into_iter().flatten().any(Said::is_content);
        self.started |= bit;
        if let Some(reason) = choice.finish_reason.as_ref().filter(|reason| !reason.0.is_empty()) {
            let broken = BROKEN.into_iter().find(|word| *word == reason.0);
            self.broken = self.broken.or(broken);
            self.finished |= bit;
            self.finish = Some(Finish::from_reason(&reason.0));
        }
    }
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<u32>,
    delta: Option<Said>,
    message: Option<Said>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

/// A `delta` or a `message`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    content: Present,
    reasoning_content: Present,
    reasoning: Present,
    refusal: Present,
    tool_calls: Present,
    function_call: Present,
}

impl Said {
    fn is_content(&self) -> bool {
        [
            self.content,
            self.reasoning_content,
            self.reasoning,
            self.refusal,
            self.tool_calls,
            self.function_call,
        ]
        .into_iter()
        .any(|present| present.0)
    }
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoicesVisitor;
        impl<'de> Visitor<'de> for ChoicesVisitor {
            type Value = Choices;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of choices")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Choices, A::Error> {
                let mut choices = Choices::default();
                let mut position = 0;
                while let Some(choice) = seq.next_element::<Choice<'de>>()? {
                    choices.add(&choice, position);
                    position += 1;
                }
                Ok(choices)
            }
        }
        deserializer.deserialize_seq(ChoicesVisitor)
    }
}
