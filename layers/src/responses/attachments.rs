//! Attachments: unknown fields of a provider's messages and calls, which it wants back unchanged.
//!
//! Gemini signs its calls (`extra_content`), OpenRouter gives the reasoning of a message in pieces
//! (`reasoning_details`), and both refuse or forget a conversation that comes back without them.
//! Every field that Chat Completions does not know is taken for such an attachment. They travel
//! inside of the sealed `encrypted_content` of reasoning items, with the name of the provider that
//! made them.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use crate::Target;

/// What begins a seal's text that is more than reasoning.
const PREFIX: &str = "\u{1}attachments:";

/// The most bytes that one answer may attach; what is more is left out.
const MAX_BYTES: usize = 1 << 20;

/// Fields by their names.
pub(super) type Fields = BTreeMap<String, Box<RawValue>>;

/// What is attached to one call.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct CallFields {
    /// To the call itself.
    #[serde(skip_serializing_if = "Fields::is_empty")]
    pub(super) call: Fields,
    /// To its `function`.
    #[serde(skip_serializing_if = "Fields::is_empty")]
    pub(super) function: Fields,
}

/// The content of a seal: the text of the reasoning, and the attachments.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Sealed {
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Whether it belongs to what stands before it, and not to what follows.
    pub(super) behind: bool,
    /// What is attached to the message.
    #[serde(skip_serializing_if = "Fields::is_empty")]
    pub(super) message: Fields,
    /// What is attached to the calls, by their ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) calls: BTreeMap<String, CallFields>,
}

impl Sealed {
    /// Reads what was sealed. Attachments of another provider than the target are left out, and
    /// those of a message also when another model made them.
    pub(super) fn read(opened: String, target: Option<&Target>) -> Self {
        let json = opened.strip_prefix(PREFIX);
        let Some(mut sealed) = json.and_then(|json| serde_json::from_str::<Self>(json).ok()) else {
            return Self { text: opened, ..Self::default() };
        };
        if sealed.provider.as_deref() != target.map(|target| &*target.provider) {
            (sealed.message, sealed.calls) = Default::default();
        } else if sealed.model.as_deref() != target.map(|target| &*target.model) {
            sealed.message.clear();
        }
        sealed
    }

    /// Whether nothing is attached.
    pub(super) fn is_bare(&self) -> bool {
        self.message.is_empty() && self.calls.is_empty()
    }
}

/// The attachments of one answer that are in no item yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    target: Option<Target>,
    message: Fields,
    calls: BTreeMap<String, CallFields>,
}

impl Pending {
    pub(super) fn from(target: Option<Target>) -> Self {
        Self { target, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.message.is_empty() && self.calls.is_empty()
    }

    /// Adds what the message has by now.
    pub(super) fn message(&mut self, fields: &Fields) {
        self.message.clone_from(fields);
    }

    pub(super) fn call(&mut self, id: &str, fields: CallFields) {
        self.calls.insert(id.to_owned(), fields);
    }

    /// The text to seal for a reasoning item; nothing is pending then.
    pub(super) fn seal(&mut self, text: Cow<'_, str>, behind: bool) -> String {
        if self.is_empty() && !text.starts_with(PREFIX) {
            return text.into_owned();
        }
        let target = self.target.as_ref();
        let sealed = Sealed {
            text: text.into_owned(),
            provider: target.map(|target| target.provider.to_string()),
            model: target.map(|target| target.model.to_string()),
            behind,
            message: std::mem::take(&mut self.message),
            calls: std::mem::take(&mut self.calls),
        };
        // Texts and what was JSON before always serialise.
        let json = serde_json::to_string(&sealed).unwrap_or_default();
        format!("{PREFIX}{json}")
    }
}

/// What a chunk, or a whole completion, attaches.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    pub(super) message: Vec<(String, &'a RawValue)>,
    /// By the places of its pieces of calls.
    pub(super) calls: Vec<CallPiece<'a>>,
    /// Whether it is the message as a whole, and not a piece of it.
    pub(super) is_whole: bool,
}

