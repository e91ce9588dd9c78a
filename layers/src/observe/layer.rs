use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::Observe;
use crate::exchange::{Fault, UpstreamError};

/// What is done to a provider's error before anybody sees it.
pub(super) type Redact = Arc<dyn Fn(&mut UpstreamError) + Send + Sync>;

/// Applies [`Observe`].
///
/// | setting | default |
/// |---|---|
/// | [`cap`](Self::cap) | 32 MiB |
/// | [`redact`](Self::redact) | nothing is redacted |
#[derive(Clone)]
pub struct ObserveLayer {
    cap: usize,
    redact: Option<Redact>,
}

impl fmt::Debug for ObserveLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveLayer").field("cap", &self.cap).finish_non_exhaustive()
    }
}

impl ObserveLayer {
    /// Holds at most 32 MiB of one event or one JSON body.
    pub const fn new() -> Self {
        Self { cap: 32 << 20, redact: None }
    }

    /// Holds at most `bytes` of one event or one JSON body.
    #[must_use]
    pub fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// Changes what a provider's errors say before it gets into the
    /// [`Exchange`](crate::Exchange), such as a key that an error quotes. Bodies are not changed.
    #[must_use]
    pub fn redact(mut self, f: impl Fn(&mut UpstreamError) + Send + Sync + 'static) -> Self {
        self.redact = Some(Arc::new(f));
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
        Observe { inner, cap: self.cap, redact: self.redact.clone() }
    }
}

/// A fault that may be told.
pub(super) fn redacted(redact: Option<&Redact>, mut fault: Fault) -> Fault {
    if let (Some(redact), Fault::Upstream(error)) = (redact, &mut fault) {
        redact(error);
    }
    fault
}
