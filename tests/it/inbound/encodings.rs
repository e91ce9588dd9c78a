//! JSON is UTF-8 (RFC 8259, section 8.1): other bytes are sent to no provider.

use http::header::{CONTENT_ENCODING, HeaderValue};
use serde_json::json;

use crate::support::{
    CHAT, Gateway, Reply, always, client, encode::gzip, envelope, post, provider, send,
};

/// A chat request with this text, as a program in that encoding would write it.
fn chat(text: &[u8]) -> Vec<u8> {
    [&br#"{"model":"m","messages":[{"role":"user","content":""#[..], text, br#""}]}"#].concat()
}

/// "你好"
const GBK: &[u8] = b"\xc4\xe3\xba\xc3";

fn wrong() -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = |unit: fn(u16) -> [u8; 2], mark: &[u8]| {
        let text = String::from_utf8(chat("你好".as_bytes())).expect("UTF-8");
        [mark, &text.encode_utf16().flat_map(unit).collect::<Vec<_>>()].concat()
    };
    vec![
        ("GBK", chat(GBK)),
        ("Windows-1252", chat(b"caf\xe9 \x96 na\xefve")),
        ("Shift JIS", chat(b"\x93\xfa\x96\x7b")),
        ("half a character at the end", chat(&"é".as_bytes()[..1])),
        ("a character that is too long", chat(b"\xc0\xaf")),
        ("half of a pair", chat(b"\xed\xa0\xbd")),
        ("UTF-16, little end first", utf16(u16::to_le_bytes, b"")),
        ("UTF-16 with its mark", utf16(u16::to_le_bytes, b"\xff\xfe")),
        ("UTF-16, big end first", utf16(u16::to_be_bytes, b"\xfe\xff")),
        ("a field that nobody reads", b"{\"model\":\"m\",\"x\":{\"y\":[\"\xff\"]}}".to_vec()),
        ("a name that nobody reads", b"{\"model\":\"m\",\"x\xff\":1}".to_vec()),
        ("behind the object", b"{\"model\":\"m\"} \xff".to_vec()),
    ]
}

/// The provider would answer 500, thrice, and would be held off for it.
#[tokio::test]
async fn what_is_not_utf8_is_refused_and_nobody_is_asked() {
    let provider = always(Reply::error(500, "server_error")).await;
    let url = provider.base_url();
    let gateway = Gateway::start(&format!(
        "models:\n  retry: {{max_retries: 2, base_delay_ms: 1}}\n  \
         circuit_breaker: {{failure_threshold: 1}}\n  providers:\n    \
         chat: {{base_url: '{url}', api_key: k, models: [m]}}\n    \
         native: {{base_url: '{url}', api_key: k, models: [m], dialect: responses}}\n"
    ))
    .await;
    for path in [CHAT, "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/other"] {
        for (what, body) in wrong() {
            let response = send(gateway.addr, client::post_bytes(path, body)).await;
            assert_eq!(response.status(), 400, "{path}: {what}");
            let error = envelope(&client::body(response).await);
            assert_eq!(error.code, "INVALID_REQUEST", "{path}: {what}");
        }
    }
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn the_message_says_what_and_where() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let response = send(gateway.addr, client::post_bytes(CHAT, chat(GBK))).await;
    let message = envelope(&client::body(response).await).message;
    assert!(message.contains("not UTF-8 at byte 51"), "{message}");
}

#[tokio::test]
async fn a_body_that_comes_packed_is_checked_unpacked() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    for (text, status) in [(GBK, 400), ("你好".as_bytes(), 200)] {
        let mut request = client::post_bytes(CHAT, gzip(chat(text)).await);
        request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(send(gateway.addr, request).await.status(), status);
    }
    assert_eq!(provider.received().len(), 1);
}

/// Any text that is UTF-8 goes on byte by byte, whatever the strings in it mean.
#[tokio::test]
async fn what_is_utf8_goes_on_as_it_came() {
    let provider = provider(|_| Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    for text in ["你好", "café – naïve", "🚀\u{10ffff}\u{fffd}", r"\ud83d", r"\u0000", "\u{feff}"]
    {
        let body = chat(text.as_bytes());
        let response = send(gateway.addr, client::post_bytes(CHAT, body.clone())).await;
        assert_eq!(response.status(), 200, "{text}");
        assert_eq!(provider.received().pop().unwrap().body, body, "{text}");
    }
    // Bodies that are no JSON are refused by their type, before anybody looks into them.
    let mut request = post("/v1/audio/transcriptions", &json!({}));
    let multipart = HeaderValue::from_static("multipart/form-data; boundary=x");
    request.headers_mut().insert("content-type", multipart);
    assert_eq!(send(gateway.addr, request).await.status(), 415);
}
