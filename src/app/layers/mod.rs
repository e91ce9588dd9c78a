//! Settings to layers: one file per layer, each with a function `layer`.

pub(crate) mod budget;
pub(crate) mod circuit_breaker;
pub(crate) mod deadlines;
pub(crate) mod observe;
pub(crate) mod responses;
pub(crate) mod retry;
pub(crate) mod route;
