use std::{
    convert::Infallible,
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use static_assertions::assert_impl_all;
use tokio::time::{Instant, advance};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_service::Service;

use super::*;
use crate::{Buffered, Code, Dialect, Rejected, Target, contract};

assert_impl_all!(Limiter<IpAddr>: Send, Sync, Clone, std::fmt::Debug);
assert_impl_all!(RateLimitLayer<IpAddr, ByIp>: Send, Sync, Clone);
assert_impl_all!(RateLimit<(), IpAddr, ByIp>: Send, Sync, Clone);
assert_impl_all!(ResponseFuture<std::future::Ready<()>>: Send, Sync);
assert_impl_all!(ByTarget: Send, Sync, Copy);

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const REQUESTS: [&str; 3] =
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
const TOKENS: [&str; 3] =
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];

type ByKey = RateLimitLayer<HeaderKey, ByHeader>;

fn layer(limiter: &Limiter<HeaderKey>) -> ByKey {
    RateLimitLayer::new(limiter.clone(), ByHeader::new(API_KEY))
}

fn limited(limit: Limit) -> ByKey {
    layer(&Limiter::new(limit))
}

fn request(path: &str, key: &str) -> Request<()> {
    Request::post(path).header(API_KEY, key).body(()).unwrap()
}

/// The rate limit headers of a response.
#[derive(Debug)]
struct ReportedLimits {
    status: StatusCode,
    headers: HeaderMap,
    rejected: Option<Rejected>,
    body: String,
}

impl ReportedLimits {
    fn passed(&self) -> bool {
        self.status.is_success()
    }

    fn three(&self, names: [&str; 3]) -> [&str; 3] {
        names.map(|name| self.headers.get(name).map_or("", |value| value.to_str().unwrap()))
    }
}

