//! Retries, circuit breakers and rate limits in the gateway, over real sockets.

mod breaker;
mod chain;
mod limit;
mod poison;
mod retry;
mod silence;
