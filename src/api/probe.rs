use crate::config::Config;
use crate::upstream::Upstream;
use std::sync::Arc;
use std::{collections::BTreeMap, time::Duration};
use switchtower_layers::circuit_breaker::Handle;

use axum::{Json, extract::State};
use http::Request;
use http_body_util::BodyExt;
use serde::Serialize;
use switchtower_layers::{Buffered, Code, Rejection, Target, classify::TransportError};
use tokio::time::{Instant, timeout};
use tower::ServiceExt;
use utoipa::ToSchema;

use super::{
    extract::Path,
    health::{Circuit, is_of},
    refusal::Refusal,
};
use crate::config::Provider;
use switchtower_platform::clock::now;

/// How long a provider may take to list its models.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum size of a list of models that is read, in bytes.
const MAX_BODY_LEN: usize = 4 << 20;

/// Asks a provider for its models.
#[utoipa::path(
    get, path = "/model-gateway/health/{provider}", tag = "gateway",
    params(("provider" = String, Path, description = "The provider's name", min_length = 1)),
    responses(
        (status = 200, description = "What came of it", body = Report),
        (status = 404, description = "It is not configured"),
    ),
)]
pub(super) async fn one(
    State(config): State<Arc<Config>>,
    State(circuits): State<Handle>,
    State(upstream): State<Upstream>,
    Path(name): Path<String>,
) -> Result<Json<Report>, Refusal> {
    let provider = config.models.providers.get(&name).ok_or_else(|| {
        let message = format!("the provider `{name}` is not configured");
        Rejection::new(Code::NotFound, message)
    })?;
    Ok(Json(check(&circuits, upstream, &name, provider).await))
}

/// Asks every provider for its models, at once.
#[utoipa::path(
    get, path = "/model-gateway/health/all", tag = "gateway",
    responses((status = 200, description = "What came of it", body = All)),
)]
pub(super) async fn all(
    State(config): State<Arc<Config>>,
    State(circuits): State<Handle>,
    State(upstream): State<Upstream>,
) -> Json<All> {
    let mut checks = tokio::task::JoinSet::new();
    for (name, provider) in config.models.providers.clone() {
        let (circuits, upstream) = (circuits.clone(), upstream.clone());
        checks.spawn(async move {
            let report = check(&circuits, upstream, &name, &provider).await;
            (name, report)
        });
    }
    let providers = checks.join_all().await.into_iter().collect();
    Json(All { timestamp: now(), providers })
}

#[derive(Serialize, ToSchema)]
#[schema(as = ProbeReports)]
pub(super) struct All {
    /// Milliseconds since the Unix epoch.
    timestamp: u64,
    providers: BTreeMap<String, Report>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ProbeReport)]
pub(super) struct Report {
    provider: String,
    /// `ok`, `failing` or `skipped`.
    #[schema(pattern = "^(ok|failing|skipped)$")]
    status: &'static str,
    /// What the provider answered with.
    http_status: Option<u16>,
    /// From the request to the end of the answer, in milliseconds.
    latency_ms: Option<u64>,
    /// Why it is not `ok`.
    error: Option<String>,
    circuits: Vec<Circuit>,
}

async fn check(circuits: &Handle, upstream: Upstream, name: &str, provider: &Provider) -> Report {
    let circuits = circuits.list();
    let circuits = circuits.iter().filter(|circuit| is_of(circuit, name)).map(Circuit::of);
    let mut report = Report {
        provider: name.to_owned(),
        status: "skipped",
        http_status: None,
        latency_ms: None,
        error: None,
        circuits: circuits.collect(),
    };
    if !provider.is_usable() {
        let why = || provider.key_hint().map(|hint| format!("no key ({hint})"));
        report.error = if provider.enabled { why() } else { Some("disabled".into()) };
        return report;
    }
    let begun = Instant::now();
    let asked = timeout(PROBE_TIMEOUT, ask(upstream, name, provider)).await;
    report.latency_ms = Some(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
    let asked = asked.unwrap_or_else(|_| {
        (None, Some(format!("no answer within {} s", PROBE_TIMEOUT.as_secs())))
    });
    (report.http_status, report.error) = asked;
    report.status = if report.error.is_none() { "ok" } else { "failing" };
    report
}

/// The status of the answer, and what is wrong with it.
async fn ask(upstream: Upstream, name: &str, provider: &Provider) -> (Option<u16>, Option<String>) {
    let mut request = Request::new(Buffered::default());
    *request.uri_mut() = http::Uri::from_static("/v1/models");
    request.extensions_mut().insert(Target {
        provider: name.into(),
        model: "".into(),
        dialect: provider.dialect,
    });
    let Ok(response) = upstream.oneshot(request).await;
    if let Some(error) = response.extensions().get::<TransportError>() {
        return (None, Some(error.to_string()));
    }
    let status = response.status();
    let error = match status.as_u16() {
        // Some serve no list of models, but they have answered.
        200..=299 | 404 | 405 => None,
        401 | 403 => Some("it refuses the key".to_owned()),
        429 => Some("rate limited".to_owned()),
        _ => Some(format!("it answered {status}")),
    };
    let body = http_body_util::Limited::new(response.into_body(), MAX_BODY_LEN).collect().await;
    let broken = body.err().map(|error| format!("its answer broke off: {error}"));
    (Some(status.as_u16()), error.or(broken))
}
