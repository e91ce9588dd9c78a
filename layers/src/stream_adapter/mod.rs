//! Gives an answer the form that was asked for: an event stream or JSON.
//!
//! Some providers ignore `stream`, label their streams as JSON or as text, or send events where
//! JSON was asked for. This layer finds the form of an answer by its first bytes as well as by its
//! `Content-Type`, corrects the label, and converts what came in the other form:
//!
//! | asked for | label | first bytes | |
//! |---|---|---|---|
//! | a stream | `text/event-stream` | events | passed on at once |
//! | a stream | `text/event-stream` | JSON | events, made of it when it is whole |
//! | a stream | another, or none | events | passed on as `text/event-stream` |
//! | a stream | another, or none | JSON | events, made of it when it is whole; an error as it came |
//! | JSON | any | events | JSON, made of them when they are whole |
//! | JSON | any | JSON | passed on, as `application/json` if it was labelled as events |
//! | any | any | something else | passed on as it came |
//!
//! A stream that breaks, is malformed or has no finish reason is a body error in place of the JSON. An `observe` layer around this one sees the converted
//! answer, so that all layers further out only meet the form that was asked for.
//!
//! Only successes are looked at, of Chat Completions and Responses (by the request's path or a
//! [`Dialect`](crate::Dialect) in its extensions), and only where the form that was asked for is
//! known: by [`Streamed`](crate::request::Streamed) in the request's extensions, which the `route`
//! layer sets, or by an `Accept` that lists `text/event-stream`. Of a labelled stream the head is
//! never held back; of other answers it is until the first bytes are there, and of those that are
//! converted until the answer is whole. What is converted is held up to
//! [the cap](StreamAdapterLayer::cap) (default 32 MiB).
//!
//! tower-http has nothing of the kind: its layers believe the label.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, Full};
//! use switchtower_layers::{request::Streamed, stream_adapter::StreamAdapterLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let events = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
//! let service = ServiceBuilder::new().layer(StreamAdapterLayer::new()).service(service_fn(
//!     async |_: http::Request<()>| {
//!         http::Response::builder()
//!             .header("content-type", "text/event-stream")
//!             .body(Full::<Bytes>::from(events))
//!     },
//! ));
//! let request = http::Request::post("/v1/chat/completions").extension(Streamed(false)).body(())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.headers()["content-type"], "application/json");
//! let json = response.into_body().collect().await?.to_bytes();
//! let json: serde_json::Value = serde_json::from_slice(&json)?;
//! assert_eq!(json["choices"][0]["message"]["content"], "Hi");
//! # Ok(()) }
//! ```

mod body;
mod chat;
mod convert;
mod form;
mod future;
mod layer;
mod merge;
mod responses;
mod service;

pub use body::AdaptedBody;
pub use future::ResponseFuture;
pub use layer::StreamAdapterLayer;
pub use service::StreamAdapter;

#[cfg(test)]
mod tests;
