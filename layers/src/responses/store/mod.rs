//! Remembers responses, so that a client can go on from one by its id: `previous_response_id`,
//! `item_reference`, and the calls that get, list and delete what is stored.
//!
//! It stands outside of all that picks and asks a provider, and behind a layer that makes the
//! request's body [`Buffered`](crate::Buffered). No provider needs to know what a stored response
//! is: a request goes inward with everything that it refers to in it.
//!
//! | request, below any prefix | |
//! |---|---|
//! | `POST .../responses` | goes inward, with the prior input, the prior output and the new input in place of `previous_response_id`, and with items in place of `item_reference`s; the answer is stored, unless `store` is `false` or there is a `conversation` |
//! | `GET .../responses/{id}` | the response object as it was delivered; 400 with `stream=true` |
//! | `DELETE .../responses/{id}` | `{"id": ..., "object": "response", "deleted": true}` |
//! | `GET .../responses/{id}/input_items` | all items that it answers, with ids; `order` (default `desc`), `limit` (1 to 100, default 20), `after` |
//! | `POST .../responses/{id}/cancel` | 400: what can be found here is finished |
//! | another method on one of these, save `POST .../responses/compact` and `input_tokens` | 405 |
//! | everything else | goes inward untouched |
//!
//! A client's request goes on byte for byte, nothing is serialised again; a body without references
//! is passed on as it is. `instructions` are not inherited, as the API has it; prior reasoning
//! stays, with its `encrypted_content`. Further in, [`PreviousResponse`] holds the id that was
//! replaced, for the answer to repeat. [`Owner`] says whose request it is; stored responses are
//! visible to their owner only.
//!
//! **Only what was delivered is stored**: a JSON answer when its body was read to the end, a stream
//! when `response.completed` or `response.incomplete` has come; nothing of an answer that broke off
//! or whose reader went away, and no failed one, as there is nothing to go on from. The end of the
//! answer is held back until the store has it, so that a client can come back with the new id at
//! once. A store that fails or takes too long never breaks an answer: it is logged.
//!
//! Each [`Stored`] response is whole by itself: those that it continues may expire or be deleted.
//!
//! | setting | default |
//! |---|---|
//! | [`StoreLayer::store_timeout`]: how long the end waits for the store | 2 s |
//! | [`StoreLayer::cap`]: the largest request, with what it refers to | 64 MiB |
//! | [`Owner`] | `local` |
//! | [`Bounds::entries`], of all owners together | 10000 |
//! | [`Bounds::bytes`] | 256 MiB |
//! | [`Bounds::age`] | 30 days |
//! | the largest answer that is stored, or event of one | 32 MiB |
//!
//! | answer | status | code |
//! |---|---|---|
//! | no such previous response | 404 | `previous_response_not_found` |
//! | no such response, or no such item to refer to | 404 | `NOT_FOUND` |
//! | one of the fields above is wrong, or stands there twice | 400 | `INVALID_REQUEST` |
//! | the request is too large with what it refers to | 413 | `PAYLOAD_TOO_LARGE` |
//! | a wrong method | 405 | `METHOD_NOT_ALLOWED` |
//! | the store cannot be read | 500 | `INTERNAL_ERROR` |
//!
//! ```
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use switchtower_layers::{Buffered, responses::store::{MemoryStore, StoreLayer}};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let provider = service_fn(async |request: Request<Buffered>| {
//!     println!("{:?}", request.body().to_bytes());
//!     let answer = r#"{"id": "resp_1", "output": [{"type": "message", "role": "assistant", "content": []}]}"#;
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::<bytes::Bytes>::from(answer)))
//! });
//! let service = ServiceBuilder::new()
//!     .layer(StoreLayer::new(MemoryStore::default()))
//!     .service(provider);
//!
//! let first = Request::post("/v1/responses").body(Buffered::from(r#"{"input": "Hi"}"#))?;
//! service.clone().oneshot(first).await?.into_body().collect().await?;
//!
//! // The provider sees three items: the first question, its answer and the second question.
//! let second = r#"{"previous_response_id": "resp_1", "input": "And then?"}"#;
//! let second = Request::post("/v1/responses").body(Buffered::from(second))?;
//! assert_eq!(service.oneshot(second).await?.status(), 200);
//! # Ok(()) }
//! ```

mod backend;
mod body;
mod capture;
mod errors;
mod expand;
mod future;
mod layer;
mod lookup;
mod manage;
mod memory;
mod page;
mod path;
mod persist;
mod references;
mod service;
mod stored;
mod write;

use super::{Owner, PreviousResponse};
pub use backend::{Bounds, Store, StoreFuture};
pub use body::StateBody;
pub use future::ResponseFuture;
pub use layer::StoreLayer;
pub use memory::MemoryStore;
pub use service::StoredResponses;
pub use stored::{Item, Stored};

#[cfg(test)]
mod delivery_tests;
#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
