//! The OpenAI Responses API on top of Chat Completions.
//!
//! Coding agents speak only Responses, most providers speak only Chat Completions. This layer stands
//! between them: a POST to `.../responses` becomes one to `.../chat/completions`, and its answer,
//! plain or streamed, becomes a response. All other requests pass untouched, so that an app which
//! serves `/v1/chat/completions` serves `/v1/responses`, too, by wrapping the whole `Router`:
//!
//! ```
//! use axum::{Router, body::Body, routing::post};
//! use http::Request;
//! use http_body_util::BodyExt;
//! use switchtower_layers::responses::ResponsesLayer;
//! use tower::{Layer, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! async fn complete(request: String) -> &'static str {
//!     assert!(request.contains(r#""messages":[{"role":"user","content":"Which track?"}]"#));
//!     r#"{"choices": [{"message": {"content": "Track 9."}, "finish_reason": "stop"}]}"#
//! }
//! let app = Router::<()>::new().route("/v1/chat/completions", post(complete));
//! let app = ResponsesLayer::new().layer(app);
//!
//! let request = r#"{"model": "m", "input": "Which track?"}"#;
//! let request = Request::post("/v1/responses").body(Body::from(request))?;
//! let body = app.oneshot(request).await?.into_body().collect().await?.to_bytes();
//! assert!(std::str::from_utf8(&body)?.contains(r#""text":"Track 9.""#));
//! # Ok(()) }
//! ```
//!
//! | setting | default |
//! |---|---|
//! | [`ResponsesLayer::options`]: what the provider takes | `max_tokens`, no `verbosity`, usage of streams |
//! | [`ResponsesLayer::refused_fields`]: what targets refuse | nothing yet; 24 h each |
//! | [`ResponsesLayer::seal`]: what seals reasoning | a key of this process |
//! | [`ResponsesLayer::keep_alive`]: the longest silence in a stream | 15 s, then a comment and `response.in_progress` |
//! | [`ResponsesLayer::cap`]: the largest request, answer and event | 64 MiB |
//! | [`Owner`] | `local` |
//!
//! # What is translated
//!
//! - **Calls of every kind.** Custom (freeform) tools, namespaced tools, `local_shell` and a
//!   `tool_search` that the client runs go out as functions and come back as what they were. Tools
//!   that a provider would have to run (`web_search` and the like) are left out with a warning.
//! - **Input in any order.** Calls and the text before them are one assistant message, and each
//!   output stands behind its call. A call without an output (the user cut it off) gets one that
//!   says so; an output without a call is refused.
//! - **Reasoning.** It comes back as items and, if `include` asks for `reasoning.encrypted_content`,
//!   sealed; a client that hands it back has it put before the model again as `reasoning_content`,
//!   without which some models refuse a tool loop.
//! - **Instructions.** `instructions` and all that the system and the developer say are one system
//!   message, the first, as chat templates take no other.
//! - **Attachments.** Fields of messages and calls that Chat Completions does not know (Gemini's
//!   `extra_content`, OpenRouter's `reasoning_details`) go back unchanged to the provider that made
//!   them, and to no other. They travel sealed in a reasoning item, which is made if there is none.
//! - **Arguments** in the history that are no JSON object, since a model was cut off, are mended
//!   to one.
//! - **Refused fields.** When a provider refuses a field that was added here (`reasoning_content`,
//!   `stream_options`, an attachment ...), it is asked again without it, and
//!   [remembered](ResponsesLayer::refused_fields).
//! - **The end.** A stream has exactly one terminal event, whatever becomes of the provider:
//!   `response.completed`, `.incomplete` (out of tokens, or filtered) or `.failed` (an error, a
//!   disconnect, an end without a finish reason). In a failed one the items that were not done stay
//!   open: no client runs half a call.
//!
//! `background`, a `conversation` or `prompt` that is kept elsewhere, and everything that [`translate_request`] finds to be of a wrong type, is a 400
//! that names the field. What it does not know is not sent.
//!
//! # Errors
//!
//! | the service inside | the client |
//! |---|---|
//! | an error | its status, code and `Retry-After`, in the envelope `{"error": {"message", "type", "param", "code"}}` |
//! | 401, 403 | 502 `PROVIDER_ERROR`: it is not the client's key; behind a router (with a [`Target`](crate::Target)) as it is, for the router to judge |
//! | a success that is no completion, or breaks off | 502 `PROVIDER_ERROR`, or 504 `DEADLINE_EXCEEDED` |
//! | a stream that breaks | `response.failed`, then `data: [DONE]` |
//!
//! # Between a router and its targets
//!
//! With a [`Target`](crate::Target) of the dialect [`Responses`](crate::Dialect::Responses) in its
//! extensions a request passes as it is, and so does its answer, except that reasoning which was
//! sealed here is removed, as only this gateway can open it; and a 400 `invalid_encrypted_content`
//! gets one more attempt without any reasoning. So one request may fail over from a provider that
//! speaks Responses to one that does not, and back.
//!
//! Stored responses and `previous_response_id` are another layer, [`store`], which stands outside of
//! the router. Without it `previous_response_id` is only repeated in the answer.

mod answer;
mod attachments;
mod body;
mod clock;
mod context;
mod error;
mod future;
mod layer;
mod owner;
mod prepare;
mod request;
mod seal;
mod sealed_reasoning;
mod service;
pub mod store;
mod stream;

#[doc(hidden)]
pub use answer::{Failure, Ids, Sealing, StreamTranslator, translate_response};
pub use body::ResponsesBody;
pub use context::{Echo, ResponseContext, ToolKind, ToolMap, ToolRef};
pub use future::ResponseFuture;
pub use layer::ResponsesLayer;
pub use owner::{Owner, PreviousResponse};
pub use request::{
    Invalid, MaxTokens, Options, Passes, Translated, translate as translate_request,
};
pub use seal::{AeadSeal, Seal};
pub use service::Responses;

#[cfg(test)]
mod tests;
