//! The stack: what a request passes, from the outside in. Who reads this file has seen the data
//! plane.

use std::convert::Infallible;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use switchtower_layers::{
    BoxError,
    buffer::BufferLayer,
    observe::ObserveLayer,
    quota::QuotaGateLayer,
    rate_limit::{ByIp, RateLimitLayer},
    responses::state::StateLayer,
};
use tower::{Service, ServiceBuilder};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::{
    api::{self, Shared},
    budget,
    resilience::Resilience,
    server::{Dispatch, GuardLayer},
    telemetry::{self, stats::StatsLayer},
};

/// A service as hyper drives it. It never fails: whatever goes wrong is a response.
pub trait HttpService:
    Service<Request<Incoming>, Response = Response<Self::Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The responses' body.
    type Body: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> HttpService for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
    B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}

/// Everything a request passes before it is known to be a call to a model.
pub fn gateway(shared: Shared) -> impl HttpService {
    ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(telemetry::trace())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(GuardLayer)
        .service(Dispatch::new(is_model_call, model_calls(&shared), api::router(shared)))
}

/// The data plane.
fn model_calls(shared: &Shared) -> impl HttpService + use<> {
    let Shared { config, ledger, circuits, quotas, responses, seal, stats, upstream, .. } =
        shared.clone();
    let Resilience { limiter, retries, holdoffs } = shared.resilience.clone();
    ServiceBuilder::new()
        .layer(RateLimitLayer::new(limiter, ByIp))
        .layer(BufferLayer::new(config.body_limit()))
        .layer(StateLayer::new(responses).cap(config.body_limit() as u64))
        .layer(budget::layer(&config, ledger))
        .layer(config.total_deadline())
        .layer(config.router(holdoffs))
        .layer(QuotaGateLayer::new(quotas))
        .layer(config.translator(seal))
        .layer(config.retries(|provider| retries.of(provider)))
        .layer(config.circuit_breaker(circuits))
        .layer(StatsLayer::new(stats))
        .layer(config.deadlines())
        .layer(ObserveLayer::new())
        .service(upstream)
}

/// A POST below `/v1` carries a model, except to `/v1/models` itself; and whatever is done with a
/// stored response belongs to those that made it.
fn is_model_call(request: &Request<Incoming>) -> bool {
    let path = request.uri().path();
    let is_below = |prefix| {
        path.strip_prefix(prefix).is_some_and(|rest: &str| rest.is_empty() || rest.starts_with('/'))
    };
    let is_stored = path.starts_with("/v1/responses/");
    is_stored || request.method() == Method::POST && is_below("/v1") && !is_below("/v1/models")
}
