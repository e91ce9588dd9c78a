//! Rejected requests are counted by the layer that rejected them.

use crate::auth::house::*;
use crate::support::{
    CHAT, Events, Gate, Raw, Reply, Scrape, always, ask_stream, client, get, post, send, soon,
};

#[tokio::test]
async fn refusals_are_counted_by_who_refuses() {
    let gate = Gate::new();
    let reply = Reply::events().delta("a").gate(&gate).finish("stop").done();
    let provider = always(reply).await;
    let limits = "limits: {streams_per_client: 1, body_timeout_ms: 200}";
    let gateway = house(&provider, &format!("{}{limits}", one_for_each_scope())).await;

    assert_eq!(seen(&gateway, by_nobody(get("/v1/models"))).await.status, 401);
    assert_eq!(seen(&gateway, by("agents", get("/v1/models"))).await.status, 403);
    let mut stream = Events::new(send(gateway.addr, by("models", post(CHAT, &ask_stream()))).await);
    stream.next().await;
    assert_eq!(seen(&gateway, by("models", get("/v1/models"))).await.status, 429);
    gate.open();
    stream.until_done().await;
    let mut raw = Raw::connect(gateway.addr).await;
    let head = format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json");
    let key = key("all");
    raw.write(format!("{head}\r\nx-api-key: {key}\r\ncontent-length: 9\r\n\r\n{{")).await;
    assert_eq!(soon(raw.response()).await.expect("an answer").status, 408);

    let scrape = send(gateway.addr, by("admin", get("/metrics"))).await;
    let scrape = client::body(scrape).await;
    let scrape = Scrape::parse(std::str::from_utf8(&scrape).expect("text"));
    for (layer, code) in [
        ("auth", "UNAUTHORIZED"),
        ("auth", "FORBIDDEN"),
        ("streams", "RATE_LIMITED"),
        ("slow_body", "INVALID_REQUEST"),
    ] {
        let labels = [format!("layer={layer:?}"), format!("code={code:?}")];
        let count = scrape.sum("switchtower_rejections_total", &[&labels[0], &labels[1]]);
        assert_eq!(count, 1., "{layer} {code}");
    }
    assert_eq!(scrape.sum("switchtower_rejections_total", &[]), 4.);
}
