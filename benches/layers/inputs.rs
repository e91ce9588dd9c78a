//! Requests and answers as they come.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::Full;
use switchtower_layers::{Buffered, Dialect, Target};

use crate::call::Answer;

/// As clients send it: 12 headers, 3 extensions.
pub(crate) fn request<B>(body: B) -> Request<B> {
    #[derive(Clone)]
    struct Other<const N: usize>;
    let mut request = bare_request(body);
    for n in 0..12 {
        let name = HeaderName::try_from(format!("x-header-{n}")).expect("a name");
        request.headers_mut().insert(name, HeaderValue::from_static("value"));
    }
    request.extensions_mut().insert(Other::<0>);
    request.extensions_mut().insert(Other::<1>);
    request.extensions_mut().insert(Other::<2>);
    request
}

/// A fresh copy of a body that has not been read yet, as each request brings one.
pub(crate) trait Anew: Clone {
    fn anew(&self) -> Self {
        self.clone()
    }
}

impl Anew for Bytes {}

impl Anew for Full<Bytes> {}

impl Anew for Buffered {
    fn anew(&self) -> Self {
        self.to_bytes().into()
    }
}

/// With nothing in it that a layer does not look at.
pub(crate) fn bare_request<B>(body: B) -> Request<B> {
    Request::post("/v1/chat/completions").body(body).expect("a request")
}

pub(crate) fn with<B, T: Clone + Send + Sync + 'static>(
    mut request: Request<B>,
    extension: T,
) -> Request<B> {
    request.extensions_mut().insert(extension);
    request
}

pub(crate) fn target(provider: &str) -> Target {
    Target { provider: provider.into(), model: "m".into(), dialect: Dialect::Chat }
}

pub(crate) fn address(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

pub(crate) fn prompt(bytes: usize) -> Bytes {
    let text = "x".repeat(bytes);
    format!(
        r#"{{"messages":[{{"role":"user","content":"{text}"}}],"model":"gpt-5.1","stream":true}}"#
    )
    .into()
}

/// A short answer with the headers of a provider.
pub(crate) fn answer() -> Answer {
    answer_of("application/json", Bytes::from_static(br#"{"choices":[]}"#))
}

pub(crate) fn stream_of(text: Bytes) -> Answer {
    answer_of("text/event-stream", text)
}

pub(crate) fn answer_of(content_type: &'static str, body: Bytes) -> Answer {
    let length = HeaderValue::from(body.len());
    let mut answer = Answer::new(Full::new(body));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::DATE, HeaderValue::from_static("Thu, 01 Oct 2026 12:00:00 GMT"));
    headers.insert(header::SERVER, HeaderValue::from_static("provider"));
    answer
}

/// A stream of so many deltas, in one chunk.
pub(crate) fn stream(deltas: usize) -> Bytes {
    stream_with(deltas, r#"{"content":" word"}"#)
}

/// The same, of pieces of a call's arguments.
pub(crate) fn stream_of_call(deltas: usize) -> Bytes {
    stream_with(deltas, r#"{"tool_calls":[{"index":0,"function":{"arguments":"word"}}]}"#)
}

fn stream_with(deltas: usize, delta: &str) -> Bytes {
    let event = |delta: &str, finish: &str| {
        format!(
            r#"data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
        )
    };
    let mut text = format!("{}\n\n", event(delta, "null")).repeat(deltas);
    text.push_str(&event("{}", r#""stop""#));
    text.push_str("\n\ndata: [DONE]\n\n");
    text.into()
}
