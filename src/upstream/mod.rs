//! The reverse proxy's far end: one [`tower::Service`] that sends a request to the provider its
//! [`Target`](switchtower_layers::Target) names.
//!
//! It keeps a connection pool per provider (HTTP/1.1, and HTTP/2 where TLS negotiates it), through
//! the provider's proxy if it has one, sets the provider's key, and cleans the headers both ways. It never fails: a transport error becomes
//! a 502 with a [`TransportError`](switchtower_layers::classify::TransportError) in its
//! extensions, so that the layers around it see every outcome as a response.

mod body;
mod client;
mod connection_count;
mod connector;
mod dialer;
mod endpoint;
mod forwarded;
mod future;
mod headers;
mod proxy;
mod redact;
mod service;
mod unlabelled;

pub use body::UpstreamBody;
pub(crate) use endpoint::AtRoot;
pub use future::ResponseFuture;
pub(crate) use proxy::{ProxyClient, Stream};
pub use service::Upstream;
