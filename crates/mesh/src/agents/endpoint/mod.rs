//! Agents that are endpoints.
//!
//! The task is posted to the endpoint as `{"message": ..., "task_id": ...}`, with `cwd` if the task
//! names a directory, and its answer is the result: the text, or of a JSON object the first of
//! `result`, `output`, `message`, `response` and `text` that is a text. Redirects are not followed.
//! Unless remote agents are allowed, every address that a connection is made to is one of this
//! machine, so that no name can lead elsewhere later.

mod address;
mod client;
mod run;

pub(super) use address::{parse, resolve};
pub(super) use client::Client;
pub(super) use run::{Order, run};

use std::time::Duration;

use http::Uri;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a look may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(1);

/// Whether somebody takes connections there.
///
/// # Errors
///
/// Says why none may be made.
pub(super) async fn answers(endpoint: &Uri, allow_remote: bool) -> Result<bool, String> {
    let look = async {
        let addresses = resolve(endpoint, allow_remote).await?;
        Ok(TcpStream::connect(&*addresses).await.is_ok())
    };
    timeout(DEADLINE, look).await.unwrap_or(Ok(false))
}
