//! What the crates of Switchtower need of the operating system: clock, SQLite databases, process
//! groups, TLS client configuration.

pub mod clock;
pub mod database;
pub mod process;
pub mod tls;
