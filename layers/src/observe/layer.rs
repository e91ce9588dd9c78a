use tower_layer::Layer;

use super::Observe;

/// Applies [`Observe`].
#[derive(Clone, Copy, Debug)]
pub struct ObserveLayer {
    cap: usize,
}

impl ObserveLayer {
    /// Holds at most 32 MiB of one event or one JSON body.
    pub const fn new() -> Self {
        Self { cap: 32 << 20 }
    }

    /// Holds at most `bytes` of one event or one JSON body.
    #[must_use]
    pub const fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }
}

impl Default for ObserveLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { inner, cap: self.cap }
    }
}
