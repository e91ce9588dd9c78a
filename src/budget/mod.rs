//! The budgets of this gateway's clients: from the configuration to the ledger, and the ledger on
//! disk.
//!
//! The use of each client is kept in `ledger.sqlite` in `dataDir`, written within 100 ms by a task
//! in the background. A stop by a signal loses none of it, and the end of the process by `kill -9`
//! no more than the last 100 ms. Without budgets there is no database.

mod client;
mod limits;
mod persistent;
mod store;
mod writer;

pub use client::{ByClient, Client};
pub use persistent::{OpenedStore, PersistentLedger};
