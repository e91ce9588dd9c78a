//! What each layer costs around a service that is ready with its answer, beside that service
//! alone. Inputs are built outside of the timed loop.

use std::{
    convert::Infallible, hint::black_box, net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration,
};

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use governor::{Quota, RateLimiter};
use http::{HeaderName, Request, Response};
use http_body_util::{BodyExt, Full};
use switchtower::{
    config::Config,
    telemetry::{
        RecordLayer,
        live::Live,
        metrics::{Metrics, Standing},
        stats::{Stats, StatsLayer},
    },
};
use switchtower_layers::{
    Buffered, Exchange, Target,
    budget::{self, BudgetLayer, Ledger, Limits, Money, Period, Price, PriceList, Spend},
    buffer::BufferLayer,
    circuit_breaker::{self, CircuitBreakerLayer, Handle, KeyRef},
    observe::ObserveLayer,
    quota::{QuotaGateLayer, QuotaSource, Quotas, Reading, Snapshot},
    rate_limit::{ByIp, Limit, Limiter, RateLimitLayer},
    request::ModelRequest,
    responses::state::{MemoryStore, StateLayer},
    retry::{RetryLayer, Settings},
    route::{Provider, RouteLayer, RoutingTable},
    sse::Framer,
};
use tokio::runtime::{Builder, Runtime};
use tower::{
    Layer, Service, ServiceExt,
    layer::util::{Identity, Stack},
    retry::{
        self,
        budget::{Budget, TpsBudget},
    },
    service_fn,
    util::MapResponseLayer,
};
use tower_governor::{GovernorLayer, governor::GovernorConfigBuilder};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// A request as clients send it: 12 headers, 3 extensions.
fn request<B>(body: B) -> Request<B> {
    #[derive(Clone)]
    struct Other<const N: usize>;
    let mut request = Request::post("/v1/chat/completions").body(body).expect("a request");
    for n in 0..12 {
        let name = HeaderName::try_from(format!("x-header-{n}")).expect("a name");
        request.headers_mut().insert(name, "value".parse().expect("a value"));
    }
    request.extensions_mut().insert(Other::<0>);
    request.extensions_mut().insert(Other::<1>);
    request.extensions_mut().insert(Other::<2>);
    request
}

fn prompt(bytes: usize) -> Bytes {
    let text = "x".repeat(bytes);
    format!(
        r#"{{"messages":[{{"role":"user","content":"{text}"}}],"model":"gpt-5.1","stream":true}}"#
    )
    .into()
}

/// A stream of `events` deltas, one chunk each or all in one.
fn stream(events: usize) -> Bytes {
    let delta = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}"#;
    let finish = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let mut text = format!("{delta}\n\n").repeat(events);
    text.push_str(finish);
    text.push_str("\n\ndata: [DONE]\n\n");
    text.into()
}

fn table() -> RoutingTable {
    RoutingTable::builder()
        .provider(Provider::new("deepseek").models(["deepseek-chat", "deepseek-reasoner"]))
        .provider(Provider::new("openai").models(["gpt-5.1", "o4-mini"]))
        .provider(Provider::new("openrouter"))
        .provider(Provider::new("ollama").alias("gpt-5.5", "qwen3:14b"))
        .alias("gpt-5.4", "deepseek-chat")
        .fallback(["deepseek", "openrouter", "ollama"])
        .route("deepseek", ["deepseek"])
        .route("gpt-", ["openai", "deepseek"])
        .build()
        .expect("the providers are there")
}

/// A service that is ready with an answer.
fn ready<B: Send + 'static>(
    answer: Bytes,
) -> impl Service<Request<B>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send> + Clone
{
    service_fn(move |request: Request<B>| {
        black_box(&request);
        let mut response = Response::new(Full::new(answer.clone()));
        let sse = http::HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(http::header::CONTENT_TYPE, sse);
        std::future::ready(Ok(response))
    })
}

/// Calls the service and reads the answer to its end.
async fn drive<S, B, R>(service: S, request: Request<B>)
where
    S: Service<Request<B>, Response = Response<R>, Error: std::fmt::Debug>,
    R: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let response = service.oneshot(request).await.expect("an answer");
    black_box(response.into_body().collect().await.expect("a whole body"));
}

