use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use serde_json::json;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::{script::*, *};
use crate::Buffered;

#[tokio::test]
async fn errors_and_unfinished_responses_are_not_stored() {
    let app = App::default();
    let with = |status: &str| {
        let mut answer = response("resp_1");
        answer["status"] = status.into();
        answer
    };
    for script in [
        (500, "application/json", vec![Ok(response("resp_1").to_string().into())]),
        plain(&with("failed")),
        plain(&with("queued")),
        plain(&json!({"id": "chatcmpl_1", "choices": []})),
        (200, "text/html", vec![Ok("<html>".into())]),
        (200, "application/json", vec![]),
    ] {
        let answer = app.send(post(&ask("one")), script).await;
        let _ = answer.into_body().collect().await.unwrap();
    }
    assert!(app.store.is_empty());
    read(app.send(post(&ask("one")), plain(&with("incomplete"))).await).await;
    assert_eq!(app.manage(Method::GET, "resp_1").await, (200, with("incomplete")));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_stored() {
    let app = App::default();
    let text = response("resp_1").to_string();
    let (first, second) = text.split_at(20);
    let chunks = vec![Ok(Bytes::copy_from_slice(first.as_bytes())), Err(io::ErrorKind::Other)];
    let mut body = app.send(post(&ask("one")), (200, "application/json", chunks)).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), first);
    assert!(body.frame().await.unwrap().is_err());

    let chunks = [first, second].map(|part| Ok(Bytes::copy_from_slice(part.as_bytes()))).into();
    let mut body = app.send(post(&ask("one")), (200, "application/json", chunks)).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert!(app.store.is_empty());
}

#[tokio::test]
async fn a_stream_is_stored_with_its_last_event() {
    let app = App::default();
    for (last, known) in
        [("response.completed", 200), ("response.incomplete", 200), ("response.failed", 404)]
    {
        let text = events(last, &response("resp_1"));
        let answer = app.send(post(&ask("one")), stream_of(&text)).await;
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), text);
        assert_eq!(app.manage(Method::GET, "resp_1").await.0, known, "{last}");
        app.manage(Method::DELETE, "resp_1").await;
    }
    let cut = events("response.completed", &response("resp_1"));
    let answer = app.send(post(&ask("one")), stream_of(&cut[..cut.len() - 20])).await;
    let _ = answer.into_body().collect().await.unwrap();
    assert!(app.store.is_empty(), "the last event is not whole");
}

#[tokio::test]
async fn what_comes_before_the_last_event_is_not_held_back() {
    let app = App::default();
    let text = events("response.completed", &response("resp_1"));
    let mut body = app.send(post(&ask("one")), stream_of(&text)).await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, text[..text.find("event: response.completed").unwrap()]);
    drop(body);
    tokio::task::yield_now().await;
    assert!(app.store.is_empty(), "the client went away before the end");
}

#[tokio::test(start_paused = true)]
async fn the_end_is_there_when_the_store_has_it() {
    let mut with_an_empty_frame = plain(&response("resp_1"));
    with_an_empty_frame.2.push(Ok(Bytes::new()));
    for (before, script) in [
        (1, stream_of(&events("response.completed", &response("resp_1")))),
        (0, plain(&response("resp_1"))),
        (1, with_an_empty_frame),
    ] {
        let app = App::new(Slow(MemoryStore::default(), Duration::from_secs(1)));
        let mut body = app.send(post(&ask("one")), script).await.into_body();
        let started = tokio::time::Instant::now();
        let mut frames = 0;
        while !body.is_end_stream() && body.frame().await.is_some() {
            frames += 1;
            let is_there = app.store.0.len() == 1;
            assert_eq!(is_there, frames > before, "frame {frames}");
        }
        assert!(frames > before);
        assert_eq!(started.elapsed(), Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_not_waited_for_longer_than_the_patience() {
    let mut app = App::new(Slow(MemoryStore::default(), Duration::from_secs(60)));
    app.layer = app.layer.store_timeout(Duration::from_secs(3));
    let started = tokio::time::Instant::now();
    app.create("resp_1", ask("one")).await;
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    assert!(app.store.0.is_empty());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(app.store.0.len(), 1, "it is stored all the same");
}

#[tokio::test]
async fn a_broken_store_breaks_no_answer_and_is_a_500_when_asked() {
    let app = App::new(Sick);
    assert_eq!(app.create("resp_1", ask("one")).await, response("resp_1"));
    let mut asked = vec![app.respond(post(&after("resp_1", "two"))).await];
    asked.push(app.respond(post(&json!({"input": [{"type": "item_reference", "id": "a"}]}))).await);
    asked.push(app.manage(Method::GET, "resp_1").await);
    asked.push(app.manage(Method::DELETE, "resp_1").await);
    for (status, error) in asked {
        assert_eq!((status, error["error"]["type"].as_str()), (500, Some("server_error")));
        assert!(!error.to_string().contains("disk"), "{error}");
    }
    assert_eq!(app.calls(), 1);
}

#[tokio::test]
async fn sizes_and_ends_are_those_of_the_inner_body() {
    let text = response("resp_1").to_string();
    let inner = service_fn(|_: Request<Buffered>| {
        let body = Full::new(Bytes::from(response("resp_1").to_string()));
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    let layer = StoreLayer::new(MemoryStore::default());
    let mut body = layer.layer(inner).oneshot(post(&ask("one"))).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(text.len() as u64));
    assert!(!body.is_end_stream());
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), text);
    assert!(body.is_end_stream());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_split_of_the_bytes_stores_and_passes_the_same(
        stream in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let (kind, text) = if stream {
            ("text/event-stream", events("response.completed", &response("resp_1")))
        } else {
            ("application/json", response("resp_1").to_string())
        };
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let part = |cut: &[usize]| Ok(Bytes::copy_from_slice(&text.as_bytes()[cut[0]..cut[1]]));
        let script = (200, kind, cuts.windows(2).map(part).collect());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (passed, stored) = runtime.block_on(async {
            let app = App::default();
            let answer = app.send(post(&ask("one")), script).await;
            let passed = answer.into_body().collect().await.unwrap().to_bytes();
            (passed, app.store.get("local", "resp_1", 0).await.unwrap())
        });
        prop_assert_eq!(passed, text);
        let Stored { response: kept, input, output, .. } = stored.unwrap();
        prop_assert_eq!(kept, response("resp_1").to_string());
        prop_assert_eq!(&input[0].json, r#"{"type":"message","role":"user","content":"one"}"#);
        prop_assert_eq!(&output[0].json, &says("resp_1").to_string());
    }
}
