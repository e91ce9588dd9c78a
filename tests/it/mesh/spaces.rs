//! Spaces: messages, search, artifacts; and what is wrong with them.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::{
    client::{Outgoing, body, json as json_of, post_bytes},
    *,
};

async fn gateway() -> Gateway {
    Gateway::start("port: 0").await
}

async fn space(gateway: &Gateway) -> String {
    let response = send(gateway.addr, post("/spaces", &json!({}))).await;
    assert_eq!(response.status(), 201);
    json_of(response).await["space_id"].as_str().unwrap().to_owned()
}

fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

fn bare(method: &str, path: &str) -> Outgoing {
    request(method, path).body(Full::default()).unwrap()
}

fn put(path: &str, kind: &str, data: impl Into<Bytes>) -> Outgoing {
    request("PUT", path).header("content-type", kind).body(Full::new(data.into())).unwrap()
}

/// The status and the answer.
async fn call(gateway: &Gateway, request: Outgoing) -> (u16, Value) {
    let response = send(gateway.addr, request).await;
    (response.status().as_u16(), json_of(response).await)
}

/// The status, and the code and field of the envelope.
async fn refused(gateway: &Gateway, request: Outgoing) -> (u16, String, Option<String>) {
    let response = send(gateway.addr, request).await;
    let status = response.status().as_u16();
    let envelope = envelope(&body(response).await);
    (status, envelope.code, envelope.param)
}

fn invalid(param: &str) -> (u16, String, Option<String>) {
    (400, "INVALID_REQUEST".into(), Some(param.into()))
}

#[tokio::test]
async fn a_space_from_its_beginning_to_its_end() {
    let gateway = gateway().await;
    let request = post("/spaces", &json!({"metadata": {"name": "重构"}, "extra": 1}));
    let (status, made) = call(&gateway, request).await;
    let id = made["space_id"].as_str().unwrap();
    assert_eq!((status, made.as_object().unwrap().len()), (201, 1));
    let path = format!("/spaces/{id}");

    let said = json!({"content": "请重构解析器", "metadata": {"k": [1]}, "x": 0});
    let (status, first) = call(&gateway, post(&format!("{path}/messages"), &said)).await;
    assert_eq!((status, &first["role"], &first["source"]), (201, &json!("user"), &Value::Null));
    assert_eq!((&first["content"], &first["metadata"]), (&said["content"], &said["metadata"]));
    let said = json!({"role": "agent", "source": "codex", "content": "Done: the parser is new"});
    let (_, second) = call(&gateway, post(&format!("{path}/messages"), &said)).await;

    let (_, messages) = call(&gateway, get(&format!("{path}/messages"))).await;
    assert_eq!(messages, json!([first, second]));
    let after = format!("{path}/messages?limit=1&after={}", first["id"]);
    assert_eq!(call(&gateway, get(&after)).await.1, json!([second]));
    for (q, expected) in [("%E8%A7%A3%E6%9E%90", &first), ("pars+new", &second)] {
        let (status, found) = call(&gateway, get(&format!("{path}/search?q={q}&limit=5"))).await;
        assert_eq!(status, 200);
        assert_eq!(found, json!([{"message": expected, "snippet": expected["content"]}]));
    }

    let (_, space) = call(&gateway, get(&path)).await;
    assert_eq!(space["shared_space_id"], *id);
    assert_eq!((&space["message_count"], &space["artifact_count"]), (&json!(2), &json!(0)));
    assert_eq!(space["metadata"], json!({"name": "重构"}));
    assert!(space["created_at"].as_u64().unwrap() > 1_700_000_000_000);
    assert!(space["updated_at"].as_u64() >= space["created_at"].as_u64());
    assert_eq!(call(&gateway, get("/spaces")).await.1, json!([space]));

    let gone = call(&gateway, bare("DELETE", &path)).await;
    assert_eq!(gone, (200, json!({"space_id": id, "status": "deleted"})));
    assert_eq!(call(&gateway, get("/spaces?limit=1&after=x")).await, (200, json!([])));
}

