use std::{cell::RefCell, convert::Infallible, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use static_assertions::assert_impl_all;
use tokio::time::{Instant, advance};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    script::{CHAT, End, NEVER, Script, ms, target},
    *,
};
use crate::{Buffered, Exchange, Target, contract, exchange::Fault, request::Streamed};

assert_impl_all!(DeadlinesLayer: Send, Sync, Clone);
assert_impl_all!(Deadlines<()>: Send, Sync, Clone);
assert_impl_all!(ResponseFuture<std::future::Ready<()>>: Send, Sync);
assert_impl_all!(ResponseBody<Full<Bytes>>: Send, Sync);
assert_impl_all!(RequestDeadlineLayer: Send, Sync, Copy);
assert_impl_all!(SetRequestDeadline<()>: Send, Sync, Copy);

use Deadline::{FirstToken, Headers, Idle};
use End::{Cut, Refused, Whole};

/// With the default settings; times in seconds.
async fn run(script: Script) -> (End, u64) {
    let (end, at) = script.run().await;
    (end, at / 1000)
}

fn seconds(frames: &[(u64, bool)]) -> Vec<(u64, bool)> {
    frames.iter().map(|&(gap, content)| (gap * 1000, content)).collect()
}

fn stream_of(frames: &[(u64, bool)]) -> Script {
    Script { frames: seconds(frames), ..Script::default() }
}

#[tokio::test(start_paused = true)]
async fn each_deadline_before_the_head() {
    let silent = Script { head: NEVER, ..Script::default() };
    let plain = Script { streamed: false, ..silent.clone() };
    assert_eq!(run(silent.clone()).await, (Refused(Headers), 60));
    assert_eq!(run(plain.clone()).await, (Refused(FirstToken), 180));
    for script in [silent, plain] {
        let total = Script { total: 30_000, ..script.clone() };
        assert_eq!(run(total).await, (Refused(Deadline::RequestDeadline), 30));
        assert_eq!(run(Script { observed: false, total: 7000, ..script }).await.1, 7);
    }
}

#[tokio::test(start_paused = true)]
async fn each_deadline_in_the_body() {
    assert_eq!(run(stream_of(&[])).await, (Cut(FirstToken), 180));
    assert_eq!(run(stream_of(&[(5, true)])).await, (Cut(Idle), 65));
    let comments = [(50, false); 20];
    assert_eq!(run(stream_of(&comments)).await, (Cut(FirstToken), 180));
    let total = Script { total: 170_000, ..stream_of(&comments) };
    assert_eq!(run(total).await, (Cut(Deadline::RequestDeadline), 170));
    let plain = Script { streamed: false, ends: true, ..stream_of(&comments) };
    assert_eq!(run(plain).await, (Whole, 1000), "the first token is not waited for");
}

#[tokio::test(start_paused = true)]
async fn the_timer_is_armed_again_for_as_long_as_bytes_come() {
    let slow = [(50, true); 50];
    assert_eq!(run(Script { ends: true, ..stream_of(&slow) }).await, (Whole, 2500));
    assert_eq!(run(stream_of(&slow)).await, (Cut(Idle), 2560));
}

/// A model that thinks in silence is paid for, and would be paid for again.
#[tokio::test(start_paused = true)]
async fn before_the_first_content_silence_is_bounded_by_the_first_token_alone() {
    let thinks = |gap| Script { ends: true, ..stream_of(&[(gap, true), (50, true)]) };
    assert_eq!(run(thinks(170)).await, (Whole, 220));
    assert_eq!(run(thinks(181)).await, (Cut(FirstToken), 180));
    let then_silent = Script { ends: true, ..stream_of(&[(1, false), (160, true), (61, true)]) };
    assert_eq!(run(then_silent).await, (Cut(Idle), 221));
    // Without a limit of its own it is bounded as any other silence.
    for first_token in [None, Some(Duration::ZERO)] {
        let settings = Settings { first_token, ..Settings::default() };
        assert_eq!(run(Script { settings, ..thinks(170) }).await, (Cut(Idle), 60));
        let comments = Script { settings, ends: true, ..stream_of(&[(50, false); 20]) };
        assert_eq!(run(comments).await, (Whole, 1000));
    }
    // An answer that is no stream comes when the model has finished, and must not stop then.
    let plain = Script { streamed: false, head: 170_000, ..thinks(61) };
    assert_eq!(run(plain).await, (Cut(Idle), 230));
}

