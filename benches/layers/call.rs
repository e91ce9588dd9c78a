//! Calls of a layer's service, by one thread or by two.

use std::{
    convert::Infallible,
    fmt::Debug,
    future,
    hint::black_box,
    pin::pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use tokio::{
    runtime::{Handle, Runtime},
    time::Instant,
};
use tower::{Layer, Service, ServiceExt};

use crate::{
    contest::{self, Work},
    inputs::Anew,
};

pub(crate) type Answer = Response<Full<Bytes>>;

/// What is in front of every contest: the price of being a layer.
#[derive(Clone, Copy)]
pub(crate) struct NoOp;

#[derive(Clone)]
pub(crate) struct Forwards<S>(S);

impl<S> Layer<S> for NoOp {
    type Service = Forwards<S>;

    fn layer(&self, inner: S) -> Forwards<S> {
        Forwards(inner)
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Forwards<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.0.call(request)
    }
}

/// A service that is ready with an answer.
#[derive(Clone)]
pub(crate) struct Ready {
    /// Shared: layers clone their service, and that is not to cost a copy of this.
    answer: Arc<Answer>,
    /// Copies of it, made ahead; none where two threads would wait for each other here.
    prebuilt: Option<Arc<Mutex<Vec<Answer>>>>,
}

impl Ready {
    fn with_prebuilt(answer: Answer) -> Self {
        Self { answer: Arc::new(answer), prebuilt: Some(Arc::default()) }
    }

    fn prebuild(&self) {
        if let Some(prebuilt) = &self.prebuilt {
            prebuilt.lock().push(Answer::clone(&self.answer));
        }
    }
}

impl<B> Service<Request<B>> for Ready {
    type Response = Answer;
    type Error = Infallible;
    type Future = future::Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        black_box(&request);
        let answer = self.prebuilt.as_ref().and_then(|prebuilt| prebuilt.lock().pop());
        future::ready(Ok(answer.unwrap_or_else(|| Answer::clone(&self.answer))))
    }
}

/// Calls the service and reads the answer to its end.
async fn call<S, B, R>(service: &mut S, request: Request<B>)
where
    S: Service<Request<B>, Response = Response<R>, Error: Debug>,
    R: Body<Data = Bytes, Error: Debug>,
{
    let service = service.ready().await.expect("a service that is ready");
    let response = service.call(request).await.expect("an answer");
    let mut body = pin!(response.into_body());
    while let Some(frame) = body.frame().await {
        black_box(frame.expect("a good frame"));
    }
}

/// Polled once, so that no runtime is part of the time.
fn at_hand<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("all of it is ready")
}

/// The same, but it may have to wait for another thread.
fn in_turn<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    match work.as_mut().now_or_never() {
        Some(done) => done,
        None => Handle::current().block_on(work),
    }
}

/// Calls of the layer with such a request.
pub(crate) fn of<L, B, R>(layer: &L, answer: &Answer, request: &Request<B>) -> Work
where
    L: Layer<Ready>,
    L::Service: Service<Request<B>, Response = Response<R>, Error: Debug> + 'static,
    R: Body<Data = Bytes, Error: Debug>,
    B: Anew + 'static,
{
    let ready = Ready::with_prebuilt(answer.clone());
    let mut service = layer.layer(ready.clone());
    let input = inputs(ready, request);
    contest::prepared(input, move |request| at_hand(call(&mut service, request)))
}

/// The same, where the layer has tasks to wait for.
pub(crate) fn with_tasks<L, B, R>(
    layer: &L,
    answer: &Answer,
    request: &Request<B>,
    runtime: &Rc<Runtime>,
) -> Work
where
    L: Layer<Ready>,
    L::Service: Service<Request<B>, Response = Response<R>, Error: Debug> + 'static,
    R: Body<Data = Bytes, Error: Debug>,
    B: Anew + 'static,
{
    let ready = Ready::with_prebuilt(answer.clone());
    let mut service = layer.layer(ready.clone());
    let (input, runtime) = (inputs(ready, request), Rc::clone(runtime));
    contest::prepared(input, move |request| runtime.block_on(call(&mut service, request)))
}

fn inputs<B: Anew + 'static>(
    ready: Ready,
    request: &Request<B>,
) -> impl FnMut() -> Request<B> + 'static {
    let request = request.clone();
    move || {
        ready.prebuild();
        request.clone().map(|body| body.anew())
    }
}

const THREADS: usize = 2;

/// Calls by two threads, each with its request and its clone of the layer's service. Making the
/// requests counts, so that the threads meet in the layer all the time.
pub(crate) fn by_two<L, B, R>(layer: &L, requests: [Request<B>; THREADS]) -> Work
where
    L: Layer<Ready>,
    L::Service: Service<Request<B>, Response = Response<R>, Error: Debug> + Clone + Send + 'static,
    R: Body<Data = Bytes, Error: Debug>,
    B: Anew + Send + 'static,
{
    let service = layer.layer(Ready { answer: Arc::default(), prebuilt: None });
    at_once(requests.map(|request| {
        let mut service = service.clone();
        move || in_turn(call(&mut service, request.clone().map(|body| body.anew())))
    }))
}

/// What each of two threads does over and over, and the time it takes either of them.
pub(crate) fn at_once<F: FnMut() + Send + 'static>(mut calls: [F; THREADS]) -> Work {
    /// One after the other is not what is asked for; but a busy machine may not have it otherwise.
    const TRIES: usize = 8;
    Box::new(move |times, gauge| {
        let mut took = Duration::ZERO;
        for _ in 0..TRIES {
            let [one, other] = run_both(&mut calls, times);
            took = (one.took() + other.took()) / 2;
            if one.shared_with(&other) > took.mul_f64(0.9) {
                break;
            }
        }
        gauge.add(took);
    })
}

/// When a thread was at it.
struct Span {
    start: Instant,
    end: Instant,
}

impl Span {
    fn took(&self) -> Duration {
        self.end - self.start
    }

    fn shared_with(&self, other: &Self) -> Duration {
        self.end.min(other.end).saturating_duration_since(self.start.max(other.start))
    }
}

fn run_both<F: FnMut() + Send>(calls: &mut [F; THREADS], times: u64) -> [Span; THREADS] {
    let (started, runtime) = (AtomicUsize::new(0), Handle::current());
    let run = |call: &mut F| {
        let _entered = runtime.enter();
        started.fetch_add(1, Ordering::AcqRel);
        // A barrier would have to wake one of them, and the other would be far ahead.
        while started.load(Ordering::Acquire) < THREADS {
            thread::yield_now();
        }
        let start = Instant::now();
        allocation_counter::opt_out(|| (0..times).for_each(|_| call()));
        Span { start, end: Instant::now() }
    };
    thread::scope(|scope| {
        let threads = calls.each_mut().map(|call| scope.spawn(|| run(call)));
        threads.map(|thread| thread.join().expect("a thread's time"))
    })
}
