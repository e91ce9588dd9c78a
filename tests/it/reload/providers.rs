//! Providers that come, go and change.

use std::time::Duration;

use tokio::time::sleep;

use crate::reload::house::{House, question, yaml};
use crate::support::{
    CHAT, Events, Gate, H2, Reply, always, eventually, post, provider, send, sse,
};

#[tokio::test]
async fn a_changed_key_is_the_one_of_the_next_request() {
    let a = always(Reply::chat("A")).await;
    let text = yaml(&[("a", &a)], &[]);
    let mut house = House::start(&text).await;
    house.answers().await;
    house.reload(&text.replace("sk-a", "sk-new")).await;
    house.answers().await;
    let keys: Vec<_> =
        a.received().iter().map(|r| r.header("authorization").map(str::to_owned)).collect();
    assert_eq!(keys, [Some("Bearer sk-a".to_owned()), Some("Bearer sk-new".to_owned())]);
    assert_eq!(a.accepted(), 2, "the connections of one key are not those of another");
    assert!(!house.binary.log().contains("sk-"), "{}", house.binary.log());
}

#[tokio::test]
async fn a_connection_that_is_there_already_finds_the_new_ones() {
    let (a, b) = (always(Reply::chat("A")).await, always(Reply::chat("B")).await);
    let mut house = House::start(&yaml(&[("a", &a)], &[])).await;
    let h2 = H2::connect(house.addr()).await.unwrap();
    for (text, name) in [
        (yaml(&[("a", &a), ("b", &b)], &[]), "a"),
        (yaml(&[("b", &b), ("a", &a)], &[]), "b"),
        (yaml(&[("a", &a)], &[]), "a"),
    ] {
        house.reload(&text).await;
        let answer = h2.send(post(CHAT, &question(false))).await.unwrap();
        assert_eq!(answer.headers()["x-switchtower-provider"], name);
    }
}

#[tokio::test]
async fn a_stream_on_a_provider_that_is_gone_finishes() {
    let gate = Gate::new();
    let held = gate.clone();
    let a = provider(move |_| {
        Reply::events().role().delta("a").gate(&held).delta("b").finish("stop").done()
    });
    let (a, b) = (a.await, always(Reply::chat("B")).await);
    let mut house = House::start(&yaml(&[("a", &a)], &[])).await;
    let mut events = Events::new(send(house.addr(), post(CHAT, &question(true))).await);
    events.next().await;
    assert_eq!(sse::text(&[events.next().await.json()]), "a");
    house.reload(&yaml(&[("b", &b)], &[])).await;
    assert_eq!(house.answers().await, "b");
    sleep(Duration::from_millis(100)).await;
    gate.open();
    assert_eq!(sse::text(&events.until_done().await), "b");
    // It is not used again.
    eventually(|| a.connections() == 0).await;
    assert_eq!(a.aborted(), 0);
}
