//! Quota sources: the providers' balance endpoints, and the command `codexbar`.
//!
//! Each is a [`QuotaSource`](switchtower_layers::quota::QuotaSource). What the providers' own answers
//! say comes to the [gate](switchtower_layers::quota) without them.

mod balance;
mod codexbar;
mod deepseek;
mod openrouter;
mod sources;

pub(crate) use codexbar::{Silent, try_out};
pub use sources::QuotaSources;