macro_rules! bench_layer {
    ($group:expr, $name:expr, $layer:expr, $answer:expr, $request:expr) => {{
        let runtime = runtime();
        let service = $layer.layer(ready($answer));
        let request = $request;
        $group.bench_function($name, |b| {
            b.to_async(&runtime).iter_batched(
                || (service.clone(), request.clone()),
                |(service, request)| drive(service, request),
                BatchSize::SmallInput,
            );
        });
    }};
}

fn buffer(c: &mut Criterion) {
    for (name, size) in [("1KB", 1 << 10), ("5MB", 5 << 20)] {
        let mut group = c.benchmark_group(format!("buffer/{name}"));
        let ask = request(Full::new(prompt(size)));
        bench_layer!(group, "bare", Identity::new(), Bytes::new(), ask.clone());
        bench_layer!(group, "layer", BufferLayer::new(64 << 20), Bytes::new(), ask);
    }
}

fn route(c: &mut Criterion) {
    let layer = RouteLayer::new(table());
    for (name, size) in [("1KB", 1 << 10), ("100KB", 100 << 10), ("5MB", 5 << 20)] {
        let mut group = c.benchmark_group(format!("route/{name}"));
        let ask = request(Buffered::from(prompt(size)));
        bench_layer!(group, "bare", Identity::new(), Bytes::new(), ask.clone());
        bench_layer!(group, "layer", layer, Bytes::new(), ask);
        let body = Buffered::from(prompt(size));
        group.bench_function("read", |b| b.iter(|| ModelRequest::read(black_box(&body))));
    }
    c.bench_function("route/plan", |b| {
        let table = table();
        b.iter(|| table.plan(black_box("gpt-5.1")));
    });
}

fn responses_state(c: &mut Criterion) {
    let layer = StateLayer::new(MemoryStore::default());
    let ask = |size: usize, store: bool| {
        let text = "x".repeat(size);
        let body = format!(
            r#"{{"model":"m","input":[{{"role":"user","content":"{text}"}}],"store":{store}}}"#
        );
        let mut ask = request(Buffered::from(body));
        *ask.uri_mut() = http::Uri::from_static("/v1/responses");
        ask
    };
    let delta = r#"data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":" word","sequence_number":7}"#;
    let last = r#"data: {"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}"#;
    let answer = Bytes::from(format!("{}{last}\n\n", format!("{delta}\n\n").repeat(1000)));
    for (name, size, store) in
        [("1KB", 1 << 10, false), ("5MB", 5 << 20, false), ("stored", 1 << 10, true)]
    {
        let mut group = c.benchmark_group(format!("responses_state/{name}"));
        let answer = if store { answer.clone() } else { Bytes::new() };
        let ask = ask(size, store);
        bench_layer!(group, "bare", Identity::new(), answer.clone(), ask.clone());
        bench_layer!(group, "layer", layer, answer, ask);
    }
}

fn target() -> Target {
    let dialect = switchtower_layers::Dialect::Chat;
    Target { provider: "p".into(), model: "m".into(), dialect }
}

fn circuit_breaker(c: &mut Criterion) {
    let mut group = c.benchmark_group("circuit_breaker");
    let mut ask = request(Buffered::default());
    ask.extensions_mut().insert(target());
    let rate = circuit_breaker::Settings::default().fault_rate(0.5, Duration::from_secs(60), 20);
    let (rate, handle) = (CircuitBreakerLayer::new(rate), Handle::new());
    handle.force_open(KeyRef::from(&target()));
    let open = CircuitBreakerLayer::default().handle(handle);
    let answer = || Bytes::from_static(b"answer");
    bench_layer!(group, "bare", Identity::new(), answer(), ask.clone());
    bench_layer!(group, "layer", CircuitBreakerLayer::default(), answer(), ask.clone());
    bench_layer!(group, "fault rate", rate, answer(), ask.clone());
    bench_layer!(group, "open", open, answer(), ask.clone());
    // It has one circuit for all, and knows the outcome when the head comes.
    let peer = tower_resilience_circuitbreaker::CircuitBreakerLayer::builder().build();
    let peer = peer.expect("a breaker");
    bench_layer!(group, "tower-resilience", peer, answer(), ask);
}

fn observe(c: &mut Criterion) {
    let mut group = c.benchmark_group("observe/64 events");
    let mut ask = request(Buffered::default());
    ask.extensions_mut().insert(Exchange::default());
    ask.extensions_mut().insert(target());
    bench_layer!(group, "bare", Identity::new(), stream(64), ask.clone());
    bench_layer!(group, "layer", ObserveLayer::new(), stream(64), ask);
}

