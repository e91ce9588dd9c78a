//! The OpenAI Responses API on top of Chat Completions.

mod answer;
mod asked;
mod request;
mod seal;
mod state;

#[doc(hidden)]
pub use answer::{Failure, Ids, Machine, Sealing, whole};
pub use asked::{Asked, Called, Echo, Kind, ToolMap};
pub use request::{Invalid, MaxTokens, Options, Translated};
pub use seal::Seal;
