use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use static_assertions::assert_impl_all;
use tokio::time::{advance, sleep};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_service::Service;

use super::*;
use crate::{Buffered, Code, Dialect, Rejected, Rejection, Target, contract};

assert_impl_all!(Quotas: Send, Sync, Clone, std::fmt::Debug);
assert_impl_all!(QuotaGateLayer: Send, Sync, Clone);
assert_impl_all!(QuotaGate<()>: Send, Sync, Clone);
assert_impl_all!(ResponseFuture<std::future::Ready<()>>: Send, Sync);
assert_impl_all!(Snapshot: Send, Sync, Clone);
assert_impl_all!(RateLimitHeaders: Send, Sync, Copy);

const SECOND: Duration = Duration::from_secs(1);

/// A source with a constant report.
struct Snapshots(Vec<(&'static str, Snapshot)>);

impl QuotaSource for Snapshots {
    fn name(&self) -> &str {
        "told"
    }

    fn read(&self) -> Reading<'_> {
        let told = self.0.iter().map(|(name, snapshot)| ((*name).to_owned(), snapshot.clone()));
        Box::pin(std::future::ready(Ok(told.collect())))
    }
}

/// The snapshots after the first read of a source with this report.
async fn told(
    quotas: Quotas,
    snapshots: impl IntoIterator<Item = (&'static str, Snapshot)>,
) -> Quotas {
    quotas.watch(Snapshots(snapshots.into_iter().collect()));
    sleep(Duration::from_millis(1)).await;
    quotas
}

fn empty() -> Snapshot {
    Snapshot::new(false, "Balance: ¥0.00")
}

fn target(provider: &str, model: &str) -> Target {
    Target { provider: provider.into(), model: model.into(), dialect: Dialect::Chat }
}

fn request(provider: &str, model: &str) -> Request<()> {
    Request::builder().extension(target(provider, model)).body(()).unwrap()
}

/// Sends through the gate; the provider's answer has these headers.
async fn send_for(
    quotas: &Quotas,
    request: Request<()>,
    headers: &[(&'static str, &str)],
) -> Response<Bytes> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let inner = service_fn(move |_: Request<()>| {
        let mut response = Response::new(Full::<Bytes>::from("answer"));
        *response.headers_mut() = headers.clone();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let layer = QuotaGateLayer::new(quotas.clone());
    let (head, body) = layer.layer(inner).oneshot(request).await.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

async fn ask(quotas: &Quotas, provider: &str) -> Response<Bytes> {
    send_for(quotas, request(provider, "m"), &[]).await
}

async fn passes(quotas: &Quotas, provider: &str) -> bool {
    ask(quotas, provider).await.status().is_success()
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_left_is_refused() {
    let some = Snapshot::new(true, "Balance: $1.00");
    let quotas = told(Quotas::default(), [("empty", empty()), ("full", some)]).await;
    assert!(passes(&quotas, "full").await && passes(&quotas, "unknown").await);
    let response = ask(&quotas, "empty").await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers().get("retry-after"), None, "nobody knows");
    let rejected = response.extensions().get::<Rejected>().unwrap();
    assert_eq!((rejected.code, rejected.retry_after), (Code::QuotaExhausted, None));
    assert_eq!(rejected.message, "empty: Balance: ¥0.00");
    let body = String::from_utf8_lossy(response.body());
    assert!(body.contains(r#""code":"QUOTA_EXHAUSTED""#), "{body}");
    assert!(body.contains(r#""type":"insufficient_quota""#), "{body}");
}

#[tokio::test(start_paused = true)]
async fn without_a_target_everything_passes() {
    let quotas = told(Quotas::default(), [("", empty())]).await;
    let used_up = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "9s")];
    for _ in 0..2 {
        assert_eq!(send_for(&quotas, Request::new(()), &used_up).await.status(), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_says_when_to_come_back_and_is_kept() {
    let now = SystemTime::now();
    let soon = empty().resets_at(now + Duration::from_secs(3600));
    let mut over = empty().resets_at(now - SECOND);
    over.as_of = now - 2 * SECOND;
    let quotas = told(Quotas::default(), [("soon", soon), ("over", over)]).await;
    let response = ask(&quotas, "soon").await;
    let header: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3590..=3600).contains(&header), "{header}");
    assert!(passes(&quotas, "over").await, "its reset has come since it was read");
}

#[tokio::test(start_paused = true)]
async fn providers_may_go_by_other_names() {
    let names = [("openai", vec!["codex", "openai"]), ("ollama", vec![])];
    let some = Snapshot::new(true, "some");
    let snapshots = [("codex", empty()), ("openai", some.clone()), ("ollama", empty())];
    let quotas = told(Quotas::new(names.clone()), snapshots).await;
    assert!(!passes(&quotas, "openai").await, "the first name counts");
    assert!(passes(&quotas, "ollama").await, "it is not looked up");
    assert!(!passes(&quotas, "codex").await, "who has no other name goes by its own");
    assert_eq!(quotas.of("openai").unwrap().summary, empty().summary);
    assert_eq!(quotas.of("ollama"), None);
    let listed: Vec<_> = quotas.list().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        listed,
        ["codex".into(), "ollama".into(), "openai".into()] as [std::sync::Arc<str>; 3]
    );

    let quotas = told(Quotas::new(names), [("openai", some)]).await;
    assert!(passes(&quotas, "openai").await, "the second name, when nobody knows the first");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_said_it_has_nothing_left_is_skipped_until_its_reset() {
    let quotas = Quotas::default();
    let used_up = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "2.5s")];
    let first = send_for(&quotas, request("p", "m"), &used_up).await;
    assert_eq!(first.status(), 200, "it is an answer all the same");
    assert!(first.headers().contains_key("x-ratelimit-remaining-requests"), "and is not changed");
    let response = ask(&quotas, "p").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    let rejected = response.extensions().get::<Rejected>().unwrap();
    assert_eq!(rejected.retry_after, Some(Duration::from_millis(2500)));
    assert_eq!(rejected.message, "p/m: its limit is used up for another 3 s");
    assert_eq!(send_for(&quotas, request("p", "n"), &[]).await.status(), 200, "another model");
    advance(Duration::from_millis(2499)).await;
    assert!(!passes(&quotas.clone(), "p").await);
    advance(Duration::from_millis(1)).await;
    assert!(passes(&quotas, "p").await);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_skipped_for_longer_than_a_day_or_without_a_reset() {
    let quotas = Quotas::default();
    for (count, reset, passes_then) in
        [("0", "0s", true), ("1", "9s", true), ("0", "never", true), ("0", "9999h", false)]
    {
        let headers =
            [("x-ratelimit-remaining-tokens", count), ("x-ratelimit-reset-tokens", reset)];
        send_for(&quotas, request("p", "m"), &headers).await;
        assert_eq!(passes(&quotas, "p").await, passes_then, "{count} until {reset}");
    }
    advance(Duration::from_secs(24 * 3600)).await;
    assert!(passes(&quotas, "p").await);
}

#[tokio::test(start_paused = true)]
async fn the_extension_comes_before_the_headers_and_rejections_say_nothing() {
    let left = |count| RemainingLimit { count, reset: Some(SECOND) };
    let answered = async |count: Option<u64>, is_rejected: bool| {
        let quotas = Quotas::default();
        let mut response: Response<Bytes> = match is_rejected {
            true => Rejection::new(Code::RateLimited, "no").into_response(),
            false => Response::default(),
        };
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-remaining-requests", "0".parse().unwrap());
        headers.insert("x-ratelimit-reset-requests", "1s".parse().unwrap());
        if let Some(count) = count {
            let remaining = RateLimitHeaders { requests: Some(left(count)), tokens: None };
            response.extensions_mut().insert(remaining);
        }
        quotas.answered(&target("p", "m"), &response);
        passes(&quotas, "p").await
    };
    assert!(!answered(None, false).await);
    assert!(answered(Some(1), false).await);
    assert!(!answered(Some(0), false).await);
    assert!(answered(None, true).await, "an inner limit's headers are not the provider's");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_never_reaches_the_inner_service() {
    let quotas = told(Quotas::default(), [("p", empty())]).await;
    let calls = AtomicUsize::new(0);
    let mut service = QuotaGateLayer::new(quotas).layer(service_fn(|_: Request<()>| {
        calls.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    }));
    drop(service.ready().await.unwrap().call(request("p", "m")));
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pass_does_not_allocate() {
    let names = [("p", ["other", "p"])];
    let quotas = told(Quotas::new(names), [("p", Snapshot::new(true, "some"))]).await;
    let skipped = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "9s")];
    send_for(&quotas, request("q", "m"), &skipped).await;
    let mut service = QuotaGateLayer::new(quotas)
        .layer(service_fn(|_| std::future::ready(Ok::<_, Infallible>(Response::new(())))));
    let mut allocations = |request| {
        let info = allocation_counter::measure(|| {
            let mut future = std::pin::pin!(service.call(request));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(&mut cx).is_ready());
        });
        info.count_total
    };
    assert_eq!(allocations(request("p", "m")), 0);
    assert_eq!(allocations(request("unknown", "m")), 0);
    assert_eq!(allocations(Request::new(())), 0);
    assert!(allocations(request("q", "m")) > 0, "it does count");
}

#[tokio::test(start_paused = true)]
async fn it_keeps_the_contract() {
    let quotas = told(Quotas::default(), [("p", Snapshot::new(true, "some"))]).await;
    let with_target = || {
        let mut ask = Request::new(Buffered::default());
        ask.extensions_mut().insert(target("p", "m"));
        ask
    };
    contract::holds(QuotaGateLayer::new(quotas.clone()), with_target).await;
    contract::holds(QuotaGateLayer::new(quotas), || Request::new(Buffered::default())).await;
}