/// The key that [`ByIp`] takes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PeerIp;

impl tower_governor::key_extractor::KeyExtractor for PeerIp {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, tower_governor::GovernorError> {
        let address = request.extensions().get::<IpAddr>().copied();
        address.ok_or(tower_governor::GovernorError::UnableToExtractKey)
    }
}

fn rate_limit(c: &mut Criterion) {
    let mut group = c.benchmark_group("rate_limit");
    let address = IpAddr::from([127, 0, 0, 1]);
    let mut ask = request(Buffered::default());
    ask.extensions_mut().insert(address);
    // So high that all pass.
    let limit = Limit::per_second(1_000_000_000);
    let layer = RateLimitLayer::new(Limiter::new(limit), ByIp);
    bench_layer!(group, "bare", Identity::new(), Bytes::new(), ask.clone());
    bench_layer!(group, "layer", layer, Bytes::new(), ask.clone());
    bench_layer!(group, "layer without headers", layer.headers(false), Bytes::new(), ask.clone());
    let over = RateLimitLayer::new(Limiter::new(Limit::per_day(1)), ByIp);
    bench_layer!(group, "rejection", over, Bytes::new(), ask.clone());
    let mut config = GovernorConfigBuilder::default();
    let mut config =
        config.period(Duration::from_nanos(1)).burst_size(u32::MAX).key_extractor(PeerIp);
    // It answers with axum's body only.
    let axum = MapResponseLayer::new(|response: Response<Full<Bytes>>| {
        response.map(axum::body::Body::new)
    });
    bench_layer!(group, "bare with axum's body", axum.clone(), Bytes::new(), ask.clone());
    let peer = Stack::new(axum, GovernorLayer::new(config.finish().expect("a limit")));
    bench_layer!(group, "tower_governor", peer, Bytes::new(), ask.clone());
    // It has one limit for all.
    let peer = tower_resilience_ratelimiter::RateLimiterLayer::builder();
    let peer = peer.limit_for_period(usize::MAX / 2).refresh_period(Duration::from_secs(1));
    let peer = peer.build().expect("a limit");
    bench_layer!(group, "tower-resilience", peer, Bytes::new(), ask);
    let quota = Quota::per_second(NonZeroU32::new(1_000_000_000).expect("not zero"));
    let governor = RateLimiter::dashmap(quota);
    group.bench_function("governor's check_key", |b| {
        b.iter(|| governor.check_key(black_box(&address)));
    });
}

/// A source that knows of one provider.
struct Told(bool);

impl QuotaSource for Told {
    fn name(&self) -> &str {
        "told"
    }

    fn read(&self) -> Reading<'_> {
        let snapshot = Snapshot::new(self.0, "told");
        Box::pin(std::future::ready(Ok(vec![("p".to_owned(), snapshot)])))
    }
}

fn quota(c: &mut Criterion) {
    let mut group = c.benchmark_group("quota");
    let mut ask = request(Buffered::default());
    ask.extensions_mut().insert(target());
    let runtime = runtime();
    let told = |available| {
        let quotas = Quotas::default();
        runtime.block_on(async {
            quotas.watch(Told(available));
            while quotas.of("p").is_none() {
                tokio::task::yield_now().await;
            }
        });
        QuotaGateLayer::new(quotas)
    };
    let answer = || Bytes::from_static(b"answer");
    let unknown = QuotaGateLayer::new(Quotas::default());
    bench_layer!(group, "bare", Identity::new(), answer(), ask.clone());
    bench_layer!(group, "layer", told(true), answer(), ask.clone());
    bench_layer!(group, "nothing known", unknown, answer(), ask.clone());
    bench_layer!(group, "rejection", told(false), answer(), ask);
}

