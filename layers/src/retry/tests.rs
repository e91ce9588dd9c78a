//! On paused time, against a scripted target.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use static_assertions::assert_impl_all;
use tokio::time::{Instant, timeout};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_test::mock;

use super::{script::*, *};
use crate::{
    Buffered, Exchange, Target,
    classify::{CircuitOpen, RequestDeadline, RetriesLeft, RetryAllowance},
    contract,
};

type Inner = contract::Mock;
assert_impl_all!(RetryLayer: Send, Sync, Clone);
assert_impl_all!(Retry<()>: Send, Sync, Clone);
assert_impl_all!(Budget: Send, Sync, Clone);
assert_impl_all!(ResponseFuture<Inner, Buffered, Full<Bytes>>: Send, Sync);
assert_impl_all!(ResponseBody<Full<Bytes>>: Send, Sync);

#[tokio::test(start_paused = true)]
async fn each_status() {
    for status in [200, 204, 302, 400, 401, 402, 403, 404, 413, 422, 501, 520] {
        let ended = run(at_once(), request(), [says(status, "as it came")]).await;
        assert_eq!((ended.status, ended.calls, ended.attempts), (status, 1, 1));
        assert_eq!(ended.body, "as it came");
    }
    for status in DEFAULT_STATUSES {
        let ended = run(at_once(), request(), [says(status, "{}"), says(status, "{}")]).await;
        assert_eq!((ended.status, ended.calls, ended.attempts), (200, 3, 3), "{status}");
        assert_eq!(ended.body, "fine");
        let last = (0..4).map(|n| says(status, &format!("answer {n}")));
        let ended = run(at_once(), request(), last).await;
        assert_eq!((ended.status, ended.calls, ended.attempts), (status, 4, 4));
        assert_eq!(ended.body, "answer 3");
    }
}

