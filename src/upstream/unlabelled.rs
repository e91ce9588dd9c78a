//! Compressed answers whose head does not say so.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use switchtower_layers::body::ResponseBody;

use super::client::ProviderBody;

/// The first bytes of gzip (RFC 1952), Zstandard (RFC 8878) and zlib (RFC 1950), and their content
/// codings. Neither JSON nor an event stream begins with any of them.
const SIGNATURES: [(&[u8], &str); 6] = [
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x78\x01", "deflate"),
    (b"\x78\x5e", "deflate"),
    (b"\x78\x9c", "deflate"),
    (b"\x78\xda", "deflate"),
];

/// What an answer's first bytes say of its coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Encoded(&'static str),
    /// More bytes are needed.
    Open,
}

impl Coding {
    pub(super) fn of(bytes: &[u8]) -> Self {
        if bytes.first().is_some_and(|first| !b"\x1f\x28\x78".contains(first)) {
            return Self::Identity;
        }
        for (signature, name) in SIGNATURES {
            if bytes.starts_with(signature) {
                return Self::Encoded(name);
            }
        }
        match SIGNATURES.iter().any(|(signature, _)| signature.starts_with(bytes)) {
            true => Self::Open,
            false => Self::Identity,
        }
    }
}

/// A provider's body of which some bytes were read already.
pub(super) struct Begun {
    pub(super) first: Bytes,
    pub(super) rest: ResponseBody<ProviderBody>,
}

impl Body for Begun {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.first.has_remaining() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        Pin::new(&mut self.rest).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.first.is_empty() {
            true => self.rest.size_hint(),
            false => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_told_from_text() {
        for (bytes, coding) in [
            (&b"\x1f\x8b\x08\0"[..], Coding::Encoded("gzip")),
            (b"\x1f\x8b", Coding::Open),
            (b"", Coding::Open),
            (b"\x28\xb5\x2f\xfd", Coding::Encoded("zstd")),
            (b"\x78\x9c\x01", Coding::Encoded("deflate")),
            (b"x", Coding::Open),
            (b"xyz", Coding::Identity),
            (b"{\"a\"", Coding::Identity),
            (b"data:", Coding::Identity),
            (b"\x1f{}", Coding::Identity),
        ] {
            assert_eq!(Coding::of(bytes), coding, "{bytes:?}");
        }
    }
}
