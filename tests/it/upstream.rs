//! A provider that fails: the client's error, and what is never taken for an answer.

use std::{io::ErrorKind, net::SocketAddr};

use crate::support::{envelope::Envelope, *};
use serde_json::json;

/// Asks, and reads the error; it never has the key in it.
async fn error(addr: SocketAddr, request: client::Outgoing) -> (u16, Envelope) {
    let response = send(addr, request).await;
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/json");
    let headers = format!("{:?}", response.headers());
    let body = client::body(response).await;
    let text = String::from_utf8_lossy(&body);
    assert!(!text.contains("sk-main") && !headers.contains("sk-main"), "{headers} {text}");
    (status, envelope(&body))
}

async fn assert_provider_error(gateway: &Gateway, says: &str) {
    for body in [ask(), ask_stream()] {
        for path in [CHAT, EMBEDDINGS] {
            let (status, error) = error(gateway.addr, post(path, &body)).await;
            assert_eq!((status, error.code.as_str()), (502, "PROVIDER_ERROR"), "{says}");
            assert_eq!((error.kind.as_str(), error.param), ("server_error", None));
            assert!(error.message.starts_with("main: "), "{}", error.message);
            assert!(error.message.contains(says), "{says:?} in {:?}", error.message);
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_provider_error() {
    let refused = Refused::new().unwrap();
    let gateway = Gateway::at(&refused.base_url(), "").await;
    assert_provider_error(&gateway, "cannot connect: Connection refused").await;
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_head_is_a_provider_error() {
    for fault in [Fault::Reset, Fault::Close, Fault::garbage(), Fault::tls()] {
        let provider = always(Reply::fault(fault)).await;
        let gateway = Gateway::before(&provider).await;
        assert_provider_error(&gateway, "the connection broke").await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_at_once_is_a_provider_error() {
    for fault in [Fault::Reset, Fault::Close, Fault::garbage(), Fault::tls()] {
        let on_connect = move |_| Some(fault.clone());
        let provider = Provider::start_with(on_connect, |_| Reply::chat("Hi")).await.unwrap();
        let gateway = Gateway::before(&provider).await;
        assert_provider_error(&gateway, "main: ").await;
        assert!(provider.received().is_empty());
    }
}

fn over_tls(addr: SocketAddr, timeouts: &str) -> String {
    format!(
        "models: {{providers: {{main: {{base_url: \"https://{addr}/v1\", api_key: sk-main, \
         models: [m], timeouts: {{{timeouts}}}}}}}}}"
    )
}

/// TCP connects, but the TLS handshake is not answered.
#[tokio::test]
async fn the_connect_deadline_covers_tls() {
    let silent = |_| Some(Fault::Silence);
    let provider = Provider::start_with(silent, |_| Reply::chat("Hi")).await.unwrap();
    let gateway = Gateway::start(&over_tls(provider.addr(), "connect_ms: 200")).await;
    let (status, error) = error(gateway.addr, post(CHAT, &ask())).await;
    assert_eq!((status, error.code.as_str()), (502, "PROVIDER_ERROR"));
    assert!(error.message.starts_with("main: "), "{}", error.message);
    assert!(error.message.contains("not connected within 200 ms"), "{}", error.message);
    eventually(|| provider.connections() == 0).await;
}

#[tokio::test]
async fn a_provider_that_speaks_no_tls_is_a_provider_error() {
    let plain = |_| Some(Fault::Raw("HTTP/1.1 400 Bad Request\r\n\r\n".into()));
    let provider = Provider::start_with(plain, |_| Reply::chat("Hi")).await.unwrap();
    let gateway = Gateway::start(&over_tls(provider.addr(), "")).await;
    assert_provider_error(&gateway, "cannot connect").await;
}

#[tokio::test]
async fn a_provider_that_is_back_is_used_again() {
    let faults = [Fault::Reset, Fault::Close, Fault::garbage()];
    let count = faults.len();
    let on_connect = move |nth: usize| faults.get(nth).cloned();
    let provider = Provider::start_with(on_connect, |_| Reply::chat("Hi")).await.unwrap();
    let gateway = Gateway::before(&provider).await;
    for _ in 0..count {
        let status = send(gateway.addr, post(CHAT, &ask())).await.status();
        if status == 200 {
            break;
        }
        assert_eq!(status, 502);
    }
    eventually(|| provider.accepted() >= count).await;
    assert_eq!(send(gateway.addr, post(CHAT, &ask())).await.status(), 200);
}

/// What the provider says about the request is for the client, to the last space.
#[tokio::test]
async fn a_clients_error_passes_as_it_came() {
    let odd = "{ \"error\" : {\"message\":\"\\u0041 \",\"code\": null}, \"x\":1.0 }\n";
    for (status, content_type, body, retry_after) in [
        (400, "application/json", odd, None),
        (401, "application/json; charset=utf-8", odd, None),
        (404, "application/json", odd, None),
        (409, "text/plain", "no JSON at all", Some("1")),
        (413, "text/html", "<h1>Too large</h1>", None),
        (422, "application/problem+json", odd, None),
        (429, "application/json", odd, Some("7")),
        (429, "text/plain", "", None),
    ] {
        let mut reply = Reply::new(status).content_type(content_type).bytes(body).sized();
        if let Some(seconds) = retry_after {
            reply = reply.header("retry-after", seconds);
        }
        let provider = always(reply).await;
        for version in VERSIONS {
            let gateway = Gateway::before(&provider).await;
            let response = send_as(version, gateway.addr, post(CHAT, &ask())).await;
            assert_eq!(response.status(), status);
            let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("content-type"), Some(content_type), "{status}");
            assert_eq!(header("retry-after"), retry_after, "{status}");
            assert_eq!(header("content-length"), Some(&*body.len().to_string()), "{status}");
            assert_eq!(header("x-switchtower-provider"), Some("main"), "{status}");
            assert_eq!(client::body(response).await, body, "{status}");
        }
    }
}

#[tokio::test]
async fn a_providers_failure_is_named() {
    for (reply, says) in [
        (Reply::error(500, "internal"), "main: 500 internal: The provider says internal."),
        (Reply::error(503, "overloaded"), "main: 503 overloaded"),
        (Reply::error(529, "overloaded"), "main: 529 overloaded"),
        (Reply::html("<p>Sign in</p>"), "main: "),
        (Reply::new(200).content_type("application/json").sized(), "main: "),
        (Reply::new(302).header("location", "https://elsewhere.example/"), "main: 302"),
    ] {
        let provider = always(reply).await;
        let gateway = Gateway::before(&provider).await;
        let (status, error) = error(gateway.addr, post(CHAT, &ask())).await;
        assert_eq!((status, error.code.as_str()), (502, "PROVIDER_ERROR"), "{says}");
        assert!(error.message.contains(says), "{says:?} in {:?}", error.message);
    }
}

/// A stream that stops in the middle, however politely, does not end as if it were whole.
#[tokio::test]
async fn a_stream_that_is_cut_ends_in_an_error() {
    let begun = || Reply::events().role().delta("Hel").delta("lo");
    for (what, reply) in [
        ("reset", begun().cut(Fault::Reset)),
        ("closed", begun().cut(Fault::Close)),
        ("garbage", begun().cut(Fault::garbage())),
        ("ended early", begun()),
        ("an error", begun().error_event("overloaded")),
        ("half an event", begun().bytes("data: {\"choi")),
        ("no JSON", begun().event("<html>")),
    ] {
        let provider = always(reply).await;
        let gateway = Gateway::before(&provider).await;
        for version in VERSIONS {
            let response = send_as(version, gateway.addr, post(CHAT, &ask_stream())).await;
            let events = Events::new(response).rest().await;
            let (last, before) = events.split_last().expect("an event");
            let before: Vec<_> = before.iter().map(sse::Event::json).collect();
            assert_eq!(sse::text(&before), "Hello", "{what}");
            let error = envelope(last.data.as_bytes());
            assert_eq!(error.code, "PROVIDER_ERROR", "{what}");
            assert!(error.message.starts_with("main: "), "{what}: {}", error.message);
            assert!(!last.data.contains("sk-main"), "{what}");
        }
    }
}

/// In an unknown dialect, the transport itself breaks.
#[tokio::test]
async fn other_answers_that_are_cut_break() {
    let events = || Reply::events().event("{}");
    let sized = Reply::json(&json!({"data": [1, 2, 3]}));
    for reply in [
        events().cut(Fault::Reset),
        events().cut(Fault::Close),
        sized.clone().cut_after(5, Fault::Close),
        sized.cut_after(5, Fault::Reset),
    ] {
        let provider = always(reply).await;
        let gateway = Gateway::before(&provider).await;
        let mut raw = Raw::connect(gateway.addr).await;
        raw.post(EMBEDDINGS, &ask_stream().to_string()).await;
        let answer = raw.response().await.map(|whole| whole.body);
        assert_eq!(answer.map_err(|error| error.kind()), Err(ErrorKind::UnexpectedEof));
        let response = send_h2(gateway.addr, post(EMBEDDINGS, &ask())).await.unwrap();
        let broken = soon(http_body_util::BodyExt::collect(response.into_body())).await;
        assert!(broken.is_err(), "{broken:?}");
    }
}

#[tokio::test]
async fn a_plain_answer_that_is_cut_is_a_provider_error() {
    let whole = Reply::chat("Hello");
    for reply in [
        whole.clone().cut_after(20, Fault::Close),
        whole.clone().cut_after(20, Fault::Reset),
        whole.chunked().cut_after(20, Fault::Close),
    ] {
        let provider = always(reply).await;
        let gateway = Gateway::before(&provider).await;
        let (status, error) = error(gateway.addr, post(CHAT, &ask())).await;
        assert_eq!((status, error.code.as_str()), (502, "PROVIDER_ERROR"), "{}", error.message);
    }
}
