use std::{fmt, sync::Arc};

use http::StatusCode;
use tower_layer::Layer;

use super::Observe;
use crate::{
    Target,
    classify::ErrorRules,
    exchange::{AttemptRecord, Fault, Recorder, UpstreamError},
    per_target::PerTarget,
};

type Redact = Arc<dyn Fn(&mut UpstreamError) + Send + Sync>;

/// What is done about a provider's errors and malformed events. A pointer, as there is one per call.
#[derive(Clone)]
pub(super) struct ErrorPolicy(Arc<ErrorSettings>);

#[derive(Clone)]
struct ErrorSettings {
    redact: Option<Redact>,
    rules: PerTarget<ErrorRules>,
    malformed: PerTarget<Malformed>,
}

/// Handling of a malformed event: one that is not JSON of the expected shape.
///
/// Either way it is counted in [`AttemptRecord::malformed`] and logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// It breaks the stream.
    #[default]
    Fail,
    /// It is left out, with whatever it was to say.
    Skip,
}

/// Applies [`Observe`].
///
/// | setting | default |
/// |---|---|
/// | [`cap`](Self::cap) | 32 MiB |
/// | [`redact`](Self::redact) | nothing is redacted |
/// | [`error_rules`](Self::error_rules) | the built-in ones alone |
/// | [`malformed`](Self::malformed) | [`Malformed::Fail`] |
#[derive(Clone)]
pub struct ObserveLayer {
    cap: usize,
    errors: ErrorPolicy,
}

impl fmt::Debug for ObserveLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveLayer").field("cap", &self.cap).finish_non_exhaustive()
    }
}

impl ObserveLayer {
    /// Holds at most 32 MiB of one event or one JSON body.
    pub fn new() -> Self {
        let settings = ErrorSettings {
            redact: None,
            rules: PerTarget::new(ErrorRules::default()),
            malformed: PerTarget::new(Malformed::default()),
        };
        Self { cap: 32 << 20, errors: ErrorPolicy(Arc::new(settings)) }
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
        Arc::make_mut(&mut self.errors.0).redact = Some(Arc::new(f));
        self
    }

    /// Rules for the errors of every provider, before the built-in ones. What an error
    /// [means](UpstreamError::meaning) by them is recorded with it.
    #[must_use]
    pub fn error_rules(mut self, rules: ErrorRules) -> Self {
        Arc::make_mut(&mut self.errors.0).rules.set_general(rules);
        self
    }

    /// Other rules for a request that carries a [`Target`]. They are looked up for errors only.
    #[must_use]
    pub fn error_rules_for_target<F>(mut self, rules: F) -> Self
    where
        F: Fn(&Target) -> ErrorRules + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.errors.0).rules.for_target(rules);
        self
    }

    /// Sets the handling of malformed events.
    #[must_use]
    pub fn malformed(mut self, malformed: Malformed) -> Self {
        Arc::make_mut(&mut self.errors.0).malformed.set_general(malformed);
        self
    }

    /// Sets the handling of malformed events by the request's [`Target`]. It is looked up for
    /// malformed events only.
    #[must_use]
    pub fn malformed_for_target<F>(mut self, malformed: F) -> Self
    where
        F: Fn(&Target) -> Malformed + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.errors.0).malformed.for_target(malformed);
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
        Observe { inner, cap: self.cap, errors: self.errors.clone() }
    }
}

impl ErrorPolicy {
    /// Classifies and redacts what was recorded of an attempt.
    pub(super) fn apply(&self, record: &mut AttemptRecord) {
        let AttemptRecord { target, status, error, fault, .. } = record;
        if let Some(error) = error {
            self.judge(error, *status, target.as_ref());
        }
        if let Some(Fault::Upstream(error)) = fault {
            self.judge(error, error.status_inside(), target.as_ref());
        }
    }

    /// Classifies and redacts a fault that was not recorded yet.
    pub(super) fn applied(&self, mut fault: Fault, recorder: &Recorder) -> Fault {
        if let Fault::Upstream(error) = &mut fault {
            let mut target = None;
            recorder.update(|record| target = record.target.clone());
            self.judge(error, error.status_inside(), target.as_ref());
        }
        fault
    }

    /// Counts a malformed event, and logs the first of an answer.
    ///
    /// # Errors
    ///
    /// When it breaks the stream.
    pub(super) fn malformed(&self, what: &'static str, recorder: &Recorder) -> Result<(), Fault> {
        let (mut target, mut count) = (None, 0);
        recorder.update(|record| {
            record.malformed += 1;
            count = record.malformed;
            target = record.target.clone();
        });
        let action = self.0.malformed.of_target(target.as_ref());
        if count == 1 {
            let target = target.map(tracing::field::display);
            match action {
                Malformed::Skip => tracing::warn!(target, "malformed event skipped: {what}"),
                Malformed::Fail => tracing::warn!(target, "malformed event: {what}"),
            }
        }
        match action {
            Malformed::Skip => Ok(()),
            Malformed::Fail => Err(Fault::Malformed(what.into())),
        }
    }

    fn judge(
        &self,
        error: &mut UpstreamError,
        status: Option<StatusCode>,
        target: Option<&Target>,
    ) {
        if error.meaning.is_none() {
            error.meaning = Some(self.0.rules.of_target(target).classify(status, error));
        }
        if let Some(redact) = &self.0.redact {
            redact(error);
        }
    }
}
