//! The embedded provider: it answers like a model, misbehaves on request, and plays the upstream in tests.
//!
//! [`Provider::demo`] is what the gateway runs on without a configuration: OpenAI-compatible, in this
//! process, on a real loopback socket. [`Provider::start`] is the same engine with a script of your own:
//! a function from the request to a [`Reply`], which says what is written, when, and how it breaks.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use switchtower::demo::{Fault, Provider, Reply};
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
mod counter;
mod fault;
mod faulty_io;
mod gate;
mod model;
mod openai;
mod provider;
mod recorded_request;
mod reply;

pub use fault::{Fault, Refused};
pub use gate::Gate;
pub use provider::Provider;
pub use recorded_request::Received;
pub use reply::Reply;
