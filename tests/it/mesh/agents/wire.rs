//! `/agents`, over a real socket.

use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Gateway, client, envelope, get, post, send};

fn delete(id: &str) -> client::Outgoing {
    let request = Request::builder().method(Method::DELETE).uri(format!("/agents/{id}"));
    request.body(Full::default()).unwrap()
}

async fn ask(gateway: &Gateway, request: client::Outgoing) -> (u16, Value) {
    let response = send(gateway.addr, request).await;
    (response.status().as_u16(), client::json(response).await)
}

/// The status, the code and the field of an error.
async fn refused(gateway: &Gateway, request: client::Outgoing) -> (u16, String, Option<String>) {
    let response = send(gateway.addr, request).await;
    let status = response.status().as_u16();
    let error = envelope(&client::body(response).await);
    (status, error.code, error.param)
}

fn mine(endpoint: &str) -> Value {
    json!({
        "id": "my-agent", "name": "My Custom Agent", "type": "process",
        "capabilities": ["code-generation"], "endpoint": endpoint, "extra": {"is": "accepted"},
    })
}

const CONFIGURED: &str =
    "agents: [{id: a, name: An agent, type: process, command: sh, capabilities: [x]}]";

#[tokio::test]
async fn agents_are_listed_registered_and_unregistered() {
    let gateway = Gateway::start(CONFIGURED).await;
    let (status, listed) = ask(&gateway, get("/agents")).await;
    assert_eq!(status, 200);
    let first = &listed[0];
    assert!(first["lastSeen"].as_u64().unwrap() > 1_600_000_000_000);
    let expected = json!({
        "id": "a", "name": "An agent", "type": "process", "capabilities": ["x"],
        "status": "online", "lastSeen": first["lastSeen"],
    });
    assert_eq!(*first, expected);

    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", here.local_addr().unwrap());
    let registered = ask(&gateway, post("/agents", &mine(&endpoint))).await;
    assert_eq!(registered, (201, json!({"id": "my-agent", "status": "registered"})));
    let (status, agent) = ask(&gateway, get("/agents/my-agent")).await;
    assert_eq!(
        (status, &agent["status"], &agent["type"]),
        (200, &json!("online"), &json!("process"))
    );
    let (_, listed) = ask(&gateway, get("/agents")).await;
    assert_eq!(listed.as_array().unwrap().last(), Some(&agent));

    // Registered again, at the same position.
    drop(here);
    assert_eq!(ask(&gateway, post("/agents", &mine(&endpoint))).await.0, 201);
    let (_, agent) = ask(&gateway, get("/agents/my-agent")).await;
    assert_eq!((&agent["status"], &agent["lastSeen"]), (&json!("offline"), &Value::Null));

    let gone = ask(&gateway, delete("my-agent")).await;
    assert_eq!(gone, (200, json!({"id": "my-agent", "status": "unregistered"})));
    let unknown = (404, "AGENT_NOT_FOUND".to_owned(), None);
    assert_eq!(refused(&gateway, delete("my-agent")).await, unknown);
    assert_eq!(refused(&gateway, get("/agents/my-agent")).await, unknown);
    assert_eq!(refused(&gateway, get("/agents/%20%C3%A9")).await, unknown);
}

#[tokio::test]
async fn what_is_configured_stays() {
    let gateway = Gateway::start(CONFIGURED).await;
    let forbidden = (403, "FORBIDDEN".to_owned(), None);
    assert_eq!(refused(&gateway, delete("a")).await, forbidden);
    for id in ["a", "claude-code", "aider"] {
        let mut taken = mine("http://127.0.0.1:1");
        taken["id"] = json!(id);
        let answer = refused(&gateway, post("/agents", &taken)).await;
        assert_eq!(answer, (409, "INVALID_REQUEST".to_owned(), Some("id".to_owned())), "{id}");
    }
}

#[tokio::test]
async fn bad_input_is_named() {
    let gateway = Gateway::start(CONFIGURED).await;
    for (field, value) in [
        ("id", json!("")),
        ("id", json!("a/b")),
        ("id", json!(7)),
        ("id", Value::Null),
        ("name", json!("a\u{0}b")),
        ("name", json!([])),
        ("type", json!("robot")),
        ("capabilities", json!("code")),
        ("capabilities", json!([""])),
        ("endpoint", json!("127.0.0.1:8080")),
        ("endpoint", json!("http://u:p@127.0.0.1")),
        ("endpoint", json!("http://10.0.0.1")),
        ("endpoint", json!("http://10.1")),
        ("endpoint", json!("http://no-such-host.invalid")),
        ("command", json!("rm")),
        ("args", json!([])),
    ] {
        let mut wrong = mine("http://127.0.0.1:1");
        wrong[field] = value.clone();
        let answer = refused(&gateway, post("/agents", &wrong)).await;
        let expected = (400, "INVALID_REQUEST".to_owned(), Some(field.to_owned()));
        assert_eq!(answer, expected, "{field}: {value}");
    }
    for field in ["id", "name", "type", "endpoint"] {
        let mut without = mine("http://127.0.0.1:1");
        without.as_object_mut().unwrap().remove(field);
        let answer = refused(&gateway, post("/agents", &without)).await;
        assert_eq!(answer, (400, "INVALID_REQUEST".to_owned(), Some(field.to_owned())));
    }
    let (_, listed) = ask(&gateway, get("/agents")).await;
    assert!(listed.as_array().unwrap().iter().all(|agent| agent["id"] != "my-agent"));
}

#[tokio::test]
async fn a_remote_endpoint_can_be_allowed() {
    let gateway = Gateway::start("allow_remote_agents: true").await;
    let answer = ask(&gateway, post("/agents", &mine("http://192.0.2.1:9"))).await;
    assert_eq!(answer.0, 201);
}

#[tokio::test]
async fn registered_agents_are_there_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let yaml = format!("dataDir: '{}'", home.path().join("data").display());
    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", here.local_addr().unwrap());
    let mut gateway = Gateway::start(&yaml).await;
    assert_eq!(ask(&gateway, post("/agents", &mine(&endpoint))).await.0, 201);
    gateway.stop();
    gateway.stopped().await;
    drop(gateway);

    let mut gateway = Gateway::start(&yaml).await;
    let (status, agent) = ask(&gateway, get("/agents/my-agent")).await;
    assert_eq!((status, &agent["name"]), (200, &json!("My Custom Agent")));
    assert_eq!(agent["status"], "online");
    gateway.stop();
    gateway.stopped().await;
    drop(gateway);

    // What is configured meanwhile comes first.
    let configured = format!("{yaml}\nagents: [{{id: my-agent, type: process, command: sh}}]");
    let gateway = Gateway::start(&configured).await;
    let (_, agent) = ask(&gateway, get("/agents/my-agent")).await;
    assert_eq!(agent["name"], "my-agent");
}

#[tokio::test]
async fn there_may_be_so_many() {
    let gateway = Gateway::start("").await;
    let mut one = mine("http://127.0.0.1:1");
    for number in 0..256 {
        one["id"] = json!(format!("agent-{number}"));
        assert_eq!(ask(&gateway, post("/agents", &one)).await.0, 201);
    }
    one["id"] = json!("agent-0");
    assert_eq!(ask(&gateway, post("/agents", &one)).await.0, 201);
    one["id"] = json!("one-more");
    let answer = refused(&gateway, post("/agents", &one)).await;
    assert_eq!(answer, (429, "RATE_LIMITED".to_owned(), None));
}
