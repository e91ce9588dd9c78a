use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::json;
use static_assertions::assert_impl_all;

use super::{script::*, *};
use crate::{Buffered, Code, Rejected, contract};

assert_impl_all!(StoreLayer: Send, Sync, Clone);
assert_impl_all!(StoredResponses<()>: Send, Sync, Clone);
assert_impl_all!(StateBody<Full<Bytes>>: Send, Sync);
assert_impl_all!(MemoryStore: Send, Sync, Clone);

#[tokio::test]
async fn the_previous_response_means_its_input_and_its_output() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    app.create("resp_2", after("resp_1", json!([user("two")]))).await;
    let second = app.last_request();
    assert_eq!(second.extensions().get(), Some(&PreviousResponse("resp_1".into())));
    assert_eq!(
        app.last(),
        json!({"model": "m", "input": [user("one"), says("resp_1"), user("two")]})
    );

    // A chain, and a branch of it.
    app.create("resp_3", after("resp_2", "three")).await;
    let chain = [user("one"), says("resp_1"), user("two"), says("resp_2"), user("three")];
    assert_eq!(app.last()["input"], json!(chain));
    app.create("resp_4", after("resp_1", "else")).await;
    assert_eq!(app.last()["input"], json!([user("one"), says("resp_1"), user("else")]));
}

#[tokio::test]
async fn what_came_before_may_be_deleted() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    app.create("resp_2", after("resp_1", "two")).await;
    assert_eq!(app.manage(Method::DELETE, "resp_1").await.0, 200);
    app.create("resp_3", after("resp_2", "three")).await;
    assert_eq!(app.last()["input"][1], says("resp_1"));
}

#[tokio::test]
async fn reasoning_is_kept_with_what_is_sealed_in_it() {
    let app = App::default();
    let reasoning =
        json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "st1.x", "summary": []});
    let mut answer = response("resp_1");
    answer["output"] = json!([reasoning, says("resp_1")]);
    read(app.send(post(&ask("one")), plain(&answer)).await).await;
    app.create("resp_2", after("resp_1", "two")).await;
    assert_eq!(app.last()["input"][1], reasoning);
}

#[tokio::test]
async fn instructions_are_not_inherited() {
    let app = App::default();
    app.create("resp_1", json!({"input": "one", "instructions": "Be brief."})).await;
    app.create("resp_2", after("resp_1", "two")).await;
    assert_eq!(app.last().get("instructions"), None);
}

#[tokio::test]
async fn an_unknown_previous_response_is_404_before_any_call() {
    let app = App::default();
    let (status, error) = app.respond(post(&after("resp_0", "one"))).await;
    assert_eq!(status, 404);
    assert_eq!(error["error"]["code"], "previous_response_not_found");
    assert_eq!(error["error"]["param"], "previous_response_id");
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert!(error["error"]["message"].as_str().unwrap().contains("'resp_0'"));
    assert_eq!(app.calls(), 0);
}

#[tokio::test]
async fn wrong_fields_are_400_before_any_call() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    for (body, param) in [
        (json!({"input": "a", "previous_response_id": 1}), "previous_response_id"),
        (json!({"input": "a", "previous_response_id": ["resp_1"]}), "previous_response_id"),
        (
            json!({"input": "a", "previous_response_id": "resp_1", "conversation": "conv_1"}),
            "previous_response_id",
        ),
        (json!({"input": 1, "previous_response_id": "resp_1"}), "input"),
        (json!({"input": "a", "store": "yes"}), "store"),
        (json!({"input": [{"type": "item_reference"}]}), "input"),
    ] {
        let (status, error) = app.respond(post(&body)).await;
        assert_eq!((status, error["error"]["param"].as_str()), (400, Some(param)), "{body}");
    }
    let twice = r#"{"previous_response_id":"resp_1","previous_response_id":"resp_2"}"#;
    let request = Request::post(ALL).body(Buffered::from(twice)).unwrap();
    assert_eq!(app.respond(request).await.0, 400);
    assert_eq!(app.calls(), 1);
}

#[tokio::test]
async fn references_are_resolved_from_all_responses_of_the_owner() {
    let app = App::default();
    app.create("resp_1", json!({"input": [{"role": "user", "content": "one", "id": "msg_mine"}]}))
        .await;
    app.create("resp_2", ask("two")).await;
    let of = |id: &str| json!({"type": "item_reference", "id": id});
    let input = json!([of("msg_of_resp_2"), of("msg_mine"), user("new"), of("msg_2_0")]);
    app.create("resp_3", json!({"input": input, "temperature": 1.0})).await;
    let mine = json!({"role": "user", "content": "one", "id": "msg_mine"});
    assert_eq!(app.last()["input"], json!([says("resp_2"), mine, user("new"), user("two")]));

    // They are stored by value, so they outlive their source.
    for id in ["resp_1", "resp_2"] {
        app.manage(Method::DELETE, id).await;
    }
    app.create("resp_4", after("resp_3", json!([of("msg_of_resp_2")]))).await;
    assert_eq!(app.last()["input"][0], says("resp_2"));
    assert_eq!(app.last()["input"][5], says("resp_2"));

    let (status, error) = app.respond(post(&json!({"input": [of("msg_0")]}))).await;
    assert_eq!((status, error["error"]["param"].as_str()), (404, Some("input")));
    assert!(error["error"]["message"].as_str().unwrap().contains("'msg_0'"));
    let foreign = by("bob", post(&json!({"input": [of("msg_of_resp_2")]})));
    assert_eq!(app.respond(foreign).await.0, 404);
}

