use std::{convert::Infallible, future::ready, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio_test::task;
use tower::{Service, ServiceExt, service_fn};
use tower_layer::Layer;

use super::{script::*, *};
use crate::{
    Code, Exchange, Rejection,
    classify::{CircuitOpen, Deadline, DeadlineError, TransportError, TransportErrorKind},
    exchange::{AttemptRecord, Finish},
};

fn marked<M: Clone + std::error::Error + Send + Sync + 'static>(mark: M) -> Reply {
    reply(move |_| {
        let failure = Rejection::new(Code::ProviderError, "failed");
        Ok(failure.into_failure::<Bytes, _>(mark.clone()).map(|_| body(stream::empty())))
    })
}

/// An observed answer. The record is written before the first frame, or, as a real observer does
/// for what only the end shows, when the body is dropped.
fn observed(replies: Reply, at_drop: bool, f: fn(&mut AttemptRecord)) -> Reply {
    reply(move |request| {
        let exchange = request.extensions().get::<Exchange>().cloned().unwrap_or_default();
        let recorder = exchange.begin();
        let mut response = replies(request).unwrap()?;
        let record = AtDrop(Some(move || recorder.update(f)));
        let record = at_drop.then_some(record);
        response.extensions_mut().insert(exchange);
        Ok(response.map(|inner| {
            let frames = inner.map(move |frame| {
                let _ = &record;
                frame
            });
            StreamBody::new(Box::pin(frames) as Pin<Box<_>>)
        }))
    })
}

struct AtDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|record| record());
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    Success,
    Fault,
    /// Or cancelled, or not counted.
    Neither,
}

/// What a call counts as, by what it does to a circuit that opens after two faults.
async fn judge(call: impl AsyncFn(&Test)) -> Judged {
    let test = Test::new(CircuitBreakerLayer::new(Settings::default().consecutive_faults(2)));
    test.read(&status(500)).await;
    call(&test).await;
    if test.state() == CircuitState::Open {
        return Judged::Fault;
    }
    test.read(&status(500)).await;
    if test.state() == CircuitState::Open { Judged::Neither } else { Judged::Success }
}

async fn judge_read(replies: Reply) -> Judged {
    judge(async |test: &Test| test.read(&replies).await).await
}

