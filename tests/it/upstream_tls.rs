//! Providers over TLS, with HTTP/2 where they offer it. The gateway is a process of its own, so
//! that the tests' authority can be trusted by its environment.

use std::{net::SocketAddr, time::Duration};

use crate::support::{
    prompt::{Way, assert_prompt, gated},
    *,
};
use http::{Version, uri};
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

/// A provider behind TLS, and a gateway in front of it.
struct Chain {
    provider: Provider,
    gateway: Binary,
    front: TlsFront,
}

impl Chain {
    async fn new(
        alpn: &[&str],
        script: impl Fn(Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let provider = provider(script).await;
        let authority = Authority::new();
        let front = TlsFront::start(&provider, &authority, "127.0.0.1", alpn).await;
        let trust = [("SSL_CERT_FILE", authority.file())];
        let gateway = Binary::start(&gateway::yaml(&front.base_url(), ""), &trust).await;
        Self { provider, gateway, front }
    }
}

/// Waits until no connection to a provider is open: that of HTTP/2 has a task of its own, which ends
/// a moment after the streams that it takes with it.
async fn none_is_open(gateway: SocketAddr) {
    let open = async || {
        let body = client::body(send(gateway, get("/metrics")).await).await;
        let text = String::from_utf8(body.to_vec()).expect("text");
        Scrape::parse(&text).sum("switchtower_upstream_connections", &[])
    };
    soon(async {
        while open().await > 0. {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

fn whole_or_stream(request: &Received) -> Reply {
    match request.json()["stream"].as_bool() {
        Some(true) => Reply::chat_stream(["Hel", "lo"]),
        _ => Reply::chat("Hello"),
    }
}

/// Each version in goes with each version out.
#[tokio::test]
async fn versions_do_not_have_to_match() {
    for (alpn, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["h2"], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let chain = Chain::new(alpn, |request| whole_or_stream(&request)).await;
        let (addr, provider) = (chain.gateway.addr, &chain.provider);
        for inbound in VERSIONS {
            let whole = client::json(send_as(inbound, addr, post(CHAT, &ask())).await).await;
            assert_eq!(whole["choices"][0]["message"]["content"], "Hello", "{inbound:?} {alpn:?}");
            let stream = send_as(inbound, addr, post(CHAT, &ask_stream())).await;
            let text = sse::text(&Events::new(stream).until_done().await);
            assert_eq!(text, "Hello", "{inbound:?} {alpn:?}");
        }
        let front = chain.front.addr.to_string();
        for received in provider.received() {
            assert_eq!(received.version, version, "{alpn:?}");
            let host = received.uri.authority().map(uri::Authority::as_str);
            assert_eq!(host.or(received.header("host")), Some(&*front), "{alpn:?}");
            assert_eq!(received.path(), CHAT);
            assert_eq!(received.header("authorization"), Some("Bearer sk-main"));
            assert_eq!(received.header("connection"), None);
            assert_eq!(received.header("transfer-encoding"), None);
        }
        assert_eq!((provider.received().len(), provider.accepted()), (4, 1), "{alpn:?}");
    }
}

/// Over HTTP/2 a request is two writes. Over HTTP/1.1 it is one, which cannot wait.
#[tokio::test]
async fn no_request_waits_for_an_acknowledgement() {
    let gate = Gate::new();
    let provider = always(gated(&gate)).await;
    let authority = Authority::new();
    let new = TlsFront::start(&provider, &authority, "127.0.0.1", &["h2"]).await;
    let old = TlsFront::start(&provider, &authority, "127.0.0.1", &["http/1.1"]).await;
    let entry = |front: &TlsFront| format!("{{base_url: \"{}\", api_key: k}}", front.base_url());
    let yaml = format!("models: {{providers: {{new: {}, old: {}}}}}", entry(&new), entry(&old));
    let gateway = Binary::start(&yaml, &[("SSL_CERT_FILE", authority.file())]).await;
    let way = async |model| Way::http2(gateway.addr).await.model(model);
    assert_prompt(way("new/m").await, 2, way("old/m").await, &gate).await;
    let versions: Vec<_> = provider.received().iter().take(2).map(|r| r.version).collect();
    assert_eq!(versions, [Version::HTTP_2, Version::HTTP_11]);
}

/// More than a window of either protocol.
#[tokio::test]
async fn five_megabytes_pass_over_http2() {
    let chain = Chain::new(&["h2"], |request| {
        Reply::json(&json!({"data": request.json()["prompt"].as_str().map(str::len)}))
    })
    .await;
    let prompt = "0123456789abcdef".repeat(5 << 16);
    let body = json!({"model": "m", "prompt": prompt}).to_string();
    for inbound in VERSIONS {
        let request = client::post_bytes(EMBEDDINGS, body.clone());
        let answer = client::json(send_as(inbound, chain.gateway.addr, request).await).await;
        assert_eq!(answer["data"], prompt.len());
        assert!(chain.provider.received().pop().unwrap().body == body, "{inbound:?}");
    }
}

/// The connection is shared, so only the stream may be given up.
#[tokio::test]
async fn a_client_that_leaves_gives_up_its_stream_alone() {
    let gate = Gate::new();
    let held = gate.clone();
    let chain = Chain::new(&["h2"], move |_| {
        Reply::events().role().delta("a").gate(&held).delta("b").finish("stop").done()
    })
    .await;
    let (addr, provider) = (chain.gateway.addr, &chain.provider);
    let mut kept = Events::new(send(addr, post(CHAT, &ask_stream())).await);
    kept.next().await;
    let mut left = Events::new(send(addr, post(CHAT, &ask_stream())).await);
    left.next().await;
    drop(left);
    let given_up = tokio::time::timeout(Duration::from_secs(1), provider.disconnected(1)).await;
    given_up.expect("the call goes on although nobody reads");
    gate.open();
    assert_eq!(sse::text(&kept.until_done().await), "ab");
    assert_eq!((provider.aborted(), provider.accepted(), provider.connections()), (1, 1, 1));
}

#[tokio::test]
async fn many_streams_share_a_connection() {
    let gate = Gate::new();
    let held = gate.clone();
    let chain = Chain::new(&["h2"], move |request| {
        let name = request.json()["user"].to_string();
        let reply = Reply::events().role().delta(&name);
        if name == "0" { reply } else { reply.gate(&held) }.finish("stop").done()
    })
    .await;
    let addr = chain.gateway.addr;
    let ask = |user: usize| {
        let mut ask = ask_stream();
        ask["user"] = user.into();
        post(CHAT, &ask)
    };
    Events::new(send(addr, ask(0)).await).until_done().await;
    let mut begun: JoinSet<_> = (1..=40)
        .map(|user| {
            let request = ask(user);
            async move {
                let mut events = Events::new(send(addr, request).await);
                events.next().await;
                (user, events.next().await.json(), events)
            }
        })
        .collect();
    let mut streams = Vec::new();
    while let Some(stream) = begun.join_next().await {
        let (user, first, events) = stream.unwrap();
        assert_eq!(sse::text(&[first]), user.to_string());
        streams.push(events);
    }
    gate.open();
    for mut events in streams {
        events.until_done().await;
    }
    assert_eq!(chain.provider.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_ends_its_streams_in_errors_and_is_replaced() {
    let chain = Chain::new(&["h2"], |request| match request.nth {
        0 => Reply::events().role().delta("a").cut(Fault::Reset),
        _ => Reply::chat("Hi"),
    })
    .await;
    let addr = chain.gateway.addr;
    let mut events = Events::new(send(addr, post(CHAT, &ask_stream())).await);
    let last = events.rest().await.pop().expect("an event");
    assert_eq!(envelope(last.data.as_bytes()).code, "PROVIDER_ERROR");
    none_is_open(addr).await;
    assert_eq!(send(addr, post(CHAT, &ask())).await.status(), 200);
    assert_eq!(chain.provider.accepted(), 2);
}

/// It takes one failed attempt to find out, not a restart.
#[tokio::test]
async fn a_provider_may_give_up_http2() {
    let provider = provider(|request| match request.nth {
        1 => Reply::chat("Hi").cut(Fault::Reset),
        _ => Reply::chat("Hi"),
    });
    let (provider, authority) = (provider.await, Authority::new());
    // Without protocols of its own a server takes whatever it is offered for HTTP/1.1.
    let alpn = [&["h2"][..], &[]];
    let front = TlsFront::changing(&provider, &authority, "127.0.0.1", alpn).await;
    let trust = [("SSL_CERT_FILE", authority.file())];
    let gateway = Binary::start(&gateway::yaml(&front.base_url(), ""), &trust).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(send(gateway.addr, post(CHAT, &ask())).await.status().as_u16());
        if statuses.len() == 2 {
            none_is_open(gateway.addr).await;
        }
    }
    assert_eq!(statuses, [200, 502, 502, 200, 200]);
    let versions: Vec<_> = provider.received().iter().map(|request| request.version).collect();
    let expected = [Version::HTTP_2, Version::HTTP_2, Version::HTTP_11, Version::HTTP_11];
    assert_eq!(versions, expected);
}

/// A certificate that proves nothing is as bad as none.
#[tokio::test]
async fn certificates_are_checked() {
    let provider = always(Reply::chat("Hi")).await;
    let (known, unknown) = (Authority::new(), Authority::new());
    for (authority, name, says) in [
        (&unknown, "127.0.0.1", "invalid peer certificate"),
        (&known, "other.example", "not valid for name \"127.0.0.1\""),
    ] {
        let front = TlsFront::start(&provider, authority, name, &["h2", "http/1.1"]).await;
        let trust = [("SSL_CERT_FILE", known.file())];
        let gateway = Binary::start(&gateway::yaml(&front.base_url(), ""), &trust).await;
        let response = send(gateway.addr, post(CHAT, &ask())).await;
        assert_eq!(response.status(), 502, "{says}");
        let error = envelope(&client::body(response).await);
        assert_eq!(error.code, "PROVIDER_ERROR");
        assert!(error.message.starts_with("main: cannot connect"), "{}", error.message);
        assert!(error.message.contains(says), "{says:?} in {}", error.message);
    }
    assert_eq!(provider.accepted(), 0);
}
