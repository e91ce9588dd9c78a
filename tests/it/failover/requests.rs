//! What goes out to the next target, and what of an error comes back.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::failover::chain::{CHAT, ask, ask_with, gateway};
use crate::{
    recorded_response::Seen,
    support::{Fault, Reply, always, client::post_bytes},
};

#[tokio::test]
async fn an_ordinary_400_comes_back_as_it_came_after_one_attempt() {
    // Odd on purpose: nothing of it may be read and written anew.
    let body =
        "{ \"error\" : {\"message\":\"No \\u00e4 'messages'\", \"type\" : 1.50, \"x\":[]}}\n";
    let refuses = Reply::new(400).content_type("application/json; charset=utf-8");
    let a = always(refuses.bytes(body).header("x-own", "kept").sized()).await;
    let b = always(Reply::chat("Never")).await;
    let gateway = gateway(&[&a, &b], "").await;
    for stream in [true, false] {
        let seen = ask(&gateway, stream).await;
        assert_eq!((seen.status.as_u16(), &*seen.body), (400, body.as_bytes()));
        assert_eq!(seen.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(seen.header("x-own"), "kept");
        assert_eq!((seen.target(), seen.attempts()), ("a/m".into(), 1));
    }
    assert_eq!((a.received().len(), b.received().len()), (2, 0));
}

#[tokio::test]
async fn a_prompt_that_is_too_long_for_one_goes_to_the_next_after_one_attempt() {
    let says = |message: &str| json!({"error": {"message": message, "code": null}});
    for reply in [
        Reply::error(400, "context_length_exceeded"),
        Reply::status(400, &says("This model's maximum context length is 8192 tokens.")),
        Reply::status(413, &says("prompt is too long: 9000 tokens > 8192 maximum")),
    ] {
        let (a, b) = (always(reply).await, always(Reply::chat("Yes")).await);
        let seen = ask(&gateway(&[&a, &b], "").await, false).await;
        assert_eq!((seen.status.as_u16(), seen.target(), seen.attempts()), (200, "b/m".into(), 2));
        assert_eq!((a.received().len(), b.received().len()), (1, 1));
    }
}

#[tokio::test]
async fn five_megabytes_fail_over_to_the_last_byte() {
    let a = always(Reply::error(503, "overloaded")).await;
    let b = always(Reply::chat("Yes")).await;
    let gateway = gateway(&[&a, &b], "model_aliases: {short: m}").await;
    // No serialiser would write it so.
    let text = "\\u00e4\\/ \u{1f600} x".repeat(360_000);
    let rest = format!(
        ", \"temperature\" :1.0, \"messages\": [ {{\"role\":\"user\" ,\"content\":\"{text}\"}} ],\"z\":1e2 }}"
    );
    assert!(rest.len() > 5 << 20, "{}", rest.len());
    let seen = ask_with(&gateway, post_bytes(CHAT, format!("{{ \"model\": \"short\"{rest}"))).await;
    assert_eq!((seen.status.as_u16(), seen.target(), seen.attempts()), (200, "b/m".into(), 2));
    for provider in [&a, &b] {
        let received = &provider.received()[0];
        assert!(received.body == format!("{{ \"model\": \"m\"{rest}"), "some byte changed");
        assert_eq!(received.header("content-length"), Some(&*received.body.len().to_string()));
    }
}

#[tokio::test]
async fn each_target_gets_its_own_key_and_nothing_of_the_gateways() {
    let (a, b) = (always(Reply::error(500, "oops")).await, always(Reply::chat("Yes")).await);
    let gateway = gateway(&[&a, &b], "").await;
    let mut request = post_bytes(CHAT, r#"{"model":"m"}"#);
    request.headers_mut().insert("x-switchtower-commit", "complete".parse().unwrap());
    request.headers_mut().insert("x-client", "kept".parse().unwrap());
    ask_with(&gateway, request).await;
    for (provider, key) in [(&a, "Bearer sk-key-of-a"), (&b, "Bearer sk-key-of-b")] {
        let received = &provider.received()[0];
        assert_eq!(received.header("authorization"), Some(key));
        assert_eq!(received.header("x-switchtower-commit"), None);
        assert_eq!(received.header("x-client"), Some("kept"));
    }
}

#[tokio::test]
async fn a_refusal_that_quotes_the_key_is_told_without_it() {
    let quotes = json!({"error": {"message": "Incorrect API key provided: sk-key-of-a"}});
    let a = always(Reply::status(401, &quotes)).await;
    let b = always(Reply::error(503, "overloaded")).await;
    let gateway = gateway(&[&a, &b], "").await;
    let seen = ask(&gateway, false).await;
    let told = "a: 401 Incorrect API key provided: ***; \
                b: 503 overloaded: The provider says overloaded.";
    assert_eq!(message(&seen), told);
}

#[tokio::test]
async fn an_error_that_is_cut_off_is_told_as_far_as_it_came() {
    let cut = |status| Reply::error(status, "bad").cut_after(20, Fault::Close);
    let start = Reply::error(400, "bad").body().slice(..20);
    let a = always(cut(400)).await;
    let seen = ask(&gateway(&[&a], "").await, false).await;
    assert_eq!((seen.status.as_u16(), seen.is_complete), (400, true));
    assert_eq!(seen.body, start);

    let (a, b) = (always(cut(503)).await, always(Reply::chat("Yes")).await);
    assert_eq!(ask(&gateway(&[&a, &b], "").await, false).await.status, 200);
}

#[tokio::test]
async fn other_paths_fail_over_by_the_head() {
    let (a, b) = (always(Reply::error(500, "oops")).await, always(Reply::html("vector")).await);
    let gateway = gateway(&[&a, &b], "commit: complete").await;
    let seen = ask_with(&gateway, post_bytes("/v1/embeddings", r#"{"model":"m"}"#)).await;
    assert_eq!((seen.status.as_u16(), seen.attempts()), (200, 2));
    assert_eq!(seen.body, Bytes::from_static(b"vector"), "it is not looked into");
}

fn message(seen: &Seen) -> Value {
    seen.error()["message"].clone()
}
