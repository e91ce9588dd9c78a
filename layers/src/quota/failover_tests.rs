//! Inside a router, a provider with nothing left is passed over.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::time::{advance, sleep};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::*;
use crate::{
    Buffered, Target,
    route::{Provider, RouteLayer, RoutingTable},
};

struct Empty;

impl QuotaSource for Empty {
    fn name(&self) -> &str {
        "empty"
    }

    fn read(&self) -> Reading<'_> {
        let empty = Snapshot::new(false, "Credits: 0, Secondary: 98%");
        Box::pin(std::future::ready(Ok(vec![("a".to_owned(), empty)])))
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_target_takes_over() {
    let (a, b) = (Provider::new("a").models(["m"]), Provider::new("b").models(["m"]));
    let table = RoutingTable::builder().provider(a).provider(b).build().unwrap();
    let quotas = Quotas::default();
    let service = ServiceBuilder::new()
        .layer(RouteLayer::new(table))
        .layer(QuotaGateLayer::new(quotas.clone()))
        .service(service_fn(async |request: Request<Buffered>| {
            let target = request.extensions().get::<Target>().unwrap();
            let mut response = Response::new(Full::new(Bytes::from(target.to_string())));
            if &*target.provider == "b" {
                let headers = response.headers_mut();
                headers.insert("x-ratelimit-remaining-requests", "0".parse().unwrap());
                headers.insert("x-ratelimit-reset-requests", "6m0s".parse().unwrap());
            }
            Ok::<_, Infallible>(response)
        }));
    let ask = async || {
        let body = Buffered::from(r#"{"model":"m"}"#);
        let request = Request::post("/v1/embeddings").body(body).unwrap();
        let (head, body) = service.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string()).unwrap().to_bytes();
        (head, String::from_utf8_lossy(&bytes).into_owned())
    };

    assert_eq!(ask().await.1, "a/m");
    quotas.watch(Empty);
    sleep(Duration::from_millis(1)).await;
    let (head, text) = ask().await;
    assert_eq!(text, "b/m");
    assert_eq!(head.headers["x-switchtower-attempts"], "1", "a rejection is no attempt");

    let (head, text) = ask().await;
    assert_eq!(head.status, 429);
    assert_eq!(head.headers["retry-after"], "360", "of the soonest that is known");
    for reason in ["a: Credits: 0, Secondary: 98%", "b/m: its limit is used up for another 360 s"] {
        assert!(text.contains(reason), "{text}");
    }
    advance(Duration::from_secs(360)).await;
    assert_eq!(ask().await.1, "b/m");
}
