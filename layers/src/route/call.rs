use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Request, request, response};
use tokio::time::Instant;
use tracing::{Span, field};

use super::{
    Commit, Cooldowns, HoldReason, Plan, RoutingTable,
    cursor::{Cursor, Next},
    failures::{End, Failures, PassedOver, excerpt, reason},
    held_frames::HeldFrames,
    layer::Settings,
};
use crate::{
    Buffered, Code, Dialect, Exchange, Rejected, Target,
    classify::{
        Attempts, DeadlineError, RequestDeadline, ResponseClass, RetriesLeft, RetryAllowance,
        TransportError, retry_after,
    },
    exchange::{AttemptRecord, Cause, Failure, Fault, Outcome, UpstreamError},
    refused_fields::{may_refuse, refused},
    rejection::whole_seconds,
    request::{ModelRequest, Streamed, WithholdUsage},
};

/// One client's call: its request, its plan, and how far it has come. No I/O.
pub(super) struct RouteCall {
    /// For other attempts: gone once there will be none, as a prompt may be large and a stream long.
    request: Option<(request::Parts, Buffered)>,
    asked: ModelRequest,
    pub(super) plan: Plan,
    cursor: Cursor,
    failures: Failures,
    cooldowns: Cooldowns,
    table: Arc<RoutingTable>,
    pub(super) settings: Arc<Settings>,
    pub(super) exchange: Exchange,
    /// What the client speaks, on the paths where answers are understood.
    pub(super) dialect: Option<Dialect>,
    /// The request's own policy.
    commit: Option<Commit>,
    total: Option<Instant>,
    /// The target of the attempt that is under way.
    current: Option<usize>,
    /// Attempts that were made, those at this target included.
    pub(super) attempts: u32,
    /// Attempts that were made at earlier targets.
    before: u32,
    /// The last target at which an attempt was made.
    attempted: Option<usize>,
    /// The last attempted target, and its retries that were kept for after a failover.
    withheld: Option<(usize, u32)>,
    /// What the exchange says of the retries at the current target.
    allowance: RetryAllowance,
    /// An attempt was begun, and what became of it was not logged yet.
    under_way: bool,
    /// The fields that were added to the attempt that is under way.
    added: &'static [&'static str],
    /// The target that has refused those in this call.
    refused_by: Option<usize>,
    /// The caller's span, as the call may be dropped outside of it.
    span: Span,
}

/// What a stream is asked for its usage by.
const STREAM_OPTIONS: &str = "stream_options";
const ATTEMPT_FAILED: &str = "attempt failed";

/// What comes after an attempt that has no answer to pass on.
pub(super) enum Step {
    /// Another one: [`RouteCall::request`] makes it.
    Attempt,
    End(End),
}

impl RouteCall {
    pub(super) fn new(
        request: Request<Buffered>,
        asked: ModelRequest,
        plan: Plan,
        commit: Option<Commit>,
        table: Arc<RoutingTable>,
        settings: Arc<Settings>,
        cooldowns: Cooldowns,
    ) -> Self {
        let (mut parts, body) = request.into_parts();
        // Only recorded if an outer layer has put an exchange there.
        let is_followed = parts.extensions.get::<Exchange>().is_some();
        let exchange = parts.extensions.get_or_insert_default::<Exchange>().clone();
        if is_followed {
            let model = asked.model.as_ref().or(table.default_model()).cloned();
            let targets = plan.targets.clone();
            exchange.update_request_record(|request_record| {
                (request_record.model, request_record.plan) = (model, targets);
            });
        }
        exchange.set_request(body.fingerprint());
        parts.extensions.insert(Streamed(asked.stream));
        let told = parts.extensions.get::<Dialect>().copied();
        Self {
            dialect: told.or_else(|| Dialect::of_path(parts.uri.path())),
            total: parts.extensions.get::<RequestDeadline>().map(|total| total.0),
            cursor: Cursor::new(plan.targets.len(), settings.again),
            failures: Failures::default(),
            request: Some((parts, body)),
            asked,
            plan,
            cooldowns,
            table,
            settings,
            exchange,
            commit,
            current: None,
            attempts: 0,
            before: 0,
            attempted: None,
            withheld: None,
            allowance: RetryAllowance::All,
            under_way: false,
            added: &[],
            refused_by: None,
            span: Span::current(),
        }
    }

    /// Whether the client asked for an event stream that is understood.
    pub(super) fn is_streamed(&self) -> bool {
        self.asked.stream && self.dialect.is_some()
    }

    /// The target of the attempt that is under way, or was the last.
    pub(super) fn target(&self) -> Option<&Target> {
        self.current.map(|current| &self.plan.targets[current])
    }