#[tokio::test(start_paused = true)]
async fn a_head_can_bring_an_earlier_deadline() {
    let settings = Settings { headers: None, idle: Some(ms(3000)), ..Settings::default() };
    let script = Script { settings, streamed: false, head: 10_000, ..Script::default() };
    assert_eq!(run(script).await, (Cut(Idle), 13));
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_the_same_moment_wins() {
    let last_moment = [(60, false), (60, true), (60, true), (60, true)];
    let script = Script { head: 60_000, ends: true, ..stream_of(&last_moment) };
    assert_eq!(run(script.clone()).await, (Whole, 300));
    assert_eq!(run(Script { total: 300_000, ..script.clone() }).await, (Whole, 300));
    let plain = Script { streamed: false, head: 180_000, ends: true, ..Script::default() };
    assert_eq!(run(plain).await, (Whole, 180));
    // And one millisecond later it does not.
    let late = Script { head: 60_001, ..script.clone() };
    assert_eq!(run(late).await, (Refused(Headers), 60));
    let late = Script { total: 299_999, ..script };
    assert_eq!(run(late).await, (Cut(Deadline::RequestDeadline), 299));
}

#[tokio::test(start_paused = true)]
async fn each_can_be_switched_off() {
    let zero = Some(Duration::ZERO);
    let zeros = Settings { headers: zero, first_token: zero, idle: zero };
    for settings in [Settings::OFF, zeros] {
        for streamed in [true, false] {
            let frames = seconds(&[(90_000, false), (90_000, true)]);
            let script = Script {
                frames,
                settings,
                streamed,
                head: 90_000_000,
                ends: true,
                ..Script::default()
            };
            assert_eq!(run(script).await, (Whole, 270_000));
        }
    }
    let no_idle = Settings { idle: None, ..Settings::default() };
    let script = Script { settings: no_idle, ..stream_of(&[]) };
    assert_eq!(run(script).await, (Cut(FirstToken), 180));
}

#[tokio::test(start_paused = true)]
async fn the_first_data_counts_when_nobody_can_say_what_content_is() {
    let comments = Script { ends: true, ..stream_of(&[(50, false); 20]) };
    for script in [
        Script { observed: false, ..comments.clone() },
        Script { replaced: true, ..comments.clone() },
        Script { path: "/v1/completions", ..comments.clone() },
        Script { status: 400, ..comments.clone() },
    ] {
        assert_eq!(run(script).await, (Whole, 1000));
    }
    assert_eq!(run(comments).await, (Cut(FirstToken), 180));
}

/// A request that is never answered.
async fn unanswered(layer: DeadlinesLayer, request: Request<()>) -> (DeadlineError, String) {
    let upstream = service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let response = layer.layer(upstream).oneshot(request).await.unwrap();
    let error = *response.extensions().get::<DeadlineError>().unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (error, String::from_utf8(text.into()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_target_has_its_own_settings_and_is_named() {
    let layer = DeadlinesLayer::default().for_target(|target: &Target| Settings {
        first_token: Some(ms(target.provider.len() as u64)),
        ..Settings::OFF
    });
    let request = Request::builder().extension(target("ollama")).body(()).unwrap();
    let (error, text) = unanswered(layer.clone(), request).await;
    assert_eq!(error.limit, Some(ms(6)));
    assert_eq!(
        text,
        r#"{"error":{"code":"DEADLINE_EXCEEDED","message":"ollama: no first token within 6 ms","type":"server_error","param":null}}"#
    );
    let (error, text) = unanswered(layer, Request::new(())).await;
    assert_eq!(error.limit, Some(ms(180_000)));
    assert!(text.contains("\"no first token within 180000 ms\""), "{text}");
}

#[tokio::test(start_paused = true)]
async fn accept_tells_a_stream_when_no_extension_does() {
    let request = Request::builder().header("accept", "text/event-stream").body(()).unwrap();
    assert_eq!(unanswered(DeadlinesLayer::default(), request).await.0.which, Headers);
    let request = Request::builder()
        .header("accept", "text/event-stream")
        .extension(Streamed(false))
        .body(())
        .unwrap();
    assert_eq!(unanswered(DeadlinesLayer::default(), request).await.0.which, FirstToken);
}

#[tokio::test(start_paused = true)]
async fn the_fault_goes_to_its_own_attempt_only() {
    let exchange = Exchange::default();
    let _earlier = exchange.begin();
    let request = |path: &str| Request::post(path).extension(exchange.clone()).body(()).unwrap();
    unanswered(DeadlinesLayer::default(), request(CHAT)).await;
    assert_eq!(exchange.record().fault, None, "this call has begun none");

    let upstream = service_fn(async |request: Request<()>| {
        let exchange = request.extensions().get::<Exchange>().unwrap().clone();
        exchange.begin();
        let pending = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        Ok::<_, Infallible>(Response::builder().extension(exchange).body(pending).unwrap())
    });
    let service = DeadlinesLayer::default().layer(upstream);
    let mut stale = service.clone().oneshot(request(CHAT)).await.unwrap().into_body();
    let mut current = service.oneshot(request(CHAT)).await.unwrap().into_body();
    assert!(stale.frame().await.unwrap().is_err());
    assert_eq!(exchange.record().fault, None, "a later attempt has begun");
    assert!(current.frame().await.unwrap().is_err());
    let Some(Fault::Deadline(error)) = exchange.record().fault else { panic!() };
    assert_eq!(error.which, Idle);
    assert!(current.is_end_stream() && current.frame().await.is_none(), "then it ends");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_always_ready_does_not_outrun_its_deadline() {
    let upstream = service_fn(async |_: Request<()>| {
        let comment = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(b": hi\n\n")));
        Ok::<_, Infallible>(Response::new(StreamBody::new(stream::repeat_with(comment))))
    });
    let mut request = Request::new(());
    request.extensions_mut().insert(RequestDeadline(Instant::now() + ms(1000)));
    let response = DeadlinesLayer::default().layer(upstream).oneshot(request).await.unwrap();
    let mut body = response.into_body();
    for _ in 0..100 {
        body.frame().await.unwrap().unwrap();
        advance(ms(10)).await;
    }
    advance(ms(10)).await;
    body.frame().await.unwrap().expect("it was there, perhaps in time");
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "total deadline passed");
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_late_end_is_an_end() {
    let upstream = service_fn(async |_: Request<()>| {
        let body = Buffered::from_segments(["a".into(), "b".into()]);
        Ok::<_, Infallible>(Response::new(body))
    });
    let mut request = Request::new(());
    request.extensions_mut().insert(RequestDeadline(Instant::now() + ms(1000)));
    let response = DeadlinesLayer::default().layer(upstream).oneshot(request).await.unwrap();
    advance(ms(2000)).await;
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ab");
}

#[tokio::test(start_paused = true)]
async fn the_call_is_dropped_while_its_future_is_still_held() {
    let alive = Arc::new(());
    let held = alive.clone();
    let upstream = service_fn(move |_: Request<()>| {
        let held = held.clone();
        async move {
            let _held = held;
            std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>().await
        }
    });
    let mut service = DeadlinesLayer::default().layer(upstream);
    let mut call = Box::pin(service.call(Request::new(())));
    let idle = Arc::strong_count(&alive);
    assert_eq!(call.as_mut().await.unwrap().status(), 504);
    assert_eq!(Arc::strong_count(&alive), idle - 1);
}

/// Outside of a runtime a timer could not even be made.
#[test]
fn what_is_ready_needs_no_timer() {
    let upstream = service_fn(|_: Request<()>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::from("abc"))))
    });
    let call = DeadlinesLayer::default().layer(upstream).oneshot(Request::new(()));
    let response = tokio_test::assert_ready_ok!(tokio_test::task::spawn(call).poll());
    let body = response.into_body();
    assert_eq!(body.size_hint().exact(), Some(3));
    assert!(!body.is_end_stream());
    let collected = tokio_test::task::spawn(body.collect()).poll();
    assert_eq!(tokio_test::assert_ready_ok!(collected).to_bytes(), "abc");
}

