//! Another configuration while the gateway runs, with the real binary.

#[cfg(unix)]
mod agents;
mod edits;
mod house;
mod keeps;
mod keys;
mod load;
mod providers;
