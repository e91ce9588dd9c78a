//! Edits under load.

use std::time::Duration;

use tokio::{
    task::JoinSet,
    time::{Instant, interval, sleep},
};

use crate::reload::house::{House, question, yaml};
use crate::{
    recorded_response::Seen,
    support::{CHAT, Events, H2, Received, Reply, post, provider, send, send_h2, sse},
};

const LOAD_TIME: Duration = Duration::from_secs(4);

/// Plain answers at once, streams in three words with pauses between them.
fn answer(request: &Received) -> Reply {
    if request.json()["stream"] != true {
        return Reply::chat("Yes");
    }
    let pause = Duration::from_millis(400);
    let begun = Reply::events().role().delta("a").pause(pause).delta("b").pause(pause);
    begun.delta("c").finish("stop").done()
}

/// A hundred requests a second, of which every tenth is a stream, in all the ways to ask.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost() {
    let (a, b) = (provider(|r| answer(&r)).await, provider(|r| answer(&r)).await);
    let limits = |rpm| format!("rate_limit: {{/v1/*: {{rpm: {rpm}}}}}");
    let edits = [
        yaml(&[("b", &b)], &[]),
        yaml(&[("b", &b), ("a", &a)], &[&limits(600_000)]),
        yaml(&[("a", &a)], &["budgets: {default: {requests_per_day: 1000000}}"]),
        yaml(&[("a", &a), ("b", &b)], &[]).replace("sk-", "sk-new-"),
        "models: {providers: {a: {base_url: nowhere}}}".to_owned(),
        yaml(&[("a", &a), ("b", &b)], &[&limits(700_000), "commit: headers"]),
        "prot: 1".to_owned(),
    ];
    let house = House::start(&yaml(&[("a", &a), ("b", &b)], &[])).await;
    let (addr, began) = (house.addr(), Instant::now());
    let h2 = H2::connect(addr).await.unwrap();
    let asking = tokio::spawn(async move {
        let mut asking = JoinSet::new();
        let mut ticks = interval(Duration::from_millis(10));
        for n in 0.. {
            ticks.tick().await;
            if began.elapsed() > LOAD_TIME {
                break;
            }
            let h2 = h2.clone();
            asking.spawn(async move {
                let request = post(CHAT, &question(n % 10 == 0));
                let answer = match n % 3 {
                    0 => send(addr, request).await,
                    1 => send_h2(addr, request).await.unwrap(),
                    _ => h2.send(request).await.unwrap(),
                };
                if n % 10 == 0 {
                    assert_eq!(answer.status(), 200);
                    assert_eq!(sse::text(&Events::new(answer).until_done().await), "abc");
                } else {
                    let seen = Seen::read(answer).await;
                    assert!(seen.status == 200 && seen.is_complete, "{}", seen.text());
                }
            });
        }
        asking.join_all().await.len()
    });
    let mut edited = 0;
    while began.elapsed() < LOAD_TIME {
        house.write(&edits[edited % edits.len()]);
        edited += 1;
        house.binary.signal("HUP").await;
        sleep(Duration::from_millis(150)).await;
    }
    let asked = asking.await.expect("all are answered");
    assert!(asked >= 300, "{asked} requests in {LOAD_TIME:?}");
    let report = house.report().await;
    // A signal that comes while another one is served may be one with it.
    assert!(report["reloads"].as_u64() >= Some(edited as u64 / 3), "{report} of {edited}");
    assert_eq!((a.aborted(), b.aborted()), (0, 0));
}

/// The same, by the date of the file alone.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_by_a_file_that_is_saved() {
    let (a, b) = (provider(|r| answer(&r)).await, provider(|r| answer(&r)).await);
    let mut house = House::start(&yaml(&[("a", &a)], &[])).await;
    let addr = house.addr();
    let asking = tokio::spawn(async move {
        let mut ticks = interval(Duration::from_millis(10));
        let (mut asking, mut names) = (JoinSet::new(), Vec::new());
        while names.last().map(String::as_str) != Some("b") {
            ticks.tick().await;
            asking.spawn(async move {
                Seen::read(send(addr, post(CHAT, &question(false))).await).await
            });
            while let Some(seen) = asking.try_join_next() {
                let seen = seen.expect("an answer");
                assert!(seen.status == 200 && seen.is_complete, "{}", seen.text());
                names.push(seen.header("x-switchtower-provider").to_owned());
            }
        }
        asking.join_all().await.iter().all(|seen| seen.status == 200)
    });
    house.write(&yaml(&[("b", &b)], &[]));
    house.reloaded().await;
    assert!(asking.await.expect("all are answered"));
}
