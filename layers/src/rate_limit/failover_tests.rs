//! Inside a router, a limit for each target: what is over it goes to the next target.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::time::advance;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::*;
use crate::{
    Buffered, Target,
    route::{Provider, RouteLayer, RoutingTable},
};

#[tokio::test(start_paused = true)]
async fn a_target_at_its_limit_is_passed_over() {
    let (a, b) = (Provider::new("a").models(["m", "n"]), Provider::new("b").models(["m", "n"]));
    let table = RoutingTable::builder().provider(a).provider(b).build().unwrap();
    let limiter = Limiter::new(Limit::per_minute(6).burst(2));
    let service = ServiceBuilder::new()
        .layer(RouteLayer::new(table))
        .layer(RateLimitLayer::new(limiter.clone(), ByTarget::new()).headers(false))
        .service(service_fn(async |request: Request<Buffered>| {
            let target = request.extensions().get::<Target>().unwrap();
            let answer = Bytes::from(target.to_string());
            Ok::<_, Infallible>(Response::new(Full::new(answer)))
        }));
    let ask = async |model: &str| {
        let body = Buffered::from(format!(r#"{{"model":"{model}"}}"#));
        let request = Request::post("/v1/embeddings").body(body).unwrap();
        let (head, body) = service.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string()).unwrap().to_bytes();
        (head, String::from_utf8_lossy(&bytes).into_owned())
    };

    for answer in ["a/m", "a/m", "b/m", "b/m"] {
        let (head, text) = ask("m").await;
        assert_eq!(text, answer);
        assert_eq!(head.headers["x-switchtower-attempts"], "1", "a rejection is no attempt");
    }
    assert_eq!(ask("n").await.1, "a/n", "another target");

    advance(Duration::from_millis(4500)).await;
    let (head, text) = ask("m").await;
    assert_eq!(head.status, 429);
    assert_eq!(head.headers["retry-after"], "6", "the wait of the soonest, rounded up");
    for target in ["a/m", "b/m"] {
        assert!(text.contains(&format!("{target}: the limit of 6 requests per minute")), "{text}");
    }
    assert_eq!(limiter.len(), 3);

    advance(Duration::from_millis(5500)).await;
    assert_eq!(ask("m").await.1, "a/m");
}
