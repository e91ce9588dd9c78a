//! Budgets in the gateway, over real sockets and a real database.

mod books;
mod counting;
mod crowd;
#[cfg(unix)]
mod restart;
