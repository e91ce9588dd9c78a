use std::{
    convert::Infallible,
    future::{pending, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use super::*;

#[tokio::test]
async fn a_place_is_given_back_with_the_future_or_the_body() {
    let streams = OpenStreams::default();
    let layer = StreamLimitLayer::new(streams.clone(), 1);
    let answers = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("abc")))))
    }));
    let ask = || answers.clone().oneshot(Request::new(()));

    let response = ask().await.unwrap();
    assert_eq!(streams.count(), 1, "the body is open");
    let refused = ask().await.unwrap();
    assert_eq!((refused.status().as_u16(), streams.count()), (429, 1));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "abc");
    assert_eq!(streams.count(), 0, "it was read to its end");
    drop(ask().await.unwrap());
    assert_eq!(streams.count(), 0, "it was dropped");

    let waits = layer
        .layer(service_fn(|_: Request<()>| pending::<Result<Response<Full<Bytes>>, Infallible>>()));
    let mut waiting = tokio_test::task::spawn(waits.oneshot(Request::new(())));
    assert!(waiting.poll().is_pending());
    assert_eq!(streams.count(), 1);
    drop(waiting);
    assert_eq!(streams.count(), 0, "nobody waits any more");

    let fails =
        layer.layer(service_fn(|_: Request<()>| ready(Err::<Response<Full<Bytes>>, _>("broken"))));
    assert!(fails.oneshot(Request::new(())).await.is_err());
    assert_eq!(streams.count(), 0);
}