    /// The target that answered, or the last one that was tried.
    pub(super) fn attempted(&self) -> Option<&Target> {
        self.attempted.map(|attempted| &self.plan.targets[attempted])
    }

    /// The model that the last attempt asked for.
    pub(super) fn model(&self) -> &str {
        let asked = self.asked.model.as_deref().unwrap_or_default();
        self.target().map_or(asked, |target| &target.model)
    }

    /// When the answer of the attempt that is under way may leave.
    pub(super) fn policy(&self) -> Commit {
        if self.dialect.is_none() {
            return Commit::Headers;
        }
        let providers = || self.table.commit_at(&self.target()?.provider);
        self.commit.or_else(providers).unwrap_or(self.settings.commit)
    }

    /// The request of the next attempt.
    pub(super) fn request(&mut self) -> Request<Buffered> {
        let target = self.target().expect("a target was chosen").clone();
        let (parts, body) = self.request.as_ref().expect("nothing is committed yet");
        let asks_for_usage = self.settings.include_usage
            && self.dialect == Some(Dialect::Chat)
            && self.asked.lacks_usage()
            && self.table.takes_usage_at(&target.provider)
            && self.refused_by != self.current
            && !self.settings.refused.refuses(&target, STREAM_OPTIONS);
        self.added = if asks_for_usage { self.asked.added_for_usage() } else { &[] };
        let body = match asks_for_usage {
            true => self.asked.with_usage(body, &target.model),
            false => self.asked.with_model(body, &target.model),
        };
        let mut request = Request::from_parts(parts.clone(), body);
        if asks_for_usage {
            request.extensions_mut().insert(WithholdUsage);
        }
        request.extensions_mut().insert(target);
        self.before = self.attempts;
        self.attempts += 1;
        self.under_way = true;
        request
    }

    /// The head of an answer has come; a layer in between may have made several attempts for it.
    pub(super) fn head<B>(&mut self, response: &http::Response<B>) {
        self.attempts = self.before + Attempts::of(response).0;
        if self.attempts > self.before {
            self.attempted = self.current;
        }
    }

    /// The first target.
    pub(super) fn first(&mut self) -> Step {
        self.advance(Next::Other)
    }

    /// The client sees this attempt's answer: there will be no other.
    pub(super) fn commit(&mut self) {
        self.cursor.commit();
        self.request = None;
        // An answer that came without the fields was refused because of them.
        if self.refused_by.is_some()
            && self.refused_by == self.current
            && let Some(target) = self.target()
        {
            self.settings.refused.remember(target, &[STREAM_OPTIONS.into()]);
        }
        self.exchange.update_request_record(|request_record| {
            request_record.committed = Some(Instant::now());
        });
        let target = self.target().map(field::display);
        tracing::debug!(attempt = self.attempts, target, "committed");
    }

    /// The attempt under way was answered with an error (or a rejection), and its body was read.
    pub(super) fn answered(&mut self, head: response::Parts, held: HeldFrames) -> Step {
        if self.is_refusal_of_added(&head, &held) {
            self.refused_by = self.current;
            self.log("answered", &head.status.to_string(), "another without `stream_options`");
            return Step::Attempt;
        }
        let error = said(&head, &held);
        let response = http::Response::from_parts(head, ());
        let meaning = ResponseClass::of(&response, Some(&error), SystemTime::now);
        let (head, ()) = response.into_parts();
        if let Some(found) = head.extensions.get::<Fault>() {
            // A translator found that a success is none; the observer may have seen why.
            let broke = self
                .exchange
                .read(|record| Broke::found(record, record.fault.as_ref().unwrap_or(found), false));
            return self.broke(&broke);
        }
        if !meaning.fails_over() {
            self.log("answered", &head.status.to_string(), "it is the client's error");
            return Step::End(End::AsItCame(head, held));
        }
        let target = self.target().expect("an attempt has a target").clone();
        if let Some(rejected) = head.extensions.get::<Rejected>() {
            let cause = Cause::Rejected { layer: rejected.layer, code: rejected.code };
            let message = &rejected.message;
            let reason = match message.starts_with(&*target.provider) {
                true => message.to_string(),
                false => format!("{target}: {message}"),
            };
            match rejected.code {
                Code::InvalidRequest | Code::PayloadTooLarge => {
                    self.failures.invalid_for_target(reason.clone(), head, held);
                }
                code => {
                    let why = match code {
                        Code::RateLimited => PassedOver::RateLimited,
                        Code::QuotaExhausted => PassedOver::Exhausted,
                        _ => PassedOver::Other,
                    };
                    self.failures.passed_over(reason.clone(), why, rejected.retry_after);
                }
            }
            return self.failed("target passed over", Next::Other, cause, &reason);
        }
        let left = head.extensions.get::<RetriesLeft>().filter(|_| {
            self.allowance == RetryAllowance::BeforeFailover
                && meaning.may_be_retried()
                && !matches!(meaning, ResponseClass::RateLimited(_))
        });
        self.withheld = self.current.zip(left.map(|left| left.0));
        let named = retry_after(&head.headers, SystemTime::now()).max(error.retry_after);
        self.hold_off(&target, meaning, named);
        let reason = reason(&target, &head, &error);
        self.failures.answered(reason.clone(), meaning, head, held);
        self.failed(ATTEMPT_FAILED, Next::Other, Cause::Attempt(meaning), &reason)
    }

