use std::io;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_ENCODING};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{Code, Rejection, body::collect::too_large};

/// How a request's body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Rejection> {
        let mut lines = headers.get_all(CONTENT_ENCODING).iter();
        let encoding = match (lines.next().map(HeaderValue::as_bytes), lines.next()) {
            (None, _) => Some(Self::Identity),
            (Some(name), None) => Self::named(name.trim_ascii()),
            (Some(_), Some(_)) => None,
        };
        encoding.ok_or_else(|| {
            let message = "a request body may be encoded as gzip or as zstd, once";
            Rejection::new(Code::UnsupportedMediaType, message)
        })
    }

    fn named(name: &[u8]) -> Option<Self> {
        [
            (&b""[..], Self::Identity),
            (b"identity", Self::Identity),
            (b"gzip", Self::Gzip),
            (b"x-gzip", Self::Gzip),
            (b"zstd", Self::Zstd),
        ]
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, encoding)| encoding)
    }
}

/// Decodes a body that is whole, into at most `limit` bytes.
pub(super) async fn decode(
    encoding: Encoding,
    encoded: Bytes,
    limit: usize,
) -> Result<Bytes, Rejection> {
    match encoding {
        Encoding::Identity => Ok(encoded),
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(&encoded[..]);
            decoder.multiple_members(true);
            read(decoder, limit).await
        }
        Encoding::Zstd => {
            let mut decoder = ZstdDecoder::new(&encoded[..]);
            decoder.multiple_members(true);
            read(decoder, limit).await
        }
    }
}

async fn read(mut decoder: impl AsyncRead + Unpin, limit: usize) -> Result<Bytes, Rejection> {
    const CHUNK_LEN: usize = 64 << 10;
    let mut decoded = Vec::new();
    loop {
        decoded.reserve(CHUNK_LEN);
        let room = &mut (&mut decoder).take(CHUNK_LEN as u64);
        match room.read_buf(&mut decoded).await {
            Ok(0) => return Ok(decoded.into()),
            Ok(_) if decoded.len() > limit => return Err(too_large(limit)),
            // The source is memory and never pends: give way to others between the steps.
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => return Err(undecodable(&error)),
        }
    }
}

fn undecodable(error: &io::Error) -> Rejection {
    Rejection::new(Code::InvalidRequest, format!("the body does not decode: {error}"))
}
