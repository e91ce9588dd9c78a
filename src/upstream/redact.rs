//! Providers' keys, kept out of what providers say: some quote the request they refuse.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use switchtower_layers::exchange::UpstreamError;

use crate::config::Secret;

/// Replaces a key.
const MASK: &[u8] = b"***";
/// Minimum length of a key that is masked, in bytes: a shorter one may be an ordinary word.
const MIN_KEY_LEN: usize = 8;

/// Replaces the providers' keys by `***`: all of them, because a provider may be a gateway, too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor(Arc<[Secret]>);

impl Redactor {
    /// Redacts these. Longer ones come first, since one may begin like another.
    pub(super) fn new<'a>(keys: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut keys: Vec<Secret> =
            keys.into_iter().filter(|key| key.expose().len() >= MIN_KEY_LEN).cloned().collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.expose().len()));
        keys.dedup_by(|a, b| a.expose() == b.expose());
        Self(keys.into())
    }

    /// Whether a key stands in this text, such as a header's value.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.find(text).is_some()
    }

    /// What an error says, without keys.
    pub(crate) fn error(&self, error: &mut UpstreamError) {
        let fields = [&mut error.code, &mut error.kind, &mut error.message];
        for text in fields.into_iter().flatten().chain(&mut error.labels) {
            for key in &*self.0 {
                if text.contains(key.expose()) {
                    *text = text.replace(key.expose(), "***").into();
                }
            }
        }
    }

    /// Where the first key begins and ends.
    fn find(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        let places = self.0.iter().filter_map(|key| {
            let key = key.expose().as_bytes();
            let start = bytes.windows(key.len()).position(|window| window == key)?;
            Some((start, start + key.len()))
        });
        // Of two that begin at the same place, the longer one comes first.
        places.min_by_key(|(start, _)| *start)
    }

    /// How much of the end may be the beginning of a key.
    fn tail(&self, bytes: &[u8]) -> usize {
        let tails = self.0.iter().map(|key| {
            let key = key.expose().as_bytes();
            let most = bytes.len().min(key.len() - 1);
            (1..=most).rev().find(|&n| bytes.ends_with(&key[..n])).unwrap_or(0)
        });
        tails.max().unwrap_or(0)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The redactor of one body, whose frames may cut a key in two.
#[derive(Debug)]
pub(super) struct Redacting {
    redactor: Redactor,
    /// Perhaps the beginning of a key.
    held: BytesMut,
}

impl Redacting {
    /// `None` when there is nothing to redact.
    pub(super) fn new(redactor: &Redactor) -> Option<Self> {
        let redacting = || Self { redactor: redactor.clone(), held: BytesMut::new() };
        (!redactor.is_empty()).then(redacting)
    }

    /// What may pass once these bytes have come.
    pub(super) fn pass(&mut self, data: &[u8]) -> Bytes {
        self.held.extend_from_slice(data);
        let mut passed = BytesMut::new();
        while let Some((start, end)) = self.redactor.find(&self.held) {
            passed.extend_from_slice(&self.held.split_to(end)[..start]);
            passed.extend_from_slice(MASK);
        }
        let sure = self.held.len() - self.redactor.tail(&self.held);
        passed.extend_from_slice(&self.held.split_to(sure));
        passed.freeze()
    }

    /// What is left at the end. Trailers of an error are of no use to anybody.
    pub(super) fn rest<E>(&mut self) -> Option<Result<Frame<Bytes>, E>> {
        self.holds().then(|| Ok(Frame::data(self.held.split().freeze())))
    }

    /// Whether something is left.
    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor() -> Redactor {
        let keys = ["sk-longest-key-1", "sk-longest-key", "other-key", "short"].map(Secret::new);
        Redactor::new(&keys)
    }

    fn passed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut redacting = Redacting::new(&redactor()).unwrap();
        let mut text = BytesMut::new();
        pieces.into_iter().for_each(|piece| text.extend_from_slice(&redacting.pass(piece)));
        if let Some(rest) = redacting.rest::<()>() {
            text.extend_from_slice(rest.unwrap().data_ref().unwrap());
        }
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[test]
    fn keys_are_stars_wherever_they_stand() {
        for (text, redacted) in [
            ("", ""),
            ("Bearer sk-longest-key-1 is wrong", "Bearer *** is wrong"),
            ("sk-longest-keyother-key", "******"),
            ("sk-longest-ke", "sk-longest-ke"),
            ("short stays", "short stays"),
        ] {
            assert_eq!(passed([text.as_bytes()]), redacted, "{text}");
            let mut error = UpstreamError {
                message: Some(text.into()),
                labels: vec![text.into()],
                ..UpstreamError::default()
            };
            redactor().error(&mut error);
            assert_eq!(error.message.as_deref(), Some(redacted));
            assert_eq!(error.labels, [redacted.into()]);
        }
    }

    #[test]
    fn nothing_is_held_where_there_is_no_key() {
        assert!(Redacting::new(&Redactor::default()).is_none());
        let mut redacting = Redacting::new(&redactor()).unwrap();
        assert_eq!(redacting.pass(b"an error of other"), "an error of ");
        assert_eq!(redacting.pass(b"x"), "otherx");
        assert!(!redacting.holds());
    }

    proptest! {
        #[test]
        fn cuts_hide_no_key(
            words in prop::collection::vec("[a-z-]{0,5}|other-key|sk-longest-key", 0..6),
            cuts in prop::collection::vec(0..80usize, 0..6),
        ) {
            let text = words.concat();
            let mut cuts: Vec<_> = cuts.into_iter().filter(|&cut| cut <= text.len()).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|ends| &text.as_bytes()[ends[0]..ends[1]]);
            let expected = text.replace("sk-longest-key", "***").replace("other-key", "***");
            prop_assert_eq!(passed(pieces), expected);
        }
    }
}
