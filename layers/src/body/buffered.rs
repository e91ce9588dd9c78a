use std::{
    convert::Infallible,
    ops::Range,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

use crate::request::ModelRequest;

/// Bodies up to this size, in bytes, are hashed whole.
const FINGERPRINT_WHOLE: u64 = 1 << 10;
/// Bytes at each end of a larger body that are hashed.
const FINGERPRINT_END: usize = 384;
/// A larger body is divided by this number; each part but the first begins with a sample.
const FINGERPRINT_SAMPLES: usize = 16;
/// Bytes of one sample.
const FINGERPRINT_SAMPLE: usize = 16;

/// A request body that is whole in memory, as a list of segments.
///
/// Cloning costs one reference count, whatever the size, so a request can be sent again; and
/// [`splice`](Self::splice) replaces a few bytes without copying the rest, so that a changed
/// `model` does not cost a copy of a 5 MB prompt.
///
/// ```
/// use switchtower_layers::Buffered;
///
/// let body = Buffered::from(r#"{"model":"a","n":1}"#);
/// let edited = body.splice(10..11, "b".into());
/// assert_eq!(edited.to_bytes(), r#"{"model":"b","n":1}"#);
/// assert_eq!(edited.len(), body.len());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Buffered {
    whole: Arc<Whole>,
    /// The next segment.
    next: usize,
    /// Bytes from `next` on.
    remaining: u64,
}

/// Mixes a word into a hash. Not collision-resistant: a collision gives an attacker nothing.
const fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn mix_bytes(hash: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}

/// What all clones share.
#[derive(Debug, Default)]
struct Whole {
    /// None of them is empty.
    segments: Vec<Bytes>,
    /// The parsed request fields, computed once for all clones; `None` if it is no request for a
    /// model.
    asked: OnceLock<Option<ModelRequest>>,
}

impl Buffered {
    /// A body of these segments, in this order.
    pub fn from_segments(segments: impl IntoIterator<Item = Bytes>) -> Self {
        let segments: Vec<Bytes> = segments.into_iter().filter(|s| !s.is_empty()).collect();
        let remaining = segments.iter().map(|segment| segment.len() as u64).sum();
        let whole = Arc::new(Whole { segments, asked: OnceLock::new() });
        Self { whole, next: 0, remaining }
    }

    /// Bytes that have not been read yet.
    pub fn len(&self) -> u64 {
        self.remaining
    }

    /// Whether nothing is left to read.
    pub fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    /// The unread segments, in order. No segment is empty.
    pub fn segments(&self) -> &[Bytes] {
        &self.whole.segments[self.next..]
    }

    /// The unread bytes in one piece: O(1) for a single segment, a copy otherwise.
    pub fn to_bytes(&self) -> Bytes {
        match self.segments() {
            [] => Bytes::new(),
            [one] => one.clone(),
            many => {
                let mut whole = BytesMut::with_capacity(self.remaining as usize);
                many.iter().for_each(|segment| whole.extend_from_slice(segment));
                whole.freeze()
            }
        }
    }

    /// Returns the body with `range` replaced. What stands before and after is shared, not copied.
    ///
    /// # Panics
    ///
    /// When the range does not lie within the body or its start lies behind its end.
    #[must_use]
    pub fn splice(&self, range: Range<usize>, with: Bytes) -> Self {
        assert!(
            range.start <= range.end && range.end as u64 <= self.remaining,
            "splice {range:?} is outside of a body of {} bytes",
            self.remaining
        );
        let before = self.slices(0..range.start);
        let after = self.slices(range.end..self.remaining as usize);
        Self::from_segments(before.chain([with]).chain(after))
    }

    /// What the body asks for, read once for all clones; `None` when it cannot be routed, or is
    /// being sent already.
    pub(crate) fn asked(&self) -> Option<&ModelRequest> {
        let asked = || self.whole.asked.get_or_init(|| ModelRequest::read(self).ok()).as_ref();
        if self.next == 0 { asked() } else { None }
    }

    /// A hash of what has not been read yet, by which a request that is sent again is known. Of a
    /// body over 1 KiB it covers the length, both ends and samples in between, so that its cost is
    /// bounded. It is stable within a process.
    pub fn fingerprint(&self) -> u64 {
        let seed = mix(0, self.remaining);
        let len = self.remaining as usize;
        if self.remaining <= FINGERPRINT_WHOLE {
            return self.mix_range(seed, 0..len);
        }
        let step = len / FINGERPRINT_SAMPLES;
        let samples = (1..FINGERPRINT_SAMPLES).map(|n| n * step..n * step + FINGERPRINT_SAMPLE);
        let ends = [0..FINGERPRINT_END, len - FINGERPRINT_END..len];
        ends.into_iter().chain(samples).fold(seed, |hash, range| self.mix_range(hash, range))
    }

