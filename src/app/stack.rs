//! The middleware stack, outermost layer first.

use std::time::Duration;

use http::{Method, Request};
use hyper::body::Incoming;
use switchtower_layers::{
    buffer::BufferLayer, quota::QuotaGateLayer, rate_limit::RateLimitLayer,
    responses::store::StoreLayer, stream_adapter::StreamAdapterLayer,
};
use tower::ServiceBuilder;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};

use super::layers;
use crate::{
    api,
    auth::AuthLayer,
    budget::ByClient,
    client_address::ClientAddressLayer,
    resilience::Resilience,
    server::{BodyTimeoutLayer, Dispatch, GuardLayer, HttpService, StreamLimitLayer, TimeoutBody},
    state::AppState,
    telemetry::{self, AccessLogLayer, RandomId, bodies::BodiesLayer, stats::StatsLayer},
};

/// The stack of the main port.
pub(super) fn gateway(state: &AppState) -> impl HttpService + use<> {
    let dispatch = Dispatch::new(is_model_call, model_calls(state), api::router(state.clone()));
    guarded(state, dispatch)
}

/// The stack of `wsPort`: the same, around the WebSocket endpoint only.
pub(super) fn sockets(state: &AppState) -> impl HttpService + use<> {
    let service = guarded(state, api::sockets(state.clone()));
    ServiceBuilder::new().map_request(api::name_socket).service(service)
}

/// The layers in front of both data plane and API.
fn guarded<S>(state: &AppState, service: S) -> impl HttpService + use<S>
where
    S: HttpService<TimeoutBody<Incoming>>,
{
    let limits = state.config.limits;
    ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(RandomId))
        .layer(AccessLogLayer::new(state.metrics.clone(), state.stats.clone(), state.feed.clone()))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(ClientAddressLayer::new(&state.config.trusted_proxies))
        .layer(BodyTimeoutLayer::new(Duration::from_millis(limits.body_timeout_ms)))
        .layer(GuardLayer::new(&state.config))
        .layer(AuthLayer::new(&state.config, state.failures.clone()))
        .map_request(telemetry::name_client)
        .layer(StreamLimitLayer::new(state.streams.clone(), limits.streams_per_client))
        .service(service)
}

/// The data plane: calls to models.
fn model_calls(state: &AppState) -> impl HttpService<TimeoutBody<Incoming>> + use<> {
    let AppState { config, ledger, circuits, quotas, responses, seal, stats, upstream, .. } =
        state.clone();
    let Resilience { limiter, retries, cooldowns, refused } = state.resilience.clone();
    let redact = upstream.redactor();
    ServiceBuilder::new()
        .layer(RateLimitLayer::new(limiter, ByClient))
        .layer(BufferLayer::new(config.body_limit()))
        .layer(BodiesLayer::new(config.log_bodies))
        .layer(StoreLayer::new(responses).cap(config.body_limit() as u64))
        .layer(layers::budget::layer(&config, ledger))
        .layer(layers::deadlines::total(&config))
        .layer(layers::route::layer(&config, cooldowns).refused_fields(refused.clone()))
        .layer(QuotaGateLayer::new(quotas))
        .layer(layers::responses::layer(&config, seal).refused_fields(refused))
        .layer(layers::retry::layer(&config, |provider| retries.of(provider)))
        .layer(layers::circuit_breaker::layer(&config, circuits))
        .layer(StatsLayer::new(stats))
        .layer(layers::deadlines::layer(&config))
        .layer(layers::observe::layer(&config).redact(move |error| redact.error(error)))
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
