use std::{fmt, sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{AeadSeal, Options, Responses, Seal};
use crate::{RefusedFields, Target, per_target::PerTarget};

/// Applies [`Responses`].
///
/// | setting | default |
/// |---|---|
/// | [`options`](Self::options) | `max_tokens`, no `verbosity`, usage of streams |
/// | [`seal`](Self::seal) | a key of this process |
/// | [`refused_fields`](Self::refused_fields) | nothing known |
/// | [`keep_alive`](Self::keep_alive) | 15 s |
/// | [`cap`](Self::cap) | 64 MiB |
#[derive(Clone)]
pub struct ResponsesLayer(Settings);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) options: PerTarget<Options>,
    pub(super) seal: Arc<dyn Seal>,
    pub(super) refused: RefusedFields,
    pub(super) keep_alive: Duration,
    pub(super) cap: usize,
}

impl ResponsesLayer {
    /// A layer with the defaults. Reasoning that is sealed now cannot be read after a restart; see
    /// [`seal`](Self::seal).
    pub fn new() -> Self {
        Self(Settings {
            options: PerTarget::new(Options::default()),
            seal: Arc::new(AeadSeal::random()),
            refused: RefusedFields::default(),
            keep_alive: Duration::from_secs(15),
            cap: 64 << 20,
        })
    }

    /// Sets the capabilities of the Chat Completions service.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.0.options = PerTarget::new(options);
        self
    }

    /// Sets the capabilities by target, for requests that carry a [`Target`].
    #[must_use]
    pub fn for_target(
        mut self,
        options: impl Fn(&Target) -> Options + Send + Sync + 'static,
    ) -> Self {
        self.0.options.for_target(options);
        self
    }

    /// Sets the seal of reasoning that travels through the client. Default: a random key, which is
    /// gone with the process.
    #[must_use]
    pub fn seal(mut self, seal: Arc<dyn Seal>) -> Self {
        self.0.seal = seal;
        self
    }

    /// Shares what is known of the fields that targets refuse, which are left out for them.
    #[must_use]
    pub fn refused_fields(mut self, refused: RefusedFields) -> Self {
        self.0.refused = refused;
        self
    }

    /// Sets the maximum silence of a stream, at most 30 s: then a comment is sent, which every
    /// reader skips. After 15 s without an event a `response.in_progress` goes with it, because
    /// clients that give up silent streams do not count comments.
    #[must_use]
    pub fn keep_alive(mut self, every: Duration) -> Self {
        self.0.keep_alive = every;
        self
    }

    /// The largest request, the largest plain answer and the largest single event, in bytes.
    #[must_use]
    pub fn cap(mut self, bytes: usize) -> Self {
        self.0.cap = bytes;
        self
    }
}

impl Default for ResponsesLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ResponsesLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponsesLayer")
            .field("options", &self.0.options)
            .field("keep_alive", &self.0.keep_alive)
            .field("cap", &self.0.cap)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ResponsesLayer {
    type Service = Responses<S>;

    fn layer(&self, inner: S) -> Responses<S> {
        Responses { inner, settings: Arc::new(self.0.clone()) }
    }
}
