use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::Response;
use axum::routing::{get, post};
use axum::{Router, body, http};
use futures_util::stream;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use super::*;

#[derive(Deserialize)]
struct Order {
    dish: String,
    #[serde(default)]
    extras: Vec<Extra>,
    note: Option<Value>,
}

#[derive(Deserialize)]
struct Extra {
    count: u8,
}

#[derive(Deserialize)]
struct Page {
    limit: Option<u8>,
}

fn router() -> Router {
    let order = |Json(Order { dish, extras, note }): Json<Order>| async move {
        let count = extras.iter().fold(0, |sum, extra| sum + u32::from(extra.count));
        format!("{dish} {count} {}", note.is_some())
    };
    let page = |Query(Page { limit }): Query<Page>| async move { format!("{limit:?}") };
    let name = |Path(name): Path<String>| async move { name };
    Router::new()
        .route("/orders", post(order))
        .route("/small", post(order).layer(DefaultBodyLimit::max(30)))
        .route("/pages", get(page))
        .route("/names/{name}", get(name))
}

/// The status; then the text, or the code, the field and the message.
async fn told(request: http::request::Builder, body: impl Into<Body>) -> (u16, String) {
    let request: Request = request.body(body.into()).unwrap();
    let Ok(response) = router().oneshot(request).await;
    tell(response).await
}

async fn tell(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    if status == 200 {
        return (status, text);
    }
    let error = serde_json::from_str::<Value>(&text).unwrap()["error"].take();
    let [code, param, message] = ["code", "param", "message"].map(|field| error[field].clone());
    (status, format!("{} {param} {}", code.as_str().unwrap(), message.as_str().unwrap()))
}

async fn order(body: impl Into<Body>) -> (u16, String) {
    told(Request::post("/orders").header("content-type", "application/json"), body).await
}

