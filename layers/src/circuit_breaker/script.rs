//! A scripted upstream behind a breaker.

use std::{future::pending, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use parking_lot::Mutex;
use tokio::time::advance;
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_layer::Layer;

use super::*;
use crate::{BoxError, Dialect, Target};

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) type Frames =
    StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, BoxError>> + Send>>>;
pub(super) type Answer = Result<Response<Frames>, BoxError>;
pub(super) type Upstream = BoxCloneSyncService<Request<()>, Response<Frames>, BoxError>;

/// How an upstream answers.
pub(super) type Reply = Arc<dyn Fn(&Request<()>) -> Option<Answer> + Send + Sync>;

pub(super) fn reply(answer: impl Fn(&Request<()>) -> Answer + Send + Sync + 'static) -> Reply {
    Arc::new(move |request| Some(answer(request)))
}

pub(super) fn body(
    frames: impl Stream<Item = Result<&'static str, BoxError>> + Send + 'static,
) -> Frames {
    StreamBody::new(Box::pin(frames.map(|frame| frame.map(|data| Frame::data(data.into())))))
}

pub(super) fn status(status: u16) -> Reply {
    reply(move |_| {
        let mut response = Response::new(body(stream::iter([Ok("what it said")])));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Ok(response)
    })
}

pub(super) fn cut() -> Reply {
    let frames = || stream::iter([Ok("a"), Err("cut".into())]);
    reply(move |_| Ok(Response::new(body(frames()))))
}

/// A body that goes on for ever.
pub(super) fn endless() -> Reply {
    reply(|_| Ok(Response::new(body(stream::iter([Ok("a")]).chain(stream::pending())))))
}

/// An upstream whose answers can be changed, behind a breaker.
pub(super) struct Test {
    pub(super) replies: Arc<Mutex<Reply>>,
    pub(super) handle: Handle,
    pub(super) service: CircuitBreaker<Upstream>,
}

pub(super) fn target(model: &str) -> Target {
    Target { provider: "deepseek".into(), model: model.into(), dialect: Dialect::Chat }
}

pub(super) fn request() -> Request<()> {
    Request::builder().extension(target("deepseek-chat")).body(()).unwrap()
}

impl Test {
    pub(super) fn new(layer: CircuitBreakerLayer) -> Self {
        let replies = Arc::new(Mutex::new(status(200)));
        let upstream = replies.clone();
        let upstream = service_fn(move |request: Request<()>| {
            let answer = upstream.lock().clone()(&request);
            async move {
                match answer {
                    Some(answer) => answer,
                    None => pending().await,
                }
            }
        });
        let handle = Handle::new();
        let service = layer.handle(handle.clone()).layer(BoxCloneSyncService::new(upstream));
        Self { replies, handle, service }
    }

    /// The answer's head.
    pub(super) async fn ask(
        &self,
        replies: &Reply,
    ) -> Result<Response<ResponseBody<Frames>>, BoxError> {
        *self.replies.lock() = replies.clone();
        self.service.clone().oneshot(request()).await
    }

    /// Reads as much of the answer as a client would.
    pub(super) async fn read(&self, replies: &Reply) {
        if let Ok(response) = self.ask(replies).await {
            let _ = response.into_body().collect().await;
        }
    }

    pub(super) fn state(&self) -> CircuitState {
        let status = self.handle.status(&target("deepseek-chat"));
        status.map_or(CircuitState::Closed, |status| status.state)
    }

    pub(super) async fn tripped(layer: CircuitBreakerLayer) -> Self {
        let test = Self::new(layer);
        for _ in 0..3 {
            test.read(&status(500)).await;
        }
        assert_eq!(test.state(), CircuitState::Open);
        test
    }

    pub(super) async fn half_open() -> Self {
        let test = Self::tripped(CircuitBreakerLayer::default()).await;
        advance(SECOND * 30).await;
        test
    }
}
