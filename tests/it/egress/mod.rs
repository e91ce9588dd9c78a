//! The way to providers: proxies, and authorities of one's own. The gateway is a process of its own,
//! with an environment of its own.

mod authority;
mod broken;
mod forwarding;
mod secrets;
mod tunnel;
mod variables;

use crate::support::*;

/// A host that only a proxy can resolve.
const HOST: &str = "llm.example.test";

/// A provider behind TLS that is certified as [`HOST`].
struct Far {
    provider: Provider,
    front: TlsFront,
    authority: Authority,
}

impl Far {
    async fn new(alpn: &[&str]) -> Self {
        let provider = always(Reply::chat("Hello")).await;
        let authority = Authority::new();
        let front = TlsFront::start(&provider, &authority, HOST, alpn).await;
        Self { provider, front, authority }
    }

    /// A configuration that reaches it by its name, with more settings of the provider.
    fn yaml(&self, more: &str) -> String {
        let ca = self.authority.file();
        yaml(&format!("https://{HOST}/v1"), &format!("ca: '{ca}', {more}"))
    }
}

/// One provider, which is named `a` and asked once, and has little time to be connected to.
fn yaml(base_url: &str, more: &str) -> String {
    format!(
        "logLevel: trace\nmodels: {{retry: {{max_retries: 0}}, circuit_breaker: {{failure_threshold: 0}}, \
         providers: {{a: {{base_url: \"{base_url}\", api_key: sk-key-of-a, models: [m], \
         timeouts: {{connect_ms: 4000}}, {more}}}}}}}\n"
    )
}

/// The status, and the message of an error.
async fn chat(gateway: &Binary) -> (u16, String) {
    let response = send(gateway.addr, post(CHAT, &ask())).await;
    let status = response.status().as_u16();
    let body = client::body(response).await;
    let message = if status == 200 { String::new() } else { envelope(&body).message };
    (status, message)
}
