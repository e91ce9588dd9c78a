use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    invalid::Invalid,
    item::Input,
    json::{Shape, borrowed, object, text},
    writer::Writer,
};
use crate::responses::asked::Echo;

/// The fields of a request that mean something here; all others are passed over.
macro_rules! fields {
    ($($field:ident: $shape:ident,)*) => {
        #[derive(Debug, Deserialize)]
        pub(super) struct Fields<'a> {
            #[serde(borrow)]
            pub(super) input: Option<Input<'a>>,
            $(#[serde(borrow)]
            pub(super) $field: Option<&'a RawValue>,)*
        }

        impl<'a> Fields<'a> {
            /// Every field but `input`: its name, what it takes, and its value.
            fn all(&self) -> impl Iterator<Item = (&'static str, Shape, &'a RawValue)> {
                let all = [$((stringify!($field), Shape::$shape, self.$field),)*];
                all.into_iter().filter_map(|(name, shape, raw)| Some((name, shape, raw?)))
            }
        }
    };
}

fields! {
    model: Text,
    instructions: Text,
    stream: Boolean,
    background: Boolean,
    temperature: Number,
    top_p: Number,
    presence_penalty: Number,
    frequency_penalty: Number,
    top_logprobs: Integer,
    max_output_tokens: Integer,
    max_tool_calls: Integer,
    reasoning: Object,
    text: Object,
    tools: Array,
    tool_choice: TextOrObject,
    parallel_tool_calls: Boolean,
    include: Array,
    store: Boolean,
    previous_response_id: Text,
    metadata: Object,
    truncation: Text,
    service_tier: Text,
    prompt_cache_key: Text,
    prompt_cache_retention: Text,
    safety_identifier: Text,
}

borrowed! { Reasoning { effort: "effort", } }

impl<'a> Fields<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Invalid> {
        // Once for the whole, so that its parts need no check of their own.
        let body = std::str::from_utf8(body)
            .map_err(|error| Invalid::body(format!("the body is not UTF-8: {error}")))?;
        if !body.trim_ascii_start().starts_with('{') {
            return Err(Invalid::body("the body is not a JSON object".into()));
        }
        let fields: Self = serde_json::from_str(body)
            .map_err(|error| Invalid::body(format!("the body cannot be read: {error}")))?;
        for (name, shape, raw) in fields.all() {
            shape.check(raw, format_args!("{name}"))?;
        }
        if is_true(fields.background) {
            return Err(Invalid::new(format_args!("background"), "is not supported yet"));
        }
        Ok(fields)
    }

    pub(super) fn streamed(&self) -> bool {
        is_true(self.stream)
    }

    pub(super) fn model(&self) -> Result<Box<str>, Invalid> {
        let model = self.model.map(|raw| text(raw, format_args!("model"))).transpose()?;
        Ok(model.unwrap_or_default().into())
    }

    pub(super) fn includes(&self, what: &str) -> Result<bool, Invalid> {
        let Some(include) = self.include else { return Ok(false) };
        let included: Vec<std::borrow::Cow<'_, str>> = serde_json::from_str(include.get())
            .map_err(|_| Invalid::new(format_args!("include"), "must be an array of strings"))?;
        Ok(included.iter().any(|one| one == what))
    }

    pub(super) fn effort(&self) -> Result<Option<&'a RawValue>, Invalid> {
        let Some(raw) = self.reasoning else { return Ok(None) };
        let effort = object::<Reasoning<'_>>(raw, format_args!("reasoning"))?.effort;
        if let Some(effort) = effort {
            Shape::Text.check(effort, format_args!("reasoning.effort"))?;
        }
        Ok(effort)
    }

    /// The fields that Chat Completions takes as they are, each with a comma behind.
    pub(super) fn write_sampling(&self, out: &mut Writer) {
        let same = [
            ("temperature", self.temperature),
            ("top_p", self.top_p),
            ("presence_penalty", self.presence_penalty),
            ("frequency_penalty", self.frequency_penalty),
        ];
        for (name, raw) in same {
            write_field(out, name, raw);
        }
        if let Some(raw) = self.top_logprobs.filter(|raw| raw.get() != "0") {
            out.raw(r#""logprobs":true,"#);
            write_field(out, "top_logprobs", Some(raw));
        }
    }

    pub(super) fn echo(&self) -> Echo {
        let repeated = self.all().filter(|(name, ..)| Echo::FIELDS.contains(name));
        Echo(repeated.map(|(name, _, raw)| (name, raw.to_owned())).collect())
    }
}

/// A field with a comma behind it, if there is one.
pub(super) fn write_field(out: &mut Writer, name: &str, raw: Option<&RawValue>) {
    if let Some(raw) = raw {
        out.raw("\"");
        out.raw(name);
        out.raw("\":");
        out.raw(raw.get());
        out.raw(",");
    }
}

fn is_true(raw: Option<&RawValue>) -> bool {
    raw.is_some_and(|raw| raw.get() == "true")
}
