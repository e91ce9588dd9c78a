use std::convert::Infallible;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use static_assertions::assert_impl_all;
use switchtower_layers::{Buffered, Code, Rejection};
use tower::{Layer, Service, ServiceExt, service_fn};
use tracing::subscriber::NoSubscriber;

use super::*;
use crate::{
    config::Config,
    telemetry::{
        feed::RequestFeed,
        metrics::{Gauges, Metrics},
        stats::Stats,
    },
};

assert_impl_all!(AccessLogLayer: Send, Sync, Clone);
assert_impl_all!(AccessLog<()>: Send, Sync, Clone);
assert_impl_all!(AccessLogBody<Full<Bytes>>: Send);

fn layer() -> (AccessLogLayer, Metrics) {
    let metrics = Metrics::new(&Config::default());
    (AccessLogLayer::new(metrics.clone(), Stats::new(metrics.clone()), RequestFeed::new()), metrics)
}

/// The lines of a family.
fn lines(metrics: &Metrics, family: &str) -> Vec<String> {
    let text = metrics.render(&Gauges::default());
    text.lines().filter(|line| line.starts_with(family)).map(str::to_owned).collect()
}

const REQUESTS: &str = "switchtower_requests_total{";
const IN_FLIGHT: &str = "switchtower_requests_in_flight ";

#[tokio::test]
async fn a_request_is_counted_when_its_body_ends_or_is_dropped() {
    let (layer, metrics) = layer();
    let service = layer.layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("answer")))
    }));
    let read = service.clone().oneshot(Request::new(())).await.unwrap();
    let dropped = service.clone().oneshot(Request::new(())).await.unwrap();
    assert_eq!(lines(&metrics, IN_FLIGHT), ["switchtower_requests_in_flight 2"]);
    assert_eq!(lines(&metrics, REQUESTS), [""; 0]);
    read.into_body().collect().await.unwrap();
    drop(dropped);
    let counted = lines(&metrics, REQUESTS);
    let of = |outcome| format!(r#"{REQUESTS}outcome="{outcome}",route="other",status="2xx"}} 1"#);
    assert_eq!(counted, [of("cancelled"), of("success")]);
    assert_eq!(lines(&metrics, IN_FLIGHT), ["switchtower_requests_in_flight 0"]);
}

#[tokio::test]
async fn who_leaves_before_the_head_is_cancelled() {
    let (layer, metrics) = layer();
    let mut service = layer.layer(service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    }));
    let mut call = Box::pin(service.call(Request::new(())));
    assert!((&mut call).now_or_never().is_none());
    drop(call);
    let cancelled = format!(r#"{REQUESTS}outcome="cancelled",route="other",status="none"}} 1"#);
    assert_eq!(lines(&metrics, REQUESTS), [cancelled]);
}

#[tokio::test]
async fn a_rejection_says_by_whom() {
    let (layer, metrics) = layer();
    let service = layer.layer(service_fn(async |_: Request<()>| {
        let rejection = Rejection::new(Code::RateLimited, "no").by("rate_limit");
        Ok::<_, Infallible>(rejection.into_response::<Full<Bytes>>())
    }));
    drop(service.oneshot(Request::new(())).await);
    let rejections = lines(&metrics, "switchtower_rejections_total{");
    let counted = r#"switchtower_rejections_total{code="RATE_LIMITED",layer="rate_limit"} 1"#;
    assert_eq!(rejections, [counted]);
    let rejected = format!(r#"{REQUESTS}outcome="rejected",route="other",status="4xx"}} 1"#);
    assert_eq!(lines(&metrics, REQUESTS), [rejected]);
}

#[test]
fn what_it_costs_is_an_exchange_and_a_header() {
    let (layer, _) = layer();
    let inner = service_fn(|request: Request<Buffered>| {
        drop(request);
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("answer"))))
    });
    let mut service = layer.layer(inner);
    let mut pass = |request: Request<Buffered>| {
        let mut body = service.call(request).now_or_never().unwrap().unwrap().into_body();
        body.frame().now_or_never().unwrap().unwrap().unwrap();
    };
    let request = || {
        // As another extension and a header are there already, there is room.
        let request = Request::post("/v1/chat/completions").extension(1_u8).header("a", "b");
        request.body(Buffered::default()).unwrap()
    };
    // Without a log, whose lines are long.
    let counted = tracing::subscriber::with_default(NoSubscriber::default(), || {
        pass(request());
        let request = request();
        allocation_counter::measure(|| pass(request))
    });
    // The exchange, its box among the extensions, the bytes of `traceparent`, and the path.
    assert!(counted.count_total <= 5, "{counted:?}");
}

/// What this thread logs.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<parking_lot::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_line_names_the_client_once_it_is_known() {
    use switchtower_layers::budget::ClientKey;

    // Threads without a subscriber would have `tracing` cache that no subscriber is interested.
    static EVERYWHERE: std::sync::Once = std::sync::Once::new();
    EVERYWHERE.call_once(|| {
        let nowhere = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
        let _ = tracing::subscriber::set_global_default(nowhere);
    });
    let (layer, _) = layer();
    let guarded = service_fn(|mut request: Request<()>| {
        request.extensions_mut().insert(ClientKey("alice".into()));
        let request = name_client(request);
        assert!(request.headers().contains_key("traceparent"));
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("answer"))))
    });
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
    tracing::subscriber::with_default(subscriber.finish(), || {
        drop(layer.layer(guarded).oneshot(Request::new(())).now_or_never());
    });
    let text = String::from_utf8(log.0.lock().clone()).unwrap();
    assert!(text.contains(r#"key="alice"}"#) && text.contains(": ended status=200"), "{text}");
}
