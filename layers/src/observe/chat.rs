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
    familiar::Familiar,
    json,
    sse::Event,
};

/// Reads one event and hands its news on. Gives whether it is the chunk that carries the usage
/// and nothing else, which only comes to those who ask for it.
pub(super) fn read_event(
    event: Event<'_>,
    familiar: &mut Familiar<()>,
    news: impl FnOnce(News<'_>),
) -> Result<bool, Fault> {
    let is_error = event.name == b"error";
    if !is_error && familiar.recognise(event.data).is_some() {
        // All else was told by the one before.
        news(News { content: true, ..News::default() });
        return Ok(false);
    }
    let chunk: Wire<'_> = json::read(event.data)
        .map_err(|_| Fault::Malformed("an event is not JSON of the expected shape".into()))?;
    if is_error && chunk.error.is_none() {
        return Err(Fault::Upstream(error::read_body(event.data)));
    }
    let has_usage = chunk.usage.is_some();
    let choices = chunk.hand_on(news)?;
    familiar.learn(event.data, choices.text.map(|text| ((), text)));
    Ok(has_usage && choices.started == 0)
}

/// Reads a whole answer and hands its news on.
pub(super) fn read_answer(bytes: &[u8], news: impl FnOnce(News<'_>)) -> Result<(), Fault> {
    let answer: Wire<'_> = json::read(bytes).map_err(|_| not_an_answer(bytes))?;
    match answer.hand_on(news)?.started {
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
    #[serde(borrow)]
    choices: Option<Choices<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl<'a> Wire<'a> {
    fn hand_on(self, news: impl FnOnce(News<'_>)) -> Result<Choices<'a>, Fault> {
        if let Some(error) = self.error {
            return Err(Fault::Upstream(error::read_field(error)));
        }
        let mut choices = self.choices.unwrap_or_default();
        if let Some(word) = choices.broken {
            let why = format!("the provider gave the finish reason `{word}`");
            return Err(Fault::Malformed(why.into()));
        }
        news(News {
            content: choices.content,
            started: choices.started,
            finished: choices.finished,
            finish: choices.finish.take(),
            usage: usage::read(self.usage),
            model: self.model.as_ref().map(|model| &*model.0).filter(|model| !model.is_empty()),
            ..News::default()
        });
        Ok(choices)
    }
}

/// OpenRouter's and DeepSeek's finish reasons for an answer that broke.
const BROKEN: [&str; 2] = ["error", "insufficient_system_resource"];

/// All choices of a chunk, folded into what counts.
#[derive(Default)]
struct Choices<'a> {
    content: bool,
    /// A text of which there may be more: nothing else is there.
    text: Option<&'a str>,
    /// Those that were there, as bits.
    started: u64,
    finished: u64,
    finish: Option<Finish>,
    broken: Option<&'static str>,
}

impl<'a> Choices<'a> {
    fn add(&mut self, choice: &Choice<'a>, position: u32) {
        let bit = 1 << choice.index.unwrap_or(position).min(63);
        let said = [&choice.delta, &choice.message];
        self.content |= said.into_iter().flatten().any(Said::is_content);
        let is_first = self.started == 0;
        self.text = choice.only_text().filter(|_| is_first);
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
    #[serde(borrow)]
    delta: Option<Said<'a>>,
    #[serde(borrow)]
    message: Option<Said<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

impl<'a> Choice<'a> {
    fn only_text(&self) -> Option<&'a str> {
        let is_plain = self.finish_reason.is_none() && self.message.is_none();
        self.delta.as_ref().filter(|_| is_plain)?.only_text()
    }
}

/// A `delta` or a `message`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said<'a> {
    #[serde(borrow)]
    content: Present<'a>,
    #[serde(borrow)]
    reasoning_content: Present<'a>,
    #[serde(borrow)]
    reasoning: Present<'a>,
    #[serde(borrow)]
    refusal: Present<'a>,
    #[serde(borrow)]
    tool_calls: Present<'a>,
    #[serde(borrow)]
    function_call: Present<'a>,
}

impl<'a> Said<'a> {
    fn is_content(&self) -> bool {
        self.parts().next().is_some()
    }

    fn only_text(&self) -> Option<&'a str> {
        let mut parts = self.parts();
        let text = parts.next()?.last_string();
        text.filter(|_| parts.next().is_none())
    }

    /// What is there.
    fn parts(&self) -> impl Iterator<Item = Present<'a>> {
        let all = [
            self.content,
            self.reasoning_content,
            self.reasoning,
            self.refusal,
            self.tool_calls,
            self.function_call,
        ];
        all.into_iter().filter(|part| part.is_there())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Choices<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoicesVisitor;
        impl<'de> Visitor<'de> for ChoicesVisitor {
            type Value = Choices<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of choices")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Choices<'de>, A::Error> {
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
