//! A strict reader of event streams: what a lenient client would overlook fails the test.

use std::collections::VecDeque;

use bytes::BytesMut;
use http::{Response, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::Instant;

use super::soon;

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    /// The `event:` line, if there was one.
    pub name: Option<String>,
    /// The `id:` line, if there was one.
    pub id: Option<String>,
    /// The `data:` lines, joined by newlines.
    pub data: String,
    /// Time at which its last byte was read.
    pub at: Instant,
}

impl Event {
    /// The data parsed as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Whether it is `[DONE]`.
    pub fn is_done(&self) -> bool {
        self.data == "[DONE]"
    }
}

/// The events of an answer.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    buffer: BytesMut,
    ready: VecDeque<Event>,
    /// The comment lines so far.
    pub comments: Vec<String>,
    /// The last `retry:` line.
    pub retry: Option<u64>,
}

impl Events {
    /// Starts to read; the head must announce a stream.
    #[track_caller]
    pub fn new(response: Response<Incoming>) -> Self {
        assert_eq!(response.status(), 200);
        let kind = response.headers()[CONTENT_TYPE].to_str().unwrap();
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        Self {
            body: response.into_body(),
            buffer: BytesMut::new(),
            ready: VecDeque::new(),
            comments: Vec::new(),
            retry: None,
        }
    }

    /// The next event, which has to come; five seconds are too long.
    pub async fn next(&mut self) -> Event {
        self.try_next().await.expect("a whole stream").expect("one more event")
    }

    /// The next event, `None` at a clean end, or how the stream broke.
    pub async fn try_next(&mut self) -> hyper::Result<Option<Event>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            match soon(self.body.frame()).await.transpose()? {
                Some(frame) => self.read(&frame.into_data().expect("no trailers")),
                None => {
                    assert!(self.buffer.is_empty(), "ends inside an event: {:?}", self.buffer);
                    return Ok(None);
                }
            }
        }
    }

    /// All events to a clean end.
    pub async fn rest(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.try_next().await.expect("a whole stream") {
            events.push(event);
        }
        events
    }

    /// All events before `[DONE]` as JSON; `[DONE]` must come, once, and nothing after it.
    pub async fn until_done(&mut self) -> Vec<Value> {
        let mut events = self.rest().await;
        assert!(events.pop().is_some_and(|last| last.is_done()), "no [DONE] at the end");
        events.iter().map(Event::json).collect()
    }

    /// The events up to where the stream breaks, which it must.
    pub async fn until_broken(&mut self) -> (Vec<Event>, hyper::Error) {
        let mut events = Vec::new();
        loop {
            match self.try_next().await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => panic!("a clean end after {events:?}"),
                Err(error) => return (events, error),
            }
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        while let Some((end, gap)) = block(&self.buffer) {
            let block = self.buffer.split_to(end);
            let _ = self.buffer.split_to(gap);
            self.parse(std::str::from_utf8(&block).expect("an event is UTF-8"));
        }
    }

    fn parse(&mut self, block: &str) {
        let (mut name, mut id) = (None, None);
        let mut data = Vec::new();
        // Not `lines`: a lone CR or another separator within a line is the data's.
        for line in block.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
            match line.split_once(':') {
                Some(("", comment)) => self.comments.push(comment.trim().to_owned()),
                Some(("data", value)) => data.push(value.strip_prefix(' ').unwrap_or(value)),
                Some(("event", value)) => {
                    assert!(
                        name.replace(value.trim().to_owned()).is_none(),
                        "two names: {block:?}"
                    );
                }
                Some(("id", value)) => {
                    assert!(id.replace(value.trim().to_owned()).is_none(), "two ids: {block:?}");
                }
                Some(("retry", value)) => self.retry = Some(value.trim().parse().expect("ms")),
                _ => panic!("not a line of an event stream: {line:?} in {block:?}"),
            }
        }
        if data.is_empty() {
            assert!(name.is_none(), "an event without data: {block:?}");
        } else {
            self.ready.push_back(Event { name, id, data: data.join("\n"), at: Instant::now() });
        }
    }
}

/// Where the first block ends, and how long the blank line after it is.
fn block(bytes: &[u8]) -> Option<(usize, usize)> {
    let at = |gap: &[u8]| bytes.windows(gap.len()).position(|window| window == gap);
    let found = [at(b"\n\n").map(|at| (at, 2)), at(b"\r\n\r\n").map(|at| (at, 4))];
    found.into_iter().flatten().min()
}

/// The text that the chunks of a chat stream add up to.
pub fn text(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
}
