use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use static_assertions::assert_impl_all;
use tokio_test::{assert_pending, task};
use tower::service_fn;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    script::{Inner, Script},
    *,
};
use crate::{
    Buffered, Code, Dialect, Exchange, Rejected, Rejection, Target,
    body::BodyEnd,
    contract,
    exchange::{AttemptRecord, Fault, Finish, Usage},
};

assert_impl_all!(BudgetLayer<ClientKey, ByClient>: Send, Sync, Clone, std::fmt::Debug);
assert_impl_all!(Budget<(), ClientKey, ByClient>: Send, Sync, Clone, std::fmt::Debug);
assert_impl_all!(ResponseFuture<std::future::Ready<()>, u32, PriceList>: Send, Sync);
assert_impl_all!(ResponseBody<Full<Bytes>, u32, PriceList>: Send, Sync);

const CHAT: &str = "/v1/chat/completions";
/// 48 bytes: 12 tokens.
const ASK: &str = r#"{"model":"m", "max_tokens":100, "messages": [] }"#;
const PROMPT: u64 = 12;

pub(super) fn target(model: &str) -> Target {
    Target { provider: "p".into(), model: model.into(), dialect: Dialect::Chat }
}

/// 2 nano-dollars per token of `m`, and 1 of `cheap`.
fn prices() -> PriceList {
    let price = |nanos: u64| Price { input: nanos, cached_input: nanos, output: nanos };
    PriceList::from_iter([("m", price(2_000_000)), ("cheap", price(1_000_000))])
}

type Keyed = BudgetLayer<u32, fn(&Request<Buffered>) -> Option<u32>, SizeEstimator, PriceList>;

fn layer(ledger: &Ledger<u32>) -> Keyed {
    let key: fn(&Request<Buffered>) -> Option<u32> = |request| request.extensions().get().copied();
    BudgetLayer::new(ledger.clone(), key).pricing(prices())
}

fn all() -> [Limit; 3] {
    [
        Limit::requests(100, Period::Day),
        Limit::tokens(1000, Period::Day),
        Limit::money(Money::from_nanos(2000), Period::Day),
    ]
}

fn ledger() -> Ledger<u32> {
    Ledger::new(all().into())
}

fn ask(body: &'static str) -> Request<Buffered> {
    Request::post(CHAT).body(Buffered::from(body)).unwrap()
}

fn standing(ledger: &Ledger<u32>) -> ([u64; 3], [u64; 3]) {
    let standing = ledger.standing(&None, ledger.now());
    let of = |f: fn(&BudgetStatus) -> u64| {
        let all: Vec<_> = standing.iter().map(f).collect();
        <[u64; 3]>::try_from(all).unwrap()
    };
    (of(|standing| standing.used), of(|standing| standing.reserved))
}

/// How the reader leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reader {
    ToTheEnd,
    AfterAFrame,
    AtOnce,
}

/// What one request comes to: requests, tokens, nano-dollars.
async fn booked(path: &str, script: Script, reader: Reader) -> [u64; 3] {
    let ledger = ledger();
    let mut service = layer(&ledger).layer(Inner(script));
    let request = Request::post(path).body(Buffered::from(ASK)).unwrap();
    let response = service.call(request).await.unwrap();
    let (used, reserved) = standing(&ledger);
    assert_eq!((used, reserved), ([0; 3], [1, PROMPT + 100, 2 * (PROMPT + 100)]), "under way");
    let mut body = response.into_body();
    match reader {
        Reader::ToTheEnd => while let Some(Ok(_)) = body.frame().await {},
        Reader::AfterAFrame => drop(body.frame().await),
        Reader::AtOnce => {}
    }
    if reader == Reader::ToTheEnd {
        assert_eq!(standing(&ledger).1, [0; 3], "settled before it is dropped");
    }
    drop(body);
    let (used, reserved) = standing(&ledger);
    assert_eq!((reserved, ledger.open()), ([0; 3], 0), "nothing stays reserved");
    used
}

fn usage(input: u64, output: u64) -> AttemptRecord {
    let usage = Some(Usage { input, output, ..Usage::default() });
    AttemptRecord { usage, content: true, finish: Some(Finish::Stop), ..AttemptRecord::default() }
}

fn pieces(pieces: u64) -> AttemptRecord {
    AttemptRecord { pieces, content: pieces > 0, ..AttemptRecord::default() }
}

const EVENTS: &str = "text/event-stream";