#[tokio::test]
async fn errors_of_the_inner_service_and_body_pass() {
    let broken = service_fn(async |_: Request<()>| Err::<Response<Full<Bytes>>, _>("dead"));
    let error = DeadlinesLayer::default().layer(broken).oneshot(Request::new(())).await;
    assert_eq!(error.unwrap_err(), "dead");

    let cut = service_fn(async |_: Request<()>| {
        let frames = stream::iter([Err::<Frame<Bytes>, _>(io::Error::other("cut"))]);
        Ok::<_, Infallible>(Response::new(StreamBody::new(frames)))
    });
    let response = DeadlinesLayer::default().layer(cut).oneshot(Request::new(())).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "cut");
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_total_is_set_once_and_the_earlier_stays() {
    let seen = RefCell::new(None);
    let inner = service_fn(|request: Request<()>| {
        *seen.borrow_mut() = request.extensions().get::<RequestDeadline>().copied();
        std::future::ready(Ok::<_, Infallible>(()))
    });
    let now = Instant::now();
    let after = |seconds| Some(RequestDeadline(now + Duration::from_secs(seconds)));
    for (layer, there, total) in [
        (RequestDeadlineLayer::default(), None, after(1800)),
        (RequestDeadlineLayer::new(ms(2000)), None, after(2)),
        (RequestDeadlineLayer::new(ms(2000)), after(1), after(1)),
        (RequestDeadlineLayer::new(ms(2000)), after(3), after(2)),
        (RequestDeadlineLayer::new(Duration::ZERO), None, None),
        (RequestDeadlineLayer::new(Duration::ZERO), after(3), after(3)),
        (RequestDeadlineLayer::new(Duration::MAX), None, None),
    ] {
        let mut request = Request::new(());
        if let Some(there) = there {
            request.extensions_mut().insert(there);
        }
        layer.layer(inner).oneshot(request).await.unwrap();
        assert_eq!(*seen.borrow(), total);
    }
}

