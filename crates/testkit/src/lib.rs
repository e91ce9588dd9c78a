//! Test support for gateways to language models: a scriptable provider on a real loopback socket, and,
//! with the feature `clients`, HTTP clients, an SSE reader, TLS, proxies and a harness for a gateway that
//! runs as a process of its own.
//!
//! [`Provider::start`] takes a script: a function from the request to a [`Reply`], which says what is
//! written, when, and how it breaks.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use switchtower_testkit::{Fault, Provider, Reply};
//!
//! let provider = Provider::start(|request| match request.nth {
//!     0 => Reply::error(503, "overloaded"),
//!     1 => Reply::events().role().delta("Hel").cut(Fault::Reset),
//!     _ => Reply::chat_stream(["Hel", "lo"]),
//! })
//! .await?;
//! println!("{}/chat/completions", provider.base_url());
//! # Ok(())
//! # }
//! ```

mod body;
mod chat;
#[cfg(feature = "clients")]
pub mod clients;
mod counter;
mod fault;
mod faulty_io;
mod gate;
pub mod openai;
mod provider;
mod recorded_request;
mod reply;

pub use fault::{Fault, Refused};
pub use gate::Gate;
pub use provider::Provider;
pub use recorded_request::Received;
pub use reply::Reply;
