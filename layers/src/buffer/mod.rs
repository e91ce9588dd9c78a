//! Collects a request's body once, decoded and capped, so that everything further in can read it
//! and send it again.
//!
//! A body arrives as a stream and can be read once. Routing has to read `model`, and failover has
//! to send the same bytes again, so this layer holds the body as a [`Buffered`](crate::Buffered):
//! whole in memory, cloned in O(1). `gzip` and `zstd` request bodies are decoded, and the limit
//! counts decoded bytes, so that a small archive cannot unpack into a large one.
//!
//! What is too large or cannot be read is answered here:
//!
//! | | status | code |
//! |---|---|---|
//! | a body that breaks off or does not decode | 400 | `INVALID_REQUEST` |
//! | more than the limit, announced or found | 413 | `PAYLOAD_TOO_LARGE` |
//! | an encoding other than `identity`, `gzip` or `zstd` | 415 | `UNSUPPORTED_MEDIA_TYPE` |
//!
//! An announced length over the limit is refused before the body is polled, so a client that sent
//! `Expect: 100-continue` never uploads it.
//!
//! It differs from `tower_http::limit` in that the inner service gets a body that is already
//! there, and from `tower::buffer`, which queues requests, in everything but the name.
//!
//! ```
//! use http_body_util::{BodyExt, Full};
//! use switchtower_layers::{Buffered, buffer::BufferLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), std::convert::Infallible> {
//! let service = ServiceBuilder::new().layer(BufferLayer::new(1 << 20)).service(service_fn(
//!     async |request: http::Request<Buffered>| {
//!         let again = request.body().clone();
//!         Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(again.to_bytes())))
//!     },
//! ));
//! let request = http::Request::new(Full::from("{}"));
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "{}");
//! # Ok(()) }
//! ```

mod decode;
mod future;
mod layer;
mod service;

pub use future::ResponseFuture;
pub use layer::BufferLayer;
pub use service::Buffer;

#[cfg(test)]
mod tests;