#[tokio::test]
async fn what_is_booked_is_what_is_known() {
    use Reader::*;
    let answer = Script::default;
    let stream = || Script { content_type: EVENTS, ..answer() };
    let broken = |record: AttemptRecord| AttemptRecord { fault: Some(Fault::Unfinished), ..record };
    let seen = |pieces| [1, PROMPT + pieces, PROMPT + pieces];
    let estimate = [1, PROMPT + 100, PROMPT + 100];
    for (script, reader, expected) in [
        // The usage, whatever else.
        (Script { record: usage(9, 3), ..answer() }, ToTheEnd, [1, 12, 12]),
        (Script { record: usage(900, 300), ..stream() }, ToTheEnd, [1, 1200, 1200]),
        (Script { record: usage(9, 3), stalls: true, ..stream() }, AfterAFrame, [1, 12, 12]),
        (Script { record: broken(usage(9, 3)), breaks: true, ..stream() }, ToTheEnd, [1, 12, 12]),
        // Cut before it came.
        (Script { record: pieces(7), stalls: true, ..stream() }, AfterAFrame, seen(7)),
        (Script { record: broken(pieces(7)), breaks: true, ..stream() }, ToTheEnd, seen(7)),
        (Script { record: broken(pieces(7)), ..stream() }, ToTheEnd, seen(7)),
        (Script { record: pieces(0), stalls: true, ..stream() }, AtOnce, seen(0)),
        (Script { record: pieces(0), stalls: true, ..answer() }, AtOnce, seen(0)),
        // A provider that reports no usage.
        (Script { record: pieces(7), ..stream() }, ToTheEnd, seen(7)),
        (Script { record: pieces(1), ..answer() }, ToTheEnd, estimate),
        // Errors.
        (Script { status: 503, ..answer() }, ToTheEnd, [1, 0, 0]),
        (Script { status: 429, ..answer() }, AtOnce, [1, 0, 0]),
        (Script { status: 400, record: pieces(0), breaks: true, ..answer() }, ToTheEnd, [1, 0, 0]),
        // Without an observer.
        (Script { observes: false, ..answer() }, ToTheEnd, [1, 112, 224]),
        (Script { observes: false, ..stream() }, AtOnce, [1, 112, 224]),
        (Script { observes: false, status: 500, ..answer() }, ToTheEnd, [1, 0, 0]),
    ] {
        let said = format!("{script:?} {reader:?}");
        assert_eq!(booked(CHAT, script, reader).await, expected, "{said}");
    }
    // Where the observer understands nothing.
    let opaque = || Script { content_type: EVENTS, stalls: true, ..answer() };
    assert_eq!(booked("/v1/completions", opaque(), AfterAFrame).await, estimate);
}

#[tokio::test]
async fn an_early_head_is_no_success() {
    // The router sends a 200 and comments while it still tries; then no target answers.
    let early = service_fn(async |request: Request<Buffered>| {
        let recorder = request.extensions().get::<Exchange>().unwrap().begin();
        recorder.head(StatusCode::SERVICE_UNAVAILABLE);
        recorder.end(BodyEnd::Complete);
        let response = Response::builder().header("content-type", EVENTS);
        Ok::<_, Infallible>(response.body(Full::<Bytes>::from("data: an error\n\n")).unwrap())
    });
    let ledger = ledger();
    let response = layer(&ledger).layer(early).call(ask(ASK)).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert_eq!(standing(&ledger).0, [1, 0, 0]);
}

/// The client disconnects, the attempt fails without an answer, or no target is available.
#[tokio::test]
async fn a_call_may_end_without_an_answer() {
    #[derive(Clone, Copy)]
    enum End {
        Waits,
        Fails,
        Rejects,
    }
    for (end, is_asked, expected) in [
        (End::Waits, true, [1, PROMPT, 2 * PROMPT]),
        (End::Waits, false, [0, 0, 0]),
        (End::Fails, true, [1, 0, 0]),
        (End::Fails, false, [1, 0, 0]),
        (End::Rejects, true, [1, 0, 0]),
        (End::Rejects, false, [0, 0, 0]),
    ] {
        let inner = service_fn(async |request: Request<Buffered>| {
            let exchange = request.extensions().get::<Exchange>().unwrap();
            let recorder = is_asked.then(|| exchange.begin());
            let record = |end| recorder.iter().for_each(|recorder| recorder.end(end));
            match end {
                End::Waits => {
                    record(BodyEnd::Dropped);
                    std::future::pending().await
                }
                End::Fails => {
                    record(BodyEnd::Error);
                    Err("broke")
                }
                End::Rejects => {
                    record(BodyEnd::Complete);
                    let rejection = Rejection::new(Code::NoProvider, "nobody is there");
                    Ok(rejection.into_response::<Full<Bytes>>())
                }
            }
        });
        let ledger = ledger();
        let mut call = task::spawn(Box::pin(layer(&ledger).layer(inner).call(ask(ASK))));
        if let End::Waits = end {
            assert_pending!(call.poll());
            assert_eq!(standing(&ledger).1[0], 1, "under way");
            drop(call);
        } else {
            drop(call.await);
        }
        assert_eq!(standing(&ledger), (expected, [0; 3]));
    }
}

