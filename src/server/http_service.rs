use std::convert::Infallible;

use http::{Request, Response};
use hyper::body::Incoming;
use switchtower_layers::BoxError;
use tower::Service;

/// A service as hyper drives it. It never fails: whatever goes wrong is a response.
pub trait HttpService<T = Incoming>:
    Service<Request<T>, Response = Response<Self::Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The responses' body.
    type Body: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, T, B> HttpService<T> for S
where
    S: Service<Request<T>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
    B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}
