use tower_layer::Layer;

use super::Buffer;

/// Applies [`Buffer`].
#[derive(Clone, Copy, Debug)]
pub struct BufferLayer {
    limit: usize,
}

impl BufferLayer {
    /// Holds at most `limit` bytes of a body, counted after decoding.
    pub const fn new(limit: usize) -> Self {
        Self { limit }
    }
}

impl<S> Layer<S> for BufferLayer {
    type Service = Buffer<S>;

    fn layer(&self, inner: S) -> Buffer<S> {
        Buffer { inner, limit: self.limit }
    }
}