#[tokio::test]
async fn spaces_that_are_not_there() {
    let gateway = gateway().await;
    let unknown = (404, "SPACE_NOT_FOUND".to_owned(), None);
    for id in ["x", "space_0", "%00", "%F0%9F%98%80", "task_1", "%2e%2e%2fx"] {
        let path = format!("/spaces/{id}");
        let said = json!({"content": "x"});
        for request in [
            get(&path),
            bare("DELETE", &path),
            get(&format!("{path}/messages")),
            post(&format!("{path}/messages"), &said),
            get(&format!("{path}/search?q=x")),
            get(&format!("{path}/artifacts")),
            get(&format!("{path}/artifacts/a")),
            put(&format!("{path}/artifacts/a"), "text/plain", "x"),
            bare("DELETE", &format!("{path}/artifacts/a")),
        ] {
            let what = format!("{} {}", request.method(), request.uri());
            assert_eq!(refused(&gateway, request).await, unknown, "{what}");
        }
    }
    for (method, path) in [("PATCH", "/spaces"), ("DELETE", "/spaces"), ("POST", "/spaces/x")] {
        let request = request(method, path).header("content-type", "application/json");
        let (status, code, _) = refused(&gateway, request.body(Full::default()).unwrap()).await;
        assert_eq!((status, &*code), (405, "METHOD_NOT_ALLOWED"), "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let gateway = gateway().await;
    let id = space(&gateway).await;
    let path = format!("/spaces/{id}");
    let say = |said: Value| post(&format!("{path}/messages"), &said);
    for (request, param) in [
        (post("/spaces", &json!({"metadata": []})), "metadata"),
        (post("/spaces", &json!({"metadata": "x"})), "metadata"),
        (say(json!({"content": ""})), "content"),
        (say(json!({"content": 1})), "content"),
        (say(json!({"content": "x", "role": ""})), "role"),
        (say(json!({"content": "x", "role": "字".repeat(65)})), "role"),
        (say(json!({"content": "x", "source": "s".repeat(257)})), "source"),
        (say(json!({"content": "x", "metadata": 1})), "metadata"),
        (get(&format!("{path}/messages?limit=0")), "limit"),
        (get("/spaces?limit=501"), "limit"),
        (get(&format!("{path}/messages?after=9007199254740992")), "after"),
        (get(&format!("{path}/search?q=")), "q"),
        (get(&format!("{path}/search?q=+%0a+")), "q"),
        (get(&format!("{path}/search?q={}", "x".repeat(257))), "q"),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        assert_eq!(refused(&gateway, request).await, invalid(param), "{what}, {param}");
    }
    for request in [
        say(json!({})),
        say(json!([])),
        post_bytes(&format!("{path}/messages"), "{"),
        post_bytes("/spaces", ""),
        get(&format!("{path}/search")),
        get("/spaces?limit=x"),
        get(&format!("{path}/messages?after=-1")),
        get("/spaces/%FF"),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let (status, code, _) = refused(&gateway, request).await;
        assert_eq!((status, &*code), (400, "INVALID_REQUEST"), "{what}");
    }
    let long = |bytes| say(json!({"content": "x".repeat(bytes)}));
    assert_eq!(refused(&gateway, long((1 << 20) + 1)).await.0, 413);
    assert_eq!(refused(&gateway, long(9 << 20)).await.0, 413);
    assert_eq!(send(gateway.addr, long(1 << 20)).await.status(), 201);
    let (status, code, _) =
        refused(&gateway, post("/spaces", &json!({"metadata": {"x": "x".repeat(70_000)}}))).await;
    assert_eq!((status, &*code), (413, "PAYLOAD_TOO_LARGE"));
}

#[tokio::test]
async fn artifacts_come_back_and_cannot_run() {
    let gateway = gateway().await;
    let id = space(&gateway).await;
    let path = format!("/spaces/{id}/artifacts/%E6%8A%A5%E5%91%8A%201.html");
    let page = "<script>fetch('/tasks')</script>";
    let (status, view) = call(&gateway, put(&path, "text/html; charset=utf-8", page)).await;
    assert_eq!((status, &view["name"], &view["size"]), (201, &json!("报告 1.html"), &json!(32)));
    let (status, again) = call(&gateway, put(&path, "text/html", page)).await;
    assert_eq!((status, &again["content_type"]), (200, &json!("text/html")));
    let list = format!("/spaces/{id}/artifacts");
    assert_eq!(call(&gateway, get(&list)).await, (200, json!([again])));

    let response = send(gateway.addr, get(&path)).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(response.status(), 200);
    assert_eq!(header("content-type"), "text/html");
    assert_eq!(header("content-disposition"), "attachment");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(body(response).await, page);

    let unsaid = format!("{list}/plain");
    let request = request("PUT", &unsaid).body(Full::new("x".into())).unwrap();
    let (_, view) = call(&gateway, request).await;
    assert_eq!(view["content_type"], "application/octet-stream");
    let gone = call(&gateway, bare("DELETE", &unsaid)).await;
    assert_eq!(gone, (200, json!({"name": "plain", "status": "deleted"})));
    for request in [bare("DELETE", &unsaid), get(&unsaid)] {
        assert_eq!(refused(&gateway, request).await, (404, "NOT_FOUND".into(), None));
    }
}

#[tokio::test]
async fn names_cannot_leave_the_space() {
    let gateway = gateway().await;
    let id = space(&gateway).await;
    for name in [
        "%2e%2e%2f%2e%2e%2fmesh.sqlite",
        "..%2fx",
        "a%2Fb",
        "a%5Cb",
        "..%5c..%5cx",
        "%2Fetc%2Fpasswd",
        ".env",
        "%2eenv",
        "a%00b",
        "a%0d%0ab",
        &"x".repeat(256),
        "%FF",
    ] {
        let path = format!("/spaces/{id}/artifacts/{name}");
        for request in [put(&path, "text/plain", "x"), get(&path), bare("DELETE", &path)] {
            let (status, code, _) = refused(&gateway, request).await;
            assert_eq!((status, &*code), (400, "INVALID_REQUEST"), "{name}");
        }
    }
    for name in ["..", ".", "%2e%2e", "../../x", "..\\x"] {
        let mut raw = Raw::connect(gateway.addr).await;
        let head = format!("PUT /spaces/{id}/artifacts/{name} HTTP/1.1\r\nhost: localhost\r\n");
        raw.write(format!("{head}content-length: 1\r\n\r\nx")).await;
        assert_eq!(raw.response().await.unwrap().status, 400, "{name}");
    }
    let (_, list) = call(&gateway, get(&format!("/spaces/{id}/artifacts"))).await;
    assert_eq!(list, json!([]));
}

#[tokio::test]
async fn artifacts_have_a_size() {
    const MAX_REPLY_LEN: usize = 16 << 20;
    let gateway = gateway().await;
    let id = space(&gateway).await;
    let path = format!("/spaces/{id}/artifacts/large");
    assert_eq!(refused(&gateway, put(&path, "a/b", vec![7; MAX_REPLY_LEN + 1])).await.0, 413);
    assert_eq!(send(gateway.addr, put(&path, "a/b", vec![7; MAX_REPLY_LEN])).await.status(), 201);
    assert_eq!(body(send(gateway.addr, get(&path)).await).await, vec![7; MAX_REPLY_LEN]);
    let kind = "x".repeat(256);
    assert_eq!(refused(&gateway, put(&path, &kind, "x")).await, invalid("content-type"));
}

/// Without what is kept there it would serve as if there were nothing, and not take it up later.
#[tokio::test]
async fn another_process_that_has_the_database_is_said_at_the_start() {
    const YAML: &str = "{}";
    let gateway = Binary::start(YAML, &[]).await;
    let response = send(gateway.addr, post("/spaces", &json!({}))).await;
    assert_eq!(response.status(), 201);
    assert_eq!(
        Binary::fails_in(gateway.home_path(), YAML).await,
        "error: cannot keep the tasks and spaces in ./data/mesh.sqlite: another process has it open\n  \
         help: stop the other process, or give this one a `dataDir` of its own\n"
    );
}
