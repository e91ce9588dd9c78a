//! Malformed requests get the documented error, and do no harm.

use crate::support::{envelope::Envelope, raw::RawResponse, *};
use tokio::io::AsyncWriteExt;

const JSON: &str = "content-type: application/json\r\n";

/// A gateway that takes 1 MiB and knows the model `m`; there is no default model.
async fn gateway(provider: &Provider) -> Gateway {
    Gateway::with(provider, "body_limit_mb: 1").await
}

fn request(start: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{start} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}

fn post_json(body: &str) -> String {
    request("POST /v1/chat/completions", JSON, body)
}

/// Sends a good request over this connection, which has to be as good as new.
async fn assert_usable(raw: &mut Raw, what: &str) {
    raw.post(CHAT, &ask().to_string()).await;
    let response = raw.response().await.unwrap_or_else(|error| panic!("{error} after {what}"));
    assert_eq!(response.status, 200, "after {what}");
}

#[track_caller]
fn assert_error(response: &RawResponse, status: u16, code: &str, what: &str) -> Envelope {
    let text = String::from_utf8_lossy(&response.body);
    assert_eq!(response.status, status, "{what}: {text}");
    assert_eq!(response.all("content-type"), ["application/json"], "{what}");
    assert_eq!(response.all("content-length"), [response.body.len().to_string()], "{what}");
    let error = envelope(&response.body);
    assert_eq!(error.code, code, "{what}");
    error
}

/// The request, and the error: status, code, a part of the message, and the field that is wrong.
type Case<'a> = (String, u16, &'a str, &'a str, Option<&'a str>);

