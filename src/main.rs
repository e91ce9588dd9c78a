//! The `switchtower` binary.

fn main() {}
