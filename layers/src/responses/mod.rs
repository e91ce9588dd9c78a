//! The OpenAI Responses API on top of Chat Completions.

mod answer;
mod asked;
mod owner;
mod request;
mod seal;
pub mod state;

pub use asked::{Asked, Called, Echo, Kind, ToolMap};
pub use owner::{Owner, PreviousResponse};
pub use request::{Invalid, MaxTokens, Options, Translated};
pub use seal::{AeadSeal, Seal};