/// What a piece of a call attaches.
#[derive(Debug, Default)]
pub(super) struct CallPiece<'a> {
    call: Vec<(String, &'a RawValue)>,
    function: Vec<(String, &'a RawValue)>,
}

/// Reads what the first choice attaches; nothing when it cannot be read.
pub(super) fn find(json: &[u8]) -> Found<'_> {
    #[derive(Deserialize)]
    struct Completion<'a> {
        #[serde(borrow, default = "Vec::new")]
        choices: Vec<Choice<'a>>,
    }
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow)]
        index: Option<&'a RawValue>,
        #[serde(borrow)]
        delta: Option<Message<'a>>,
        #[serde(borrow)]
        message: Option<Message<'a>>,
    }
    let Ok(Completion { choices }) = serde_json::from_slice(json) else { return Found::default() };
    let is_first = |choice: &Choice<'_>| {
        choice.index.is_none_or(|index| matches!(index.get(), "0" | "null" | "\"0\"" | "0.0"))
    };
    let Some(choice) = choices.into_iter().find(is_first) else { return Found::default() };
    let is_whole = choice.delta.is_none();
    let Some(Message { fields, calls }) = choice.delta.or(choice.message) else {
        return Found::default();
    };
    Found { message: fields, calls, is_whole }
}

#[derive(Default)]
struct Message<'a> {
    fields: Vec<(String, &'a RawValue)>,
    calls: Vec<CallPiece<'a>>,
}

/// Whether Chat Completions knows the field, or another part of the translation reads it.
fn is_known_of_messages(name: &str) -> bool {
    const KNOWN: [&str; 12] = [
        "annotations",
        "audio",
        "content",
        "function_call",
        "name",
        "obfuscation",
        "reasoning",
        "reasoning_content",
        "refusal",
        "role",
        "tool_call_id",
        "tool_calls",
    ];
    KNOWN.contains(&name)
}

/// Nothing is attached by these.
fn is_nothing(raw: &RawValue) -> bool {
    matches!(raw.get(), "null" | "\"\"" | "[]" | "{}")
}

impl<'de: 'a, 'a> Deserialize<'de> for Message<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MessageVisitor;
        impl<'de> Visitor<'de> for MessageVisitor {
            type Value = Message<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut message = Message::default();
                while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                    if name == "tool_calls" {
                        message.calls = map.next_value::<Option<_>>()?.unwrap_or_default();
                    } else if is_known_of_messages(&name) {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        let raw: &RawValue = map.next_value()?;
                        if !is_nothing(raw) {
                            message.fields.push((name.into_owned(), raw));
                        }
                    }
                }
                Ok(message)
            }
        }
        deserializer.deserialize_map(MessageVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CallPiece<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CallVisitor {
            is_function: bool,
        }
        impl<'de> Visitor<'de> for CallVisitor {
            type Value = CallPiece<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a call")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut piece = CallPiece::default();
                while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                    match (&*name, self.is_function) {
                        ("index" | "id" | "type", false) | ("name" | "arguments", true) => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        ("function", false) => {
                            let raw: &RawValue = map.next_value()?;
                            let mut json = serde_json::Deserializer::from_str(raw.get());
                            let visitor = CallVisitor { is_function: true };
                            let function = json.deserialize_map(visitor).unwrap_or_default();
                            piece.function = function.call;
                        }
                        _ => {
                            let raw: &RawValue = map.next_value()?;
                            if !is_nothing(raw) {
                                piece.call.push((name.into_owned(), raw));
                            }
                        }
                    }
                }
                Ok(piece)
            }
        }
        deserializer.deserialize_map(CallVisitor { is_function: false })
    }
}

/// All that one answer attaches, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Attachments {
    pub(super) message: Fields,
    /// By the numbers of the calls.
    pub(super) calls: BTreeMap<usize, CallFields>,
    /// How many bytes have been added.
    size: usize,
}

impl Attachments {
    /// Adds the attachments of a message; returns whether there were any.
    pub(super) fn message(&mut self, found: &mut Found<'_>) -> bool {
        let is_any = !found.message.is_empty();
        if found.is_whole && is_any {
            self.message.clear();
        }
        for (name, raw) in found.message.drain(..) {
            add(&mut self.message, name, raw, &mut self.size);
        }
        is_any
    }

