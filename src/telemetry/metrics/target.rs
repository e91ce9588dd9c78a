use std::sync::{Arc, OnceLock};

use prometheus::{Histogram, IntCounter};
use switchtower_layers::{
    Dialect,
    exchange::{Cause, Outcome, Usage},
};
use tokio::time::Duration;

use super::{Metrics, families::Families};

/// Operation of a request, in the words of the conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Chat Completions and Responses.
    Chat,
    /// Completions.
    TextCompletion,
    /// Embeddings.
    Embeddings,
    /// Whatever else is passed on.
    Other,
}

impl Operation {
    const COUNT: usize = 4;

    /// The operation of a path.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        if Dialect::of_path(path).is_some() {
            return Self::Chat;
        }
        match path.trim_end_matches('/').rsplit('/').next() {
            Some("completions") => Self::TextCompletion,
            Some("embeddings") => Self::Embeddings,
            _ => Self::Other,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextCompletion => "text_completion",
            Self::Embeddings => "embeddings",
            Self::Other => super::OTHER,
        }
    }
}

/// The series of one target. Each is made when it is first needed, and then found without a
/// look at its labels.
pub(in crate::telemetry) struct TargetMetrics {
    metrics: Metrics,
    provider: Arc<str>,
    model: Box<str>,
    attempts: [OnceLock<IntCounter>; OUTCOMES],
    retries: OnceLock<IntCounter>,
    operations: [PerOperation; Operation::COUNT],
}

#[derive(Default)]
struct PerOperation {
    durations: [OnceLock<Histogram>; OUTCOMES],
    first_chunk: OnceLock<Histogram>,
    per_chunk: OnceLock<Histogram>,
    input: OnceLock<Histogram>,
    output: OnceLock<Histogram>,
}

const OUTCOMES: usize = 4;

/// The conventions want no error type where there was no error.
const fn error_type(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "",
        other => outcome_name(other),
    }
}

/// The word for an outcome.
pub(in crate::telemetry) const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Fault => "fault",
        Outcome::Neutral => "neutral",
        Outcome::Cancelled => "cancelled",
    }
}

impl TargetMetrics {
    pub(super) fn new(metrics: Metrics, provider: Arc<str>, model: Box<str>) -> Self {
        Self {
            metrics,
            provider,
            model,
            attempts: Default::default(),
            retries: OnceLock::new(),
            operations: Default::default(),
        }
    }

    pub(in crate::telemetry) fn retried(&self) {
        let make = || self.families().retries.with_label_values(&[&*self.provider, &*self.model]);
        self.retries.get_or_init(make).inc();
    }

    pub(in crate::telemetry) fn failed_over(&self, cause: Cause) {
        self.metrics.failover(&self.provider, &self.model, cause);
    }

    /// Events of an attempt that has ended were malformed.
    pub(in crate::telemetry) fn malformed(&self, events: u64) {
        let labels = [&*self.provider, &*self.model];
        self.families().malformed.with_label_values(&labels).inc_by(events);
    }

    /// Between two chunks of a stream.
    pub(in crate::telemetry) fn chunk(&self, operation: Operation, pause: Duration) {
        let make = || self.families().per_chunk.with_label_values(&self.labels(operation));
        self.operations[operation as usize]
            .per_chunk
            .get_or_init(make)
            .observe(pause.as_secs_f64());
    }

    /// An attempt has ended.
    pub(in crate::telemetry) fn ended(
        &self,
        operation: Operation,
        outcome: Outcome,
        took: Duration,
        first_chunk: Option<Duration>,
        usage: Option<Usage>,
    ) {
        let families = self.families();
        let [name, provider, model] = self.labels(operation);
        let index = outcome as usize;
        let make =
            || families.attempts.with_label_values(&[provider, model, outcome_name(outcome)]);
        self.attempts[index].get_or_init(make).inc();

        let own = &self.operations[operation as usize];
        let error = error_type(outcome);
        let make = || families.duration.with_label_values(&[name, provider, model, error]);
        own.durations[index].get_or_init(make).observe(took.as_secs_f64());
        if let Some(first_chunk) = first_chunk {
            let make = || families.first_chunk.with_label_values(&[name, provider, model]);
            own.first_chunk.get_or_init(make).observe(first_chunk.as_secs_f64());
        }
        let Some(usage) = usage else { return };
        let both = [(&own.input, "input", usage.input), (&own.output, "output", usage.output)];
        for (cell, kind, tokens) in both {
            let make = || families.tokens.with_label_values(&[name, provider, model, kind]);
            cell.get_or_init(make).observe(tokens as f64);
        }
    }

    fn labels(&self, operation: Operation) -> [&str; 3] {
        [operation.as_str(), &self.provider, &self.model]
    }

    fn families(&self) -> &Families {
        &self.metrics.0.families
    }
}

impl std::fmt::Debug for TargetMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TargetMetrics({}/{})", self.provider, self.model)
    }
}
