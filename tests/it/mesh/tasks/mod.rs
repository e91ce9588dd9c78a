//! Tasks.

// All of it runs in tests only; clippy sees that of test functions alone.
#![allow(clippy::unwrap_used)]

#[cfg(target_os = "linux")]
mod burst;
#[cfg(unix)]
mod cwd;
#[cfg(unix)]
mod done;
#[cfg(unix)]
mod heard;
mod refused;
mod wire;