/// The client goes away after the first frame.
async fn judge_dropped(replies: Reply) -> Judged {
    judge(async |test: &Test| {
        let mut response = test.ask(&replies).await.unwrap();
        response.body_mut().frame().await.unwrap().unwrap();
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn heads_count_by_what_they_mean() {
    for (code, judged) in [
        (200, Judged::Success),
        (204, Judged::Success),
        (302, Judged::Fault),
        (400, Judged::Neither),
        (401, Judged::Neither),
        (402, Judged::Neither),
        (404, Judged::Neither),
        (429, Judged::Neither),
        (500, Judged::Fault),
        (501, Judged::Fault),
        (503, Judged::Fault),
        (504, Judged::Fault),
        (529, Judged::Fault),
    ] {
        assert_eq!(judge_read(status(code)).await, judged, "{code}");
    }
    let transport = TransportError::new(TransportErrorKind::Connect, "refused");
    assert_eq!(judge_read(marked(transport)).await, Judged::Fault);
    let deadline = DeadlineError { which: Deadline::Headers, limit: None };
    assert_eq!(judge_read(marked(deadline)).await, Judged::Fault);
    let rejected = reply(|_| {
        let rejection = Rejection::new(Code::NoProvider, "no").into_response::<Bytes>();
        Ok(rejection.map(|_| body(stream::empty())))
    });
    assert_eq!(judge_read(rejected).await, Judged::Neither);
    assert_eq!(judge_read(reply(|_| Err("refused".into()))).await, Judged::Fault);
}

#[tokio::test(start_paused = true)]
async fn bodies_count_by_how_they_end() {
    assert_eq!(judge_read(cut()).await, Judged::Fault);
    assert_eq!(judge_dropped(cut()).await, Judged::Neither);
    assert_eq!(judge_dropped(endless()).await, Judged::Neither);
    assert_eq!(judge(async |test: &Test| drop(test.ask(&cut()).await)).await, Judged::Neither);
    let unanswered: Reply = Arc::new(|_| None);
    let dropped = judge(async |test: &Test| {
        let mut asking = task::spawn(test.ask(&unanswered));
        assert!(asking.poll().is_pending());
    });
    assert_eq!(dropped.await, Judged::Neither);
}

#[tokio::test(start_paused = true)]
async fn the_exchange_knows_better() {
    use crate::{body::BodyEnd, exchange::Fault};
    let broken: fn(&mut AttemptRecord) = |record| {
        record.fault = Some(Fault::Unfinished);
        record.end = Some(BodyEnd::Complete);
    };
    let finished: fn(&mut AttemptRecord) = |record| {
        record.finish = Some(Finish::Stop);
        record.end = Some(BodyEnd::Dropped);
    };
    let gone: fn(&mut AttemptRecord) = |record| record.end = Some(BodyEnd::Dropped);
    assert_eq!(judge_read(observed(status(200), false, broken)).await, Judged::Fault);
    assert_eq!(judge_read(observed(cut(), false, finished)).await, Judged::Fault);
    for at_drop in [false, true] {
        let dropped = async |f| judge_dropped(observed(endless(), at_drop, f)).await;
        assert_eq!(dropped(finished).await, Judged::Success, "{at_drop}");
        assert_eq!(dropped(broken).await, Judged::Fault, "{at_drop}");
        assert_eq!(dropped(gone).await, Judged::Neither, "{at_drop}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_exchange_of_another_attempt_says_nothing() {
    use crate::{body::BodyEnd, exchange::Fault};
    let broken = |record: &mut AttemptRecord| {
        record.fault = Some(Fault::Unfinished);
        record.end = Some(BodyEnd::Complete);
    };
    // From before: this attempt is not observed, even though its answer carries the exchange.
    let earlier = judge(async |test: &Test| {
        let exchange = Exchange::default();
        exchange.begin().update(broken);
        *test.replies.lock() = reply(|request| {
            let mut response = status(200)(request).unwrap()?;
            response.extensions_mut().extend(request.extensions().clone());
            Ok(response)
        });
        let mut request = request();
        request.extensions_mut().insert(exchange);
        let response = test.service.clone().oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
    });
    assert_eq!(earlier.await, Judged::Success);
    // From after: another attempt has begun before this body ended.
    let later = judge(async |test: &Test| {
        let replies = observed(status(200), false, |_| {});
        let mut response = test.ask(&replies).await.unwrap();
        let exchange = response.extensions().get::<Exchange>().unwrap().clone();
        exchange.begin().update(broken);
        response.body_mut().collect().await.unwrap();
    });
    assert_eq!(later.await, Judged::Success);
}

/// Sends a request that belongs to this exchange, and reads its answer.
async fn send(test: &Test, exchange: &Exchange, replies: &Reply) -> Option<CircuitOpen> {
    *test.replies.lock() = replies.clone();
    let mut request = request();
    request.extensions_mut().insert(exchange.clone());
    let response = test.service.clone().oneshot(request).await.ok()?;
    let mark = response.extensions().get().copied();
    let _ = response.into_body().collect().await;
    mark
}

fn failed_transport() -> Reply {
    marked(TransportError::new(TransportErrorKind::Connect, "refused"))
}

#[tokio::test(start_paused = true)]
async fn the_attempts_of_one_request_are_one_fault() {
    for replies in [status(500), failed_transport(), cut(), reply(|_| Err("refused".into()))] {
        let test = Test::new(CircuitBreakerLayer::new(Settings::default()));
        for request in 0..3 {
            assert_eq!(test.state(), CircuitState::Closed, "{request}");
            let exchange = Exchange::default();
            for _ in 0..4 {
                send(&test, &exchange, &replies).await;
            }
        }
        assert_eq!(test.state(), CircuitState::Open);
    }
}

/// Each request has an exchange of its own.
fn exchange(request: u64) -> Exchange {
    let exchange = Exchange::default();
    exchange.set_request(request);
    exchange
}

#[tokio::test(start_paused = true)]
async fn a_request_that_makes_the_server_fail_counts_once_however_often_it_is_sent() {
    let malformed: fn(&mut AttemptRecord) = |record| {
        record.fault = Some(crate::exchange::Fault::Malformed("it is not JSON".into()));
        record.end = Some(crate::body::BodyEnd::Complete);
    };
    for replies in [status(500), status(503), observed(status(200), false, malformed)] {
        let test = Test::new(CircuitBreakerLayer::new(Settings::default()));
        for _ in 0..20 {
            send(&test, &exchange(1), &replies).await;
            send(&test, &exchange(2), &replies).await;
        }
        assert_eq!(test.state(), CircuitState::Closed);
        send(&test, &exchange(3), &replies).await;
        assert_eq!(test.state(), CircuitState::Open, "three distinct ones are an outage");
    }
    let test = Test::new(CircuitBreakerLayer::new(Settings::default()));
    for _ in 0..3 {
        send(&test, &exchange(1), &failed_transport()).await;
    }
    assert_eq!(test.state(), CircuitState::Open, "no connection is no request's fault");
}

#[tokio::test(start_paused = true)]
async fn a_known_request_says_nothing_as_a_probe() {
    let test = Test::new(CircuitBreakerLayer::new(Settings::default()));
    for request in 1..4 {
        send(&test, &exchange(request), &status(500)).await;
    }
    assert_eq!(test.state(), CircuitState::Open);
    tokio::time::advance(SECOND * 30).await;
    send(&test, &exchange(1), &status(500)).await;
    assert_eq!(test.state(), CircuitState::HalfOpen, "another one may probe");
    send(&test, &exchange(4), &status(500)).await;
    assert_eq!(test.state(), CircuitState::Open);
    tokio::time::advance(SECOND * 30).await;
    send(&test, &exchange(1), &status(200)).await;
    assert_eq!(test.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_error_after_which_the_circuit_is_open_says_so() {
    let test = Test::new(CircuitBreakerLayer::new(Settings::default()));
    let marks = [1, 1, 2, 3];
    for (sent, request) in marks.into_iter().enumerate() {
        let mark = send(&test, &exchange(request), &status(500)).await;
        assert_eq!(mark.is_some(), sent == marks.len() - 1, "{sent}");
    }
    assert_eq!(send(&test, &exchange(4), &status(500)).await, None, "it is refused");
}

#[tokio::test]
async fn an_end_needs_no_none() {
    let layer = CircuitBreakerLayer::new(Settings::default().consecutive_faults(2));
    for (text, frames) in [("abc", 1), ("", 0)] {
        let handle = Handle::new();
        let known = service_fn(move |fails: Request<bool>| {
            let mut response = Response::new(Full::new(Bytes::from(text)));
            if *fails.body() {
                *response.status_mut() = StatusCode::BAD_GATEWAY;
            }
            ready(Ok::<_, Infallible>(response))
        });
        let mut service = layer.clone().handle(handle.clone()).layer(known);
        for fails in [true, false, true] {
            let mut body = service.call(Request::new(fails)).await.unwrap().into_body();
            assert_eq!(body.size_hint().exact(), Some(text.len() as u64));
            for _ in 0..frames {
                body.frame().await.unwrap().unwrap();
            }
            assert!(body.is_end_stream());
        }
        assert_eq!(handle.list()[0].state, CircuitState::Closed, "the success was seen: {text:?}");
    }
}

#[cfg(all(feature = "observe", feature = "deadlines"))]
#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_or_falls_silent_after_a_200_is_a_fault() {
    use tokio::time::Instant;

    use crate::{BoxError, deadlines::DeadlinesLayer, observe::ObserveLayer};

    const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const ERROR: &str = "data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
    let layer = CircuitBreakerLayer::new(Settings::default().consecutive_faults(1));
    for (events, silent, state) in [
        (&[WORD, STOP][..], false, CircuitState::Closed),
        (&[WORD], false, CircuitState::Open),
        (&[WORD, ERROR], false, CircuitState::Open),
        (&[WORD, "data: {{{\n\n"], false, CircuitState::Open),
        (&[WORD], true, CircuitState::Open),
        (&[], true, CircuitState::Open),
        (&[], false, CircuitState::Open),
    ] {
        let upstream = service_fn(move |_: Request<()>| {
            let events = stream::iter(events.iter().map(|event| Ok(*event)));
            let silence = if silent {
                stream::pending().left_stream()
            } else {
                stream::empty().right_stream()
            };
            let mut response = Response::new(body(events.chain(silence)));
            response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
            ready(Ok::<_, BoxError>(response))
        });
        let handle = Handle::new();
        let layers =
            (layer.clone().handle(handle.clone()), DeadlinesLayer::default(), ObserveLayer::new());
        let request = Request::post("/v1/chat/completions").body(()).unwrap();
        let start = Instant::now();
        let response = layers.layer(upstream).oneshot(request).await.unwrap();
        let read = response.into_body().collect().await;
        assert_eq!(read.is_ok(), state == CircuitState::Closed, "{events:?}");
        assert_eq!(start.elapsed().is_zero(), !silent);
        assert_eq!(handle.list()[0].state, state, "{events:?} {silent}");
    }
}