#[tokio::test(start_paused = true)]
async fn a_router_bounds_the_retries_of_a_target() {
    for (before_failover, allowance, calls, left) in [
        (1, RetryAllowance::All, 4, None),
        (1, RetryAllowance::BeforeFailover, 2, Some(2)),
        (0, RetryAllowance::BeforeFailover, 1, Some(3)),
        (9, RetryAllowance::BeforeFailover, 4, None),
        (1, RetryAllowance::AtMost(2), 3, Some(1)),
        (1, RetryAllowance::AtMost(9), 4, None),
    ] {
        let exchange = Exchange::default();
        exchange.allow_retries(allowance);
        let mut request = request();
        request.extensions_mut().insert(exchange);
        let calls_made = AtomicUsize::new(0);
        let busy = service_fn(|_: Request<Buffered>| {
            calls_made.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<_, Infallible>(says(503, "busy")))
        });
        let settings = Settings { before_failover, ..at_once() };
        let response = RetryLayer::new(settings).layer(busy).oneshot(request).await.unwrap();
        assert_eq!(calls_made.into_inner(), calls, "{allowance:?}");
        let told = response.extensions().get::<RetriesLeft>().map(|left| left.0);
        assert_eq!(told, left, "{allowance:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_not_waited_for() {
    let mut last = says(503, "the third one");
    last.extensions_mut().insert(CircuitOpen);
    let ended = run(Settings::default(), request(), [last]).await;
    assert_eq!((ended.status, ended.calls), (503, 1));
    assert!(ended.after.is_zero(), "{:?}", ended.after);
}

#[tokio::test(start_paused = true)]
async fn each_mark() {
    for (answer, status, calls, attempts) in
        [(transport(), 200, 2, 2), (late(), 504, 1, 1), (rejected(), 503, 1, 0)]
    {
        let ended = run(at_once(), request(), [answer]).await;
        assert_eq!((ended.status, ended.calls, ended.attempts), (status, calls, attempts));
    }
}

#[tokio::test(start_paused = true)]
async fn other_statuses_can_be_told() {
    let codes = [408, 529, 402].map(|code| StatusCode::from_u16(code).unwrap());
    let settings = || Settings { statuses: codes.into(), ..at_once() };
    for (status, calls) in [(408, 2), (529, 2), (402, 1), (503, 1)] {
        let ended = run(settings(), request(), [says(status, "{}")]).await;
        assert_eq!(ended.calls, calls, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_waits_double_and_have_jitter() {
    let ended = run(Settings::default(), request(), (0..3).map(|_| says(503, ""))).await;
    assert_eq!(ended.calls, 4);
    let range = Duration::from_millis(3500)..=Duration::from_millis(7010);
    assert!(range.contains(&ended.after), "{:?}", ended.after);
}

#[tokio::test(start_paused = true)]
async fn what_the_target_asks_for_is_a_floor() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(5));
    let past = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(5));
    for (name, value, at_least, at_most) in [
        ("retry-after", "2", 2000, 2001),
        ("retry-after", "10", 10_000, 10_001),
        ("retry-after", &*date, 3900, 5001),
        ("retry-after", &*past, 0, 1),
        ("retry-after", "soon", 0, 1),
        ("retry-after-ms", "1250", 1250, 1251),
        ("retry-after-ms", "0", 0, 1),
    ] {
        for status in [429, 503] {
            let ended = run(at_once(), request(), [with(status, name, value)]).await;
            assert_eq!(ended.calls, 2, "{value}");
            let range = Duration::from_millis(at_least)..=Duration::from_millis(at_most);
            assert!(range.contains(&ended.after), "{value}: {:?}", ended.after);
        }
    }
    let ended = run(Settings::default(), request(), [with(429, "retry-after-ms", "1")]).await;
    assert!(ended.after >= Duration::from_millis(500), "a floor, not the wait itself");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_does_not_fit_is_answered_at_once() {
    let hour = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    for (name, value) in [("retry-after", "11"), ("retry-after", "3600"), ("retry-after", &*hour)] {
        let ended = run(Settings::default(), request(), [with(429, name, value)]).await;
        assert_eq!((ended.status, ended.calls, ended.after), (429, 1, Duration::ZERO));
        assert_eq!(ended.body, "{}");
    }
    for (left, calls) in [(2000, 1), (2500, 2)] {
        let mut request = request();
        request
            .extensions_mut()
            .insert(RequestDeadline(Instant::now() + Duration::from_millis(left)));
        let ended = run(at_once(), request, [with(429, "retry-after", "2")]).await;
        assert_eq!(ended.calls, calls, "{left} ms are left");
        assert_eq!(ended.after.is_zero(), calls == 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_passes_the_answer_on() {
    let budget = Budget::new(0.0, 4, Duration::from_secs(10));
    let settings = || Settings { budget: Some(budget.clone()), ..at_once() };
    let fails = || (0..9).map(|_| says(503, "down"));
    assert_eq!(run(settings(), request(), fails()).await.calls, 4);
    let ended = run(settings(), request(), fails()).await;
    assert_eq!((ended.status, ended.calls, ended.attempts), (503, 2, 2));
    assert_eq!(ended.body, "down");
    assert_eq!(run(settings(), request(), fails()).await.calls, 1);
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(run(settings(), request(), fails()).await.calls, 4);
    let unbound = Settings { budget: None, max_retries: 50, ..at_once() };
    assert_eq!(run(unbound, request(), (0..99).map(|_| says(503, ""))).await.calls, 51);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_made_worse() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let down = service_fn(move |_: Request<Buffered>| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<_, Infallible>(says(503, "down")))
    });
    let service = RetryLayer::default().layer(down);
    let all = (0..100).map(|_| service.clone().oneshot(request()));
    assert!(join_all(all).await.iter().all(|ended| ended.as_ref().unwrap().status() == 503));
    assert_eq!(calls.load(Ordering::Relaxed), 100 + 20 + 10);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_takes_no_more_from_the_budget() {
    let budget = Budget::new(0.0, 2, Duration::from_secs(10));
    let settings = Settings { budget: Some(budget.clone()), ..Settings::default() };
    let ended = run(settings, request(), (0..9).map(|_| with(429, "retry-after", "5")));
    assert!(timeout(Duration::from_secs(3), ended).await.is_err());
    tokio::time::advance(Duration::from_secs(6)).await;
    assert!(budget.withdraw(), "one was taken, for the wait that was cut short");
    assert!(!budget.withdraw());
}

#[tokio::test(start_paused = true)]
async fn dropping_cancels_the_attempt() {
    let (alive, first) = (Arc::new(()), AtomicUsize::new(0));
    let target = service_fn(|_: Request<Buffered>| {
        let (held, first) = (alive.clone(), first.fetch_add(1, Ordering::Relaxed) == 0);
        async move {
            let _held = held;
            if !first {
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(says(503, ""))
        }
    });
    let mut call = Box::pin(RetryLayer::new(at_once()).layer(target).oneshot(request()));
    assert!(timeout(Duration::from_secs(60), &mut call).await.is_err());
    assert_eq!(Arc::strong_count(&alive), 2, "the second attempt is under way");
    drop(call);
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// The gate says nothing about the provider, and the exchange still holds what the provider said.
#[tokio::test(start_paused = true)]
async fn a_rejected_retry_leaves_the_error_before_it() {
    let answers = [with(429, "retry-after", "1"), says(503, "second"), rejected()];
    let ended = run(at_once(), request(), answers).await;
    assert_eq!((ended.status, ended.calls, ended.attempts), (503, 3, 2));
    assert_eq!(ended.body, "second");
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_service_are_retried_like_a_broken_connection() {
    for (fails, calls) in [(0, 1), (2, 3), (9, 4)] {
        let count = AtomicUsize::new(0);
        let target = service_fn(|_: Request<Buffered>| {
            let fails = count.fetch_add(1, Ordering::Relaxed) < fails;
            std::future::ready(if fails { Err("dead") } else { Ok(says(200, "fine")) })
        });
        let ended = RetryLayer::new(at_once()).layer(target).oneshot(request()).await;
        assert_eq!(ended.is_ok(), fails < 4);
        assert_eq!(count.into_inner(), calls);
        let attempts = ended.map(|response| Attempts::of(&response).0 as usize);
        assert_eq!(attempts.unwrap_or(calls), calls);
    }
}

/// The first attempt is the readied instance's; the next waits until it is ready again.
#[tokio::test(start_paused = true)]
async fn further_attempts_are_driven_to_readiness() {
    type Mock = mock::Mock<Request<Buffered>, Response<Full<Bytes>>>;
    let (inner, mut handle): (Mock, _) = mock::pair();
    handle.allow(1);
    let mut service = mock::Spawn::new(RetryLayer::new(at_once()).layer(inner));
    assert_ready_ok!(service.poll_ready::<Request<Buffered>>());
    let mut call = task::spawn(service.call(request()));
    let (_, respond) = handle.next_request().await.unwrap();
    let mut down = Response::new(Full::default());
    *down.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    respond.send_response(down);
    assert_pending!(call.poll());
    tokio::time::advance(Duration::from_millis(2)).await;
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request(), "it is not ready yet");

    handle.allow(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_response(Response::new(Full::from("fine")));
    assert_eq!(assert_ready!(call.poll()).unwrap().status(), 200);

    // An error of the readiness is the end.
    assert_pending!(service.poll_ready::<Request<Buffered>>());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready::<Request<Buffered>>());
    let mut call = task::spawn(service.call(request()));
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_error("broken");
    assert_pending!(call.poll());
    handle.send_error("dead");
    tokio::time::advance(Duration::from_millis(2)).await;
    assert_eq!(assert_ready!(call.poll()).unwrap_err().to_string(), "dead");
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_is_not_cloned() {
    #[derive(Debug)]
    struct Counted(Arc<AtomicUsize>);
    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::Relaxed);
            Self(self.0.clone())
        }
    }
    for (max_retries, fails, clones) in [(0, 9, 0), (1, 9, 1), (3, 9, 3), (3, 0, 1), (3, 1, 2)] {
        let (count, calls) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
        let target = service_fn(|request: Request<Counted>| {
            assert_eq!(request.headers()["x-kept"], "1");
            assert_eq!(request.extensions().get(), Some(&7));
            let status = if calls.fetch_add(1, Ordering::Relaxed) < fails { 503 } else { 200 };
            std::future::ready(Ok::<_, Infallible>(says(status, "")))
        });
        let layer = RetryLayer::new(Settings { max_retries, ..at_once() });
        let request = Request::builder().header("x-kept", "1").extension(7);
        let request = request.body(Counted(count.clone())).unwrap();
        layer.layer(target).oneshot(request).await.unwrap();
        assert_eq!(count.load(Ordering::Relaxed), clones, "{max_retries} {fails}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_target_has_its_own_settings() {
    let calls = AtomicUsize::new(0);
    let target = service_fn(|_: Request<Buffered>| {
        calls.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<_, Infallible>(says(503, "")))
    });
    let layer = RetryLayer::new(at_once()).for_target(|target| {
        let max_retries = if &*target.provider == "never" { 0 } else { 1 };
        Settings { max_retries, ..at_once() }
    });
    for (provider, expected) in [(None, 4), (Some("never"), 1), (Some("once"), 2)] {
        let mut request = request();
        if let Some(provider) = provider {
            let (provider, model) = (provider.into(), "m".into());
            request.extensions_mut().insert(Target {
                provider,
                model,
                dialect: Default::default(),
            });
        }
        layer.layer(target).oneshot(request).await.unwrap();
        assert_eq!(calls.swap(0, Ordering::Relaxed), expected, "{provider:?}");
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    contract::holds(RetryLayer::default(), request).await;
    let off = Settings { max_retries: 0, budget: None, ..Settings::default() };
    contract::holds(RetryLayer::new(off), request).await;
}

/// Outside of a runtime a timer could not even be made.
#[test]
fn a_success_needs_no_timer() {
    let upstream = service_fn(|_: Request<Buffered>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::from("abc"))))
    });
    let call = RetryLayer::default().layer(upstream).oneshot(request());
    let response = assert_ready_ok!(task::spawn(call).poll());
    assert!(response.extensions().is_empty());
    assert_eq!(response.body().size_hint().exact(), Some(3));
    assert!(!response.body().is_end_stream());
}
