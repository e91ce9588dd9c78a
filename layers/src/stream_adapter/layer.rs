use tower_layer::Layer;

use super::StreamAdapter;

/// Applies [`StreamAdapter`].
#[derive(Clone, Copy, Debug)]
pub struct StreamAdapterLayer {
    cap: usize,
}

impl StreamAdapterLayer {
    /// Holds at most 32 MiB of an answer that is converted.
    pub const fn new() -> Self {
        Self { cap: 32 << 20 }
    }

    /// Holds at most `bytes` of an answer that is converted. A larger one is a body error.
    #[must_use]
    pub const fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }
}

impl Default for StreamAdapterLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for StreamAdapterLayer {
    type Service = StreamAdapter<S>;

    fn layer(&self, inner: S) -> StreamAdapter<S> {
        StreamAdapter { inner, cap: self.cap }
    }
}