#[tokio::test]
async fn a_wrong_body_is_refused_by_the_field_that_is_wrong() {
    let ok = order(r#"{"dish": "soup", "extras": [{"count": 2, "x": 1}], "unknown": 1}"#).await;
    assert_eq!(ok, (200, "soup 2 false".into()));
    for (body, param) in [
        ("", "null"),
        ("{", "null"),
        ("[]", "null"),
        ("{}", "\"dish\""),
        (r#"{"dish": "soup", "extras": [{}]}"#, "\"extras[0].count\""),
        (r#"{"dish": "soup"} {}"#, "null"),
        (r#"{"dish": "soup", "dish": "stew"}"#, "\"dish\""),
        (r#"{"dish": null}"#, "\"dish\""),
        (r#"{"dish": "\ud800"}"#, "\"dish\""),
        (r#"{"dish": "soup", "extras": [{"count": 1}, {"count": 256}]}"#, "\"extras[1].count\""),
        (r#"{"dish": "soup", "extras": [{"count": 1.0}]}"#, "\"extras[0].count\""),
        (r#"{"dish": "soup", "note": 1e999}"#, "\"note\""),
    ] {
        let (status, text) = order(body).await;
        assert_eq!(status, 400, "{body}");
        assert!(text.starts_with(&format!("INVALID_REQUEST {param} ")), "{body}: {text}");
    }
}

#[tokio::test]
async fn what_is_not_text_is_refused() {
    for body in [&b"{\"dish\": \"\xff\"}"[..], b"\xff\xfe{\0}\0", b"\xef\xbb\xbf{}"] {
        assert_eq!(order(body).await.0, 400, "{body:?}");
    }
}

/// The stack is no deeper for what a client nests.
#[tokio::test]
async fn nesting_has_a_limit() {
    for (depth, expected) in [(100, 200), (1000, 400), (500_000, 400)] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let (status, text) = order(format!(r#"{{"dish": "soup", "note": {open}{close}}}"#)).await;
        assert_eq!(status, expected, "{depth}: {text}");
    }
}

#[tokio::test]
async fn only_json_is_read() {
    for (header, value, expected) in [
        ("content-type", "application/json; charset=utf-8", 200),
        ("content-type", "Application/Problem+JSON", 200),
        ("content-type", "text/plain", 415),
        ("content-type", "text/x+json", 415),
        ("content-type", "application/jsonp", 415),
        ("content-encoding", "identity", 200),
        ("content-encoding", "gzip", 415),
    ] {
        let request = Request::post("/orders").header(header, value);
        assert_eq!(told(request, r#"{"dish": "soup"}"#).await.0, expected, "{header}: {value}");
    }
    assert_eq!(told(Request::post("/orders"), r#"{"dish": "soup"}"#).await.0, 200);
}

/// A body that fails the test when it is polled.
fn unread(length: u64) -> Body {
    struct Unread(u64);
    impl http_body::Body for Unread {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            panic!("it was polled")
        }

        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(self.0)
        }
    }
    Body::new(Unread(length))
}

#[tokio::test]
async fn what_is_too_large_is_refused_unread_if_it_is_announced() {
    let large = (413, "PAYLOAD_TOO_LARGE null the body is larger than is allowed here".to_owned());
    assert_eq!(order(unread((2 << 20) + 1)).await, large);
    assert_eq!(told(Request::post("/small"), unread(31)).await, large);
    let form = Request::post("/orders").header("content-type", "text/plain");
    assert_eq!(told(form, unread(1)).await.0, 415);

    let exactly = format!("{:30}", r#"{"dish": "soup"}"#);
    assert_eq!(told(Request::post("/small"), exactly.clone()).await.0, 200);
    let pieces = |text: String| {
        let pieces: Vec<_> = text.bytes().map(|b| Ok::<_, std::io::Error>(vec![b])).collect();
        Body::from_stream(stream::iter(pieces))
    };
    assert_eq!(told(Request::post("/small"), pieces(exactly.clone())).await.0, 200);
    assert_eq!(told(Request::post("/small"), pieces(exactly + " ")).await, large);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_fault() {
    let broken = stream::iter([Ok("{"), Err(std::io::Error::other("gone"))]);
    let (status, text) = order(Body::from_stream(broken)).await;
    assert_eq!((status, text.contains("gone")), (400, true), "{text}");
}

#[tokio::test]
async fn a_wrong_query_is_refused_by_name() {
    for (query, expected) in
        [("", "None"), ("?limit=5", "Some(5)"), ("?other=%ff&limit=5", "Some(5)"), ("?&&=", "None")]
    {
        let told = told(Request::get(format!("/pages{query}")), "").await;
        assert_eq!(told, (200, expected.to_owned()), "{query}");
    }
    for query in ["limit=", "limit=256", "limit=-1", "limit=%ff", "limit=1&limit=2"] {
        let (status, text) = told(Request::get(format!("/pages?{query}")), "").await;
        assert_eq!(status, 400, "{query}");
        assert!(text.starts_with("INVALID_REQUEST \"limit\" `limit` is wrong"), "{query}: {text}");
    }
}

#[tokio::test]
async fn a_path_is_text() {
    let get = async |name: &str| told(Request::get(format!("/names/{name}")), "").await;
    assert_eq!(get("a%2Fb%20%E4%BD%A0").await, (200, "a/b 你".into()));
    let (status, text) = get("%ff").await;
    assert_eq!(status, 400);
    assert!(text.starts_with("INVALID_REQUEST null the path is wrong: "), "{text}");
}

proptest! {
    #[test]
    fn no_body_is_a_fault_of_ours(body: Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (status, _) = runtime.block_on(order(body));
        prop_assert!(status == 200 || status == 400);
    }

    #[test]
    fn no_query_is_a_fault_of_ours(query in "[ -~&&[^ \"#<>\\\\^`{|}]]*") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let request = Request::get(format!("/pages?{query}"));
        let (status, _) = runtime.block_on(told(request, ""));
        prop_assert!(status == 200 || status == 400);
    }
}
