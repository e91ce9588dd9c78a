//! Replies of a provider, step by step.

use std::{fmt::Display, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde_json::Value;

use super::{fault::Fault, faulty_io::Wait, gate::Gate, openai};

/// An answer under construction: a head, and a body of steps that are each written on their own.
///
/// Without [`sized`](Self::sized) the body is chunked.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status of the response.
    pub status: StatusCode,
    /// Headers of the response.
    pub headers: HeaderMap,
    /// What happens before the head is sent.
    pub(super) before: Vec<Step>,
    pub(super) steps: Vec<Step>,
    /// The `content-length` that the head declares.
    pub(super) length: Option<u64>,
}

/// One step of a reply.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Data(Bytes),
    Pause(Duration),
    Gate(Gate),
    Fault(Fault),
}

impl Step {
    /// The wait that a step is; data and the faults that act are none.
    pub(super) fn wait(self) -> Wait {
        match self {
            Self::Data(_) => Box::pin(std::future::ready(())),
            Self::Pause(time) => Box::pin(tokio::time::sleep(time)),
            Self::Gate(gate) => Box::pin(async move { gate.pass().await }),
            Self::Fault(_) => Box::pin(std::future::pending()),
        }
    }
}

/// How an answer begins.
impl Reply {
    /// An answer without a body.
    ///
    /// # Panics
    /// If the number is no HTTP status.
    pub fn new(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("an HTTP status has three digits"),
            headers: HeaderMap::new(),
            before: Vec::new(),
            steps: Vec::new(),
            length: None,
        }
    }

    /// 200 with JSON and a `content-length`.
    pub fn json(value: &Value) -> Self {
        Self::status(200, value)
    }

    /// A reply with this status, JSON and a `content-length`.
    pub fn status(status: u16, value: &Value) -> Self {
        Self::new(status).content_type("application/json").bytes(value.to_string()).sized()
    }

    /// A reply with this status and an error in OpenAI's form.
    pub fn error(status: u16, code: &str) -> Self {
        Self::status(status, &openai::provider_error(code))
    }

    /// 200 with a web page and a `content-length`, as a captive portal answers.
    pub fn html(page: impl Into<Bytes>) -> Self {
        Self::new(200).content_type("text/html; charset=utf-8").bytes(page).sized()
    }

    /// 200 with an event stream that has no events yet.
    pub fn events() -> Self {
        let mut reply = Self::new(200).content_type("text/event-stream; charset=utf-8");
        reply.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        reply
    }

    /// No reply but this fault, once the request has been read.
    pub fn fault(fault: Fault) -> Self {
        let mut reply = Self::new(200);
        reply.before.push(Step::Fault(fault));
        reply
    }
}

/// The head.
impl Reply {
    /// Adds a header line.
    ///
    /// # Panics
    /// If the name is not lower-case, or the value is none that a header can have.
    pub fn header(mut self, name: &'static str, value: impl Display) -> Self {
        let value = HeaderValue::try_from(value.to_string()).expect("a valid header value");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// Sets the content type.
    pub fn content_type(mut self, value: &'static str) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
        self
    }

    /// Keeps the head back for this long.
    pub fn after(mut self, time: Duration) -> Self {
        self.before.push(Step::Pause(time));
        self
    }

    /// Keeps the head back until the gate lets it through.
    pub fn when(mut self, gate: &Gate) -> Self {
        self.before.push(Step::Gate(gate.clone()));
        self
    }

    /// Declares as `content-length` what the body comes to so far; a later cut breaks the promise.
    pub fn sized(mut self) -> Self {
        self.length = Some(self.data().map(|bytes| bytes.len() as u64).sum());
        self
    }

    /// Takes the `content-length` back.
    pub fn chunked(mut self) -> Self {
        self.length = None;
        self
    }
}

/// The body.
impl Reply {
    /// Writes these bytes, in one chunk.
    pub fn bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        // An empty chunk would end a chunked body.
        if !bytes.is_empty() {
            self.steps.push(Step::Data(bytes));
        }
        self
    }

    /// Writes an event; each line of the data gets a `data:` line.
    pub fn event(self, data: impl Display) -> Self {
        self.bytes(event(&data.to_string()))
    }