    /// Adds what came with a piece of the call of this number.
    pub(super) fn call(&mut self, at: usize, piece: &mut CallPiece<'_>) {
        if piece.call.is_empty() && piece.function.is_empty() {
            return;
        }
        let Self { calls, size, .. } = self;
        let fields = calls.entry(at).or_default();
        for (name, raw) in piece.call.drain(..) {
            add(&mut fields.call, name, raw, size);
        }
        for (name, raw) in piece.function.drain(..) {
            add(&mut fields.function, name, raw, size);
        }
    }
}

fn add(fields: &mut Fields, name: String, raw: &RawValue, size: &mut usize) {
    *size += name.len() + raw.get().len();
    if *size > MAX_BYTES {
        tracing::warn!(name, "left out: the answer attaches more than is carried");
        return;
    }
    let merged = fields.get(&name).and_then(|known| {
        let known = serde_json::from_str(known.get()).ok()?;
        let more = serde_json::from_str(raw.get()).ok()?;
        serde_json::value::to_raw_value(&merge(known, more)).ok()
    });
    fields.insert(name, merged.unwrap_or_else(|| raw.to_owned()));
}

/// A value, and what came of it later: objects grow, arrays take pieces, of all else the last
/// counts.
fn merge(known: Value, more: Value) -> Value {
    match (known, more) {
        (Value::Object(mut known), Value::Object(more)) => {
            for (name, value) in more {
                let before = known.remove(&name);
                let value =
                    before.map_or_else(|| value.clone(), |before| merge(before, value.clone()));
                known.insert(name, value);
            }
            Value::Object(known)
        }
        (Value::Array(mut known), Value::Array(more)) => {
            more.into_iter().for_each(|piece| add_piece(&mut known, piece));
            Value::Array(known)
        }
        (_, more) => more,
    }
}

