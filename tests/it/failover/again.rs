//! One target only: what broke off is asked for once more, and then comes whole.

use crate::failover::{
    chain::{CHAT, ask_with, question},
    faults::{self, Effect, How, Row},
};
use crate::support::{Gateway, Reply, post, provider};

/// Held back by this policy, a second attempt makes up for the first.
async fn makes_up_for(row: Row, commit: &str, stream: bool) {
    let name = row.name;
    let How::Reply(broken) = row.how else { panic!("{name} is no reply") };
    let healthy = if stream { Reply::chat_stream(["Yes"]) } else { Reply::chat("Yes") };
    let body = healthy.body();
    let a =
        provider(move |request| if request.nth == 0 { broken.clone() } else { healthy.clone() });
    let a = a.await;
    let deadline = row.deadline.map(|name| format!("{name}: 300")).unwrap_or_default();
    let gateway = Gateway::start(&format!(
        "models:\n  commit: {commit}\n  timeouts: {{{deadline}}}\n  providers:\n    \
         a: {{base_url: \"{}\", api_key: k, models: [m]}}\n",
        a.base_url()
    ))
    .await;
    let seen = ask_with(&gateway, post(CHAT, &question(stream))).await;
    assert_eq!((seen.status.as_u16(), seen.attempts()), (200, 2), "{name}, {commit}");
    assert!(seen.is_complete && seen.body == body, "{name}, {commit}");
    assert_eq!((seen.target(), a.received().len()), ("a/m".into(), 2), "{name}, {commit}");
}

#[tokio::test]
async fn a_stream_that_breaks_before_commit() {
    let mut count = 0;
    for row in faults::streamed() {
        let Effect::Broken { content, again: true, .. } = row.effect else { continue };
        makes_up_for(row.clone(), "complete", true).await;
        if !content {
            makes_up_for(row, "first_token", true).await;
        }
        count += 1;
    }
    assert!(count > 15, "{count}");
}

#[tokio::test]
async fn a_plain_answer_that_is_cut() {
    for row in faults::plain() {
        if let Effect::Cut { again: true } = row.effect {
            makes_up_for(row.clone(), "complete", false).await;
            makes_up_for(row, "first_token", false).await;
        }
    }
}
