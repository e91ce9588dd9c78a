//! Requests per minute, for each client.

use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use crate::resilience::chain::{ask, gateway, question};
use crate::{
    recorded_response::Seen,
    support::{CHAT, EMBEDDINGS, Reply, always, client::post_bytes, get, post, send},
};

async fn two_hundred_at_once(limit: &str, replenished_per_second: u64) {
    let a = always(Reply::chat("Yes")).await;
    let gateway = gateway(&[&a], &[&format!("rate_limit: {{{CHAT}: {limit}}}")]).await;
    let started = Instant::now();
    let mut asking = JoinSet::new();
    for _ in 0..200 {
        let answer = send(gateway.addr, post(CHAT, &question("m", false)));
        asking.spawn(async move { Seen::read(answer.await).await });
    }
    let answers = asking.join_all().await;
    let most = 60 + started.elapsed().as_secs() * replenished_per_second;
    let (passed, limited): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|seen| seen.status == 200);
    assert!((60..=most).contains(&(passed.len() as u64)), "{} of {most}", passed.len());
    assert_eq!(a.received().len(), passed.len());
    for seen in &limited {
        assert_eq!(seen.status, 429);
        assert_eq!(
            (&seen.error()["code"], &seen.error()["param"]),
            (&json!("RATE_LIMITED"), &json!(null))
        );
        assert!(seen.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
        assert_eq!(seen.header("x-ratelimit-remaining-requests"), "0");
    }
    let all = passed.iter().chain(&limited);
    assert!(all.clone().all(|seen| seen.header("x-ratelimit-limit-requests") == "60"));
    assert!(all.clone().all(|seen| !seen.header("x-ratelimit-reset-requests").is_empty()));
    assert!(passed.iter().any(|seen| seen.header("x-ratelimit-remaining-requests") == "0"));
}

#[tokio::test]
async fn sixty_of_two_hundred_pass() {
    two_hundred_at_once("{rpm: 60, burst: 60}", 1).await;
    // Nothing comes back while the test runs.
    two_hundred_at_once("{rpm: 1, burst: 60}", 0).await;
}

#[tokio::test]
async fn only_its_path_is_limited() {
    let a = always(Reply::json(&json!({"data": []})).header("x-ratelimit-limit-requests", 7)).await;
    let gateway = gateway(&[&a], &[&format!("rate_limit: {{{CHAT}: {{rpm: 1}}}}")]).await;
    for _ in 0..2 {
        let answer = send(gateway.addr, post(EMBEDDINGS, &question("m", false))).await;
        let seen = Seen::read(answer).await;
        assert_eq!((seen.status.as_u16(), seen.header("x-ratelimit-limit-requests")), (200, ""));
        assert_eq!(send(gateway.addr, get("/v1/models")).await.status(), 200);
    }
    // Asked for in the wrong way it is no call to a model.
    assert_eq!(send(gateway.addr, get(CHAT)).await.status(), 405);
}

/// The limit comes before the body is read: whatever is asked, it counts.
#[tokio::test]
async fn a_request_that_is_wrong_counts() {
    let a = always(Reply::chat("Yes")).await;
    let gateway = gateway(&[&a], &[&format!("rate_limit: {{{CHAT}: {{rpm: 1}}}}")]).await;
    assert_eq!(send(gateway.addr, post_bytes(CHAT, "{")).await.status(), 400);
    let seen = ask(&gateway, false).await;
    assert_eq!(seen.status, 429);
    let message = seen.error()["message"].as_str().expect("a text").to_owned();
    assert!(message.contains("1 request per minute"), "{message}");
    assert!(a.received().is_empty());
}
