use std::{collections::BTreeMap, time::SystemTime};

use serde::Serialize;
use switchtower_layers::Target;
use utoipa::ToSchema;

use switchtower_platform::clock::unix_millis;

/// The answer of `GET /model-gateway/stats`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StatsReport)]
pub struct Report {
    /// Start of counting: milliseconds since the Unix epoch.
    pub since: u64,
    /// Reports by provider, then by the provider's name for the model.
    pub providers: BTreeMap<String, BTreeMap<String, ModelReport>>,
}

/// Statistics of one model's attempts at one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelReport {
    /// Requests that were sent here, however often.
    pub requests: u64,
    /// Requests on the wire: the above, and their retries.
    pub attempts: u64,
    /// Attempts of a request that had one here before.
    pub retries: u64,
    /// Requests that moved on from here to another target.
    pub failovers: u64,
    /// Outcomes of the attempts.
    pub outcomes: Outcomes,
    /// Usage as the provider reports it, broken answers included.
    pub tokens: Tokens,
    /// Whole answers, from the request to the end of the body; `null` before the first one.
    pub latency_ms: Option<Percentiles>,
    /// Whole streams, from the request to the first content; `null` before the first one.
    pub first_token_ms: Option<Percentiles>,
}

/// Counts of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Outcomes {
    /// A whole answer.
    pub success: u64,
    /// The provider's failure.
    pub fault: u64,
    /// A 4xx.
    pub neutral: u64,
    /// The client went away, or the gateway gave it up.
    pub cancelled: u64,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tokens {
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
}

/// Percentiles of durations, in milliseconds, within 1%, an hour at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Percentiles {
    /// Half of them took no longer.
    pub p50: u64,
    /// Nine of ten took no longer.
    pub p90: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

impl Report {
    pub(super) fn new<'a>(
        since: SystemTime,
        all: impl IntoIterator<Item = (&'a Target, ModelReport)>,
    ) -> Self {
        let mut providers = BTreeMap::<String, BTreeMap<_, _>>::new();
        for (target, report) in all {
            let models = providers.entry(target.provider.to_string()).or_default();
            models.insert(target.model.to_string(), report);
        }
        Self { since: unix_millis(since), providers }
    }
}