#[tokio::test]
async fn who_has_used_up_a_budget_is_told_until_when() {
    let limits = [Limit::tokens(150, Period::Day)];
    // 2026-11-01T23:59:58.5Z
    let clock = Arc::new(AtomicU64::new(1_793_577_598_500));
    let read = clock.clone();
    let now = move || UNIX_EPOCH + Duration::from_millis(read.load(Ordering::Relaxed));
    let ledger = Ledger::<u32>::with_clock(move |_| limits.into(), now);
    let mut service =
        layer(&ledger).layer(Inner(Script { record: usage(140, 10), ..Script::default() }));
    let mut send = async |body| {
        let response = service.call(ask(body)).await.unwrap();
        let (head, body) = response.into_parts();
        (head, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    };
    assert_eq!(send(ASK).await.0.status, 200);

    let (head, body) = send(ASK).await;
    assert_eq!(head.status, 429);
    assert_eq!(head.headers["retry-after"], "2");
    let rejected = head.extensions.get::<Rejected>().unwrap();
    assert_eq!(
        (rejected.code, rejected.retry_after),
        (Code::QuotaExhausted, Some(Duration::from_millis(1500)))
    );
    assert_eq!(
        body,
        r#"{"error":{"code":"QUOTA_EXHAUSTED","message":"the budget of 150 tokens per day is used up","type":"insufficient_quota","param":null}}"#
    );

    let (head, body) = send(r#"{"max_tokens":200}"#).await;
    assert_eq!((head.status.as_u16(), head.headers.get("retry-after")), (400, None));
    assert!(head.extensions.get::<Rejected>().is_some());
    let message =
        "the request may take 205 tokens, but the budget of 150 tokens per day never has more";
    assert!(body.contains(message), "{body}");

    clock.fetch_add(1500, Ordering::Relaxed);
    assert_eq!(send(ASK).await.0.status, 200);
}

#[tokio::test]
async fn a_key_without_limits_is_not_counted() {
    let ledger = Ledger::<u32>::by_key(|key| match key {
        Some(1) => Limits::from([Limit::requests(1, Period::Day)]),
        _ => Limits::NONE,
    });
    let seen = service_fn(async |request: Request<Buffered>| {
        let is_counted = request.extensions().get::<Exchange>().is_some();
        let body = if is_counted { "counted" } else { "free" };
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(body)))
    });
    let mut service = layer(&ledger).layer(seen);
    for (key, answers) in [(1u32, ["counted", "error"]), (2, ["free", "free"])] {
        for expected in answers {
            let mut request = ask(ASK);
            request.extensions_mut().insert(key);
            let response = service.call(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains(expected), "{key}: {body}");
        }
    }
    assert_eq!(ledger.keys(), [Some(1)]);
}

#[tokio::test]
async fn an_empty_answer_that_nobody_polls_is_whole() {
    let ledger = ledger();
    let inner = service_fn(async |_: Request<Buffered>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let response = layer(&ledger).layer(inner).call(ask(ASK)).await.unwrap();
    drop(response);
    assert_eq!(standing(&ledger), ([1, 112, 224], [0; 3]));
}

/// The reader disconnects, which the observer sees by being dropped.
#[cfg(feature = "observe")]
#[tokio::test]
async fn an_observer_has_the_last_word() {
    use futures_util::{StreamExt, stream};

    let upstream = service_fn(async |_: Request<Buffered>| {
        let text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n".repeat(5);
        let frame = http_body::Frame::data(Bytes::from(text));
        let body = stream::iter([Ok::<_, Infallible>(frame)]).chain(stream::pending());
        let response = Response::builder().header("content-type", EVENTS);
        Ok::<_, Infallible>(response.body(http_body_util::StreamBody::new(body)).unwrap())
    });
    let ledger = ledger();
    let observed = crate::observe::ObserveLayer::new().layer(upstream);
    let response = layer(&ledger).layer(observed).call(ask(ASK)).await.unwrap();
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(standing(&ledger), ([1, PROMPT + 5, 2 * (PROMPT + 5)], [0; 3]));
}

#[tokio::test(start_paused = true)]
async fn it_keeps_the_contract() {
    let request = || Request::new(Buffered::from(ASK));
    contract::holds(layer(&ledger()), request).await;
    let free = BudgetLayer::new(Ledger::<ClientKey>::new(Limits::NONE), ByClient::new());
    contract::holds(free, request).await;
}
