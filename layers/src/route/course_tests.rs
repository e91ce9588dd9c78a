//! Tests of the request record that the router writes for outer layers.

use super::{
    failover_tests::{Answer, Cut, DELTA, Data, FINISH, events, json, limited, request, send},
    *,
};
use crate::{Code, Exchange, Rejection, body::ResponseBody, exchange::RequestRecord};
use bytes::Bytes;
use http_body_util::BodyExt;

fn layer(providers: &[&str]) -> RouteLayer {
    let table = providers
        .iter()
        .fold(RoutingTable::builder(), |table, name| table.provider(Provider::new(*name)));
    RouteLayer::new(table.build().unwrap())
}

fn rejection() -> Answer {
    let rejection = Rejection::new(Code::NoProvider, "open").by("circuit_breaker");
    let response = rejection.into_response::<ResponseBody<http_body_util::Empty<Bytes>>>();
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}

async fn request_record(
    layer: &RouteLayer,
    script: impl Fn(&str, usize) -> Answer + Clone + Send + 'static,
) -> (RequestRecord, Exchange) {
    let (mut ask, exchange) = (request("m", true), Exchange::default());
    ask.extensions_mut().insert(exchange.clone());
    send(layer, ask, script).await;
    (exchange.update_request_record(std::mem::take), exchange)
}

fn told(request_record: &RequestRecord) -> Vec<String> {
    let next = |failure: &crate::exchange::Failure| match &failure.next {
        Some(next) => format!("{failure} -> {next}"),
        None => failure.to_string(),
    };
    request_record.failures.iter().map(next).collect()
}

#[tokio::test(start_paused = true)]
async fn every_move_has_its_cause() {
    let layer = layer(&["a", "b", "c", "d"]);
    let script = |provider: &str, _: usize| match provider {
        "a" => limited(60),
        "b" => rejection(),
        "c" => events(&[Cut]),
        _ => events(&[Data(DELTA), Data(FINISH)]),
    };
    let (first, exchange) = request_record(&layer, script).await;
    assert_eq!(first.model.as_deref(), Some("m"));
    assert_eq!(first.plan.len(), 4);
    assert!(first.committed.is_some());
    let rejected = "b/m: rejected by circuit_breaker (NO_PROVIDER) -> c/m";
    assert_eq!(told(&first), ["a/m: rate_limited -> b/m", rejected, "c/m: broken -> d/m"]);
    assert_eq!(exchange.record().target.unwrap().to_string(), "d/m");
    assert!(exchange.record().content_at.is_some());

    let (second, _) = request_record(&layer, script).await;
    assert_eq!(told(&second), ["a/m: held_off -> b/m", rejected, "c/m: broken -> d/m"]);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_left_nobody_is_next() {
    let (request_record, _) = request_record(&layer(&["a"]), |_, nth| match nth {
        1 => events(&[Cut]),
        _ => json(503, "{}"),
    })
    .await;
    assert_eq!(told(&request_record), ["a/m: broken -> a/m", "a/m: unavailable"]);
    assert!(!request_record.failures.iter().any(crate::exchange::Failure::is_failover));
    assert_eq!(request_record.committed, None);
}

#[tokio::test(start_paused = true)]
async fn the_clients_own_error_is_no_failure_of_the_target() {
    let (request_record, _) = request_record(&layer(&["a", "b"]), |_, _| json(422, "{}")).await;
    assert!(request_record.failures.is_empty());
}
