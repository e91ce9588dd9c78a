//! Bodies that the layers share.
//!
//! - [`Buffered`]: a request body that is whole in memory, cheap to clone and to edit;
//! - [`ResponseBody`]: an inner service's body, or the few bytes of a layer's own answer;
//! - [`SettleBody`]: carries a guard that is notified of how the body ended.

mod buffered;
#[cfg(any(feature = "buffer", feature = "responses"))]
pub(crate) mod collect;
mod response;
mod settle;

pub use buffered::Buffered;
pub use response::ResponseBody;
pub use settle::{BodyEnd, Settle, SettleBody};
