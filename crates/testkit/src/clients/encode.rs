//! Bodies as others encode them.

use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Encodes as one gzip member.
pub async fn gzip(plain: impl AsRef<[u8]>) -> Bytes {
    let mut encoder = GzipEncoder::new(Vec::new());
    write(&mut encoder, plain.as_ref()).await;
    encoder.into_inner().into()
}

/// Encodes as one zstd frame.
pub async fn zstd(plain: impl AsRef<[u8]>) -> Bytes {
    let mut encoder = ZstdEncoder::new(Vec::new());
    write(&mut encoder, plain.as_ref()).await;
    encoder.into_inner().into()
}

async fn write(encoder: &mut (impl AsyncWrite + Unpin), plain: &[u8]) {
    encoder.write_all(plain).await.unwrap();
    encoder.shutdown().await.unwrap();
}

/// Encodes as one gzip member in pieces: each piece can be decoded when it arrives.
pub async fn gzip_pieces(pieces: &[&str]) -> Vec<Bytes> {
    let mut encoder = GzipEncoder::new(Vec::new());
    let mut encoded = Vec::new();
    for piece in pieces {
        encoder.write_all(piece.as_bytes()).await.unwrap();
        encoder.flush().await.unwrap();
        encoded.push(Bytes::from(std::mem::take(encoder.get_mut())));
    }
    encoder.shutdown().await.unwrap();
    encoded.push(encoder.into_inner().into());
    encoded
}