    /// Leaves a target alone that asked for it, or a provider with nothing left to spend. `named`
    /// is the wait it asked for.
    fn hold_off(&self, target: &Target, meaning: ResponseClass, named: Option<Duration>) {
        let now = Instant::now();
        match meaning {
            ResponseClass::RateLimited(Some(wait)) => self.cooldowns.hold_target(target, wait, now),
            ResponseClass::Exhausted => {
                let wait = self.settings.exhausted_for.max(named.unwrap_or_default());
                self.cooldowns.hold_provider(&target.provider, wait, now);
            }
            _ => {}
        }
    }

    /// Whether the provider refuses what was added to the request, and not what the client sent.
    fn is_refusal_of_added(&self, head: &response::Parts, held: &HeldFrames) -> bool {
        if self.added.is_empty()
            || !may_refuse(head.status)
            || head.extensions.get::<Rejected>().is_some()
        {
            return false;
        }
        let added: Vec<Box<str>> = self.added.iter().map(|&field| field.into()).collect();
        !refused(&held.to_bytes(), &added).is_empty()
    }

    /// The attempt under way began an answer that is none.
    pub(super) fn broke(&mut self, fault: &Broke) -> Step {
        self.withheld = None;
        let target = self.target().expect("an attempt has a target").clone();
        self.hold_off(&target, fault.meaning, fault.named);
        let reason = format!("{}: {}", target.provider, fault.why);
        self.failures.broke(reason.clone());
        let next = if fault.again { Next::OtherOrAgain } else { Next::Other };
        let meaning = fault.meaning;
        self.failed(ATTEMPT_FAILED, next, Cause::Attempt(meaning), &reason)
    }

    fn failed(&mut self, what: &str, next: Next, cause: Cause, why: &str) -> Step {
        self.under_way = false;
        let (attempt, target) = (self.attempts, self.target().cloned());
        if let Some(target) = &target {
            let failure = Failure::new(target.clone(), cause);
            self.exchange
                .update_request_record(|request_record| request_record.failures.push(failure));
        }
        let next = self.advance(next);
        let to: &dyn fmt::Display = match (&next, self.target()) {
            (Step::Attempt, Some(target)) => target,
            _ => &"nothing is left",
        };
        let target = target.as_ref().map(field::display);
        tracing::info!(attempt, target, why, next = field::display(to), "{what}");
        next
    }

    fn advance(&mut self, next: Next) -> Step {
        let now = Instant::now();
        if self.total.is_some_and(|total| total <= now) {
            let failures = std::mem::take(&mut self.failures);
            return Step::End(End::Own(failures.out_of_time()));
        }
        let Self { cursor, plan, cooldowns, failures, exchange, .. } = self;
        let chosen = cursor.advance(next, |index| {
            let target = &plan.targets[index];
            let Some((wait, hold)) = cooldowns.find(target, now) else { return false };
            let seconds = whole_seconds(wait);
            let (why, said) = match hold {
                HoldReason::RateLimited => (PassedOver::RateLimited, "rate limited"),
                HoldReason::Exhausted => (PassedOver::Exhausted, "nothing left to spend"),
            };
            let reason = format!("{target}: {said}, left alone for {seconds} s");
            failures.passed_over(reason, why, Some(wait));
            let failure = Failure::new(target.clone(), Cause::HeldOff);
            exchange.update_request_record(|request_record| request_record.failures.push(failure));
            true
        });
        let mut allowance = match cursor
            .untried()
            .any(|index| cooldowns.remaining(&plan.targets[index], now).is_none())
        {
            true => RetryAllowance::BeforeFailover,
            false => RetryAllowance::All,
        };
        // There is no other target, so the last one gets its remaining retries.
        let again = || {
            let (target, left) = self.withheld.take().filter(|&(_, left)| left > 0)?;
            let is_free = cooldowns.remaining(&plan.targets[target], now).is_none();
            allowance = RetryAllowance::AtMost(left - 1);
            (is_free && cursor.go_back(target)).then_some(target)
        };
        if let Some(chosen) = chosen.or_else(again) {
            self.current = Some(chosen);
            if allowance != self.allowance {
                self.allowance = allowance;
                exchange.allow_retries(allowance);
            }
            self.exchange.update_request_record(|request_record| {
                let failures = request_record.failures.iter_mut().rev();
                for failure in failures.take_while(|failure| failure.next.is_none()) {
                    failure.next = Some(plan.targets[chosen].clone());
                }
            });
            return Step::Attempt;
        }
        Step::End(std::mem::take(&mut self.failures).exhausted(&self.plan, self.dialect))
    }

