//! The middleware stack, outermost layer first.

use std::{convert::Infallible, time::Duration};

use http::{Method, Request, Response};
use hyper::body::Incoming;
use switchtower_layers::{
    BoxError, buffer::BufferLayer, quota::QuotaGateLayer, rate_limit::RateLimitLayer,
    responses::store::StoreLayer, stream_adapter::StreamAdapterLayer,
};
use tower::{Service, ServiceBuilder};
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};

use crate::{
    api::{self, Shared},
    auth::AuthLayer,
    budget::{self, ByClient},
    client_address::ClientAddressLayer,
    resilience::Resilience,
    server::{BodyTimeoutLayer, Dispatch, GuardLayer, StreamLimitLayer, TimeoutBody},
    telemetry::{self, AccessLogLayer, RandomId, bodies::BodiesLayer, stats::StatsLayer},
};

/// A service as hyper drives it. It never fails: whatever goes wrong is a response.
pub trait HttpService<T = Incoming>:
    Service<Request<T>, Response = Response<Self::Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The responses' body.
    type Body: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, T, B> HttpService<T> for S
where
    S: Service<Request<T>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
    B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}

/// Everything that requests at the main port pass.
pub fn gateway(shared: &Shared) -> impl HttpService + use<> {
    let dispatch = Dispatch::new(is_model_call, model_calls(shared), api::router(shared.clone()));
    guarded(shared, dispatch)
}

/// Everything that requests at `wsPort` pass: the same, but only WebSockets are behind it.
pub fn sockets(shared: &Shared) -> impl HttpService + use<> {
    let service = guarded(shared, api::sockets(shared.clone()));
    ServiceBuilder::new().map_request(api::name_socket).service(service)
}

/// Everything a request passes before it is known what it is for.
fn guarded<S>(shared: &Shared, service: S) -> impl HttpService + use<S>
where
    S: HttpService<TimeoutBody<Incoming>>,
{
    let limits = shared.config.limits;
    ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(RandomId))
        .layer(AccessLogLayer::new(
            shared.metrics.clone(),
            shared.stats.clone(),
            shared.live.clone(),
        ))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(ClientAddressLayer::new(&shared.config.trusted_proxies))
        .layer(BodyTimeoutLayer::new(Duration::from_millis(limits.body_timeout_ms)))
        .layer(GuardLayer::new(&shared.config))
        .layer(AuthLayer::new(&shared.config, shared.failures.clone()))
        .map_request(telemetry::name_client)
        .layer(StreamLimitLayer::new(shared.streams.clone(), limits.streams_per_client))
        .service(service)
}

/// The data plane.
fn model_calls(shared: &Shared) -> impl HttpService<TimeoutBody<Incoming>> + use<> {
    let Shared { config, ledger, circuits, quotas, responses, seal, stats, upstream, .. } =
        shared.clone();
    let Resilience { limiter, retries, cooldowns, refused } = shared.resilience.clone();
    let redact = upstream.redactor();
    ServiceBuilder::new()
        .layer(RateLimitLayer::new(limiter, ByClient))
        .layer(BufferLayer::new(config.body_limit()))
        .layer(BodiesLayer::new(config.log_bodies))
        .layer(StoreLayer::new(responses).cap(config.body_limit() as u64))
        .layer(budget::layer(&config, ledger))
        .layer(config.total_deadline())
        .layer(config.router(cooldowns).refused_fields(refused.clone()))
        .layer(QuotaGateLayer::new(quotas))
        .layer(config.translator(seal).refused_fields(refused))
        .layer(config.retries(|provider| retries.of(provider)))
        .layer(config.circuit_breaker(circuits))
        .layer(StatsLayer::new(stats))
        .layer(config.deadlines())
        .layer(config.observer().redact(move |error| redact.error(error)))
        .layer(StreamAdapterLayer::new())
        .service(upstream)
}

/// A POST below `/v1` carries a model, except to `/v1/models` itself; and whatever is done with a
/// stored response belongs to those that made it.
fn is_model_call<T>(request: &Request<T>) -> bool {
    let path = request.uri().path();
    let is_below = |prefix| {
        path.strip_prefix(prefix).is_some_and(|rest: &str| rest.is_empty() || rest.starts_with('/'))
    };
    let is_stored = path.starts_with("/v1/responses/");
    is_stored || request.method() == Method::POST && is_below("/v1") && !is_below("/v1/models")
}