fn budget(c: &mut Criterion) {
    let mut group = c.benchmark_group("budget/1KB");
    let address = IpAddr::from([127, 0, 0, 1]);
    let mut ask = request(Buffered::from(prompt(1 << 10)));
    ask.extensions_mut().insert(address);
    // So high that all pass.
    let limits = [
        budget::Limit::tokens(u64::MAX, Period::Day),
        budget::Limit::money(Money::from_nanos(u64::MAX), Period::Month),
    ];
    let ledger = Ledger::new(Limits::from(limits));
    let price = Price::per_million(Money::from_dollars(1), Money::from_dollars(4));
    let prices = PriceList::from_iter([("gpt-5.1", price)]);
    let off = BudgetLayer::new(Ledger::new(Limits::NONE), ByIp).pricing(prices.clone());
    let over = Ledger::new(Limits::from([budget::Limit::tokens(1, Period::Day)]));
    let over = BudgetLayer::new(over, ByIp).pricing(prices.clone());
    let layer = BudgetLayer::new(ledger.clone(), ByIp).pricing(prices);
    bench_layer!(group, "bare", Identity::new(), Bytes::new(), ask.clone());
    bench_layer!(group, "layer", layer, Bytes::new(), ask.clone());
    bench_layer!(group, "off", off, Bytes::new(), ask.clone());
    bench_layer!(group, "rejection", over, Bytes::new(), ask);
    group.bench_function("reserve and settle", |b| {
        let (spend, now) = (Spend { requests: 1, ..Spend::NOTHING }, ledger.now());
        b.iter(|| {
            let reservation = ledger.reserve(Some(black_box(address)), spend, now);
            reservation.map(|reservation| reservation.settle(spend, now))
        });
    });
}

/// The work of [`RetryLayer`] as a policy of tower's: statuses and a budget, no delays.
#[derive(Clone)]
struct Peer {
    left: u32,
    budget: Arc<TpsBudget>,
}

impl<B: Clone, R, E> retry::Policy<Request<B>, Response<R>, E> for Peer {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<B>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Self::Future> {
        let failed = result.as_ref().map_or(true, |r| r.status().is_server_error());
        if !failed {
            self.budget.deposit();
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        self.budget.withdraw().then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        (self.left > 0).then(|| request.clone())
    }
}

/// What a success pays for the chance of another attempt.
fn retry(c: &mut Criterion) {
    for (name, size) in [("1KB", 1 << 10), ("5MB", 5 << 20)] {
        let mut group = c.benchmark_group(format!("retry/{name}"));
        let ask = request(Buffered::from(prompt(size)));
        let peer = retry::RetryLayer::new(Peer { left: 3, budget: Arc::default() });
        bench_layer!(group, "bare", Identity::new(), Bytes::new(), ask.clone());
        bench_layer!(group, "layer", RetryLayer::default(), Bytes::new(), ask.clone());
        let off = Settings { max_retries: 0, budget: None, ..Settings::default() };
        bench_layer!(group, "off", RetryLayer::new(off), Bytes::new(), ask.clone());
        bench_layer!(group, "tower", peer, Bytes::new(), ask.clone());
        let peer: tower_resilience_retry::RetryLayer<_, _, Infallible> =
            tower_resilience_retry::RetryLayer::exponential_backoff()
                .retry_on_response(|response: &Response<_>| response.status().is_server_error())
                .build();
        bench_layer!(group, "tower-resilience", peer, Bytes::new(), ask);
    }
}

/// Counting an attempt, a request, and a scrape of what was counted.
fn telemetry(c: &mut Criterion) {
    let mut group = c.benchmark_group("telemetry");
    let mut ask = request(Buffered::default());
    ask.extensions_mut().insert(target());
    ask.extensions_mut().insert(Exchange::default());
    let metrics = Metrics::new(&Config::default());
    let stats = Stats::new(metrics.clone());
    let record = RecordLayer::new(metrics.clone(), stats.clone(), Live::new());
    let answer = || Bytes::from_static(b"answer");
    bench_layer!(group, "bare", Identity::new(), answer(), ask.clone());
    bench_layer!(group, "attempt", StatsLayer::new(stats), answer(), ask.clone());
    bench_layer!(group, "request", record, answer(), ask);
    group.bench_function("scrape", |b| b.iter(|| metrics.render(&Standing::default())));
}

fn sse(c: &mut Criterion) {
    let text = stream(64);
    let mut group = c.benchmark_group("sse/64 events");
    group.throughput(Throughput::Bytes(text.len() as u64));
    for (name, size) in
        [("one chunk", text.len()), ("a chunk per 160 bytes", 160), ("17-byte chunks", 17)]
    {
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut framer = Framer::new(1 << 20);
                let mut events = 0;
                for chunk in text.chunks(size) {
                    let _ = framer.feed(black_box(chunk), |_| events += 1);
                }
                assert_eq!(events, 66);
            });
        });
    }
}

criterion_group!(
    layers,
    buffer,
    route,
    observe,
    rate_limit,
    budget,
    quota,
    telemetry,
    sse,
    circuit_breaker,
    retry,
    responses_state
);
criterion_main!(layers);
