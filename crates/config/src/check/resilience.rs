//! Retries, circuit breakers and rate limits.

use std::num::NonZeroU32;

use http::StatusCode;
use indexmap::IndexMap;
use serde_saphyr::Spanned;
use switchtower_layers::circuit_breaker::Scope;

use super::Checker;
use crate::raw::{Entries, RawCircuitBreaker, RawRateLimit, RawRetry, RawScope, Text};
use crate::{CircuitBreaker, RateLimit, Retry};

impl Checker<'_> {
    /// What is given, and for the rest the defaults.
    pub(super) fn retry(&mut self, raw: Option<RawRetry>, defaults: &Retry) -> Retry {
        let raw = raw.unwrap_or_default();
        let statuses = raw.retryable_statuses.map(|statuses| self.statuses(statuses));
        let budget = raw.budget.map(|budget| {
            // Written so that it is no range for what is not a number, too.
            if !(0.0..=1.0).contains(&budget.value) {
                self.wrong(&budget, "`budget` is a share of the requests, from 0 to 1");
            }
            budget.value
        });
        Retry {
            max_retries: raw.max_retries.unwrap_or(defaults.max_retries),
            before_failover: raw.before_failover.unwrap_or(defaults.before_failover),
            base_delay_ms: raw.base_delay_ms.unwrap_or(defaults.base_delay_ms),
            max_delay_ms: raw.max_delay_ms.unwrap_or(defaults.max_delay_ms),
            retryable_statuses: statuses.unwrap_or_else(|| defaults.retryable_statuses.clone()),
            budget: budget.unwrap_or(defaults.budget),
        }
    }

    fn statuses(&mut self, raw: Vec<Spanned<u16>>) -> Vec<StatusCode> {
        let mut statuses = Vec::new();
        for raw in raw {
            match StatusCode::from_u16(raw.value) {
                Ok(status) if status.is_success() => {
                    self.wrong(&raw, format!("{} is a success: it is never retried", raw.value));
                }
                Ok(status) if raw.value < 600 => statuses.push(status),
                _ => {
                    self.wrong(&raw, format!("{} is no HTTP status", raw.value))
                        .help("they go from 100 to 599".to_owned());
                }
            }
        }
        statuses
    }

    /// The same; the scope is not looked at.
    pub(super) fn circuit_breaker(
        &mut self,
        raw: &RawCircuitBreaker,
        defaults: CircuitBreaker,
    ) -> CircuitBreaker {
        let probes = raw.half_open_max_requests.as_ref();
        let probes = probes.map(|probes| self.at_least_one("half_open_max_requests", probes));
        CircuitBreaker {
            failure_threshold: raw.failure_threshold.unwrap_or(defaults.failure_threshold),
            reset_timeout_ms: raw.reset_timeout_ms.unwrap_or(defaults.reset_timeout_ms),
            half_open_max_requests: probes.unwrap_or(defaults.half_open_max_requests),
        }
    }

    /// The limits by path, of which the first that matches counts.
    pub(super) fn rate_limit(
        &mut self,
        entries: Option<Entries<Option<RawRateLimit>>>,
    ) -> IndexMap<String, RateLimit> {
        let entries = entries.map(|entries| entries.0).unwrap_or_default();
        self.unique("path", entries.iter().map(|(path, _)| path));
        let mut limits = IndexMap::new();
        for (path, raw) in entries {
            self.path(&path, limits.keys());
            let limit = self.requests(&path, raw.unwrap_or_default());
            limits.insert(path.value, limit);
        }
        limits
    }

    /// The limit of a path or client.
    pub(super) fn requests(&mut self, whose: &Text, raw: RawRateLimit) -> RateLimit {
        let rpm = raw.rpm.map(|rpm| self.at_least_one("rpm", &rpm));
        let burst = raw.burst.map(|burst| self.at_least_one("burst", &burst));
        if rpm.is_none() {
            self.wrong(whose, format!("the limit of `{}` has no rpm", whose.value))
                .help("add, for example, `rpm: 60`".to_owned());
        }
        let rpm = rpm.unwrap_or(NonZeroU32::MIN);
        RateLimit { rpm, burst: burst.unwrap_or(rpm) }
    }

    /// A path, or a `*` after the beginning of some.
    fn path<'p>(&mut self, path: &Text, mut earlier: impl Iterator<Item = &'p String>) {
        let text = self.named("path", path.clone());
        let begins = text.strip_suffix('*').unwrap_or(&text);
        if !text.starts_with('/') {
            self.wrong(path, format!("`{text}` is no path: it has to begin with `/`"))
                .help("write, for example, /v1/chat/completions or /v1/*".to_owned());
        } else if begins.contains('*') {
            self.wrong(path, "a `*` can only be the end of a path");
        } else if text == begins && !begins.starts_with("/v1/") {
            self.warnings.push(format!(
                "the rate limit of `{text}` never applies: only calls to models are limited"
            ));
        }
        let covers = |earlier: &&String| match earlier.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix),
            // A slash at the end makes no difference; the very same is an error already.
            None => {
                **earlier != text && earlier.trim_end_matches('/') == text.trim_end_matches('/')
            }
        };
        if let Some(earlier) = earlier.find(covers) {
            self.warnings.push(format!(
                "the rate limit of `{text}` is never used: `{earlier}` above it matches first"
            ));
        }
    }

    fn at_least_one(&mut self, name: &str, number: &Spanned<u32>) -> NonZeroU32 {
        NonZeroU32::new(number.value).unwrap_or_else(|| {
            self.wrong(number, format!("`{name}` has to be at least 1"));
            NonZeroU32::MIN
        })
    }
}

pub(super) fn scope(raw: RawScope) -> Scope {
    match raw {
        RawScope::Target => Scope::Target,
        RawScope::Provider => Scope::Provider,
    }
}
