//! The tests that every layer passes, whatever it does.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower_layer::Layer;
use tower_service::Service;
use tower_test::mock;

use crate::{BoxError, Buffered};

pub(crate) type Mock = mock::Mock<Request<Buffered>, Response<Full<Bytes>>>;

/// A service over the mock that can be driven by these tests.
pub(crate) trait Driven<B>:
    Service<Request<Buffered>, Response = Response<B>, Error = BoxError> + Clone
{
}
impl<S, B> Driven<B> for S where
    S: Service<Request<Buffered>, Response = Response<B>, Error = BoxError> + Clone
{
}

/// `request` must be one that the layer passes inward.
pub(crate) async fn holds<L, S, B, P, R>(layer: L, request: impl Fn() -> Request<Buffered>)
where
    L: Layer<Mock, Service = S> + Layer<Held, Service = P>,
    S: Driven<B>,
    B: Body<Data = Bytes, Error: std::fmt::Debug>,
    P: Service<Request<Buffered>, Response = Response<R>, Error = BoxError> + Clone,
    R: Body<Data = Bytes>,
{
    calls_the_readied_instance::<L, S, B>(&layer, request()).await;
    passes_on_readiness_errors::<L, S, B>(&layer).await;
    releases_what_it_held::<L, P, R>(&layer, request).await;
}

/// A clone has to be readied by itself; the instance that was polled is the one that is called.
async fn calls_the_readied_instance<L, S, B>(layer: &L, request: Request<Buffered>)
where
    L: Layer<Mock, Service = S>,
    S: Driven<B>,
    B: Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let (inner, mut handle) = mock::pair();
    handle.allow(1);
    let mut service = mock::Spawn::new(layer.layer(inner));
    assert_ready_ok!(service.poll_ready::<Request<Buffered>>());
    let mut clone = service.clone();

    let mut response = task::spawn(service.call(request));
    assert!(response.poll().is_pending());
    assert_pending!(clone.poll_ready::<Request<Buffered>>());
    let (_, respond) = handle.next_request().await.expect("the request is passed inward");
    respond.send_response(Response::new(Full::from("answer")));
    let body = response.await.expect("an answer").into_body();
    assert_eq!(body.collect().await.expect("a body").to_bytes(), "answer");
}

async fn passes_on_readiness_errors<L, S, B>(layer: &L)
where
    L: Layer<Mock, Service = S>,
    S: Driven<B>,
{
    let (inner, mut handle) = mock::pair();
    handle.send_error("dead");
    let mut service = mock::Spawn::new(layer.layer(inner));
    let error = assert_ready_err!(service.poll_ready::<Request<Buffered>>());
    assert_eq!(error.to_string(), "dead");
}

/// Dropped before the call, in the middle of the future or of the body: nothing stays behind.
async fn releases_what_it_held<L, P, R>(layer: &L, request: impl Fn() -> Request<Buffered>)
where
    L: Layer<Held, Service = P>,
    P: Service<Request<Buffered>, Response = Response<R>, Error = BoxError> + Clone,
    R: Body<Data = Bytes>,
{
    let held = Held::default();
    let mut service = mock::Spawn::new(layer.layer(held.clone()));
    assert_ready_ok!(service.poll_ready::<Request<Buffered>>());
    drop(service.call(request()));
    assert_eq!(held.live(), 0, "the future was dropped unpolled");

    held.answer.store(0, Ordering::Relaxed);
    assert_ready_ok!(service.poll_ready::<Request<Buffered>>());
    let mut future = task::spawn(service.call(request()));
    assert!(future.poll().is_pending());
    assert_eq!(held.live(), 1);
    drop(future);
    assert_eq!(held.live(), 0, "the future was dropped while it waited");

    held.answer.store(1, Ordering::Relaxed);
    assert_ready_ok!(service.poll_ready::<Request<Buffered>>());
    let Ok(response) = service.call(request()).await else { panic!("no response") };
    assert_eq!(held.live(), 1, "the body is open");
    drop(response);
    assert_eq!(held.live(), 0, "the body was dropped before its end");
}

/// An inner service that counts its open futures and bodies.
#[derive(Clone, Default)]
pub(crate) struct Held {
    /// 0 to wait for ever, 1 to answer with a body that waits for ever.
    answer: Arc<AtomicUsize>,
    live: Arc<AtomicUsize>,
}

impl Held {
    fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    fn hold(&self) -> Hold {
        self.live.fetch_add(1, Ordering::Relaxed);
        Hold(self.live.clone())
    }
}

pub(crate) struct Hold(Arc<AtomicUsize>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that never ends, with one hold on its service.
pub(crate) struct HeldBody(#[allow(dead_code, reason = "held for its Drop")] Hold);

impl Body for HeldBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

impl Service<Request<Buffered>> for Held {
    type Response = Response<HeldBody>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Buffered>) -> Self::Future {
        let (hold, answers) = (self.hold(), self.answer.load(Ordering::Relaxed) == 1);
        Box::pin(async move {
            let hold = hold;
            if !answers {
                std::future::pending::<()>().await;
            }
            Ok(Response::new(HeldBody(hold)))
        })
    }
}
