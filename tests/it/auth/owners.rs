//! What one client stored is not there for another.

use http::Method;
use serde_json::json;

use crate::auth::house::*;
use crate::support::{Reply, always, post};

#[tokio::test]
async fn responses_belong_to_the_key_that_asked_for_them() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, &auth(&[entry("alice", ""), entry("bob", "")])).await;
    let ask = |name, body| seen(&gateway, by(name, post("/v1/responses", &body)));
    let first = ask("alice", json!({"model": "m", "input": "secret"})).await;
    assert_eq!(first.status, 200);
    let id = json(&first)["id"].as_str().expect("an id").to_owned();

    let follow = || json!({"model": "m", "input": "go on", "previous_response_id": id});
    let refused = ask("bob", follow()).await;
    assert_eq!(outcome(&refused).1, "previous_response_not_found");
    assert_eq!(provider.received().len(), 1);
    for (method, path) in [
        (Method::GET, format!("/v1/responses/{id}")),
        (Method::GET, format!("/v1/responses/{id}/input_items")),
        (Method::DELETE, format!("/v1/responses/{id}")),
    ] {
        let theirs = seen(&gateway, by("bob", request(&method, &path))).await;
        assert_eq!(theirs.status, 404, "{method} {path}");
    }
    assert_eq!(ask("alice", follow()).await.status, 200);
    let own =
        seen(&gateway, by("alice", request(&Method::GET, &format!("/v1/responses/{id}")))).await;
    assert_eq!(json(&own)["id"], id.as_str());
}
