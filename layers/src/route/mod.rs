//! Routes a request to a provider by the model it names.
//!
//! The layer reads `model` from a [`Buffered`](crate::Buffered) body, asks the [`RoutingTable`]
//! for the plan, and calls the inner service with the first target of it: a [`Target`] in the
//! request's extensions, and that target's own name for the model in the body. All other bytes of
//! the body stay as the client sent them. The answer carries the target in its extensions and in
//! the headers `x-switchtower-provider`, `x-switchtower-model` and `x-switchtower-attempts`.
//!
//! | | status | code |
//! |---|---|---|
//! | a body that is not a JSON object, or names no model and there is no default | 400 | `INVALID_REQUEST` |
//! | no usable provider in the plan | 503 | `NO_PROVIDER`, with the reason per provider |
//!
//! `tower::steer` picks one of several services and waits until all of them are ready; here one
//! inner service serves every target and looks at the [`Target`].
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, Full};
//! use switchtower_layers::{Buffered, Target, buffer::BufferLayer};
//! use switchtower_layers::route::{Provider, RouteLayer, RoutingTable};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let table = RoutingTable::builder()
//!     .provider(Provider::new("ollama").models(["qwen3:14b"]).alias("gpt-5.1", "qwen3:14b"))
//!     .build()?;
//! let service = ServiceBuilder::new()
//!     .layer(BufferLayer::new(64 << 20))
//!     .layer(RouteLayer::new(table))
//!     .service(service_fn(async |request: http::Request<Buffered>| {
//!         let target = request.extensions().get::<Target>().unwrap();
//!         assert_eq!(&*target.provider, "ollama");
//!         Ok::<_, std::convert::Infallible>(http::Response::new(request.into_body()))
//!     }));
//! let request = http::Request::new(Full::<Bytes>::from(r#"{"model":"gpt-5.1","n":1}"#));
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.headers()["x-switchtower-model"], "qwen3:14b");
//! let echoed = response.into_body().collect().await?.to_bytes();
//! assert_eq!(echoed, r#"{"model":"qwen3:14b","n":1}"#);
//! # Ok(()) }
//! ```
//!
//! [`Target`]: crate::Target

mod body;
mod call;
mod commit;
mod cursor;
mod drive;
mod events;
mod failures;
mod future;
mod held;
mod holdoffs;
mod layer;
mod pattern;
mod plan;
mod service;
mod table;

pub use body::RouteBody;
pub use commit::{Commit, UnknownCommit};
pub use future::ResponseFuture;
pub use holdoffs::Holdoffs;
pub use layer::RouteLayer;
pub use pattern::Pattern;
pub use plan::{Plan, Skipped};
pub use service::Route;
pub use table::{Provider, RoutingTable, RoutingTableBuilder, UnknownProvider};

#[cfg(test)]
mod tests;
