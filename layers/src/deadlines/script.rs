use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::{Instant, sleep_until};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::{Exchange, Rejected, Target, request::Streamed};

pub(super) const NEVER: u64 = 1 << 40;
pub(super) const CHAT: &str = "/v1/chat/completions";

pub(super) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A request and what an upstream does with it; times in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) settings: Settings,
    pub(super) total: u64,
    pub(super) streamed: bool,
    pub(super) path: &'static str,
    pub(super) status: u16,
    /// Whether something inside says what content is.
    pub(super) observed: bool,
    /// Whether a layer in between gives its own answer instead of the observed one.
    pub(super) replaced: bool,
    /// When the head comes.
    pub(super) head: u64,
    /// When each frame comes, after the one before, and whether it is content.
    pub(super) frames: Vec<(u64, bool)>,
    /// Whether the body ends with its last frame, or falls silent.
    pub(super) ends: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            total: 0,
            streamed: true,
            path: CHAT,
            status: 200,
            observed: true,
            replaced: false,
            head: 0,
            frames: vec![],
            ends: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    /// Answered with a 504.
    Refused(Deadline),
    /// The body's error.
    Cut(Deadline),
}

pub(super) type Frames = StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>>>>>;

impl Script {
    /// Passes it through the layer: how it ends, and when.
    pub(super) async fn run(&self) -> (End, u64) {
        let start = Instant::now();
        let (exchange, alive) = (Exchange::default(), Arc::new(()));
        let mut request = Request::post(self.path).extension(exchange.clone()).body(()).unwrap();
        request.extensions_mut().insert(Streamed(self.streamed));
        let (script, held) = (self.clone(), alive.clone());
        let upstream = service_fn(move |request| script.clone().answer(request, held.clone()));
        let layers =
            (RequestDeadlineLayer::new(ms(self.total)), DeadlinesLayer::new(self.settings));
        let answer = layers.layer(upstream).oneshot(request).await.unwrap();
        let (head, mut body) = answer.into_parts();
        let mut end = End::Whole;
        if let Some(error) = head.extensions.get::<DeadlineError>() {
            assert_eq!(head.status, 504);
            assert!(head.extensions.get::<Rejected>().is_none(), "the attempt was made");
            let text = body.collect().await.unwrap().to_bytes();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(text.contains("DEADLINE_EXCEEDED") && text.contains(&error.to_string()));
            end = End::Refused(error.which);
        } else {
            let mut passed = 0;
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(_) => passed += 1,
                    Err(error) => end = End::Cut(error.downcast::<DeadlineError>().unwrap().which),
                }
            }
            assert!(passed == self.frames.len() || end != End::Whole);
        }
        assert_eq!(Arc::strong_count(&alive), 1, "the call is dropped at once");
        let fault = exchange.record().fault;
        assert_eq!(fault.is_some(), self.observed && end != End::Whole, "{fault:?}");
        (end, start.elapsed().as_millis() as u64)
    }

    async fn answer(
        self,
        request: Request<()>,
        held: Arc<()>,
    ) -> Result<Response<Frames>, Infallible> {
        let start = Instant::now();
        let exchange = request.extensions().get::<Exchange>().expect("one is put in").clone();
        let recorder = self.observed.then(|| exchange.begin());
        until(start + ms(self.head)).await;
        let ends = self.ends;
        let state = (self.frames.into_iter(), Instant::now(), recorder, held);
        let frames = stream::unfold(state, move |(mut frames, last, recorder, held)| async move {
            let Some((gap, content)) = frames.next() else {
                return if ends { None } else { std::future::pending().await };
            };
            until(last + ms(gap)).await;
            if let Some(recorder) = &recorder {
                recorder.update(|record| record.content |= content);
            }
            let frame = Frame::data(Bytes::from_static(b"data: x\n\n"));
            Some((Ok(frame), (frames, last + ms(gap), recorder, held)))
        });
        let boxed: Pin<Box<dyn Stream<Item = _>>> = Box::pin(frames);
        let mut response = Response::new(StreamBody::new(boxed));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        if self.observed && !self.replaced {
            response.extensions_mut().insert(exchange);
        }
        Ok(response)
    }
}

/// A timer for the present would be pending once.
async fn until(instant: Instant) {
    if instant > Instant::now() {
        sleep_until(instant).await;
    }
}

pub(super) fn target(provider: &str) -> Target {
    Target { provider: provider.into(), model: "m".into(), dialect: crate::Dialect::Chat }
}
