//! The demo provider and the scriptable one, over real sockets: every fault looks on the wire as it is named.

mod support;

use serde_json::json;
use support::{Events, Provider, post, send, sse};

#[tokio::test]
async fn streams() {
    let provider = Provider::demo().await.unwrap();
    let ask = json!({"model": "demo", "stream": true, "messages": [{"role": "user", "content": "Good morning"}]});
    let chunks = Events::new(send(provider.addr(), post("/v1/chat/completions", &ask)).await)
        .until_done()
        .await;
    println!("{}", sse::text(&chunks));
}