fn cases() -> Vec<Case<'static>> {
    let invalid =
        |body: &str, message, param| (post_json(body), 400, "INVALID_REQUEST", message, param);
    let no_post = |start: &str| {
        let message = if start.starts_with("GET") { "has no GET" } else { "has no" };
        (request(start, JSON, ""), 405, "METHOD_NOT_ALLOWED", message, None)
    };
    let nowhere = |start: &str| (request(start, JSON, ""), 404, "NOT_FOUND", "there is no", None);
    vec![
        invalid("", "the body is empty", None),
        invalid("   ", "not valid JSON", None),
        invalid("{", "not valid JSON", None),
        invalid(r#"{"model":"m""#, "not valid JSON", None),
        invalid(r#"{"model":"m",}"#, "not valid JSON", None),
        invalid(r#"{"model":"m"} {}"#, "not valid JSON", None),
        invalid("{'model':'m'}", "not valid JSON", None),
        invalid("{\"model\":\"m\",\"a\":NaN}", "not valid JSON", None),
        invalid("{\"model\":\"m\",\"a\":\"\u{1}\"}", "not valid JSON", None),
        invalid("model=m", "not valid JSON", None),
        invalid(&"[".repeat(100_000), "a JSON object", None),
        invalid(&format!(r#"{{"model":"m","a":{}"#, "[".repeat(100_000)), "not valid JSON", None),
        invalid("[]", "a JSON object", None),
        invalid(r#"[{"model":"m"}]"#, "a JSON object", None),
        invalid("null", "a JSON object", None),
        invalid("\"m\"", "a JSON object", None),
        invalid("1", "a JSON object", None),
        invalid("{}", "no `model`", Some("model")),
        invalid(r#"{"messages":[{"model":"m"}]}"#, "no `model`", Some("model")),
        invalid(r#"{"model":null}"#, "no `model`", Some("model")),
        invalid(r#"{"model":""}"#, "`model` must not be empty", Some("model")),
        invalid(r#"{"model":7}"#, "`model` must be a string", Some("model")),
        invalid(r#"{"model":["m"]}"#, "`model` must be a string", Some("model")),
        invalid(r#"{"model":"m","model":"m"}"#, "twice", None),
        invalid(r#"{"model":"m","stream":"true"}"#, "`stream` must be a boolean", Some("stream")),
        (
            request("POST /v1/chat/completions", "content-type: text/plain\r\n", "{}"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "must be JSON",
            None,
        ),
        (
            request("POST /v1/chat/completions", "", "{}"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "must be JSON",
            None,
        ),
        (
            request("POST /v1/chat/completions", &format!("{JSON}content-encoding: br\r\n"), "{}"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "gzip",
            None,
        ),
        nowhere("GET /"),
        nowhere("GET /nowhere"),
        nowhere("GET /v1"),
        nowhere("GET /v1/nowhere"),
        nowhere("POST /chat/completions"),
        nowhere("POST /v1x/chat/completions"),
        no_post("GET /v1/chat/completions"),
        no_post("GET /v1/completions"),
        no_post("GET /v1/embeddings"),
        no_post("GET /v1/responses"),
        no_post("PUT /v1/chat/completions"),
        no_post("DELETE /v1/chat/completions"),
        no_post("POST /v1/models"),
        no_post("POST /v1/models/m"),
        no_post("POST /health"),
        no_post("DELETE /model-gateway/health"),
    ]
}

#[tokio::test]
async fn nonsense_gets_the_documented_error_and_the_connection_stays() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    let mut raw = Raw::connect(gateway.addr).await;
    let cases = cases();
    let count = cases.len();
    for (request, status, code, message, param) in cases {
        let what: String = request.chars().take(200).collect();
        raw.write(&request).await;
        let response = raw.response().await.unwrap_or_else(|e| panic!("{e} at {what}"));
        let error = assert_error(&response, status, code, &what);
        assert_eq!(error.kind, "invalid_request_error", "{what}");
        assert!(error.message.contains(message), "{what}: {}", error.message);
        assert_eq!(error.param.as_deref(), param, "{what}");
        assert_eq!(response.header("allow").is_some(), status == 405, "{what}");
        assert_usable(&mut raw, &what).await;
    }
    assert_eq!(provider.received().len(), count, "only the good ones were sent on");
}

#[tokio::test]
async fn a_405_says_what_is_allowed() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    for (start, allowed) in [
        ("GET /v1/chat/completions", "POST"),
        ("DELETE /v1/embeddings", "POST"),
        ("POST /v1/models", "GET,HEAD"),
        ("POST /health", "GET,HEAD"),
    ] {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(request(start, JSON, "")).await;
        assert_eq!(raw.response().await.unwrap().all("allow"), [allowed], "{start}");
    }
}

#[tokio::test]
async fn the_same_over_http2() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    let h2 = H2::connect(gateway.addr).await.unwrap();
    for (request, status, code) in [
        (client::post_bytes(CHAT, ""), 400, "INVALID_REQUEST"),
        (client::post_bytes(CHAT, "[1]"), 400, "INVALID_REQUEST"),
        (client::post_bytes(CHAT, vec![b' '; (1 << 20) + 1]), 413, "PAYLOAD_TOO_LARGE"),
        (get(CHAT), 405, "METHOD_NOT_ALLOWED"),
        (get("/nowhere"), 404, "NOT_FOUND"),
        (with_header("x-long", "x".repeat(100_000)), 431, "INVALID_REQUEST"),
    ] {
        let response = h2.send(request).await.unwrap();
        assert_eq!(response.status(), status, "{code}");
        assert_eq!(envelope(&client::body(response).await).code, code);
        let good = h2.send(post(CHAT, &ask())).await.unwrap();
        assert_eq!(good.status(), 200, "after {status}");
    }
}

fn many(lines: usize, length: usize) -> String {
    (0..lines).map(|n| format!("x-{n}: {}\r\n", "x".repeat(length))).collect()
}

fn with_header(name: &'static str, value: String) -> client::Outgoing {
    let mut request = post(CHAT, &ask());
    request.headers_mut().insert(name, value.try_into().expect("a header value"));
    request
}

/// What is announced as too large is not read, so the connection cannot go on.
#[tokio::test]
async fn a_body_that_is_announced_as_too_large() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    for length in ["1048577", "99999999999", "18446744073709551613"] {
        let mut raw = Raw::connect(gateway.addr).await;
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n";
        raw.write(format!("{head}{JSON}content-length: {length}\r\n\r\n{{\"mo")).await;
        let response = raw.response().await.unwrap();
        let error = assert_error(&response, 413, "PAYLOAD_TOO_LARGE", length);
        assert!(error.message.contains("1048576 bytes"), "{}", error.message);
        assert_eq!(raw.rest().await.unwrap(), b"", "{length}");
    }
    assert!(provider.received().is_empty());
}

/// Most clients write everything, or what they can, before they read.
#[tokio::test]
async fn a_client_that_sends_too_much_all_the_same_reads_why() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    for size in [(1 << 20) + 1, 3 << 20, 32 << 20] {
        let body = vec![b' '; size];
        let mut raw = Raw::connect(gateway.addr).await;
        let head = format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\n{JSON}");
        raw.write(format!("{head}content-length: {size}\r\n\r\n")).await;
        let _ = soon(raw.stream.write_all(&body)).await;
        let response = raw.response().await.unwrap_or_else(|error| panic!("{error} at {size}"));
        assert_error(&response, 413, "PAYLOAD_TOO_LARGE", "too much");

        let response = client::try_send(gateway.addr, client::post_bytes(CHAT, body)).await;
        let response = response.unwrap_or_else(|error| panic!("{error:?} at {size}"));
        assert_eq!(response.status(), 413, "{size}");
    }
}

#[tokio::test]
async fn a_body_in_chunks_that_grows_too_large() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    let mut raw = Raw::connect(gateway.addr).await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n";
    raw.write(format!("{head}{JSON}transfer-encoding: chunked\r\n\r\n")).await;
    let chunk = format!("40000\r\n{}\r\n", " ".repeat(0x40000));
    for _ in 0..4 {
        raw.write(&chunk).await;
    }
    raw.write("1\r\n ").await;
    let response = raw.response().await.unwrap();
    assert_error(&response, 413, "PAYLOAD_TOO_LARGE", "chunks");
    assert_eq!(raw.rest().await.unwrap(), b"");
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn exactly_the_limit_is_not_too_large() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    let mut body = ask().to_string();
    body.push_str(&" ".repeat((1 << 20) - body.len()));
    assert_eq!(send(gateway.addr, client::post_bytes(CHAT, body)).await.status(), 200);
}

#[tokio::test]
async fn heads_that_are_too_large() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    let line = |length: usize| format!("x-long: {}\r\n", "x".repeat(length));
    let long_path = format!("GET /{}", "x".repeat(65_000));
    for (what, request) in [
        ("one long line", request("GET /health", &line(66_000), "")),
        ("one very long line", request("GET /health", &line(400_000), "")),
        ("many lines", request("GET /health", &many(90, 1000), "")),
        ("with a body", request("POST /v1/chat/completions", &line(66_000), "{}")),
        ("a long path", request(&long_path, &line(1000), "")),
    ] {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(&request).await;
        let response = raw.response().await.unwrap();
        assert_error(&response, 431, "INVALID_REQUEST", what);
        assert_usable(&mut raw, what).await;
    }
}

/// What is beyond hyper's own bounds never comes to a layer: the status is all there is.
#[tokio::test]
async fn heads_beyond_all_bounds() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    for headers in [many(101, 1), many(10, 60_000), format!("x-long: {}\r\n", "x".repeat(600_000))]
    {
        let mut raw = Raw::connect(gateway.addr).await;
        // It may answer and close before it has read everything.
        let _ = raw.stream.write_all(request("GET /health", &headers, "").as_bytes()).await;
        let response = raw.response().await.unwrap();
        assert_eq!((response.status, &*response.body), (431, &b""[..]));
    }
}

/// What is not HTTP at all, or leaves open where the request ends.
#[tokio::test]
async fn garbage_is_answered_and_disturbs_nobody() {
    let gate = Gate::new();
    let held = gate.clone();
    let provider = provider(move |request| match request.json()["stream"].as_bool() {
        Some(true) => {
            Reply::events().role().delta("a").gate(&held).delta("b").finish("stop").done()
        }
        _ => Reply::chat("Hi"),
    })
    .await;
    let gateway = gateway(&provider).await;
    let mut neighbour = Events::new(send(gateway.addr, post(CHAT, &ask_stream())).await);
    neighbour.next().await;
    neighbour.next().await;
    let good = ask().to_string();
    let framed = |headers: &str| {
        format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\n{JSON}{headers}\r\n{good}")
    };
    let length = good.len();
    for garbage in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a ClientHello".to_vec(),
        b"\x00\xff\xfe\r\n\r\n".to_vec(),
        b"hello\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\nhost: localhost\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nhost localhost\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\0b\r\n\r\n".to_vec(),
        b"GET /\x01 HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nhost : localhost\r\n\r\n".to_vec(),
        framed(&format!("content-length: {length}\r\ncontent-length: 3\r\n")).into(),
        framed("content-length: -1\r\n").into(),
        framed(&format!("content-length: +{length}\r\n")).into(),
        framed("content-length: 1e2\r\n").into(),
        framed("transfer-encoding: gzip\r\n").into(),
        framed("transfer-encoding: chunked, gzip\r\n").into(),
    ] {
        let what = String::from_utf8_lossy(&garbage).into_owned();
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(&garbage).await;
        let response = raw.response().await.unwrap_or_else(|e| panic!("{e} at {what:?}"));
        assert_eq!(response.status, 400, "{what:?}");
        assert_eq!(raw.rest().await.unwrap(), b"", "{what:?}");
    }
    assert_eq!(provider.received().len(), 1, "nothing was sent on");
    gate.open();
    assert_eq!(sse::text(&neighbour.until_done().await), "b");
    assert_usable(&mut Raw::connect(gateway.addr).await, "garbage").await;
}

#[tokio::test]
async fn broken_chunks_are_answered() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\n{JSON}transfer-encoding: chunked\r\n\r\n"
    );
    for chunks in
        ["zz\r\n{}\r\n0\r\n\r\n", "2\r\n{}XX0\r\n\r\n", "-1\r\n\r\n", "fffffffffffffffff\r\n"]
    {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(format!("{head}{chunks}")).await;
        let response = raw.response().await.unwrap_or_else(|e| panic!("{e} at {chunks:?}"));
        assert_error(&response, 400, "INVALID_REQUEST", chunks);
        assert_eq!(raw.rest().await.unwrap(), b"", "{chunks:?}");
    }
    assert!(provider.received().is_empty());
}

/// What follows the length is the next request, whatever it looks like: nothing is smuggled.
#[tokio::test]
async fn a_body_ends_where_it_says() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway(&provider).await;
    let both = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\n{JSON}content-length: 4\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        ask().to_string().len(),
        ask()
    );
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write(&both).await;
    let status = raw.response().await.unwrap().status;
    assert_eq!(status, 200);
    for received in provider.received() {
        assert_eq!(received.json(), ask());
        assert_eq!(received.header("transfer-encoding"), None);
    }
}
