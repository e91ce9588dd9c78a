use std::{convert::Infallible, future::ready, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use static_assertions::assert_impl_all;
use tokio::time::advance;
use tokio_test::task;
use tower::{Service, service_fn};
use tower_layer::Layer;

use super::{script::*, *};
use crate::{Buffered, Code, Rejected, Target, contract};

assert_impl_all!(CircuitBreakerLayer: Send, Sync, Clone);
assert_impl_all!(CircuitBreaker<()>: Send, Sync, Clone);
assert_impl_all!(ResponseFuture<std::future::Ready<()>>: Send, Sync);
assert_impl_all!(ResponseBody<Full<Bytes>>: Send, Sync);
assert_impl_all!(Handle: Send, Sync, Clone);

#[tokio::test(start_paused = true)]
async fn contract_holds() {
    let handle = Handle::new();
    let layer = CircuitBreakerLayer::default().handle(handle.clone());
    let target = target("m");
    let request = || Request::builder().extension(target.clone()).body(Buffered::default());
    contract::holds(layer, || request().unwrap()).await;
    assert_eq!(handle.status(&target).unwrap().state, CircuitState::Closed);
    let rejecting = CircuitBreakerLayer::default();
    contract::holds(rejecting.scope(Scope::Provider), || request().unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_when_to_come_back() {
    let test = Test::tripped(CircuitBreakerLayer::default()).await;
    let refused = async || {
        let response = test.ask(&status(200)).await.unwrap();
        assert_eq!(response.status(), 503);
        let rejected = response.extensions().get::<Rejected>().cloned().unwrap();
        assert_eq!(rejected.code, Code::NoProvider);
        let after = response.headers().get("retry-after").cloned();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        (String::from_utf8(text.to_vec()).unwrap(), after, rejected.retry_after)
    };
    advance(SECOND * 18 + SECOND / 2).await;
    let (text, after, wait) = refused().await;
    assert!(text.contains("deepseek/deepseek-chat: circuit open, probe in 12 s"), "{text}");
    assert_eq!(after.unwrap(), "12");
    assert_eq!(wait, Some(SECOND * 23 / 2));

    advance(SECOND * 12).await;
    let probe = test.ask(&endless()).await.unwrap();
    assert_eq!(probe.status(), 200);
    let (text, after, _) = refused().await;
    assert!(text.contains("chat: circuit half-open, probe under way"), "{text}");
    assert_eq!(after.unwrap(), "1");
    drop(probe);

    test.handle.force_open(&target("deepseek-chat"));
    let (text, after, wait) = refused().await;
    assert!(text.contains("chat: circuit forced open"), "{text}");
    assert_eq!((after, wait), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_probe_decides_when_its_body_ends() {
    for (replies, state) in [(status(200), CircuitState::Closed), (cut(), CircuitState::Open)] {
        let test = Test::half_open().await;
        let probe = test.ask(&replies).await.unwrap();
        assert_eq!(test.state(), CircuitState::HalfOpen);
        assert_eq!(test.ask(&status(200)).await.unwrap().status(), 503);
        let _ = probe.into_body().collect().await;
        assert_eq!(test.state(), state);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_cancelled_gives_its_place_back() {
    let test = Test::half_open().await;
    let unanswered: Reply = Arc::new(|_| None);
    let mut waiting = task::spawn(test.ask(&unanswered));
    assert!(waiting.poll().is_pending());
    assert_eq!(test.ask(&status(200)).await.unwrap().status(), 503);
    drop(waiting);
    drop(test.ask(&endless()).await);
    test.read(&status(429)).await;
    test.read(&status(400)).await;
    assert_eq!(test.state(), CircuitState::HalfOpen);
    test.read(&status(200)).await;
    assert_eq!(test.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_straggler_decides_nothing() {
    let test = Test::new(CircuitBreakerLayer::default());
    let whole = test.ask(&status(200)).await.unwrap();
    let broken = test.ask(&cut()).await.unwrap();
    for _ in 0..3 {
        test.read(&status(500)).await;
    }
    whole.into_body().collect().await.unwrap();
    assert_eq!(test.state(), CircuitState::Open);
    advance(SECOND * 30).await;
    let probe = test.ask(&status(200)).await.unwrap();
    assert!(broken.into_body().collect().await.is_err());
    assert_eq!(test.state(), CircuitState::HalfOpen);
    probe.into_body().collect().await.unwrap();
    assert_eq!(test.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_scope_and_the_key_say_what_goes_together() {
    let failing = || {
        service_fn(|_: Request<()>| {
            let response = Response::builder().status(500).body(Full::<Bytes>::default());
            ready(Ok::<_, Infallible>(response.unwrap()))
        })
    };
    let ask = |model: &str| Request::builder().uri("/v1").extension(target(model)).body(());
    let keys = |handle: &Handle| {
        handle.list().iter().map(|status| status.key.to_string()).collect::<Vec<_>>()
    };
    let layer = CircuitBreakerLayer::default;

    let handle = Handle::new();
    let mut service = layer().handle(handle.clone()).layer(failing());
    for model in ["a", "b"] {
        service.call(ask(model).unwrap()).await.unwrap();
    }
    service.call(Request::new(())).await.unwrap();
    assert_eq!(keys(&handle), ["shared", "deepseek/a", "deepseek/b"]);

    let handle = Handle::new();
    let scoped = layer().scope(Scope::Provider).handle(handle.clone());
    let mut service = scoped.layer(failing());
    for model in ["a", "b", "c"] {
        service.call(ask(model).unwrap()).await.unwrap();
    }
    assert_eq!(keys(&handle), ["deepseek"]);
    assert_eq!(handle.list()[0].state, CircuitState::Open);

    let handle = Handle::new();
    let by_path = layer().key(|request: &Request<()>| KeyRef::name(request.uri().path()));
    let mut service = by_path.handle(handle.clone()).layer(failing());
    service.call(ask("a").unwrap()).await.unwrap();
    assert_eq!(keys(&handle), ["/v1"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_can_have_its_own_settings_and_a_new_stack_goes_on() {
    let layer = CircuitBreakerLayer::default();
    let strict = |_: &Target| Settings::default().consecutive_faults(1).open_for(SECOND);
    let test = Test::new(layer.for_target(strict));
    test.read(&status(500)).await;
    assert_eq!(test.state(), CircuitState::Open);
    let mut rebuilt = CircuitBreakerLayer::default().handle(test.handle.clone()).layer(service_fn(
        |_: Request<()>| ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))),
    ));
    assert_eq!(rebuilt.call(request()).await.unwrap().status(), 503);
    advance(SECOND).await;
    assert_eq!(rebuilt.call(request()).await.unwrap().status(), 200);
    assert_eq!(test.state(), CircuitState::Closed);
}

#[test]
fn a_closed_circuit_allocates_nothing() {
    use futures_util::FutureExt;

    let upstream = service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("answer"))))
    });
    let rated = Settings::default().fault_rate(0.5, SECOND, 10);
    for scope in [Scope::Target, Scope::Provider] {
        let mut service = CircuitBreakerLayer::new(rated).scope(scope).layer(upstream);
        let mut call = |request| {
            let response = service.call(request).now_or_never().unwrap().unwrap();
            response.into_body().frame().now_or_never().unwrap().unwrap().unwrap();
        };
        call(request());
        let requests = [(); 100].map(|()| request());
        let counted = allocation_counter::measure(|| requests.into_iter().for_each(&mut call));
        assert_eq!(counted.count_total, 0);
    }
}