    /// Writes an event with an `event:` line.
    pub fn named_event(self, name: &str, data: impl Display) -> Self {
        self.bytes(format!("event: {name}\n{}", event(&data.to_string())))
    }

    /// Writes a comment line, as keep-alives are.
    pub fn comment(self, text: &str) -> Self {
        self.bytes(format!(": {text}\n\n"))
    }

    /// Waits for this long.
    pub fn pause(mut self, time: Duration) -> Self {
        self.steps.push(Step::Pause(time));
        self
    }

    /// Waits until the gate lets the reply through.
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.steps.push(Step::Gate(gate.clone()));
        self
    }

    /// Breaks the answer here, after everything before was written.
    pub fn cut(mut self, fault: Fault) -> Self {
        self.steps.push(Step::Fault(fault));
        self
    }

    /// Goes silent here and never ends.
    pub fn stall(self) -> Self {
        self.cut(Fault::Silence)
    }

    /// Breaks the answer after this many bytes of what was scripted so far.
    pub fn cut_after(mut self, mut bytes: usize, fault: Fault) -> Self {
        let steps = std::mem::take(&mut self.steps);
        for step in steps {
            match step {
                Step::Data(data) if data.len() >= bytes => {
                    self = self.bytes(data.slice(..bytes));
                    break;
                }
                Step::Data(data) => {
                    bytes -= data.len();
                    self.steps.push(Step::Data(data));
                }
                other => self.steps.push(other),
            }
        }
        self.cut(fault)
    }

    /// Writes what was scripted so far one byte at a time.
    pub fn byte_by_byte(self) -> Self {
        self.rewrite(|data| (0..data.len()).map(|at| data.slice(at..=at)).collect())
    }

    /// Ends each line of what was scripted so far with CRLF.
    pub fn crlf(self) -> Self {
        self.rewrite(|data| {
            let lines: Vec<_> = data.split(|byte| *byte == b'\n').collect();
            vec![Bytes::from(lines.join(&b"\r\n"[..]))]
        })
    }

    fn rewrite(mut self, change: impl Fn(Bytes) -> Vec<Bytes>) -> Self {
        let steps = std::mem::take(&mut self.steps);
        for step in steps {
            match step {
                Step::Data(data) => self.steps.extend(change(data).into_iter().map(Step::Data)),
                other => self.steps.push(other),
            }
        }
        self
    }

    /// The whole body.
    pub fn body(&self) -> Bytes {
        self.data().flatten().copied().collect()
    }

    fn data(&self) -> impl Iterator<Item = &Bytes> {
        self.steps.iter().filter_map(|step| match step {
            Step::Data(data) => Some(data),
            _ => None,
        })
    }
}

fn event(data: &str) -> String {
    let mut event: String = data.split('\n').map(|line| format!("data: {line}\n")).collect();
    event.push('\n');
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply) -> Vec<&[u8]> {
        reply.data().map(|data| &data[..]).collect()
    }

    #[test]
    fn events_have_a_data_line_per_line() {
        let reply = Reply::events().event("a\nb").named_event("x", 1).comment("wait");
        assert_eq!(
            written(&reply),
            [&b"data: a\ndata: b\n\n"[..], b"event: x\ndata: 1\n\n", b": wait\n\n"]
        );
        assert_eq!(written(&Reply::events().event("a").crlf()), [b"data: a\r\n\r\n"]);
    }

    #[test]
    fn cuts_within_a_step() {
        let reply = Reply::new(200).bytes("abc").bytes("def").sized().cut_after(4, Fault::Reset);
        assert_eq!(written(&reply), [&b"abc"[..], b"d"]);
        assert_eq!(reply.length, Some(6));
        assert!(matches!(reply.steps.last(), Some(Step::Fault(Fault::Reset))));
        let reply = Reply::new(200).bytes("abc").cut_after(0, Fault::Close);
        assert!(written(&reply).is_empty());
        let reply = Reply::new(200).bytes("abc").cut_after(9, Fault::Close);
        assert_eq!(written(&reply), [b"abc"]);
    }

    #[test]
    fn single_bytes_are_steps() {
        let reply = Reply::new(200).bytes("ab").stall().byte_by_byte();
        assert_eq!(written(&reply), [b"a", b"b"]);
        assert_eq!(reply.steps.len(), 3);
    }
}
