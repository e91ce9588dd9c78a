use std::{fmt, mem};

use serde::{
    Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    Passes,
    added::Added,
    elements::Key,
    invalid::Invalid,
    item::{self, Each, Input},
    json::{Shape, borrowed, object, text},
    writer::Writer,
};
use crate::responses::context::Echo;

macro_rules! fields {
    ($($field:ident: $shape:ident,)*) => {
        /// The fields of a request that mean something here; all others are passed over.
        #[derive(Debug, Default)]
        pub(super) struct Fields<'a> {
            pub(super) input: Option<Input<'a>>,
            $(pub(super) $field: Option<&'a RawValue>,)*
        }

        impl<'a> Fields<'a> {
            /// Where the value of the key belongs, unless it is `input` or means nothing.
            fn slot(&mut self, key: &str) -> Option<&mut Option<&'a RawValue>> {
                match key {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }

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
    conversation: TextOrObject,
    prompt: TextOrObject,
}

borrowed! { Reasoning { effort: "effort", } }

impl<'a> Fields<'a> {
    /// Reads the body, and does `each` with the items of `input` on the way.
    pub(super) fn read(body: &'a [u8], each: &mut Each<'_, 'a>) -> Result<Self, Invalid> {
        // Once for the whole, so that its parts need no check of their own.
        let body = std::str::from_utf8(body)
            .map_err(|error| Invalid::body(format!("the body is not UTF-8: {error}")))?;
        if !body.trim_ascii_start().starts_with('{') {
            return Err(Invalid::body("the body is not a JSON object".into()));
        }
        let mut json = serde_json::Deserializer::from_str(body);
        let fields = json.deserialize_map(FieldsVisitor { json: body, each });
        let fields = fields.and_then(|fields| json.end().map(|()| fields));
        let fields =
            fields.map_err(|error| Invalid::body(format!("the body cannot be read: {error}")))?;
        for (name, shape, raw) in fields.all() {
            shape.check(raw, format_args!("{name}"))?;
        }
        if is_true(fields.background) {
            return Err(Invalid::new(format_args!("background"), "is not supported yet"));
        }
        let kept_elsewhere = [("conversation", fields.conversation), ("prompt", fields.prompt)];
        if let Some((name, _)) = kept_elsewhere.iter().find(|(_, raw)| raw.is_some()) {
            let says = "is not supported: what it stands for is kept at a provider that speaks \
                        Responses, and the model would not see it";
            return Err(Invalid::new(format_args!("{name}"), says));
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

    /// The fields that the provider takes as they are, each with a comma behind.
    pub(super) fn write_passed(&self, passes: Passes, added: &mut Added<'_>, out: &mut Writer) {
        if passes != Passes::default() {
            for (name, _, raw) in self.all() {
                if passes.has(name) && added.write(name) {
                    write_field(out, name, Some(raw));
                }
            }
        }
    }

    pub(super) fn echo(&self) -> Echo {
        // All of `Echo::FIELDS`.
        let repeated =
            self.all().filter(|(name, ..)| !matches!(*name, "model" | "stream" | "include"));
        Echo(repeated.map(|(name, _, raw)| (name, raw.to_owned())).collect())
    }
}

struct FieldsVisitor<'e, 'f, 'de> {
    json: &'de str,
    each: &'e mut Each<'f, 'de>,
}

impl<'de> Visitor<'de> for FieldsVisitor<'_, '_, 'de> {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Key<'_>>()? {
            let is_new = if key.as_str() == "input" {
                let input = item::read(&key, self.json, &mut map, self.each)?;
                mem::replace(&mut fields.input, input).is_none()
            } else if let Some(slot) = fields.slot(key.as_str()) {
                mem::replace(slot, map.next_value()?).is_none()
            } else {
                map.next_value::<IgnoredAny>()?;
                true
            };
            if !is_new {
                // Two readers could disagree on which one counts.
                return Err(A::Error::custom(format_args!("duplicate field `{}`", key.as_str())));
            }
        }
        Ok(fields)
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