#[tokio::test]
async fn they_keep_the_contract() {
    let request = || Request::new(Buffered::from("{}"));
    contract::holds(DeadlinesLayer::default(), request).await;
    contract::holds(DeadlinesLayer::new(Settings::OFF), request).await;
    contract::holds(RequestDeadlineLayer::default(), request).await;
}

#[cfg(feature = "observe")]
#[tokio::test(start_paused = true)]
async fn around_the_observer() {
    use crate::{BoxError, exchange::Outcome, observe::ObserveLayer};

    let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n";
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (first, which) in [(role, FirstToken), (text, Deadline::RequestDeadline)] {
        let upstream = service_fn(move |_: Request<()>| {
            let events = stream::unfold(Some(first), async |event| {
                tokio::time::sleep(ms(20_000)).await;
                let frame = Frame::data(Bytes::from(event.unwrap_or(": hi\n\n")));
                Some((Ok::<_, BoxError>(frame), None))
            });
            let body = StreamBody::new(Box::pin(events));
            let response = Response::builder().header("content-type", "text/event-stream");
            std::future::ready(Ok::<_, Infallible>(response.body(body).unwrap()))
        });
        let exchange = Exchange::default();
        let mut request = Request::post(CHAT).extension(exchange.clone()).body(()).unwrap();
        request.extensions_mut().insert(Streamed(true));
        let layers =
            (RequestDeadlineLayer::default(), DeadlinesLayer::default(), ObserveLayer::new());
        let response = layers.layer(upstream).oneshot(request).await.unwrap();
        let error = response.into_body().collect().await.unwrap_err();
        let error = *error.downcast::<DeadlineError>().unwrap();
        assert_eq!(error.which, which);
        let record = exchange.record();
        assert_eq!(record.fault, Some(Fault::Deadline(error)));
        assert_eq!(record.outcome(), Some(Outcome::Fault));
    }

    // A call that never gets its head is this attempt's fault as well, not a cancelled one.
    let exchange = Exchange::default();
    let request = Request::post(CHAT).extension(exchange.clone()).body(()).unwrap();
    let upstream = service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let layers = (DeadlinesLayer::default(), ObserveLayer::new());
    let response = layers.layer(upstream).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 504);
    assert_eq!(exchange.record().outcome(), Some(Outcome::Fault));
}
