//! Operating-system services for the crates of Switchtower: clock, SQLite databases, process
//! groups, TLS client configuration.

pub mod clock;
pub mod database;
pub mod process;
pub mod tls;