    fn mix_range(&self, hash: u64, range: Range<usize>) -> u64 {
        match self.segments() {
            [segment] => mix_bytes(hash, &segment[range]),
            _ => mix_bytes(hash, &Self::from_segments(self.slices(range)).to_bytes()),
        }
    }

    /// The parts of the segments that lie in `range`.
    fn slices(&self, range: Range<usize>) -> impl Iterator<Item = Bytes> + '_ {
        let mut offset = 0;
        self.segments().iter().map(move |segment| {
            let start = range.start.clamp(offset, offset + segment.len()) - offset;
            let end = range.end.clamp(offset, offset + segment.len()) - offset;
            offset += segment.len();
            segment.slice(start..end.max(start))
        })
    }
}

impl From<Bytes> for Buffered {
    fn from(bytes: Bytes) -> Self {
        Self::from_segments([bytes])
    }
}

impl From<&'static str> for Buffered {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<String> for Buffered {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Buffered {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl Body for Buffered {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(segment) = self.whole.segments.get(self.next).cloned() else {
            return Poll::Ready(None);
        };
        self.next += 1;
        self.remaining -= segment.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(segment))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use proptest::prelude::*;

    use super::*;

    #[tokio::test]
    async fn frames_are_the_segments_and_the_size_is_exact() {
        let body = Buffered::from_segments(["ab".into(), Bytes::new(), "cde".into()]);
        assert_eq!(body.size_hint().exact(), Some(5));
        let mut reading = body.clone();
        let frame = reading.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame, "ab");
        assert_eq!(reading.size_hint().exact(), Some(3));
        assert!(!reading.is_end_stream());
        assert_eq!(reading.to_bytes(), "cde");
        reading.frame().await.unwrap().unwrap();
        assert!(reading.is_end_stream());
        assert!(reading.frame().await.is_none());
        assert_eq!(body.len(), 5, "the clone has its own position");
    }

    #[test]
    fn an_empty_body_is_at_its_end() {
        assert!(Buffered::default().is_end_stream());
        assert!(Buffered::from("").is_end_stream());
        assert_eq!(Buffered::from("").to_bytes(), "");
    }

    #[test]
    fn splice_shares_what_it_does_not_change() {
        let prompt = Bytes::from(vec![b'x'; 5 << 20]);
        let body = Buffered::from(prompt.clone());
        let edited = body.splice(10..20, "y".into());
        assert_eq!(edited.segments()[0].as_ptr(), prompt.as_ptr());
        assert_eq!(edited.segments()[2].as_ptr(), prompt[20..].as_ptr());
    }

    #[test]
    #[should_panic(expected = "outside of a body of 3 bytes")]
    fn splice_outside_panics() {
        let _ = Buffered::from("abc").splice(2..4, Bytes::new());
    }

    #[test]
    fn a_fingerprint_tells_bodies_apart_that_differ_at_an_end_or_in_length() {
        let text = |len: usize| "abcdefgh".repeat(len / 8);
        for len in [0, 8, 1024, 1032, 100_000] {
            let body = Buffered::from(text(len));
            assert_eq!(body.fingerprint(), Buffered::from(text(len)).fingerprint());
            for other in [format!("x{}", text(len)), format!("{}x", text(len)), text(len + 8)] {
                assert_ne!(body.fingerprint(), Buffered::from(other).fingerprint(), "{len}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_fingerprint_does_not_depend_on_the_segments(
            bytes in prop::collection::vec(any::<u8>(), 0..3000),
            cut in 0..3000usize,
        ) {
            let bytes = Bytes::from(bytes);
            let cut = cut.min(bytes.len());
            let parts = [bytes.slice(..cut), bytes.slice(cut..)];
            let whole = Buffered::from(bytes).fingerprint();
            prop_assert_eq!(Buffered::from_segments(parts).fingerprint(), whole);
        }

        #[test]
        fn splice_equals_the_splice_of_the_bytes(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..5),
            with in prop::collection::vec(any::<u8>(), 0..6),
            a in 0..40usize,
            b in 0..40usize,
        ) {
            let mut whole = parts.concat();
            let (a, b) = (a.min(whole.len()), b.min(whole.len()));
            let (start, end) = (a.min(b), a.max(b));
            let body = Buffered::from_segments(parts.into_iter().map(Bytes::from));
            let edited = body.splice(start..end, Bytes::from(with.clone()));
            whole.splice(start..end, with);
            prop_assert_eq!(edited.len(), whole.len() as u64);
            prop_assert_eq!(edited.to_bytes(), whole);
        }
    }
}
