//! The demo provider: OpenAI-compatible, in this process, on a real loopback socket. The gateway runs on it
//! without a configuration. It is built on the scriptable provider of [`switchtower_testkit`], whose types
//! are re-exported here.

mod model;

use std::io;

pub use switchtower_testkit::{Fault, Gate, Provider, Received, Refused, Reply};

/// Starts the demo provider, with models that answer and models that misbehave.
///
/// # Errors
///
/// When no loopback port is free.
pub async fn start() -> io::Result<Provider> {
    Provider::serve(|request| model::answer(&request)).await
}
