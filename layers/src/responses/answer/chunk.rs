//! Chunks and whole completions as providers write them, borrowed from their bytes.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    json,
    lenient::{Content, Number, Text},
    surrogates::joined,
    usage::Usage,
};

/// What a piece of text is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProviderError {
    Reasoning,
    Content,
    /// Of the call that the chunk before was about.
    Arguments,
}

/// A chunk, or a whole completion.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<First<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    x_groq: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// Where Groq puts the usage of a stream.
#[derive(Debug, Deserialize)]
struct Groq<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl<'a> Chunk<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> serde_json::Result<Self> {
        crate::json::read(bytes)
    }

    /// The usage, wherever it stands: beside the choices counts most.
    pub(super) fn usage(&self) -> Option<Usage> {
        let groq =
            self.x_groq.and_then(|raw| serde_json::from_str::<Groq<'_>>(raw.get()).ok()?.usage);
        let choice = self.choices.as_ref().and_then(|choices| choices.0.as_ref());
        let said = choice.and_then(|choice| choice.delta.as_ref().or(choice.message.as_ref()));
        let places = [
            groq,
            said.and_then(|said| said.usage),
            choice.and_then(|choice| choice.usage),
            self.usage,
        ];
        places.into_iter().flatten().fold(None, |known, raw| Usage::merged(known, Usage::read(raw)))
    }

    /// The choice, if there is one in this chunk.
    pub(super) fn into_choice(self) -> Option<Choice<'a>> {
        self.choices?.0
    }
}

/// The first choice; requests never ask for more than one.
#[derive(Debug)]
struct First<'a>(Option<Choice<'a>>);

#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    index: Number,
    #[serde(borrow)]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Delta<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Text<'a>,
    /// The reason in the words of the provider behind OpenRouter.
    #[serde(borrow, default)]
    pub(super) native_finish_reason: Text<'a>,
    /// Where Moonshot puts the usage of a stream.
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Logprobs<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl<'a> Choice<'a> {
    /// The log probabilities of the text's tokens, as the inside of a JSON array.
    ///
    /// Chat Completions has `bytes: null` for tokens without bytes, Responses an empty list. What
    /// stands in a string has its quotes escaped, and is never taken for the field.
    pub(super) fn logprobs(&self) -> Cow<'a, str> {
        let logprobs = |raw: &'a RawValue| serde_json::from_str::<Logprobs<'_>>(raw.get()).ok();
        let raw = self.logprobs.and_then(logprobs).and_then(|logprobs| logprobs.content);
        let array = raw.and_then(|raw| raw.get().strip_prefix('[')?.strip_suffix(']'));
        // A token may be half a character.
        let array = joined(array.unwrap_or_default().trim());
        if !array.contains("null") {
            return array;
        }
        let spaced = array.replace("\"bytes\": null", "\"bytes\":[]");
        Cow::Owned(spaced.replace("\"bytes\":null", "\"bytes\":[]"))
    }

    /// The text, the inside of a JSON string, if the choice is a piece of one and nothing else
    /// that would say more the second time: a finish reason does not.
    pub(super) fn only_text(&self) -> Option<(ProviderError, &'a str)> {
        let is_plain = self.logprobs.is_none_or(is_nothing) && self.message.is_none();
        self.delta.as_ref().filter(|_| is_plain)?.only_text()
    }
}

/// Null, or an empty string.
fn is_nothing(raw: &RawValue) -> bool {
    matches!(raw.get(), "null" | "\"\"")
}

/// A `delta` or a `message`. Its texts are given as the inside of a JSON string.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ToolCallDelta<'a>>>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// The text of a field; nothing when it is no string.
fn text(field: Option<&RawValue>) -> &str {
    field.and_then(json::inside).unwrap_or_default()
}

impl<'a> Delta<'a> {
    /// The parts of the content, when it comes in parts.
    pub(super) fn parts(&self) -> Option<Content> {
        self.content.filter(|raw| raw.get().starts_with(['[', '{'])).map(Content::read)
    }

