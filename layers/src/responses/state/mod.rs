//! State
mod ask;
mod body;
mod capture;
mod errors;
mod expand;
mod future;
mod keep;
mod layer;
mod lookup;
mod manage;
mod memory;
mod owner;
mod page;
mod path;
mod service;
mod store;
mod stored;
mod writing;

pub use body::StateBody;
pub use future::ResponseFuture;
pub use layer::StateLayer;
pub use memory::MemoryStore;
pub use owner::{Owner, PreviousResponse};
pub use service::State;
pub use store::{Bounds, Store, StoreFuture};
pub use stored::{Item, Stored};