/// The inner service reports a limit of its own.
async fn send<L, S, R>(layer: &L, request: Request<()>) -> ReportedLimits
where
    L: Layer<Inner, Service = S>,
    S: Service<Request<()>, Response = Response<R>, Error = Infallible>,
    R: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let inner: Inner = service_fn(|_| {
        let answer = Response::builder().header(REQUESTS[0], "inner").header(REQUESTS[0], "too");
        std::future::ready(Ok(answer.body("answer".into()).unwrap()))
    });
    let response = layer.layer(inner).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    ReportedLimits {
        status: head.status,
        headers: head.headers,
        rejected: head.extensions.get().cloned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

type Answer = Result<Response<Full<Bytes>>, Infallible>;
type Inner = tower::util::ServiceFn<fn(Request<()>) -> std::future::Ready<Answer>>;

async fn ask(layer: &ByKey) -> ReportedLimits {
    send(layer, request("/", "a")).await
}

async fn seconds(seconds: f64) {
    advance(Duration::from_secs_f64(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_and_comes_back_evenly() {
    let layer = limited(Limit::per_minute(60).burst(3));
    for _ in 0..3 {
        assert!(ask(&layer).await.passed());
    }
    assert!(!ask(&layer).await.passed());
    seconds(0.999_999_999).await;
    assert!(!ask(&layer).await.passed());
    seconds(0.000_000_001).await;
    assert!(ask(&layer).await.passed());
    assert!(!ask(&layer).await.passed());
    seconds(2.5).await;
    assert_eq!([ask(&layer).await.passed(), ask(&layer).await.passed()], [true, true]);
    assert!(!ask(&layer).await.passed());
    seconds(3600.0).await;
    for n in 0..4 {
        assert_eq!(ask(&layer).await.passed(), n < 3, "no more than the burst is saved up");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_says_when_to_come_back() {
    let layer = limited(Limit::new(1, Duration::from_millis(2500)));
    assert!(ask(&layer).await.passed());
    for (after, wait, header) in
        [(0, 2500, "3"), (400, 2100, "3"), (101, 1999, "2"), (999, 1000, "1"), (999, 1, "1")]
    {
        advance(Duration::from_millis(after)).await;
        let told = ask(&layer).await;
        assert_eq!(told.status, 429);
        assert_eq!(told.headers["retry-after"], header);
        assert_eq!(told.headers["content-type"], "application/json");
        let retry_after = Some(Duration::from_millis(wait));
        let rejected = told.rejected.map(|rejected| (rejected.code, rejected.retry_after));
        assert_eq!(rejected, Some((Code::RateLimited, retry_after)));
        let message =
            format!("the limit of 1 request per 2.5s is used up: try again in {header} s");
        assert!(told.body.contains(&message), "{}", told.body);
    }
    seconds(0.001).await;
    assert!(ask(&layer).await.passed());
}

#[tokio::test(start_paused = true)]
async fn headers_tell_how_the_key_stands() {
    let layer = limited(Limit::per_minute(60).burst(3));
    let steps: [(f64, bool, [&str; 3]); 8] = [
        (0.0, true, ["3", "2", "1s"]),
        (0.0, true, ["3", "1", "2s"]),
        (0.25, true, ["3", "0", "2.75s"]),
        (0.5, false, ["3", "0", "2.25s"]),
        (0.2499, false, ["3", "0", "2.001s"]),
        (0.0001, true, ["3", "0", "3s"]),
        (2.9995, true, ["3", "1", "1.001s"]),
        (600.0, true, ["3", "2", "1s"]),
    ];
    for (after, passes, headers) in steps {
        seconds(after).await;
        let told = ask(&layer).await;
        assert_eq!((told.passed(), told.three(REQUESTS)), (passes, headers), "after {after} s");
        let values = told.headers.get_all(REQUESTS[0]).iter().count();
        assert_eq!(values, 1, "the inner service's are replaced");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_can_be_switched_off() {
    let layer = limited(Limit::per_minute(1)).headers(false);
    let told = ask(&layer).await;
    assert_eq!(told.three(REQUESTS), ["inner", "", ""], "and the inner service's stay");
    let told = ask(&layer).await;
    assert_eq!((told.status.as_u16(), told.three(REQUESTS)), (429, ["", "", ""]));
    assert_eq!(told.headers["retry-after"], "60");
}

#[tokio::test(start_paused = true)]
async fn each_key_has_the_limit_for_itself_and_no_key_is_a_key() {
    let layer = limited(Limit::per_minute(1));
    for _ in 0..2 {
        seconds(60.0).await;
        for key in ["a", "b", "A", ""] {
            for passes in [true, false] {
                assert_eq!(send(&layer, request("/", key)).await.passed(), passes, "{key}");
            }
        }
        for passes in [true, false] {
            assert_eq!(send(&layer, Request::new(())).await.passed(), passes, "without a key");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_closure_is_an_extractor() {
    let by_method = |request: &Request<()>| Some(request.method().clone());
    let layer = RateLimitLayer::new(Limiter::new(Limit::per_minute(1)), by_method);
    assert!(send(&layer, request("/", "a")).await.passed());
    assert!(!send(&layer, request("/", "b")).await.passed());
    assert!(send(&layer, Request::new(())).await.passed());
}

#[tokio::test(start_paused = true)]
async fn paths_have_limits_of_their_own_or_none() {
    let limiter = Limiter::by_path([
        ("/v1/chat/completions", Limit::per_minute(2)),
        ("/v1/*", Limit::per_minute(1)),
    ]);
    let layer = layer(&limiter);
    let allowed = async |path| {
        let mut passed = 0;
        while passed < 10 && send(&layer, request(path, "a")).await.passed() {
            passed += 1;
        }
        passed
    };
    assert_eq!(allowed("/v1/chat/completions").await, 2);
    assert_eq!(allowed("/v1/chat/completions/").await, 0, "the same path");
    assert_eq!(allowed("/v1/responses?x=1").await, 1);
    assert_eq!(allowed("/v1/embeddings").await, 0, "the same limit");
    assert_eq!(allowed("/health").await, 10);
    let told = send(&layer, request("/health", "a")).await;
    assert_eq!(told.three(REQUESTS), ["inner", "", ""]);
    assert_eq!(limiter.len(), 2, "a path without a limit has no keys");
}

#[tokio::test(start_paused = true)]
async fn a_request_can_cost_more_than_one() {
    let by_header = |request: &Request<()>| {
        let cost = request.headers()["cost"].to_str().unwrap().parse();
        NonZeroU32::new(cost.unwrap()).unwrap()
    };
    let limit = Limit::per_minute(600).burst(100).tokens();
    let layer = RateLimitLayer::new(Limiter::new(limit), ByHeader::new(API_KEY)).cost(by_header);
    let charge = async |cost: u32| {
        let request = Request::builder().header(API_KEY, "a").header("cost", cost).body(());
        send(&layer, request.unwrap()).await
    };
    let told = charge(101).await;
    assert_eq!(told.three(TOKENS), ["100", "100", "0s"], "nothing was taken");
    let told = charge(70).await;
    assert_eq!((told.passed(), told.three(TOKENS)), (true, ["100", "30", "7s"]));
    assert_eq!(told.three(REQUESTS), ["inner", "", ""], "another unit, another header");
    let told = charge(31).await;
    assert_eq!((told.passed(), told.three(TOKENS)), (false, ["100", "30", "7s"]));
    let wait = Duration::from_millis(100);
    assert_eq!(told.rejected.unwrap().retry_after, Some(wait), "what is missing, no more");
    assert!(charge(30).await.passed(), "a rejection takes nothing");
    assert_eq!(charge(100).await.rejected.unwrap().retry_after, Some(wait * 100));

    for cost in [101, 5000, u32::MAX] {
        let told = charge(cost).await;
        assert_eq!((told.status.as_u16(), told.three(TOKENS)), (400, ["100", "0", "10s"]));
        assert_eq!(told.headers.get("retry-after"), None, "waiting does not help");
        let rejected = told.rejected.unwrap();
        assert_eq!((rejected.code, rejected.retry_after), (Code::InvalidRequest, None));
        let message = format!(
            "the request takes {cost} tokens, but the limit of 600 tokens per minute, 100 at once \
             never has more than 100"
        );
        assert!(told.body.contains(&message), "{}", told.body);
    }
    seconds(10.0).await;
    assert!(charge(100).await.passed());
}

/// governor's product of cost and interval would wrap, and the cost look small.
#[tokio::test(start_paused = true)]
async fn an_enormous_cost_does_not_wrap() {
    let limiter = Limiter::new(Limit::new(1, Duration::from_secs(1 << 36)).burst(2));
    for cost in [3, (1 << 28) + 1, u32::MAX] {
        let cost = NonZeroU32::new(cost).unwrap();
        let decision = limiter.decide("/", || None::<()>, || cost);
        assert!(matches!(decision, Some(limiter::Decision::Never(..))), "{decision:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_keys_are_evicted_by_later_calls() {
    let limiter = Limiter::new(Limit::per_minute(60).burst(10));
    let layer = layer(&limiter);
    for n in 0..1000 {
        assert!(send(&layer, request("/", &n.to_string())).await.passed());
    }
    for _ in 0..10 {
        assert!(send(&layer, request("/", "busy")).await.passed());
    }
    assert_eq!(limiter.len(), 1001);
    seconds(9.0).await;
    assert!(ask(&layer).await.passed());
    assert_eq!(limiter.len(), 1002, "it is not yet time");
    seconds(1.5).await;
    assert!(ask(&layer).await.passed());
    assert_eq!(limiter.len(), 2, "all but the busy one and this");
    let told = send(&layer, request("/", "busy")).await;
    assert_eq!(told.three(REQUESTS), ["10", "9", "1s"]);
    seconds(60.0).await;
    limiter.evict_idle();
    assert!(limiter.is_empty());
}

#[tokio::test(start_paused = true)]
async fn eviction_forgets_nothing_that_counts() {
    let limiter = Limiter::new(Limit::per_minute(60).burst(60));
    let layer = layer(&limiter);
    let start = Instant::now();
    let mut passed = 0;
    while start.elapsed() < Duration::from_secs(600) {
        limiter.evict_idle();
        passed += u64::from(ask(&layer).await.passed());
        advance(Duration::from_millis(97)).await;
    }
    assert_eq!(passed, 60 + 600 - 1);
}

#[tokio::test(start_paused = true)]
async fn clones_and_rebuilt_layers_share_the_limit() {
    let limiter = Limiter::new(Limit::per_minute(2));
    let old = layer(&limiter);
    assert!(ask(&old.clone()).await.passed());
    drop(old);
    let rebuilt = layer(&limiter.clone()).headers(false);
    assert!(ask(&rebuilt).await.passed());
    assert!(!ask(&rebuilt).await.passed());
    assert!(!ask(&layer(&limiter)).await.passed());
}

#[test]
fn two_hundred_at_once_against_sixty_per_minute() {
    // A day, so that nothing comes back while the threads run.
    let limiter = Limiter::new(Limit::per_day(60));
    let at_once = Barrier::new(200);
    let ask_once = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let layer = layer(&limiter);
        at_once.wait();
        let told = runtime.block_on(ask(&layer));
        told.passed().then(|| told.three(REQUESTS)[1].parse::<u32>().unwrap())
    };
    let mut lefts: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..200).map(|_| scope.spawn(ask_once)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    lefts.sort_unstable();
    assert_eq!(lefts.len(), 60);
    // Calls may arrive out of order of their timestamps: a full quota may look not quite full.
    assert!((0..).zip(&lefts).all(|(at, &left)| left == at || left + 1 == at), "{lefts:?}");
}

#[test]
fn eviction_in_the_midst_of_it_lets_no_more_pass() {
    let limiter = Limiter::new(Limit::per_day(60));
    let passed: u32 = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let decide = || limiter.decide("/", || Some(1), || NonZeroU32::MIN);
                    let passes = (0..500).filter(|_| {
                        limiter.evict_idle();
                        matches!(decide(), Some(limiter::Decision::Pass(_)))
                    });
                    passes.count() as u32
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 60);
}

#[tokio::test]
async fn a_pass_without_headers_does_not_allocate() {
    let target = Target { provider: "p".into(), model: "m".into(), dialect: Dialect::Chat };
    // As hyper has them: values are pieces of one shared buffer.
    let mut shared = request("/v1/chat/completions", "a");
    shared.extensions_mut().insert(target);
    shared.extensions_mut().insert(IpAddr::from([127, 0, 0, 1]));
    fn allocations<L>(layer: &L, requests: [Request<()>; 2]) -> u64
    where
        L: Layer<Ready, Service: Service<Request<()>, Error = Infallible>>,
    {
        let mut service = layer.layer(service_fn(|_| std::future::ready(Ok(Response::new(())))));
        let [first, second] = requests;
        let mut pass = |request| {
            let mut future = std::pin::pin!(service.call(request));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(&mut cx).is_ready());
        };
        // The first one makes the key.
        pass(first);
        allocation_counter::measure(|| pass(second)).count_total
    }
    type Ready = tower::util::ServiceFn<fn(Request<()>) -> std::future::Ready<Empty>>;
    type Empty = Result<Response<()>, Infallible>;

    let limit = Limit::per_minute(60);
    let requests = || [shared.clone(), shared.clone()];
    let by_key = limited(limit).headers(false);
    assert_eq!(allocations(&by_key, requests()), 0);
    let by_target = RateLimitLayer::new(Limiter::new(limit), ByTarget::new()).headers(false);
    assert_eq!(allocations(&by_target, requests()), 0);
    let by_ip = RateLimitLayer::new(Limiter::new(limit), ByIp).headers(false);
    assert_eq!(allocations(&by_ip, requests()), 0);
    assert!(allocations(&by_ip.headers(true), requests()) > 0, "it does count");
}

#[tokio::test]
async fn what_is_over_the_limit_never_reaches_the_inner_service() {
    let layer = RateLimitLayer::new(Limiter::new(Limit::per_hour(1)), ByClient::new());
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let mut service = layer.layer(service_fn(move |_: Request<()>| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    }));
    for _ in 0..3 {
        // Dropped unpolled: what was admitted is spent all the same.
        drop(service.ready().await.unwrap().call(Request::new(())));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn it_keeps_the_contract() {
    let limit = Limit::per_minute(60);
    let ask = || Request::new(Buffered::default());
    for headers in [true, false] {
        let layer = RateLimitLayer::new(Limiter::new(limit), ByIp).headers(headers);
        contract::holds(layer, ask).await;
    }
}

#[tokio::test(start_paused = true)]
async fn other_limits_keep_the_counts_of_those_that_stay() {
    let [a, b] = [("/a", Limit::per_minute(2)), ("/b", Limit::per_minute(2))];
    let before = Limiter::by_path([a, b]);
    for path in ["/a", "/b"] {
        assert!(send(&layer(&before), request(path, "key")).await.passed());
    }
    seconds(1.0).await;
    // Before and behind others, and changed.
    let after =
        before.with_limits([("/c", Limit::per_minute(9)), a, ("/b", Limit::per_minute(5))], []);
    let mut left = Vec::new();
    for path in ["/a", "/b", "/c"] {
        let told = send(&layer(&after), request(path, "key")).await;
        left.push(told.three(REQUESTS)[1].to_owned());
    }
    assert_eq!(left, ["0", "4", "8"]);
    let told = send(&layer(&before), request("/a", "key")).await;
    assert!(!told.passed(), "whoever still has the old one counts together with the new one");
    let told = send(&layer(&before), request("/b", "key")).await;
    assert!(told.passed(), "this one goes its own way");
}

#[tokio::test(start_paused = true)]
async fn idle_keys_go_whatever_has_changed() {
    let limits = [("/a", Limit::per_second(1))];
    let mut limiter = Limiter::by_path(limits);
    for n in 0..100 {
        seconds(0.7).await;
        limiter =
            limiter.with_limits(limits.into_iter().chain([("/b", Limit::per_minute(n + 1))]), []);
        for path in ["/a", "/b"] {
            let key = format!("{path}{n}");
            assert!(send(&layer(&limiter), request(path, &key)).await.passed());
        }
        seconds(0.7).await;
        let _ = send(&layer(&limiter), request("/b", "again")).await;
    }
    seconds(70.0).await;
    assert!(send(&layer(&limiter), request("/b", "last")).await.passed());
    assert_eq!(limiter.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_with_its_own_limit_has_that_and_no_other() {
    let key = |name: &'static str| ClientKey(name.into());
    let limiter = Limiter::by_path_or_key(
        [("/a", Limit::per_minute(1)), ("/b", Limit::per_minute(1))],
        [(key("own"), Limit::per_minute(3))],
    );
    let passed = |path, name| limiter.check(path, Some(key(name))).is_ok();
    // For all paths together, those without a limit too.
    assert_eq!(["/a", "/b", "/c", "/a"].map(|path| passed(path, "own")), [true, true, true, false]);
    assert_eq!(
        ["/a", "/a", "/b", "/c", "/c"].map(|path| passed(path, "x")),
        [true, false, true, true, true]
    );
    assert!(limiter.check("/a", None).is_ok(), "who has no key counts alone");
    assert_eq!(limiter.len(), 4);
    advance(Duration::from_secs(20)).await;
    assert!(passed("/b", "own") && !passed("/b", "own") && !passed("/b", "x"));
    let rejection = limiter.check("/b", Some(key("own"))).unwrap_err();
    assert_eq!(rejection.code(), Code::RateLimited);
    assert!(rejection.message().contains("3 requests per minute"), "{}", rejection.message());
}