/// A piece of an array, as OpenRouter documents them: texts and summaries grow, a signature belongs
/// to the text before it, and what is encrypted comes whole.
fn add_piece(known: &mut Vec<Value>, piece: Value) {
    if known.contains(&piece) && piece.get("data").is_some() {
        return;
    }
    let is_growing = piece.get("data").is_none() && piece.is_object();
    let fits = |one: &Value| {
        let agrees = |name: &str| match (one.get(name), piece.get(name)) {
            (Some(one), Some(other)) => one == other || one.is_null() || other.is_null(),
            _ => true,
        };
        one.is_object()
            && one.get("data").is_none()
            && ["type", "index", "id"].map(agrees) == [true; 3]
    };
    let has_index = piece.get("index").is_some_and(|index| !index.is_null());
    let place = match is_growing {
        false => None,
        true if has_index => known.iter().rposition(fits),
        // Without a number only the last one is continued.
        true => known.len().checked_sub(1).filter(|&last| fits(&known[last])),
    };
    let (Some(place), Value::Object(more)) = (place, &piece) else { return known.push(piece) };
    let Value::Object(one) = &mut known[place] else { return };
    for (name, value) in more {
        let grown = match (one.get(name).and_then(Value::as_str), value.as_str()) {
            (Some(before), Some(more)) if matches!(&**name, "text" | "summary") => {
                Some(format!("{before}{more}").into())
            }
            _ => None,
        };
        match grown {
            Some(grown) => drop(one.insert(name.clone(), grown)),
            None if value.is_null() => {}
            None => drop(one.insert(name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn details(pieces: &[Value]) -> Value {
        let mut attachments = Attachments::default();
        for piece in pieces {
            let chunk = json!({"choices": [{"delta": {"reasoning_details": [piece]}}]}).to_string();
            assert!(attachments.message(&mut find(chunk.as_bytes())));
        }
        serde_json::from_str(attachments.message["reasoning_details"].get()).unwrap()
    }

    #[test]
    fn pieces_of_reasoning_are_put_together() {
        let text = |text: &str| json!({"type": "reasoning.text", "text": text, "index": 0});
        let sign = json!({"type": "reasoning.text", "signature": "s", "index": 0});
        assert_eq!(
            details(&[text("a"), text("b"), sign]),
            json!([{"type": "reasoning.text", "text": "ab", "index": 0, "signature": "s"}])
        );
        let summary = |text: &str| json!({"type": "reasoning.summary", "summary": text});
        let secret = |data: &str| json!({"type": "reasoning.encrypted", "data": data, "index": 1});
        assert_eq!(
            details(&[
                summary("a"),
                summary("b"),
                secret("x"),
                secret("x"),
                secret("y"),
                summary("c")
            ]),
            json!([summary("ab"), secret("x"), secret("y"), summary("c")])
        );
        let numbered = |n: u64, t: &str| json!({"type": "reasoning.text", "text": t, "index": n});
        assert_eq!(
            details(&[numbered(0, "a"), numbered(1, "b"), numbered(0, "c")]),
            json!([numbered(0, "ac"), numbered(1, "b")])
        );
    }

    #[test]
    fn only_what_chat_does_not_know_is_attached() {
        let chunk = json!({"choices": [{"index": 0, "delta": {
            "role": "assistant", "content": "x", "reasoning": "r", "refusal": null, "a": {"b": 1},
            "empty": [], "tool_calls": [
                {"index": 0, "id": "c", "type": "function", "extra_content": {"g": 1},
                 "function": {"name": "f", "arguments": "{}", "signature": "s"}},
                {"index": 1, "id": "d", "function": null},
            ],
        }}]})
        .to_string();
        let mut found = find(chunk.as_bytes());
        let mut attachments = Attachments::default();
        assert!(attachments.message(&mut found));
        for (at, piece) in found.calls.iter_mut().enumerate() {
            attachments.call(at, piece);
        }
        assert_eq!(attachments.message.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(attachments.calls.keys().collect::<Vec<_>>(), [&0]);
        assert_eq!(attachments.calls[&0].call["extra_content"].get(), r#"{"g":1}"#);
        assert_eq!(attachments.calls[&0].function["signature"].get(), r#""s""#);
        assert!(find(b"[").message.is_empty() && find(br#"{"choices":[{}]}"#).calls.is_empty());
    }

    #[test]
    fn objects_grow_and_of_scalars_the_last_counts() {
        let mut attachments = Attachments::default();
        for extra in [json!({"g": {"a": 1}}), json!({"g": {"b": 2}}), json!({"g": {"a": 3}})] {
            let chunk = json!({"choices": [{"delta": {"extra_content": extra}}]}).to_string();
            attachments.message(&mut find(chunk.as_bytes()));
        }
        assert_eq!(attachments.message["extra_content"].get(), r#"{"g":{"a":3,"b":2}}"#);
    }

    #[test]
    fn too_much_is_left_out() {
        let mut attachments = Attachments::default();
        let chunk = |name: &str, n: usize| {
            json!({"choices": [{"delta": {name: "x".repeat(n)}}]}).to_string()
        };
        attachments.message(&mut find(chunk("small", 10).as_bytes()));
        attachments.message(&mut find(chunk("large", MAX_BYTES).as_bytes()));
        assert_eq!(attachments.message.keys().collect::<Vec<_>>(), ["small"]);
    }

    #[test]
    fn they_are_given_to_nobody_else() {
        let target = |provider: &str, model: &str| Target {
            provider: provider.into(),
            model: model.into(),
            dialect: crate::Dialect::Chat,
        };
        let sealed = || {
            let mut pending = Pending::from(Some(target("a", "m")));
            let raw = || RawValue::from_string("1".to_owned()).unwrap();
            pending.message(&Fields::from([("x".to_owned(), raw())]));
            let call = Fields::from([("y".to_owned(), raw())]);
            pending.call("c1", CallFields { call, ..CallFields::default() });
            let sealed = pending.seal("thought".into(), false);
            assert!(pending.is_empty());
            sealed
        };
        for (to, message, calls) in
            [(target("a", "m"), 1, 1), (target("a", "n"), 0, 1), (target("b", "m"), 0, 0)]
        {
            let sealed = Sealed::read(sealed(), Some(&to));
            assert_eq!((sealed.message.len(), sealed.calls.len()), (message, calls), "{to}");
            assert_eq!(sealed.text, "thought");
        }
        assert!(Sealed::read(sealed(), None).is_bare());
    }

    #[test]
    fn reasoning_cannot_pass_for_attachments() {
        let forged =
            format!("{PREFIX}{{\"text\":\"\",\"provider\":\"b\",\"message\":{{\"x\":1}}}}");
        let sealed = Pending::default().seal(forged.clone().into(), false);
        let read = Sealed::read(sealed, None);
        assert_eq!((read.is_bare(), read.text), (true, forged));
    }
}