    pub(super) fn content(&self) -> &'a str {
        text(self.content)
    }

    /// The reasoning, which some providers give under several names at once.
    pub(super) fn reasoning(&self) -> Cow<'a, str> {
        for field in [self.reasoning_content, self.reasoning] {
            let text = text(field);
            if !text.is_empty() {
                return text.into();
            }
        }
        let Some(raw) = self.reasoning_details else { return Cow::default() };
        let details = serde_json::from_str::<Vec<Detail<'_>>>(raw.get()).unwrap_or_default();
        let texts =
            details.into_iter().flat_map(|detail| [text(detail.text), text(detail.summary)]);
        texts.collect::<String>().into()
    }

    pub(super) fn refusal(&self) -> &'a str {
        text(self.refusal)
    }

    fn only_text(&self) -> Option<(ProviderError, &'a str)> {
        let texts = [self.content, self.reasoning_content, self.reasoning, self.refusal];
        let [content, thought, reasoning, refusal] =
            texts.map(|field| field.filter(|raw| !is_nothing(raw)));
        let rest = [refusal, self.reasoning_details, self.function_call];
        let calls = self.tool_calls.as_deref().unwrap_or_default();
        let (told, raw) = match (content, thought.xor(reasoning), calls) {
            (Some(raw), None, []) if thought.is_none() => (ProviderError::Content, raw),
            (None, Some(raw), []) => (ProviderError::Reasoning, raw),
            (None, None, [call]) if thought.is_none() => {
                (ProviderError::Arguments, call.only_arguments()?)
            }
            _ => return None,
        };
        let text = raw.get().strip_prefix('"')?.strip_suffix('"')?;
        rest.iter().all(Option::is_none).then_some((told, text))
    }

    /// The calls. The older `function_call` is given as the call of an index that no other has.
    pub(super) fn take_calls(&mut self) -> Vec<ToolCallDelta<'a>> {
        let calls = self.tool_calls.take().unwrap_or_default();
        let older = self.function_call.filter(|_| calls.is_empty());
        match older.and_then(|raw| serde_json::from_str::<Function<'_>>(raw.get()).ok()) {
            None => calls,
            function => {
                vec![ToolCallDelta { index: Number(Some(u64::MAX)), id: Text::default(), function }]
            }
        }
    }
}

/// An entry of OpenRouter's `reasoning_details`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
}

/// A call, or a piece of one.
#[derive(Debug, Deserialize)]
pub(super) struct ToolCallDelta<'a> {
    #[serde(default)]
    pub(super) index: Number,
    #[serde(borrow, default)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Debug, Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl<'a> ToolCallDelta<'a> {
    fn only_arguments(&self) -> Option<&'a RawValue> {
        let is_plain = self.id.0.is_empty() && self.name().is_empty();
        self.function.as_ref().filter(|_| is_plain)?.arguments
    }

    pub(super) fn name(&self) -> &str {
        self.function.as_ref().map_or("", |function| &function.name.0)
    }

    /// The arguments, or a piece of them, as the inside of a JSON string. Some providers give an
    /// object, not its JSON.
    pub(super) fn arguments(&self) -> Cow<'a, str> {
        match self.function.as_ref().and_then(|function| function.arguments) {
            None => Cow::default(),
            Some(raw) if raw.get() == "null" => Cow::default(),
            Some(raw) => {
                json::inside(raw).map_or_else(|| json::escaped(raw.get()).into(), Cow::Borrowed)
            }
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for First<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FirstVisitor;
        impl<'de> Visitor<'de> for FirstVisitor {
            type Value = First<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of choices")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut first = None;
                while let Some(choice) = seq.next_element::<Choice<'de>>()? {
                    if first.is_none() && choice.index.0.unwrap_or(0) == 0 {
                        first = Some(choice);
                    }
                }
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(FirstVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_without_bytes_have_none() {
        let token = |bytes: &str| format!(r#"{{"token":"\"bytes\":null","bytes":{bytes}}}"#);
        for null in ["null", " null"] {
            let json = format!(r#"{{"logprobs":{{"content":[{}]}}}}"#, token(null));
            let choice: Choice<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!(choice.logprobs(), token("[]"));
        }
        let json = format!(r#"{{"logprobs":{{"content":[{}]}}}}"#, token("[9]"));
        let choice: Choice<'_> = serde_json::from_str(&json).unwrap();
        assert_eq!(choice.logprobs(), token("[9]"));
    }
}
