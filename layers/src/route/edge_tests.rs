//! Corner cases of failover: trailers, early heads, caps, and the reported target.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::{failover_tests::*, *};
use crate::{
    BoxError, Buffered, Code, Exchange, Rejection, Target,
    classify::Attempts,
    deadlines::{DeadlinesLayer, Settings},
    exchange::Outcome,
    observe::ObserveLayer,
};

const CREATED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\",\"output\":[]}}\n\n";
const RDELTA: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"delta\":\"Hi\"}\n\n";

fn rejected(code: Code) -> Answer {
    let rejection: Response<Full<Bytes>> =
        Rejection::new(code, "by an inner layer").param("p").into_response();
    rejection.map(|body| BodyExt::boxed_unsync(body.map_err(|never| match never {})))
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_wrong_for_every_target_is_told_so() {
    let layer = || RouteLayer::new(table());
    let by = |a: fn() -> Answer, b: fn() -> Answer| {
        move |provider: &str, _| if provider == "a" { a() } else { b() }
    };
    let invalid_for_target: fn() -> Answer = || rejected(Code::InvalidRequest);
    let shut: fn() -> Answer = || rejected(Code::QuotaExhausted);
    let seen = send(&layer(), request("m", true), by(invalid_for_target, invalid_for_target)).await;
    assert_eq!((seen.status, seen.asked.len()), (400, 2));
    assert!(seen.body.contains(r#""param":"p""#), "{}", seen.body);
    // The other target may take it later.
    for (a, b) in [(invalid_for_target, shut), (shut, invalid_for_target)] {
        let seen = send(&layer(), request("m", true), by(a, b)).await;
        assert!(seen.status == 503 && seen.body.contains("NO_PROVIDER"), "{}", seen.body);
    }
    let seen = send(&layer(), request("m", true), by(|| json(500, ""), invalid_for_target)).await;
    assert_eq!(seen.status, 502);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_not_the_one_of_a_responses_client() {
    for (path, status) in [("/v1/responses", 502), ("/v1/chat/completions", 401)] {
        let mut request = request("m", true);
        *request.uri_mut() = path.parse().unwrap();
        let seen = send(&RouteLayer::new(table()), request, |_, _| json(401, "{}")).await;
        assert_eq!(seen.status, status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_responses_stream_where_it_stood() {
    let targets = service_fn(async |_: Request<Buffered>| {
        Ok::<_, Infallible>(events(&[Data(CREATED), Data(RDELTA), Pause(1000)]))
    });
    let dl = DeadlinesLayer::new(Settings { idle: Some(Duration::from_secs(5)), ..Settings::OFF });
    let service = RouteLayer::new(table()).layer(dl.layer(ObserveLayer::new().layer(targets)));
    let mut r = request("m", true);
    *r.uri_mut() = "/v1/responses".parse().unwrap();
    let response = service.oneshot(r).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(text.matches("resp_1").count(), 2, "{text}");
    assert!(text.contains("\"sequence_number\":5"), "{text}");
}

fn with_trailers(steps: &'static [&'static str]) -> Answer {
    let frames: Vec<Result<Frame<Bytes>, BoxError>> = steps
        .iter()
        .map(|s| Ok(Frame::data(Bytes::from(*s))))
        .chain([Ok(Frame::trailers(http::HeaderMap::new()))])
        .collect();
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(BodyExt::boxed_unsync(StreamBody::new(stream::iter(frames))))
        .unwrap()
}

// Reads as hyper does: a trailers frame is the last, the body is dropped after it.
async fn as_hyper<B: Body<Data = Bytes, Error = BoxError>>(body: B) -> String {
    let mut body = std::pin::pin!(body);
    let mut text = String::new();
    while let Some(frame) = body.frame().await {
        match frame.unwrap().into_data() {
            Ok(d) => text.push_str(std::str::from_utf8(&d).unwrap()),
            Err(_) => break,
        }
    }
    text
}

#[tokio::test(start_paused = true)]
async fn trailers_end_a_body() {
    let targets =
        service_fn(async |_: Request<Buffered>| Ok::<_, Infallible>(with_trailers(&[DELTA])));
    let service = RouteLayer::new(table()).layer(ObserveLayer::new().layer(targets));
    let mut r = request("m", true);
    let exchange = Exchange::default();
    r.extensions_mut().insert(exchange.clone());
    let response = service.oneshot(r).await.unwrap();
    let text = as_hyper(response.into_body()).await;
    assert_eq!(exchange.record().outcome(), Some(Outcome::Fault));
    assert!(text.contains("PROVIDER_ERROR"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_names_who_gave_it() {
    let targets = service_fn(async |request: Request<Buffered>| {
        Ok::<_, Infallible>(match &*request.extensions().get::<Target>().unwrap().provider {
            "a" => json(401, r#"{"error":{"code":"invalid_api_key"}}"#),
            _ => Rejection::new(Code::RateLimited, "open")
                .into_response::<http_body_util::Full<Bytes>>()
                .map(|b| b.map_err(|e| match e {}).boxed_unsync()),
        })
    });
    // Observed only below the gate.
    let service = RouteLayer::new(table()).layer(targets);
    let response = service.oneshot(request("m", false)).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["x-switchtower-provider"], "a");
}

#[tokio::test(start_paused = true)]
async fn the_routers_word_after_attempts_is_no_rejection() {
    let targets = service_fn(async |_: Request<Buffered>| Ok::<_, Infallible>(json(503, "x")));
    let service = RouteLayer::new(table()).layer(ObserveLayer::new().layer(targets));
    let response = service.oneshot(request("m", false)).await.unwrap();
    assert_eq!(Attempts::of(&response).0, 2);
}

#[tokio::test(start_paused = true)]
async fn what_one_attempt_said_is_not_held_against_the_next() {
    let observed = ObserveLayer::new().layer(service_fn(async |_: Request<Buffered>| {
        Ok::<_, Infallible>(json(429, r#"{"error":{"code":"insufficient_quota"}}"#))
    }));
    let targets = service_fn(move |request: Request<Buffered>| {
        let observed = observed.clone();
        async move {
            Ok::<_, Infallible>(match &*request.extensions().get::<Target>().unwrap().provider {
                "a" => observed.oneshot(request).await.unwrap().map(BodyExt::boxed_unsync),
                _ => json(429, r#"{"error":{"code":"rate_limit_exceeded"}}"#),
            })
        }
    });
    let layer = RouteLayer::new(table());
    let service = layer.layer(targets.clone());
    let _ = service.oneshot(request("m", false)).await.unwrap();
    let service = layer.layer(targets);
    let second = service.oneshot(request("b/m", false)).await.unwrap();
    assert_ne!(second.status(), 503, "b was held as exhausted");
}

#[tokio::test(start_paused = true)]
async fn a_cut_behind_the_finish_reason_leaves_no_half_event() {
    let layer = RouteLayer::new(table());
    const FIN: &str = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
    let seen = send(&layer, request("a/m", true), |_, _| {
        events(&[Data(DELTA), Data(FIN), Data("data: {\"usage\":{\"pro"), Cut])
    })
    .await;
    assert!(seen.body.ends_with("\n\n"), "{}", seen.body);
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_announces_no_length() {
    let layer = RouteLayer::new(table()).commit(Commit::Complete);
    let seen = send(&layer, request("a/m", true), |_, _| {
        let mut a = events(&[Data(DELTA), Data(FINISH), Cut]);
        a.headers_mut().insert("content-length", 9999.into());
        a
    })
    .await;
    assert_eq!(seen.header("content-length"), "");
}

#[tokio::test(start_paused = true)]
async fn the_largest_sequence_number_has_no_next() {
    let layer = RouteLayer::new(table());
    let mut r = request("a/m", true);
    *r.uri_mut() = "/v1/responses".parse().unwrap();
    let last = "data: {\"type\":\"response.output_text.delta\",\
        \"sequence_number\":18446744073709551615,\"delta\":\"Hi\"}\n\n";
    let seen = send(&layer, r, move |_, _| events(&[Data(CREATED), Data(last), Cut])).await;
    assert!(seen.body.contains("event: response.failed"), "{}", seen.body);
}

#[tokio::test(start_paused = true)]
async fn behind_an_early_head_the_provider_is_quoted() {
    let layer = RouteLayer::new(table());
    let seen = send(&layer, request("m", true), |_, _| {
        answer(
            402,
            "application/json",
            &[
                Pause(20),
                Data(
                    r#"{"error":{"code":"insufficient_balance","message":"Insufficient Balance"}}"#,
                ),
            ],
        )
    })
    .await;
    assert!(seen.body.contains("nsufficient"), "{}", seen.body);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_leaves_at_once_does_not_flood() {
    let layer = RouteLayer::new(table()).max_head_delay(Duration::ZERO);
    let seen =
        send(&layer, request("m", true), |_, _| events(&[Pause(10), Data(DELTA), Data(FINISH)]))
            .await;
    assert!(seen.body.matches("keep-alive").count() < 20);
}

#[tokio::test(start_paused = true)]
async fn an_error_over_the_cap_fails_over() {
    let layer = RouteLayer::new(table()).buffer_limit(10);
    let seen = send(&layer, request("m", false), |p, _| match p {
        "a" => answer(503, "text/html", &[Data("<html>long html page</html>")]),
        _ => json(200, WHOLE),
    })
    .await;
    assert_eq!(seen.asked.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_an_endless_event_passes() {
    let targets = service_fn(async |_: Request<Buffered>| {
        Ok::<_, Infallible>(events(&[Data(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        )]))
    });
    let service = RouteLayer::new(table()).layer(ObserveLayer::new().cap(60).layer(targets));
    let body = service
        .oneshot(request("a/m", true))
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes();
    assert!(body.starts_with(DELTA.as_bytes()));
}
