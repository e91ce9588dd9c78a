//! The gateway's events, taken up again where a connection broke.

use std::time::Duration;

use http::Method;
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use serde_json::Value;
use switchtower_layers::{
    Buffered,
    sse::{Framer, is_event_stream},
};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::{Client, Error};

/// One event, as it came.
pub(in crate::cli) type Event = Value;

/// The events; in between why a connection could not be made, or has ended. They go on after that.
pub(in crate::cli) type Events = mpsc::Receiver<Result<Event, Error>>;

/// Number of events that are buffered; when they are full, the connection is not read.
const QUEUE_LEN: usize = 64;
/// Maximum size of an event, in bytes.
const MAX_EVENT_LEN: usize = 64 << 20;
/// Idle timeout of the event stream; the gateway sends a comment every 30 s.
const IDLE_TIMEOUT: Duration = Duration::from_secs(95);
/// First reconnect interval; doubled after each connection without an event.
const MIN_RECONNECT_INTERVAL: Duration = Duration::from_millis(200);
const MAX_RECONNECT_INTERVAL: Duration = Duration::from_secs(5);

/// Listens, connecting again and again, until the receiver is dropped.
///
/// With `last`, the id of an event, it begins after that one; none is before `0`.
pub(in crate::cli) fn follow(client: Client, path: String, last: &str) -> Events {
    let (send, events) = mpsc::channel(QUEUE_LEN);
    let mut follower = Follower { client, path, last: last.to_owned(), send };
    tokio::spawn(async move {
        let listening = follower.send.clone();
        tokio::select! {
            () = follower.run() => {}
            () = listening.closed() => {}
        }
    });
    events
}

struct Follower {
    client: Client,
    path: String,
    /// The id of the last event that came.
    last: String,
    send: mpsc::Sender<Result<Event, Error>>,
}

impl Follower {
    async fn run(&mut self) {
        let mut wait = MIN_RECONNECT_INTERVAL;
        loop {
            let (came, error) = match self.connect().await {
                Ok(body) => (self.listen(body).await, self.strange("the events broke off")),
                Err(error) => (false, error),
            };
            if self.send.send(Err(error)).await.is_err() {
                return;
            }
            if came {
                wait = MIN_RECONNECT_INTERVAL;
            }
            sleep(wait).await;
            wait = MAX_RECONNECT_INTERVAL.min(wait * 2);
        }
    }

    async fn connect(&self) -> Result<Incoming, Error> {
        let last = Some(self.last.as_str()).filter(|last| !last.is_empty());
        let answer = self.client.send(Method::GET, &self.path, Buffered::default(), last);
        let answer = timeout(super::RESPONSE_TIMEOUT, answer).await;
        let response = answer.map_err(|_| self.strange("it does not answer"))??;
        let (parts, body) = response.into_parts();
        if !parts.status.is_success() {
            let body =
                timeout(super::RESPONSE_TIMEOUT, body.collect()).await.ok().and_then(Result::ok);
            let body = body.map(Collected::to_bytes).unwrap_or_default();
            return Err(Error::refused(&self.client.base, &self.path, &parts, &body));
        }
        match is_event_stream(&parts.headers) {
            true => Ok(body),
            false => Err(self.strange("its events are no event stream")),
        }
    }

    /// To the end of this connection; whether anything came.
    async fn listen(&mut self, mut body: Incoming) -> bool {
        let mut framer = Framer::new(MAX_EVENT_LEN);
        let mut came = false;
        while let Ok(Some(Ok(frame))) = timeout(IDLE_TIMEOUT, body.frame()).await {
            let Some(chunk) = frame.data_ref() else { continue };
            let mut events = Vec::new();
            let fed = framer.feed(chunk, |event| {
                if let Ok(value) = serde_json::from_slice(event.data) {
                    events.push((value, String::from_utf8_lossy(event.id).into_owned()));
                }
            });
            for (event, id) in events {
                came = true;
                if self.send.send(Ok(event)).await.is_err() {
                    return came;
                }
                if !id.is_empty() {
                    self.last = id;
                }
            }
            if fed.is_err() {
                break;
            }
        }
        came
    }

    fn strange(&self, what: &str) -> Error {
        Error::Strange(self.client.base.clone(), what.to_owned())
    }
}
