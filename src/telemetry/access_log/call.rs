use std::fmt;

use http::{Request, Response, StatusCode};
use switchtower_layers::{
    Code, Exchange, Rejected, Target,
    body::{BodyEnd, Settle},
    exchange::{Failure, Outcome, RequestRecord, Usage},
    sse::is_event_stream,
};
use tokio::time::{Duration, Instant};
use tracing::{Span, field};

use super::{AccessLogLayer, route};
use crate::telemetry::{
    feed::{self, Attempt},
    metrics::{self, outcome_name},
    stats::Tokens,
};
use switchtower_platform::clock::now;

/// One request that is under way. Logged and counted when it is settled.
pub(super) struct LoggedRequest {
    layer: AccessLogLayer,
    exchange: Exchange,
    span: Span,
    route: &'static str,
    /// Copies, so that what was read of the connection is not kept for as long as a stream lasts.
    path: Box<str>,
    id: Option<Box<str>>,
    begun: Instant,
    head: Option<Head>,
}

/// What is known of an answer by its head.
struct Head {
    status: StatusCode,
    after: Duration,
    is_stream: bool,
    rejected: Option<(&'static str, Code)>,
}

/// What the observer knows of the last attempt.
struct Last {
    target: Option<Target>,
    outcome: Option<Outcome>,
    usage: Option<Usage>,
    content_at: Option<Instant>,
}

impl LoggedRequest {
    pub(super) fn begin<B>(
        layer: AccessLogLayer,
        request: &Request<B>,
        exchange: Exchange,
        span: Span,
    ) -> Self {
        layer.metrics.begun();
        Self {
            layer,
            exchange,
            span,
            route: route::of(request.uri().path()),
            path: request.uri().path().into(),
            id: request.headers().get("x-request-id").and_then(|id| Some(id.to_str().ok()?.into())),
            begun: Instant::now(),
            head: None,
        }
    }

    pub(super) fn head<R>(&mut self, response: &Response<R>) {
        let rejected = response.extensions().get::<Rejected>();
        let is_stream = is_event_stream(response.headers());
        if is_stream {
            self.layer.metrics.streaming();
        }
        self.head = Some(Head {
            status: response.status(),
            after: self.begun.elapsed(),
            is_stream,
            rejected: rejected.map(|rejected| (rejected.layer, rejected.code)),
        });
    }

    /// `rejected` is more specific than an outcome: no target was called.
    fn outcome(&self, attempt: Option<Outcome>, end: BodyEnd) -> &'static str {
        let status = self.head.as_ref().map(|head| head.status);
        let outcome = match (status, attempt) {
            _ if self.head.as_ref().is_some_and(|head| head.rejected.is_some()) => {
                return "rejected";
            }
            (None, _) => Outcome::Cancelled,
            (Some(status), _) if status.is_server_error() => Outcome::Fault,
            (Some(_), Some(attempt)) => attempt,
            (Some(status), None) if status.is_client_error() => Outcome::Neutral,
            (Some(_), None) => match end {
                BodyEnd::Complete => Outcome::Success,
                BodyEnd::Error => Outcome::Fault,
                BodyEnd::Dropped => Outcome::Cancelled,
            },
        };
        outcome_name(outcome)
    }
}

impl Settle for LoggedRequest {
    fn settle(self, end: BodyEnd) {
        let took = self.begun.elapsed();
        let request_record = self.exchange.update_request_record(std::mem::take);
        let attempts = self.exchange.attempts();
        let last = self.exchange.read(|record| Last {
            target: record.target.clone(),
            outcome: (attempts > 0).then(|| record.outcome().unwrap_or(Outcome::Cancelled)),
            usage: record.usage,
            content_at: record.content_at,
        });
        let outcome = self.outcome(last.outcome, end);
        let head = self.head.as_ref();
        let since = |at: Instant| at.saturating_duration_since(self.begun);
        let is_stream = head.is_some_and(|head| head.is_stream);
        let first_token = last.content_at.filter(|_| is_stream).map(since);
        let rejected = head.and_then(|head| head.rejected);

        request_record.failures.iter().for_each(|failure| self.layer.stats.failed(failure));
        if let Some((layer, code)) = rejected {
            self.layer.metrics.rejected(layer, code);
        }
        let status = head.map(|head| head.status);
        self.layer.metrics.ended(&metrics::Request {
            route: self.route,
            status: class(status),
            outcome,
            took,
            first_token,
            is_stream,
        });

        if route::is_model_call(self.route) {
            self.layer.live.tell(|left_out| feed::Request {
                id: self.id.as_deref().map(feed::short),
                timestamp: now(),
                path: feed::short(&self.path),
                model: request_record.model.as_deref().map(feed::short),
                attempts: Attempt::all(
                    &request_record.failures,
                    last.target.as_ref().zip(last.outcome),
                ),
                target: last.target.as_ref().map(|target| feed::short(&target.to_string())),
                status: status.map(|status| status.as_u16()),
                outcome,
                code: rejected.map(|(_, code)| code.as_str()),
                duration_ms: ms(took),
                first_token_ms: first_token.map(ms),
                tokens: last.usage.map(|Usage { input, output, .. }| Tokens { input, output }),
                left_out,
            });
        }

        let RequestRecord { model, plan, failures, committed, .. } = &request_record;
        let attempted = attempts > 0;
        tracing::info!(
            parent: &self.span,
            status = status.map(|status| status.as_u16()),
            outcome,
            ms = ms(took),
            head_ms = head.map(|head| ms(head.after)),
            first_token_ms = first_token.map(ms),
            model = model.as_deref(),
            plan = (!plan.is_empty()).then(|| field::display(List(plan))),
            attempts = attempted.then_some(attempts),
            target = last.target.as_ref().map(field::display),
            commit_ms = committed.map(|at| ms(since(at))),
            failures = (!failures.is_empty()).then(|| field::display(List::<Failure>(failures))),
            failovers = attempted.then(|| failures.iter().filter(|f| f.is_failover()).count()),
            input_tokens = last.usage.map(|usage| usage.input),
            output_tokens = last.usage.map(|usage| usage.output),
            rejected_by = rejected.map(|(layer, _)| if layer.is_empty() { "api" } else { layer }),
            code = rejected.map(|(_, code)| code.as_str()),
            "ended"
        );
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn class(status: Option<StatusCode>) -> &'static str {
    match status.map(|status| status.as_u16() / 100) {
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(5) => "5xx",
        Some(_) => "other",
        None => "none",
    }
}

/// `a, b`
struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { ", " };
            write!(f, "{between}{item}")?;
        }
        Ok(())
    }
}