    /// The attempt under way has ended after commit.
    pub(super) fn ended(&mut self, fault: Option<&str>) {
        match fault {
            None => self.log("answered", "whole", "none is needed"),
            Some(why) => self.log("broke after commit", why, "it is too late for another"),
        }
    }

    /// The service itself failed: its error is returned to the caller.
    pub(super) fn errored(&mut self) {
        self.log("failed", "the service is broken", "none is possible");
    }

    fn log(&mut self, what: &str, why: &str, next: &str) {
        self.under_way = false;
        let target = self.target().map(field::display);
        let next = field::display(next);
        tracing::info!(attempt = self.attempts, target, why, next, "attempt {what}");
    }
}

/// What an error answer's body said: as the observer has read it, or else by what is held.
pub(super) fn said(head: &response::Parts, held: &HeldFrames) -> UpstreamError {
    let extensions = &head.extensions;
    let exchange = extensions.get::<Exchange>();
    let observed = exchange.and_then(|exchange| exchange.read(|record| record.error.clone()));
    let is_own = || {
        extensions.get::<Rejected>().is_some()
            || extensions.get::<TransportError>().is_some()
            || extensions.get::<DeadlineError>().is_some()
            || extensions.get::<Fault>().is_some()
    };
    observed.unwrap_or_else(|| match is_own() {
        true => UpstreamError::default(),
        false => UpstreamError::read(&held.to_bytes()),
    })
}

/// How an answer turned out to be none.
pub(super) struct Broke {
    pub(super) why: String,
    /// Whether the same target may do better: it broke off, or stalled in the middle.
    pub(super) again: bool,
    meaning: ResponseClass,
    /// The wait that the provider asked for.
    named: Option<Duration>,
}

impl Broke {
    /// From the error of its body. `spoke` says whether content was seen before.
    pub(super) fn by(error: &(dyn std::error::Error + 'static), spoke: bool) -> Self {
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return Self::new(fault, spoke, true);
        }
        let is_late = error.is::<DeadlineError>();
        let meaning = if is_late { ResponseClass::Deadline } else { ResponseClass::Broken };
        // A silent target is not asked again; one that stalled in the middle is.
        Self { why: text(error), again: !is_late || spoke, meaning, named: None }
    }

    /// By what was found when it had ended: a wrong shape will be the same the next time, and a
    /// silent target will be as silent.
    pub(super) fn found(record: &AttemptRecord, fault: &Fault, is_events: bool) -> Self {
        Self::new(fault, record.content, is_events)
    }

    fn new(fault: &Fault, spoke: bool, is_events: bool) -> Self {
        let (meaning, named) = match fault {
            Fault::Deadline(_) => (ResponseClass::Deadline, None),
            Fault::Upstream(error) => (ResponseClass::of_fault(error), error.retry_after),
            _ => (ResponseClass::Broken, None),
        };
        let may_again = match meaning {
            ResponseClass::Deadline => spoke,
            // An empty account, a limit: its words are the same the next time.
            other => other.outcome() == Some(Outcome::Fault),
        };
        Self { why: excerpt(&fault.to_string()), again: is_events && may_again, meaning, named }
    }
}

/// Transport errors wrap one another; the innermost says what really happened.
pub(super) fn text(error: &(dyn std::error::Error + 'static)) -> String {
    if error.is::<Fault>() || error.is::<DeadlineError>() {
        return excerpt(&error.to_string());
    }
    format!("the connection broke: {}", crate::classify::innermost(error))
}

impl Drop for RouteCall {
    fn drop(&mut self) {
        if self.under_way {
            let _span = self.span.clone().entered();
            // Many clients go as soon as they have the last event.
            match self.exchange.read(|record| record.finish.is_some()) {
                true => self.ended(None),
                false => self.log("given up", "the client is gone", "none is needed"),
            }
        }
    }
}
