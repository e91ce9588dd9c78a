use futures_util::FutureExt;
use serde_json::Value;
use static_assertions::assert_impl_all;
use std::future::poll_fn;
use switchtower_layers::{
    Code, Dialect, Target,
    classify::ResponseClass,
    exchange::{Cause, Failure, Outcome},
};
use tokio::time::{Duration, advance};

use super::*;

assert_impl_all!(RequestFeed: Send, Sync, Clone);
assert_impl_all!(Listener: Send);

/// What is there to hear now: an event, the end, or nothing.
fn hear(listener: &mut Listener) -> Option<Option<Value>> {
    let told = poll_fn(|cx| listener.poll_next(cx)).now_or_never()?;
    Some(told.map(|text| {
        let text = std::str::from_utf8(&text).unwrap();
        let json = text.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
        assert!(!json.contains('\n'), "{json}");
        serde_json::from_str(json).unwrap()
    }))
}

fn left_out(event: Option<Option<Value>>, kind: &str) -> u64 {
    let event = event.flatten().expect("an event");
    assert_eq!(event["type"], kind);
    event["left_out"].as_u64().unwrap()
}

fn request(left_out: u64) -> Request {
    Request { path: "a\nb".into(), outcome: "success", left_out, ..Request::default() }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_counted() {
    let live = RequestFeed::new();
    live.tell(|_| panic!("nobody listens"));
    let mut listener = live.listen().unwrap();
    assert_eq!(left_out(hear(&mut listener), "connected"), 0);
    assert_eq!(hear(&mut listener), None);
    (0..15).for_each(|_| live.tell(request));
    for _ in 0..10 {
        assert_eq!(left_out(hear(&mut listener), "request"), 0);
    }
    assert_eq!(hear(&mut listener), None);
    assert_eq!(left_out(hear(&mut live.listen().unwrap()), "connected"), 5);
    advance(Duration::from_secs(1)).await;
    live.tell(request);
    assert_eq!(left_out(hear(&mut listener), "request"), 5);
    advance(Duration::from_secs(15)).await;
    assert_eq!(left_out(hear(&mut listener), "heartbeat"), 5);
    drop(listener);
    live.tell(|_| panic!("nobody listens any more"));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_keep_up_is_dropped_and_the_others_are_not() {
    let live = RequestFeed::new();
    let (mut slow, mut quick) = (live.listen().unwrap(), live.listen().unwrap());
    hear(&mut quick);
    for _ in 0..=LISTENER_CAPACITY {
        advance(Duration::from_millis(200)).await;
        live.tell(request);
        while hear(&mut quick).is_some_and(|event| event.unwrap()["type"] != "request") {}
    }
    hear(&mut slow);
    let heard = std::iter::from_fn(|| hear(&mut slow)).take_while(Option::is_some).count();
    assert_eq!(heard, LISTENER_CAPACITY);
    assert_eq!(hear(&mut slow), Some(None));
    advance(Duration::from_millis(200)).await;
    live.tell(request);
    assert_eq!(left_out(hear(&mut quick), "request"), 0);
}

#[tokio::test(start_paused = true)]
async fn there_are_so_many_places_and_they_are_given_back() {
    let live = RequestFeed::new();
    let mut listeners: Vec<_> = std::iter::from_fn(|| live.listen()).take(1000).collect();
    assert_eq!(listeners.len(), MAX_LISTENERS);
    listeners.pop();
    assert!(live.listen().is_some());
}

#[tokio::test(start_paused = true)]
async fn all_streams_end_with_the_gateway() {
    let live = RequestFeed::new();
    let mut before = live.listen().unwrap();
    hear(&mut before);
    live.tell(request);
    live.close();
    assert_eq!(left_out(hear(&mut before), "request"), 0, "what waits is still heard");
    assert_eq!(hear(&mut before), Some(None));
    let mut after = live.listen().unwrap();
    assert_eq!(left_out(hear(&mut after), "connected"), 0);
    assert_eq!(hear(&mut after), Some(None));
}

fn target(provider: &str) -> Target {
    Target { provider: provider.into(), model: "m".into(), dialect: Dialect::Chat }
}

/// The failed targets of a request, with causes and next targets, and its last target.
fn path(failures: &[(&str, Cause, Option<&str>)], last: Option<(&str, Outcome)>) -> Vec<String> {
    let failure = |(provider, cause, next): &(&str, Cause, Option<&str>)| {
        let mut failure = Failure::new(target(provider), *cause);
        failure.next = next.map(target);
        failure
    };
    let failures: Vec<_> = failures.iter().map(failure).collect();
    let last = last.map(|(provider, outcome)| (target(provider), outcome));
    let last = last.as_ref().map(|(target, outcome)| (target, *outcome));
    let line = |a: &Attempt| format!("{} {} {:?}", a.provider, a.outcome, a.cause.as_deref());
    Attempt::all(&failures, last).iter().map(line).collect()
}

#[test]
fn a_request_has_the_targets_it_came_to() {
    let limited = Cause::Attempt(ResponseClass::RateLimited(None));
    let down = Cause::Attempt(ResponseClass::Unavailable);
    let open = Cause::Rejected { layer: "circuit_breaker", code: Code::NoProvider };
    let by_breaker = r#"a rejected Some("rejected by circuit_breaker (NO_PROVIDER)")"#;
    let b_is_down = r#"b fault Some("unavailable")"#;
    for (failures, last, expected) in [
        (&[][..], None, &[][..]),
        (&[], Some(("a", Outcome::Success)), &["a success None"]),
        (
            &[("a", limited, Some("b"))],
            Some(("b", Outcome::Cancelled)),
            &[r#"a neutral Some("rate_limited")"#, "b cancelled None"],
        ),
        // No target was left, and the last one has no answer of its own.
        (
            &[("a", open, Some("b")), ("b", down, None)],
            Some(("b", Outcome::Fault)),
            &[by_breaker, b_is_down],
        ),
        // The next one was not asked any more.
        (&[("b", down, Some("c"))], Some(("b", Outcome::Fault)), &[b_is_down]),
        // The same one was asked again.
        (&[("b", down, Some("b"))], Some(("b", Outcome::Success)), &[b_is_down, "b success None"]),
        (&[("a", Cause::HeldOff, Some("b"))], None, &[r#"a rejected Some("held_off")"#]),
    ] {
        assert_eq!(path(failures, last), expected);
    }
}

#[test]
fn long_names_are_cut_between_characters() {
    assert_eq!(short("gpt"), "gpt");
    let cut = short(&"é".repeat(201));
    assert_eq!((cut.chars().count(), cut.ends_with("é…")), (201, true));
    assert_eq!(short(&"é".repeat(200)), "é".repeat(200));
}
