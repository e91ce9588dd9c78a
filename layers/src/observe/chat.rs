//! Chat Completions: chunks and whole answers.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    error,
    event_summary::EventSummary,
    usage,
    wire::{NOT_JSON, Present, Read, Text},
};
use crate::{
    chunk_template::ChunkTemplate,
    exchange::{Fault, Finish, Usage},
    json,
    sse::Event,
};

/// Reads one event and hands its news on.
///
/// # Errors
///
/// When it says that the answer is broken.
pub(super) fn read_event(
    event: Event<'_>,
    familiar: &mut ChunkTemplate<()>,
    news: impl FnOnce(EventSummary<'_>),
) -> Result<Read, Fault> {
    let is_error = event.name == b"error";
    if !is_error && familiar.matches(event.data).is_some() {
        // Everything else was reported by the chunk before.
        news(EventSummary { content: true, ..EventSummary::default() });
        return Ok(Read::Passes);
    }
    let chunk = match json::read::<Wire<'_>>(event.data) {
        Ok(chunk) if !is_error || chunk.error.is_some() => chunk,
        Err(_) if !is_error => return Ok(Read::Malformed(NOT_JSON)),
        _ => return Err(Fault::Upstream(error::read_body(event.data))),
    };
    let (choices, has_usage) = chunk.hand_on(news)?;
    familiar.record(event.data, choices.text.map(|text| ((), text)));
    let is_usage_only = has_usage && choices.started == 0;
    Ok(if is_usage_only { Read::UsageOnly } else { Read::Passes })
}

/// Reads a whole answer and hands its news on.
pub(super) fn read_answer(bytes: &[u8], news: impl FnOnce(EventSummary<'_>)) -> Result<(), Fault> {
    let answer: Wire<'_> = json::read(bytes).map_err(|_| not_an_answer(bytes))?;
    let (choices, _) = answer.hand_on(news)?;
    if choices.started == 0 {
        return Err(Fault::Malformed("the answer has no choices".into()));
    }
    let is_empty = !choices.content && choices.finished == 0;
    if is_empty && !says_something_else(bytes) {
        let why = "the answer has neither content nor a finish reason";
        return Err(Fault::Malformed(why.into()));
    }
    Ok(())
}

/// Whether a message has something in a field that is not known as content, such as audio.
fn says_something_else(answer: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        choices: Vec<AnyChoice<'a>>,
    }
    #[derive(Deserialize)]
    struct AnyChoice<'a> {
        #[serde(borrow)]
        text: Option<Present<'a>>,
        #[serde(borrow)]
        message: Option<HashMap<Text<'a>, Present<'a>>>,
    }
    let Ok(answer) = json::read::<Answer<'_>>(answer) else { return false };
    answer.choices.iter().any(|choice| {
        let fields = choice.message.iter().flatten();
        let others = fields.filter(|(name, _)| !matches!(&*name.0, "role" | "name" | "usage"));
        choice.text.is_some_and(Present::is_there)
            || others.into_iter().any(|(_, it)| it.is_there())
    })
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
    x_groq: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Groq's own field, in its first and its last chunk.
#[derive(Default, Deserialize)]
struct Groq<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    /// Why it has ended the stream early.
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl<'a> Wire<'a> {
    /// Gives the choices, and whether there is usage beside them.
    fn hand_on(self, news: impl FnOnce(EventSummary<'_>)) -> Result<(Choices<'a>, bool), Fault> {
        let groq = self.x_groq.and_then(|raw| serde_json::from_str::<Groq<'_>>(raw.get()).ok());
        let groq = groq.unwrap_or_default();
        let mut choices = self.choices.unwrap_or_default();
        let inside = [groq.error, choices.error].into_iter().flatten();
        let inside = inside.filter(|error| Present(Some(error)).is_there());
        if let Some(error) = self.error.into_iter().chain(inside).next() {
            return Err(Fault::Upstream(error::read_field(error)));
        }
        if let Some(word) = choices.broken {
            let why =
                format!("the provider ended the answer with an error (finish reason `{word}`)");
            return Err(Fault::Malformed(why.into()));
        }
        let beside = [groq.usage, self.usage];
        let read = beside.into_iter().filter_map(|raw| usage::read(raw));
        news(EventSummary {
            content: choices.content,
            started: choices.started,
            finished: choices.finished,
            finish: choices.finish.take(),
            usage: choices.usage.into_iter().chain(read).reduce(usage::merge),
            model: self.model.as_ref().map(|model| &*model.0).filter(|model| !model.is_empty()),
            ..EventSummary::default()
        });
        Ok((choices, beside.into_iter().flatten().next().is_some()))
    }
}

/// Whether a finish reason says that the answer broke: `error` (OpenRouter), `network_error`
/// (GLM), `insufficient_system_resource` (DeepSeek), `abort` (vLLM and SGLang).
fn is_broken(reason: &str) -> bool {
    let is = |word: &str| reason.eq_ignore_ascii_case(word);
    let (_, end) = reason.as_bytes().split_at(reason.len().saturating_sub("_error".len()));
    end.eq_ignore_ascii_case(b"_error")
        || is("error")
        || is("insufficient_system_resource")
        || is("abort")
}

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
    usage: Option<Usage>,
    /// A finish reason that says that the answer broke.
    broken: Option<Box<str>>,
    /// A choice's own error (OpenRouter).
    error: Option<&'a RawValue>,
}

impl<'a> Choices<'a> {
    fn add(&mut self, choice: &Choice<'a>, position: u32) {
        let bit = 1 << choice.index.unwrap_or(position).min(63);
        let said = [&choice.delta, &choice.message];
        self.content |= said.into_iter().flatten().any(ErrorMessage::is_content);
        let is_first = self.started == 0;
        self.text = choice.only_text().filter(|_| is_first);
        self.started |= bit;
        self.error = self.error.or(choice.error);
        let inside = said.into_iter().flatten().filter_map(|said| said.usage);
        for usage in inside.chain(choice.usage).filter_map(|raw| usage::read(Some(raw))) {
            self.usage = Some(self.usage.map_or(usage, |old| usage::merge(old, usage)));
        }
        let native = choice.native_finish_reason.map(|raw| raw.get().trim_matches('"'));
        if let Some(native) = native.filter(|native| is_broken(native)) {
            self.broken.get_or_insert_with(|| native.into());
        }
        if let Some(reason) = choice.finish_reason.as_ref().filter(|reason| !reason.0.is_empty()) {
            if is_broken(&reason.0) {
                self.broken.get_or_insert_with(|| (&*reason.0).into());
            }
            self.finished |= bit;
            self.finish = Some(Finish::from_reason(&reason.0));
        }
    }
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<u32>,
    #[serde(borrow)]
    delta: Option<ErrorMessage<'a>>,
    #[serde(borrow)]
    message: Option<ErrorMessage<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
    /// OpenRouter's: the word of the provider behind it.
    #[serde(borrow)]
    native_finish_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
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
struct ErrorMessage<'a> {
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
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl<'a> ErrorMessage<'a> {
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
