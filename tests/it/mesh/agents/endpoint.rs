//! Agents that are endpoints.

use std::time::Duration;

use serde_json::json;
use switchtower::mesh::agents::Fault;
use switchtower::mesh::tasks::Runner;

use super::{Job, Rig};
use crate::support::{Fault as Broken, Provider, Reply, always, soon};

/// An agent, `a`, that is there; its settings come behind.
async fn rig(provider: &Provider, settings: &str) -> Rig {
    let port = provider.addr().port();
    let endpoint = format!("http://localhost:{port}/do");
    Rig::start(&format!("agents: [{{id: a, type: http, endpoint: '{endpoint}'{settings}}}]")).await
}

#[tokio::test]
async fn the_task_is_posted_and_the_answer_read() {
    let provider = always(Reply::json(&json!({"result": "done\n", "text": "no"}))).await;
    let rig = rig(&provider, "").await;
    let job = Job::new("do it");
    let task = job.task.clone();
    assert_eq!(soon(rig.agents.run(job.work)).await.unwrap().text, "done");
    let received = provider.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].path(), "/do");
    assert_eq!(received[0].header("content-type"), Some("application/json"));
    assert_eq!(received[0].json(), json!({"message": "do it", "task_id": task}));
}

#[tokio::test]
async fn any_answer_that_is_no_error_is_one() {
    for (reply, expected) in [
        (Reply::html("plain"), "plain"),
        (Reply::json(&json!({"other": 1})), r#"{"other":1}"#),
        (Reply::new(204), ""),
        (Reply::new(200).bytes("chunk ").bytes("ed").chunked(), "chunk ed"),
    ] {
        let provider = always(reply).await;
        assert_eq!(rig(&provider, "").await.answer("").await, expected);
    }
}

#[tokio::test]
async fn what_went_wrong_is_told() {
    let provider = always(Reply::status(500, &json!({"message": "out of order"}))).await;
    let failure = rig(&provider, "").await.failure("").await;
    assert!(failure.ends_with("answered 500 Internal Server Error: out of order"), "{failure}");

    let provider = always(Reply::new(302).header("location", "http://evil.example/")).await;
    let failure = rig(&provider, "").await.failure("").await;
    let expected = "redirects (302 Found) to http://evil.example/, which is not followed";
    assert!(failure.ends_with(expected), "{failure}");
    assert_eq!(provider.received().len(), 1);

    let provider = always(Reply::new(200).bytes("abc").cut(Broken::Reset)).await;
    let failure = rig(&provider, "").await.failure("").await;
    assert!(failure.contains("broke off"), "{failure}");

    let gone = rig(&provider, "").await;
    provider.stop().await;
    let failure = gone.failure("").await;
    assert!(failure.contains("does not answer") && failure.contains("refused"), "{failure}");
}

#[tokio::test]
async fn it_is_not_waited_for_without_end() {
    let provider = always(Reply::new(200).bytes("a").stall()).await;
    let rig = rig(&provider, ", timeout: 1").await;
    let failure = rig.failure("").await;
    assert!(failure.starts_with("no answer within 1 s from http://localhost:"), "{failure}");
    soon(provider.disconnected(1)).await;

    let job = Job::new("").within(Duration::from_secs(60));
    let cancel = async {
        provider.requested(2).await;
        job.cancel.cancel();
    };
    let (result, ()) = soon(async { tokio::join!(rig.agents.run(job.work), cancel) }).await;
    assert_eq!(result, Err(Fault::Cancelled));
    soon(provider.disconnected(2)).await;
}

#[tokio::test]
async fn a_long_answer_is_cut() {
    let provider = always(Reply::new(200).bytes("0123456789".repeat(1000)).sized()).await;
    let port = provider.addr().port();
    let agent = format!("{{id: a, type: http, endpoint: 'http://127.0.0.1:{port}'}}");
    let rig = Rig::start(&format!("agents: [{agent}]\ntasks: {{output_limit_kb: 1}}")).await;
    let text = rig.answer("").await;
    assert!(text.len() <= 1024 && text.contains("bytes are left out"), "{text}");
}
