//! The requests.

use crate::process::{Process, Role};

/// Something to be measured.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// Requests per second at which delays are measured: far below what any of them can do.
    pub(crate) rate: u32,
    /// What goes to the provider and the bare proxy.
    plain: Vec<u8>,
    /// What goes to the gateway, where that is something else.
    gateway: Option<Vec<u8>>,
}

impl Work {
    /// The bytes of the request.
    pub(crate) fn to(&self, process: &Process) -> &[u8] {
        match (&self.gateway, process.role) {
            (Some(other), Role::Gateway) => other,
            _ => &self.plain,
        }
    }
}

const CHAT: &str = "/v1/chat/completions";

pub(crate) fn all() -> Vec<Work> {
    let chat = |name, model, rate, stream, prompt: usize| Work {
        name,
        rate,
        plain: request(CHAT, &chat_body(model, stream, prompt)),
        gateway: None,
    };
    let responses =
        r#"{"model":"bench-stream","stream":true,"store":false,"input":"Count to 64."}"#;
    vec![
        chat("chat", "bench-plain", 400, false, 200),
        chat("chat, 64 events, a write each", "bench-stream", 100, true, 200),
        chat("chat, 64 events, in bursts", "bench-burst", 100, true, 200),
        Work {
            gateway: Some(request("/v1/responses", responses)),
            ..chat("responses, 64 events, a write each", "bench-stream", 100, true, 200)
        },
        chat("chat, prompt of 100 KB", "bench-plain", 200, false, 100 << 10),
        chat("chat, prompt of 5 MB", "bench-plain", 8, false, 5 << 20),
    ]
}

/// A stream that begins and then says nothing more.
pub(crate) fn idle() -> Vec<u8> {
    request(CHAT, &chat_body("bench-idle", true, 200))
}

fn chat_body(model: &str, stream: bool, prompt: usize) -> String {
    let prompt = "All work and no play. ".repeat(prompt / 22 + 1);
    format!(
        r#"{{"model":"{model}","stream":{stream},"messages":[{{"role":"system","content":"You are terse."}},{{"role":"user","content":"{prompt}"}}],"temperature":0.2}}"#
    )
}

/// With twelve headers, as the SDKs send them.
fn request(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\n\
         Host: 127.0.0.1\r\n\
         Accept: application/json\r\n\
         Accept-Encoding: identity\r\n\
         Authorization: Bearer sk-bench\r\n\
         Content-Type: application/json\r\n\
         User-Agent: OpenAI/Python 1.99.9\r\n\
         X-Stainless-Lang: python\r\n\
         X-Stainless-Package-Version: 1.99.9\r\n\
         X-Stainless-OS: Linux\r\n\
         X-Stainless-Arch: x64\r\n\
         X-Stainless-Runtime: CPython\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
