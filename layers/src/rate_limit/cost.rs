use std::num::NonZeroU32;

use http::Request;

/// The cost of a request, in units of the limit.
///
/// A closure `|request: &http::Request<B>| -> NonZeroU32` is one. It is asked before the request
/// goes inward, so it can only estimate, and nothing is given back later.
pub trait Cost<B> {
    /// The request's cost.
    fn cost(&self, request: &Request<B>) -> NonZeroU32;
}

impl<B, F: Fn(&Request<B>) -> NonZeroU32> Cost<B> for F {
    fn cost(&self, request: &Request<B>) -> NonZeroU32 {
        self(request)
    }
}

/// Every request costs one.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerRequest;

impl<B> Cost<B> for PerRequest {
    fn cost(&self, _: &Request<B>) -> NonZeroU32 {
        NonZeroU32::MIN
    }
}
