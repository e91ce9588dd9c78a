//! Listening where others can reach it.

use http::{HeaderValue, header::HOST};
use switchtower::{app::Gateway as Server, config::Config};

use crate::auth::house::*;
use crate::support::{CHAT, Raw, Reply, always, ask, get, post, send_h2};

/// With keys it may have any name, but pages of other origins stay out.
#[tokio::test]
async fn with_keys_it_listens_anywhere_and_answers_to_any_name() {
    let provider = always(Reply::chat("Hi")).await;
    let settings = format!("host: 0.0.0.0\n{}", one_for_each_scope());
    let mut gateway = house(&provider, &settings).await;
    assert!(gateway.addr.ip().is_unspecified());
    gateway.addr.set_ip([127, 0, 0, 1].into());
    for host in ["gateway.example", "192.168.1.5:3000", "localhost"] {
        let named = |mut request: crate::support::client::Outgoing| {
            request.headers_mut().insert(HOST, HeaderValue::from_static(host));
            request
        };
        let known = seen(&gateway, named(by("models", post(CHAT, &ask())))).await;
        assert_eq!(known.status, 200, "{host}");
        assert_eq!(seen(&gateway, named(by_nobody(get("/v1/models")))).await.status, 401, "{host}");
        for (origin, status) in
            [(format!("https://{host}"), 200), ("https://evil.example".into(), 403)]
        {
            let mut request = named(by("models", post(CHAT, &ask())));
            request.headers_mut().insert("origin", origin.parse().unwrap());
            assert_eq!(seen(&gateway, request).await.status, status, "{origin} at {host}");
        }
    }
    let response = send_h2(gateway.addr, by("models", get("/v1/models"))).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write("GET /health HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n").await;
    assert_eq!(raw.response().await.unwrap().status, 400, "one name at a time");
}

/// Programs that embed the gateway get the error, too.
#[tokio::test]
async fn without_keys_it_does_not_listen_where_others_reach_it() {
    let mut config = Config { port: 0, ..Config::default() };
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
        config.host = address.parse().unwrap();
        let error = Server::bind(&config).await.unwrap_err();
        assert!(error.to_string().contains("would let others in"), "{error}");
    }
}
