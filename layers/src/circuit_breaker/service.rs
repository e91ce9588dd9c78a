use std::{
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::time::Instant;
use tower_service::Service;

use super::{
    CircuitState, Handle, Key, KeyExtractor, ResponseBody, ResponseFuture, Scope, Status,
    call_guard::CallGuard, settings::Settings,
};
use crate::{Code, Rejection, per_target::PerTarget};

/// Refuses calls to what keeps failing. See the [module](super).
#[derive(Clone, Debug)]
pub struct CircuitBreaker<S, K = Scope> {
    pub(super) inner: S,
    pub(super) key: K,
    pub(super) policy: PerTarget<Settings>,
    pub(super) handle: Handle,
}

impl<S, K, B, R> Service<Request<B>> for CircuitBreaker<S, K>
where
    S: Service<Request<B>, Response = Response<R>>,
    K: KeyExtractor<B>,
    R: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let settings = self.policy.of(request.extensions());
        match self.handle.admit(&self.key.key(&request), settings, Instant::now()) {
            Ok(permit) => {
                let watch = CallGuard::start(permit, &request);
                ResponseFuture::call(self.inner.call(request), watch)
            }
            Err(status) => ResponseFuture::reject(refusal(&status)),
        }
    }
}

fn refusal(status: &Status) -> Rejection {
    // The probe under way may end at any moment.
    let (more, wait) = match (status.state, status.remaining) {
        (CircuitState::HalfOpen, _) => (", probe under way", Some(Duration::from_secs(1))),
        // By force, there is no telling for how long.
        (_, wait) => ("", wait),
    };
    let message = match &status.key {
        Key::Shared => format!("circuit {status}{more}"),
        key => format!("{key}: circuit {status}{more}"),
    };
    let rejection = Rejection::new(Code::NoProvider, message);
    match wait {
        Some(wait) => rejection.retry_after(wait),
        None => rejection,
    }
}
