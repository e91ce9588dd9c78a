//! Fields that were added to a request on its way, and that a target refuses.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use memchr::memmem;
use parking_lot::RwLock;
use tokio::time::Instant;

use crate::Target;

/// A provider may learn a field: it is sent again after this time.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// More targets than these are not remembered: their names come from clients.
const MAX_TARGETS: usize = 4096;

/// More fields than these are not remembered of one target.
const MAX_FIELDS: usize = 32;

/// The fields that targets refuse, each for 24 h. A shared handle: a layer that is built anew goes
/// on with it.
#[derive(Clone, Debug, Default)]
pub struct RefusedFields(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether anything was ever remembered: mostly not, and then there is nothing to look up.
    is_used: AtomicBool,
    targets: RwLock<HashMap<Target, Refused>>,
}

#[derive(Debug)]
struct Refused {
    fields: Arc<[Box<str>]>,
    since: Instant,
}

impl RefusedFields {
    /// The fields that the target refuses.
    pub fn of(&self, target: &Target) -> Arc<[Box<str>]> {
        if !self.0.is_used.load(Ordering::Relaxed) {
            return Arc::default();
        }
        let targets = self.0.targets.read();
        let known = targets.get(target).filter(|refused| refused.since.elapsed() < MAX_AGE);
        known.map(|refused| refused.fields.clone()).unwrap_or_default()
    }

    /// Whether the target refuses this field.
    pub fn refuses(&self, target: &Target, field: &str) -> bool {
        self.0.is_used.load(Ordering::Relaxed)
            && self.of(target).iter().any(|refused| &**refused == field)
    }

    /// Remembers that the target refuses these fields.
    pub fn remember(&self, target: &Target, fields: &[Box<str>]) {
        tracing::info!(%target, ?fields, "fields that the target refuses are not sent to it any more");
        let mut known = self.of(target).to_vec();
        for field in fields {
            if known.len() < MAX_FIELDS && !known.contains(field) {
                known.push(field.clone());
            }
        }
        let mut targets = self.0.targets.write();
        if targets.len() >= MAX_TARGETS {
            targets.retain(|_, refused| refused.since.elapsed() < MAX_AGE);
        }
        if targets.len() < MAX_TARGETS || targets.contains_key(target) {
            let refused = Refused { fields: known.into(), since: Instant::now() };
            targets.insert(target.clone(), refused);
            self.0.is_used.store(true, Ordering::Relaxed);
        }
    }

    /// Forgets the providers that are not to be kept: those that are gone, or are others by now.
    pub fn retain(&self, mut keep: impl FnMut(&str) -> bool) {
        self.0.targets.write().retain(|target, _| keep(&target.provider));
    }
}

/// Whether an answer of this status may be the refusal of a field.
pub(crate) fn may_refuse(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
}

/// Those of the added fields that the error names. One that complains of a field which is missing
/// refuses none.
pub(crate) fn refused<'f>(
    error: &[u8],
    added: impl IntoIterator<Item = &'f Box<str>>,
) -> Vec<Box<str>> {
    const MISSING: [&[u8]; 4] = [b"missing", b"required", b"must be passed", b"must be provided"];
    let named: Vec<Box<str>> =
        added.into_iter().filter(|field| names(error, field)).cloned().collect();
    let lower = if named.is_empty() { Vec::new() } else { error.to_ascii_lowercase() };
    let is_missing = MISSING.iter().any(|words| memmem::find(&lower, words).is_some());
    if is_missing { Vec::new() } else { named }
}

/// Whether the word stands in the text by itself.
fn names(text: &[u8], word: &str) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    memmem::find_iter(text, word).any(|at| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        !is_part(before) && !is_part(text.get(at + word.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    fn target(model: &str) -> Target {
        Target { provider: "p".into(), model: model.into(), dialect: Dialect::Chat }
    }

    #[test]
    fn a_field_is_named_in_many_ways() {
        let added: Vec<Box<str>> =
            ["reasoning_content", "stream_options", "extra_content"].map(Box::from).into();
        for (error, fields) in [
            (
                r#"{"error":{"message":"'messages.1' : property 'reasoning_content' is unsupported"}}"#,
                &["reasoning_content"][..],
            ),
            (
                r#"{"error":{"message":"Unrecognized request argument supplied: stream_options"}}"#,
                &["stream_options"],
            ),
            (
                r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}"#,
                &["stream_options"],
            ),
            (
                r#"{"error":{"message":"body.messages.1.assistant.reasoning_content: Extra inputs are not permitted"}}"#,
                &["reasoning_content"],
            ),
            (
                r#"[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"stream_options\": Cannot find field."}}]"#,
                &["stream_options"],
            ),
            (r#"{"error":{"message":"no","param":"stream_options"}}"#, &["stream_options"]),
            (
                "unknown field `extra_content`, and reasoning_content",
                &["reasoning_content", "extra_content"],
            ),
            (r#"{"error":{"message":"my_stream_options is odd"}}"#, &[]),
            (
                r#"{"error":{"message":"The reasoning_content in the thinking mode must be passed back"}}"#,
                &[],
            ),
            (r#"{"error":{"message":"messages: Field required"}}"#, &[]),
            ("", &[]),
        ] {
            let named = refused(error.as_bytes(), &added);
            assert_eq!(named.iter().map(|name| &**name).collect::<Vec<_>>(), fields, "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn they_are_remembered_for_each_target_for_a_day() {
        let known = RefusedFields::default();
        assert!(!known.refuses(&target("m"), "a"));
        known.remember(&target("m"), &["a".into()]);
        known.clone().remember(&target("m"), &["b".into(), "a".into()]);
        assert_eq!(*known.of(&target("m")), [Box::from("a"), Box::from("b")]);
        assert!(!known.refuses(&target("n"), "a"));
        tokio::time::advance(MAX_AGE).await;
        assert!(!known.refuses(&target("m"), "a"));
        known.remember(&target("m"), &["a".into()]);
        known.retain(|provider| provider != "p");
        assert!(!known.refuses(&target("m"), "a"));
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_a_bound() {
        let known = RefusedFields::default();
        for n in 0..MAX_TARGETS + 10 {
            known.remember(&target(&n.to_string()), &["a".into()]);
        }
        assert_eq!(known.0.targets.read().len(), MAX_TARGETS);
        for n in 0..100 {
            known.remember(&target("0"), &[n.to_string().into()]);
        }
        assert_eq!(known.of(&target("0")).len(), MAX_FIELDS);
    }
}
