//! Another configuration while the gateway runs, with the real binary.

#[cfg(unix)]
mod agents;
mod edits;
mod embedded;
mod house;
mod keeps;
mod keys;
mod load;
mod providers;
#[path = "../failover/seen.rs"]
#[allow(dead_code, reason = "another test binary uses all of it")]
mod seen;
#[path = "../support/mod.rs"]
mod support;
