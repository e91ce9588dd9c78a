use parking_lot::Mutex;
use switchtower_layers::exchange::{AttemptRecord, Outcome};
use tokio::time::Duration;

use super::{ModelReport, Outcomes, Tokens, histogram::LatencyHistogram};
use crate::telemetry::metrics::TargetMetrics;

/// One target's series: for the report, and for Prometheus.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) counts: Mutex<Counts>,
    pub(super) metrics: TargetMetrics,
}

impl Series {
    pub(super) fn new(metrics: TargetMetrics) -> Self {
        Self { counts: Mutex::default(), metrics }
    }
}

/// What is reported of one target. No clock, no lock.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    requests: u64,
    attempts: u64,
    retries: u64,
    failovers: u64,
    outcomes: Outcomes,
    tokens: Tokens,
    latency: LatencyHistogram,
    first_token: LatencyHistogram,
}

impl Counts {
    /// An attempt begins; another one of the same request may have been made here before.
    pub(super) fn attempt(&mut self, is_retry: bool) {
        self.attempts += 1;
        *(if is_retry { &mut self.retries } else { &mut self.requests }) += 1;
    }

    /// A request moved on from here.
    pub(super) fn failover(&mut self) {
        self.failovers += 1;
    }

    /// An attempt has ended. Only whole answers are timed: a cut one is no faster.
    pub(super) fn ended(
        &mut self,
        outcome: Outcome,
        record: &AttemptRecord,
        took: Duration,
        first_token: Option<Duration>,
    ) {
        let Outcomes { success, fault, neutral, cancelled } = &mut self.outcomes;
        *match outcome {
            Outcome::Success => success,
            Outcome::Fault => fault,
            Outcome::Neutral => neutral,
            Outcome::Cancelled => cancelled,
        } += 1;
        if let Some(usage) = record.usage {
            self.tokens.input += usage.input;
            self.tokens.output += usage.output;
        }
        if outcome == Outcome::Success {
            self.latency.add(took);
            first_token.into_iter().for_each(|first_token| self.first_token.add(first_token));
        }
    }

    pub(super) fn report(&self) -> ModelReport {
        ModelReport {
            requests: self.requests,
            attempts: self.attempts,
            retries: self.retries,
            failovers: self.failovers,
            outcomes: self.outcomes,
            tokens: self.tokens,
            latency_ms: self.latency.percentiles(),
            first_token_ms: self.first_token.percentiles(),
        }
    }
}
