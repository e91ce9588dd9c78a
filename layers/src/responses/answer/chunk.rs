//! Chunks and whole completions as providers write them, borrowed from their bytes.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    lenient::{Content, Number, Text, append},
    usage::Usage,
};

/// A chunk, or a whole completion.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<First<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    x_groq: Option<Groq<'a>>,
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
    pub(super) fn usage(&self) -> Option<Usage> {
        let groq = || self.x_groq.as_ref()?.usage.and_then(Usage::read);
        self.usage.and_then(Usage::read).or_else(groq)
    }

    /// The choice, if there is one in this chunk.
    pub(super) fn into_choice(self) -> Option<Choice<'a>> {
        self.choices?.0
    }
}

/// The first choice: nobody asks for more than one.
#[derive(Debug)]
struct First<'a>(Option<Choice<'a>>);

#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    index: Number,
    #[serde(borrow)]
    pub(super) delta: Option<Said<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Said<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Text<'a>,
    #[serde(borrow)]
    logprobs: Option<Logprobs<'a>>,
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
    pub(super) fn logprobs(&self) -> &'a str {
        let raw = self.logprobs.as_ref().and_then(|logprobs| logprobs.content);
        let array = raw.and_then(|raw| raw.get().strip_prefix('[')?.strip_suffix(']'));
        array.unwrap_or_default().trim()
    }
}

/// A `delta` or a `message`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    pub(super) content: Content<'a>,
    #[serde(borrow)]
    reasoning_content: Text<'a>,
    #[serde(borrow)]
    reasoning: Text<'a>,
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Text<'a>,
    #[serde(borrow)]
    tool_calls: Option<Vec<Call<'a>>>,
    #[serde(borrow)]
    function_call: Option<Function<'a>>,
}

impl<'a> Said<'a> {
    /// The reasoning, which some providers give under several names at once.
    pub(super) fn take_reasoning(&mut self) -> Cow<'a, str> {
        let named = [&mut self.reasoning_content.0, &mut self.reasoning.0];
        if let Some(text) = named.into_iter().find(|text| !text.is_empty()) {
            return std::mem::take(text);
        }
        if let Some(raw) = self.reasoning_details {
            let details = serde_json::from_str::<Vec<Detail<'_>>>(raw.get()).unwrap_or_default();
            let mut text = Cow::default();
            for detail in details {
                append(&mut text, detail.text.0);
                append(&mut text, detail.summary.0);
            }
            if !text.is_empty() {
                return text;
            }
        }
        std::mem::take(&mut self.content.thinking)
    }

    pub(super) fn take_refusal(&mut self) -> Cow<'a, str> {
        let refusal = std::mem::take(&mut self.refusal.0);
        if refusal.is_empty() { std::mem::take(&mut self.content.refusal) } else { refusal }
    }

    /// The calls. The older `function_call` is given as the call of an index that no other has.
    pub(super) fn take_calls(&mut self) -> Vec<Call<'a>> {
        let calls = self.tool_calls.take().unwrap_or_default();
        match self.function_call.take() {
            Some(function) if calls.is_empty() => vec![Call {
                index: Number(Some(u64::MAX)),
                id: Text::default(),
                function: Some(function),
            }],
            _ => calls,
        }
    }
}

/// An entry of OpenRouter's `reasoning_details`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    summary: Text<'a>,
}

/// A call, or a piece of one.
#[derive(Debug, Deserialize)]
pub(super) struct Call<'a> {
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

impl<'a> Call<'a> {
    pub(super) fn name(&self) -> &str {
        self.function.as_ref().map_or("", |function| &function.name.0)
    }

    /// The arguments, or a piece of them. Some providers give an object, not its JSON.
    pub(super) fn arguments(&self) -> Cow<'a, str> {
        let raw = self.function.as_ref().and_then(|function| function.arguments);
        match raw.map(RawValue::get) {
            None | Some("null") => Cow::default(),
            Some(json) if json.starts_with('"') => {
                serde_json::from_str::<Text<'_>>(json).unwrap_or_default().0
            }
            Some(json) => json.into(),
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