#[tokio::test]
async fn a_body_without_references_is_passed_on_untouched() {
    let app = App::default();
    for (body, stored) in [
        (r#"{ "input":"a","store":true , "previous_response_id": null}"#, true),
        (r#"{"input":[{"role":"user","content":"an item_reference"}]}"#, true),
        (r#"{"input":"a","store":false}"#, false),
        (r#"{"input":"a","conversation":"conv_1"}"#, false),
        (r#"{"input":7}"#, false),
        ("[1]", false),
        ("no json", false),
        ("", false),
    ] {
        let bytes = Bytes::from_static(body.as_bytes());
        let request = Request::post(ALL).body(Buffered::from(bytes.clone())).unwrap();
        read(app.send(request, plain(&response("resp_1"))).await).await;
        assert_eq!(app.last_request().body().to_bytes().as_ptr(), bytes.as_ptr(), "{body}");
        let known = app.manage(Method::DELETE, "resp_1").await.0 == 200;
        assert_eq!(known, stored, "{body}");
    }
}

#[tokio::test]
async fn the_length_is_that_of_the_expanded_body() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let mut request = post(&after("resp_1", "two"));
    request.headers_mut().insert("content-length", 1.into());
    read(app.send(request, plain(&response("resp_2"))).await).await;
    let last = app.last_request();
    assert_eq!(last.headers()["content-length"], last.body().len().to_string());
}

#[tokio::test]
async fn without_store_a_response_is_continued_but_not_kept() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let mut second = after("resp_1", "two");
    second["store"] = false.into();
    app.create("resp_2", second).await;
    assert_eq!(app.last()["input"][0], user("one"));
    assert_eq!(app.manage(Method::GET, "resp_2").await.0, 404);
    assert_eq!(app.store.len(), 1);
}

#[tokio::test]
async fn get_gives_what_was_delivered_and_delete_forgets_it() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    assert_eq!(app.manage(Method::GET, "resp_1").await, (200, response("resp_1")));
    assert_eq!(app.manage(Method::GET, "resp_1?stream=false").await.0, 200);
    let (status, error) = app.manage(Method::GET, "resp_1?stream=true").await;
    assert_eq!((status, error["error"]["param"].as_str()), (400, Some("stream")));

    let gone = json!({"id": "resp_1", "object": "response", "deleted": true});
    assert_eq!(app.manage(Method::DELETE, "resp_1").await, (200, gone));
    for method in [Method::GET, Method::DELETE] {
        let (status, error) = app.manage(method, "resp_1").await;
        assert_eq!((status, error["error"]["code"].as_str()), (404, Some("NOT_FOUND")));
    }
    assert_eq!(app.calls(), 1, "none of it goes inward");
}

#[tokio::test]
async fn a_foreground_response_cannot_be_cancelled() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let (status, error) = app.manage(Method::POST, "resp_1/cancel").await;
    assert_eq!((status, error["error"]["code"].as_str()), (400, Some("INVALID_REQUEST")));
    assert_eq!(app.manage(Method::POST, "resp_0/cancel").await.0, 404);
}

#[tokio::test]
async fn what_belongs_to_another_is_as_unknown_as_what_is_not_there() {
    let app = App::default();
    read(app.send(by("alice", post(&ask("one"))), plain(&response("resp_1"))).await).await;
    let as_bob = |method: Method, path: &str| {
        let request = Request::builder().method(method).uri(format!("{ALL}/{path}"));
        app.respond(by("bob", request.body(Buffered::default()).unwrap()))
    };
    for (method, path) in [
        (Method::GET, "resp_1"),
        (Method::DELETE, "resp_1"),
        (Method::GET, "resp_1/input_items"),
        (Method::POST, "resp_1/cancel"),
    ] {
        let (status, error) = as_bob(method.clone(), path).await;
        assert_eq!(status, 404, "{path}");
        let (_, unknown) = as_bob(method, &path.replace("_1", "_0")).await;
        assert_eq!(error.to_string().replace("_1", "_0"), unknown.to_string());
    }
    let foreign = by("bob", post(&after("resp_1", "two")));
    assert_eq!(app.respond(foreign).await.0, 404);
    let own = by("alice", post(&after("resp_1", "two")));
    assert_eq!(app.respond(own).await.0, 200);
}

#[tokio::test]
async fn other_methods_are_405_and_other_paths_are_not_ours() {
    let app = App::default();
    for (method, path, allow) in [
        (Method::PUT, "/v1/responses/resp_1", "GET, DELETE"),
        (Method::POST, "/v1/responses/resp_1", "GET, DELETE"),
        (Method::POST, "/v1/responses/resp_1/input_items", "GET"),
        (Method::GET, "/v1/responses/resp_1/cancel", "POST"),
    ] {
        let request =
            Request::builder().method(method).uri(path).body(Buffered::default()).unwrap();
        let answer = app.send(request, plain(&json!("inner"))).await;
        assert_eq!(answer.status(), 405, "{path}");
        assert_eq!(answer.headers()["allow"], allow, "{path}");
        assert_eq!(answer.extensions().get::<Rejected>().unwrap().code, Code::MethodNotAllowed);
    }
    for (method, path) in [
        (Method::GET, "/v1/responses"),
        (Method::POST, "/v1/chat/completions"),
        (Method::POST, "/v1/responses/compact"),
        (Method::GET, "/v1/responses/resp_1/else"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let body = Buffered::from(r#"{"previous_response_id":"resp_0"}"#);
        assert_eq!(app.respond(request.body(body).unwrap()).await, (200, json!("inner")), "{path}");
    }
}

#[tokio::test]
async fn input_items_are_all_that_the_response_answers() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let call = json!({"type": "function_call_output", "call_id": "c", "output": "o"});
    app.create(
        "resp_2",
        after("resp_1", json!([{"id": "mine", "role": "user", "content": "two"}, call])),
    )
    .await;
    let (status, list) = app.manage(Method::GET, "resp_2/input_items?order=asc&limit=4").await;
    assert_eq!(status, 200);
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, ["msg_1_0", "msg_of_resp_1", "mine", "fco_2_3"]);
    assert_eq!((&list["object"], &list["has_more"]), (&json!("list"), &json!(false)));
    assert_eq!(list["data"][0]["content"], json!([{"type": "input_text", "text": "one"}]));

    let (_, newest) = app.manage(Method::GET, "resp_2/input_items?limit=1").await;
    assert_eq!((&newest["first_id"], &newest["has_more"]), (&json!("fco_2_3"), &json!(true)));
    assert_eq!(app.manage(Method::GET, "resp_2/input_items?limit=0").await.0, 400);
    assert_eq!(app.manage(Method::GET, "resp_0/input_items").await.0, 404);
    // The ids that were made are not sent anywhere.
    app.create("resp_3", after("resp_2", "three")).await;
    assert_eq!(app.last()["input"][0], user("one"));
}

#[tokio::test]
async fn it_keeps_the_contract() {
    for body in ["{}", r#"{"store":false}"#, r#"{"input":"a"}"#, "none"] {
        let request = || Request::post(ALL).body(Buffered::from(body)).unwrap();
        contract::holds(StoreLayer::new(MemoryStore::default()), request).await;
    }
}

#[tokio::test]
async fn it_keeps_the_contract_when_it_looks_something_up() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let request = || post(&after("resp_1", "two"));
    contract::holds(app.layer.clone(), request).await;
}

