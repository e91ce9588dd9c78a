use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Either;
use switchtower_layers::BoxError;
use tower::Service;

/// Sends a request to one of two services, by a look at its head.
///
/// Only for services that are always ready, as the gateway's are: readiness is each one's own and
/// is polled for both.
#[derive(Clone, Copy)]
pub struct Dispatch<P, A, B> {
    predicate: P,
    yes: A,
    no: B,
}

impl<P, A, B> Dispatch<P, A, B> {
    /// Requests for which the predicate holds go to `yes`, all others to `no`.
    pub fn new(predicate: P, yes: A, no: B) -> Self {
        Self { predicate, yes, no }
    }
}

impl<P, A, B> fmt::Debug for Dispatch<P, A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").finish_non_exhaustive()
    }
}

impl<P, A, B, T, X, Y> Service<Request<T>> for Dispatch<P, A, B>
where
    P: Fn(&Request<T>) -> bool,
    A: Service<Request<T>, Response = Response<X>, Error = Infallible>,
    B: Service<Request<T>, Response = Response<Y>, Error = Infallible>,
    X: Body<Data = Bytes, Error: Into<BoxError>>,
    Y: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Response = Response<Either<X, Y>>;
    type Error = Infallible;
    type Future = ResponseFuture<A::Future, B::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        let Ok(()) = ready!(self.yes.poll_ready(cx));
        self.no.poll_ready(cx)
    }

    fn call(&mut self, request: Request<T>) -> Self::Future {
        ResponseFuture(match (self.predicate)(&request) {
            true => Chosen::Yes(Box::pin(self.yes.call(request))),
            false => Chosen::No(Box::pin(self.no.call(request))),
        })
    }
}

/// The future of [`Dispatch`].
pub struct ResponseFuture<F, G>(Chosen<F, G>);

/// Boxed, once per request: the data plane's future is large, and each layer further out would
/// move it.
enum Chosen<F, G> {
    Yes(Pin<Box<F>>),
    No(Pin<Box<G>>),
}

impl<F, G> fmt::Debug for ResponseFuture<F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, G, X, Y> Future for ResponseFuture<F, G>
where
    F: Future<Output = Result<Response<X>, Infallible>>,
    G: Future<Output = Result<Response<Y>, Infallible>>,
{
    type Output = Result<Response<Either<X, Y>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match &mut self.0 {
            Chosen::Yes(future) => {
                ready!(future.as_mut().poll(cx)).map(|response| response.map(Either::Left))
            }
            Chosen::No(future) => {
                ready!(future.as_mut().poll(cx)).map(|response| response.map(Either::Right))
            }
        })
    }
}
