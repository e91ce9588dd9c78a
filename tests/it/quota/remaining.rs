//! What the answers themselves say is left.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::quota::chain::{answers, ask};
use crate::support::{Gateway, Reply, always, provider};

const RESET: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn a_target_that_said_it_has_nothing_left_is_skipped_until_its_reset() {
    let used_up = Reply::chat("Yes")
        .header("x-ratelimit-limit-requests", 60)
        .header("x-ratelimit-remaining-requests", 0)
        .header("x-ratelimit-reset-requests", "1.5s");
    let left = Reply::chat("Yes").header("x-ratelimit-remaining-requests", 1);
    let a = provider(move |request| if request.nth == 0 { used_up.clone() } else { left.clone() });
    let (a, b) = (a.await, always(Reply::chat("Yes")).await);
    let yaml = format!(
        "models:\n  providers:\n    a: {{base_url: '{}', api_key: k}}\n    b: {{base_url: '{}', api_key: k}}\n",
        a.base_url(),
        b.base_url(),
    );
    let gateway = Gateway::start(&yaml).await;
    let asked = Instant::now();
    let first = ask(gateway.addr).await;
    let reset = Instant::now() + RESET;
    assert_eq!((first.status.as_u16(), first.header("x-switchtower-provider")), (200, "a"));
    let told = first.headers.keys().find(|name| name.as_str().starts_with("x-ratelimit"));
    assert_eq!(told, None, "it is none of the client's");
    let second = answers(gateway.addr).await;
    // A machine that took so long has seen the reset.
    assert!(second == "b" || asked.elapsed() > RESET, "{second}");
    sleep_until(reset).await;
    assert_eq!(answers(gateway.addr).await, "a");
    assert_eq!(answers(gateway.addr).await, "a", "one is left");
}
