//! Logs: one span per request, one line per answer. And what is counted: [`stats`].

pub mod stats;

use std::io::IsTerminal;
use std::sync::OnceLock;

use http::{Request, Response};
use switchtower_layers::Target;
use tower_http::{
    classify::{ServerErrorsAsFailures, SharedClassifier},
    trace::TraceLayer,
};
use tracing::{Level, Span, field};
use tracing_subscriber::{
    EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use crate::config::LogLevel;

/// The filter of [`init`], for [`set_level`].
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging to standard error, at this level unless `RUST_LOG` says otherwise. Only the
/// first call counts.
pub fn init(level: LogLevel) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let colour = std::io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(colour);
    // A program that embeds the gateway may have its own subscriber.
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        let _ = FILTER.set(handle);
    }
}

/// Logs at this level from now on, unless `RUST_LOG` says otherwise, or somebody else than
/// [`init`] has set up the logs.
pub fn set_level(level: LogLevel) {
    if let Some(handle) = FILTER.get() {
        // It fails when there is no subscriber any more: then nobody logs.
        let _ = handle.reload(filter(level));
    }
}

fn filter(level: LogLevel) -> EnvFilter {
    let level = Level::from(level).as_str().to_ascii_lowercase();
    // The libraries below are silent about what the gateway reports itself.
    let quiet = format!("warn,switchtower={level},switchtower_layers={level}");
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|wanted| !wanted.is_empty());
    EnvFilter::new(wanted.unwrap_or(quiet))
}

type Trace = TraceLayer<
    SharedClassifier<ServerErrorsAsFailures>,
    fn(&Request<hyper::body::Incoming>) -> Span,
    (),
    OnResponse,
    (),
    (),
    (),
>;

/// A span per request, and a line when its head leaves.
pub fn trace() -> Trace {
    TraceLayer::new_for_http()
        .make_span_with(span as fn(&Request<hyper::body::Incoming>) -> Span)
        .on_request(())
        .on_response(OnResponse)
        .on_body_chunk(())
        .on_eos(())
        .on_failure(())
}

fn span<B>(request: &Request<B>) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}

/// Logs the head of an answer.
#[derive(Clone, Copy, Debug)]
pub struct OnResponse;

impl<B> tower_http::trace::OnResponse<B> for OnResponse {
    fn on_response(self, response: &Response<B>, latency: std::time::Duration, _: &Span) {
        let status = response.status().as_u16();
        let ms = latency.as_millis();
        let target = response.extensions().get::<Target>().map(field::display);
        tracing::info!(status, ms, target, "answered");
    }
}
