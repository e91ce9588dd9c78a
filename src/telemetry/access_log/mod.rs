//! Access log: a span per request, one line when its answer's body has ended, and its metrics.
//!
//! [`AccessLogLayer`] is the outermost layer. It puts an [`Exchange`](switchtower_layers::Exchange)
//! into the request, in which the router and the observer record what the line reports.

mod body;
mod call;
mod future;
mod layer;
mod route;

pub use body::AccessLogBody;
pub use future::ResponseFuture;
pub use layer::{AccessLog, AccessLogLayer, name_client};

#[cfg(test)]
mod tests;