#[tokio::test]
async fn a_small_request_cannot_become_any_size() {
    let mut app = App::default();
    app.create("resp_1", ask(&"x".repeat(1000))).await;
    app.layer = app.layer.cap(5000);
    let item = json!({"type": "item_reference", "id": "msg_1_0"});
    app.create("resp_2", json!({"input": vec![&item; 3]})).await;
    for wrong in [
        json!({"input": vec![&item; 5]}),
        after("resp_1", json!(vec![&item; 4])),
        after("resp_1", "y".repeat(5000)),
    ] {
        let (status, error) = app.respond(post(&wrong)).await;
        assert_eq!((status, &error["error"]["code"]), (413, &"PAYLOAD_TOO_LARGE".into()));
    }
    assert_eq!(app.calls(), 2);
}

#[tokio::test]
async fn many_references_take_little_time() {
    const MANY: usize = 30_000;
    let app = App::default();
    let input = |n: usize| json!({"type": "reasoning", "id": format!("item_{n:05}")});
    app.create("resp_1", json!({"input": (0..MANY).map(input).collect::<Vec<_>>()})).await;
    let reference = |n: usize| json!({"type": "item_reference", "id": format!("item_{n:05}")});
    let references: Vec<_> = (0..MANY).rev().map(reference).collect();
    let body = after("resp_1", references);
    let started = tokio::time::Instant::now();
    app.create("resp_2", body).await;
    // Every one of them beside every other takes a hundred times as long.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    let sent = app.last();
    let sent = sent["input"].as_array().unwrap();
    assert_eq!(sent.len(), 2 * MANY + 1);
    assert_eq!((&sent[MANY - 1], &sent[MANY + 1]), (&input(MANY - 1), &input(MANY - 1)));
}
