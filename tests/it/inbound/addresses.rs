//! Behind a trusted proxy, each client counts for itself.

use std::net::SocketAddr;

use http::HeaderValue;
use switchtower::config::KeyHash;

use crate::support::{
    CHAT, Events, Gate, Gateway, Provider, Reply, always, ask, ask_stream, client, eventually, get,
    post, send,
};

const PROXY: &str = "trusted_proxies: [127.0.0.1, 10.0.0.0/8]\n";

fn limited(provider: &Provider, top: &str, limits: &str) -> String {
    format!(
        "models: {{{limits}, providers: {{main: {{base_url: '{}', api_key: sk-main, models: [m]}}}}}}\n\
         {top}",
        provider.base_url()
    )
}

/// Two requests a minute for each client.
fn two_each(provider: &Provider, top: &str) -> String {
    limited(provider, top, &format!("rate_limit: {{{CHAT}: {{rpm: 2, burst: 2}}}}"))
}

/// A small request with these `X-Forwarded-For` lines.
fn forwarded(lines: &[&str]) -> client::Outgoing {
    with_lines(post(CHAT, &ask()), lines)
}

fn with_lines(mut request: client::Outgoing, lines: &[&str]) -> client::Outgoing {
    for line in lines {
        request
            .headers_mut()
            .append("x-forwarded-for", HeaderValue::from_str(line).expect("ASCII"));
    }
    request
}

async fn status(addr: SocketAddr, lines: &[&str]) -> u16 {
    send(addr, forwarded(lines)).await.status().as_u16()
}

#[tokio::test]
async fn a_limit_by_address_is_that_of_the_client() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::start(&two_each(&provider, PROXY)).await;
    let mut seen = Vec::new();
    for client in ["203.0.113.7", "203.0.113.7", "203.0.113.7", "198.51.100.9"] {
        seen.push(status(gateway.addr, &[client]).await);
    }
    assert_eq!(seen, [200, 200, 429, 200]);
    // The provider still gets the whole chain.
    let received = provider.received();
    assert_eq!(received[0].header("x-forwarded-for"), Some("203.0.113.7, 127.0.0.1"));
}

/// However the proxies write it, and whatever the client has written before them.
#[tokio::test]
async fn one_client_is_the_same_in_all_its_forms() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::start(&two_each(&provider, PROXY)).await;
    for (client, forms) in [
        ("IPv4", [&["203.0.113.7:1"][..], &["\"203.0.113.7\""], &["::ffff:203.0.113.7"]]),
        (
            "a claim",
            [&["1.1.1.1, 203.0.113.8"][..], &["2.2.2.2", "203.0.113.8"], &["x, 203.0.113.8"]],
        ),
        (
            "a chain",
            [
                &["203.0.113.9, 10.0.0.1"][..],
                &["203.0.113.9", "10.0.0.2"],
                &["203.0.113.9,10.0.0.1:80,"],
            ],
        ),
        ("IPv6", [&["2001:db8::1"][..], &["[2001:db8::2]"], &["\"[2001:db8::3]:4711\""]]),
        (
            "no address",
            [&["203.0.113.1, unknown"][..], &["203.0.113.2, _x"], &["203.0.113.3, 999.0.0.1"]],
        ),
    ] {
        let mut seen = Vec::new();
        for lines in forms {
            seen.push(status(gateway.addr, lines).await);
        }
        assert_eq!(seen, [200, 200, 429], "{client}");
    }
    // Another network of IPv6, and the proxy itself, which was counted for what is no address.
    assert_eq!(status(gateway.addr, &["2001:db8:0:1::1"]).await, 200);
    assert_eq!(status(gateway.addr, &[]).await, 429);
}

#[tokio::test]
async fn a_stranger_cannot_choose_its_address() {
    let provider = always(Reply::chat("Hi")).await;
    for top in ["", "trusted_proxies: [10.0.0.1]\n"] {
        let gateway = Gateway::start(&two_each(&provider, top)).await;
        let mut seen = Vec::new();
        for client in ["203.0.113.7", "203.0.113.8", "10.0.0.1"] {
            seen.push(status(gateway.addr, &[client]).await);
        }
        assert_eq!(seen, [200, 200, 429], "{top}");
    }
}

#[tokio::test]
async fn a_budget_is_that_of_the_client() {
    let provider = always(Reply::chat("Hi")).await;
    let budgets = "budgets: {default: {requests_per_day: 1}}";
    let gateway = Gateway::start(&limited(&provider, PROXY, budgets)).await;
    for client in ["203.0.113.7", "198.51.100.9", "2001:db8::1"] {
        assert_eq!(status(gateway.addr, &[client]).await, 200, "{client}");
        assert_eq!(status(gateway.addr, &[client]).await, 429, "{client}");
    }
    assert_eq!(status(gateway.addr, &["2001:db8::2"]).await, 429, "the same network");
    let books = client::json(send(gateway.addr, get("/model-gateway/budgets")).await).await;
    let names: Vec<_> = books.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["198.51.100.9", "2001:db8::", "203.0.113.7"]);
}

#[tokio::test]
async fn open_answers_are_those_of_the_client() {
    let gate = Gate::new();
    let stream = Reply::events().role().delta("a").gate(&gate).delta("b").finish("stop").done();
    let provider = always(stream).await;
    let limits = format!("{PROXY}limits: {{streams_per_client: 1}}\n");
    let gateway = Gateway::with(&provider, &limits).await;
    let open = |client| send(gateway.addr, with_lines(post(CHAT, &ask_stream()), &[client]));
    let mut first = Events::new(open("203.0.113.7").await);
    first.next().await;
    assert_eq!(open("203.0.113.7").await.status(), 429);
    let mut second = Events::new(open("198.51.100.9").await);
    second.next().await;
    gate.open();
    first.until_done().await;
    second.until_done().await;
    // The slot is returned to its owner.
    drop(first);
    let mut again = Events::new(open("203.0.113.7").await);
    again.until_done().await;
}

#[tokio::test]
async fn unknown_keys_are_those_of_the_client() {
    let provider = always(Reply::chat("Hi")).await;
    let hash = KeyHash::of(b"st-known");
    let keys = format!("{PROXY}auth: {{keys: [{{name: a, hash: '{hash}'}}]}}\n");
    let gateway = Gateway::with(&provider, &keys).await;
    for _ in 0..30 {
        assert_eq!(status(gateway.addr, &["203.0.113.7"]).await, 401);
    }
    assert_eq!(status(gateway.addr, &["203.0.113.7"]).await, 429);
    assert_eq!(status(gateway.addr, &["198.51.100.9"]).await, 401);
    eventually(|| provider.received().is_empty()).await;
}
