//! Failover and commit, against scripted targets and on paused time.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, sleep_until};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::{
    BoxError, Buffered, Code, Exchange, Rejection, Target,
    classify::{Deadline, DeadlineError, RequestDeadline, RetriesLeft, RetryAllowance},
    observe::ObserveLayer,
};

const SECOND: Duration = Duration::from_secs(1);

pub(super) type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

pub(super) const DELTA: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
pub(super) const ROLE: &str =
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
pub(super) const FINISH: &str =
    "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
pub(super) const ERROR: &str = "data: {\"error\":{\"code\":\"overloaded\"}}\n\n";
pub(super) const WHOLE: &str =
    r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#;

/// One step of a body.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Data(&'static str),
    Pause(u64),
    Cut,
    Late(Deadline),
}
pub(super) use Step::*;

pub(super) fn answer(status: u16, content_type: &str, steps: &[Step]) -> Answer {
    let frames = stream::iter(steps.to_vec()).filter_map(async |step| match step {
        Data(data) => Some(Ok::<_, BoxError>(Frame::data(Bytes::from(data)))),
        Pause(seconds) => {
            sleep(Duration::from_secs(seconds)).await;
            None
        }
        Cut => Some(Err("cut".into())),
        Late(which) => Some(Err(DeadlineError { which, limit: None }.into())),
    });
    let response = Response::builder().status(status).header("content-type", content_type);
    response.body(BodyExt::boxed_unsync(StreamBody::new(Box::pin(frames)))).unwrap()
}

pub(super) fn events(steps: &[Step]) -> Answer {
    answer(200, "text/event-stream", steps)
}

pub(super) fn json(status: u16, text: &'static str) -> Answer {
    answer(status, "application/json", &[Data(text)])
}

pub(super) fn limited(seconds: u32) -> Answer {
    let mut answer = json(429, r#"{"error":{"code":"rate_limit_exceeded"}}"#);
    answer.headers_mut().insert("retry-after", seconds.into());
    answer
}

/// What the client saw.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: http::HeaderMap,
    pub(super) body: String,
    /// The body ended in an error.
    pub(super) cut: bool,
    /// The targets that were called, in order.
    pub(super) asked: Vec<String>,
    pub(super) after: Duration,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) fn table() -> RoutingTable {
    let (a, b) = (Provider::new("a"), Provider::new("b").commit(Commit::Complete));
    RoutingTable::builder().provider(a).provider(b).build().unwrap()
}

pub(super) fn request(model: &str, stream: bool) -> Request<Buffered> {
    let body = format!(r#"{{"model":"{model}","stream":{stream}}}"#);
    Request::post("/v1/chat/completions").body(body.into()).unwrap()
}

pub(super) async fn send(
    layer: &RouteLayer,
    request: Request<Buffered>,
    script: impl Fn(&str, usize) -> Answer + Clone + Send + 'static,
) -> Seen {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let targets = service_fn(move |request: Request<Buffered>| {
        let target = request.extensions().get::<Target>().unwrap().clone();
        let mut log = log.lock();
        log.push(target.to_string());
        let answer = script(&target.provider, log.len());
        async { Ok::<_, Infallible>(answer) }
    });
    let start = Instant::now();
    let service = layer.layer(ObserveLayer::new().layer(targets));
    let response = service.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let mut body = std::pin::pin!(body);
    let (mut text, mut cut) = (String::new(), false);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap()),
            Err(_) => cut = true,
        }
    }
    assert!(body.is_end_stream());
    let asked = asked.lock().clone();
    let (status, headers) = (head.status.as_u16(), head.headers);
    Seen { status, headers, body: text, cut, asked, after: start.elapsed() }
}

/// The first target answers as given, the second one well.
async fn first(commit: Commit, first: impl Fn() -> Answer + Clone + Send + 'static) -> Seen {
    let layer = RouteLayer::new(table()).commit(commit);
    send(&layer, request("m", true), move |provider, _| match provider {
        "a" => first(),
        _ => events(&[Data(DELTA), Data(FINISH)]),
    })
    .await
}

fn good() -> String {
    [DELTA, FINISH].concat()
}

#[tokio::test(start_paused = true)]
async fn what_breaks_before_content_fails_over() {
    let broken: [&[Step]; 7] = [
        &[Cut],
        &[],
        &[Data(ERROR)],
        &[Data(ROLE), Data(ERROR)],
        &[Data(ROLE), Cut],
        &[Data("data: nonsense\n\n")],
        &[Late(Deadline::FirstToken)],
    ];
    for steps in broken {
        for commit in [Commit::FirstToken, Commit::Complete] {
            let seen = first(commit, move || events(steps)).await;
            assert_eq!((seen.status, &seen.body), (200, &good()));
            assert_eq!(seen.asked, ["a/m", "b/m"]);
            assert_eq!(seen.header("x-switchtower-provider"), "b");
            assert_eq!(seen.header("x-switchtower-attempts"), "2");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_commit_a_break_is_a_typed_error_and_no_clean_end() {
    let broken: [&[Step]; 4] = [
        &[Data(DELTA), Cut],
        &[Data(DELTA)],
        &[Data(DELTA), Data(ERROR), Data(FINISH)],
        &[Data(DELTA), Data("data: {\"choi"), Late(Deadline::Idle)],
    ];
    for steps in broken {
        for commit in [Commit::FirstToken, Commit::Headers] {
            let seen = first(commit, move || events(steps)).await;
            let event = seen.body.strip_prefix(DELTA).unwrap();
            assert!(event.starts_with("data: {\"error\":{\"code\":\"PROVIDER_ERROR\""), "{event}");
            assert!(event.contains("\"a: ") && event.ends_with("\n\n"), "{event}");
            assert!(!event.contains("[DONE]"));
            assert_eq!(seen.asked.len(), 1);
        }
        let seen = first(Commit::Complete, move || events(steps)).await;
        assert_eq!(seen.body, good(), "nothing had left");
    }
}

#[tokio::test(start_paused = true)]
async fn what_breaks_behind_the_finish_reason_is_whole() {
    for commit in [Commit::FirstToken, Commit::Headers, Commit::Complete] {
        for end in [Cut, Late(Deadline::Idle)] {
            let seen = first(commit, move || events(&[Data(DELTA), Data(FINISH), end])).await;
            assert_eq!((seen.body, seen.cut, seen.asked.len()), (good(), false, 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_target_is_asked_again_when_it_broke_off_but_not_when_it_was_silent() {
    let layer = RouteLayer::new(table()).commit(Commit::Complete);
    let broken: [(&[Step], bool); 6] = [
        (&[Data(DELTA), Cut], true),
        (&[Data(DELTA)], true),
        (&[Data(DELTA), Data(ERROR)], true),
        (&[Data(DELTA), Late(Deadline::Idle)], true),
        (&[Late(Deadline::Idle)], false),
        (&[Data(ROLE), Late(Deadline::FirstToken)], false),
    ];
    for (steps, again) in broken {
        let script = move |_: &str, n| match n {
            1 => events(steps),
            _ => events(&[Data(DELTA), Data(FINISH)]),
        };
        let seen = send(&layer, request("a/m", true), script).await;
        assert_eq!(seen.status, if again { 200 } else { 502 });
        assert_eq!(seen.asked.len(), if again { 2 } else { 1 });
    }
    let never = send(&layer, request("a/m", true), |_, _| events(&[Data(DELTA), Cut])).await;
    assert_eq!((never.status, never.asked.len()), (502, 2), "once, by default");
    assert!(
        never.body.contains("PROVIDER_ERROR") && never.body.contains("a: the connection broke")
    );
}

#[tokio::test(start_paused = true)]
async fn a_plain_answer_is_held_whole_and_checked() {
    let layer = RouteLayer::new(table());
    for broken in ["<html>", "", "{\"choices\":", "{\"error\":{\"message\":\"no\"}}", "{}"] {
        let script = move |provider: &str, _| match provider {
            "a" => json(200, broken),
            _ => json(200, WHOLE),
        };
        let seen = send(&layer, request("m", false), script).await;
        assert_eq!((seen.body.as_str(), seen.asked.len()), (WHOLE, 2), "{broken}");
        let alone = send(&layer, request("a/m", false), script).await;
        assert_eq!((alone.status, alone.asked.len()), (502, 1), "a wrong shape will be so again");
    }
    let script = |_: &str, n| match n {
        1 => answer(200, "application/json", &[Data("{\"choices\""), Cut]),
        _ => json(200, WHOLE),
    };
    let seen = send(&layer, request("a/m", false), script).await;
    assert_eq!((seen.body.as_str(), seen.asked.len()), (WHOLE, 2));
}

#[tokio::test(start_paused = true)]
async fn headers_passes_at_once_and_cuts_what_is_not_a_stream() {
    let layer = RouteLayer::new(table()).commit(Commit::Headers);
    let script = |_: &str, _| answer(200, "application/json", &[Data("{\"choices\""), Cut]);
    let seen = send(&layer, request("m", false), script).await;
    assert_eq!((seen.status, seen.cut, seen.asked.len()), (200, true, 1));
}

#[tokio::test(start_paused = true)]
async fn the_request_and_the_provider_may_have_a_policy_of_their_own() {
    let broken = |_: &str, n| match n {
        1 => events(&[Data(DELTA), Cut]),
        _ => events(&[Data(DELTA), Data(FINISH)]),
    };
    let layer = RouteLayer::new(table());
    assert_eq!(send(&layer, request("b/m", true), broken).await.asked.len(), 2, "b is `complete`");
    let with = |policy: &'static str| {
        let mut request = request("a/m", true);
        request.headers_mut().insert("x-switchtower-commit", policy.parse().unwrap());
        request
    };
    assert_eq!(send(&layer, with("complete"), broken).await.asked.len(), 2);
    assert_eq!(send(&layer, with("first_token"), broken).await.asked.len(), 1);
    let wrong = send(&layer, with("never"), broken).await;
    assert_eq!((wrong.status, wrong.asked.len()), (400, 0));
}

#[tokio::test(start_paused = true)]
async fn other_paths_pass_at_once() {
    let layer = RouteLayer::new(table()).commit(Commit::Complete);
    let mut request = request("m", false);
    *request.uri_mut() = "/v1/audio/speech".parse().unwrap();
    let seen = send(&layer, request, |_, _| answer(200, "audio/mpeg", &[Data("x"), Cut])).await;
    assert_eq!((seen.body.as_str(), seen.cut, seen.asked.len()), ("x", true, 1));
}

#[tokio::test(start_paused = true)]
async fn an_error_passes_as_it_came_or_fails_over() {
    let layer = RouteLayer::new(table());
    for (status, body, attempts) in [
        (400, r#"{"error":{"message":"bad"}}"#, 1),
        (422, "odd", 1),
        (400, r#"{"error":{"code":"context_length_exceeded"}}"#, 2),
        (401, "", 2),
        (404, r#"{"error":{"code":"model_not_found"}}"#, 2),
    ] {
        let seen = send(&layer, request("m", true), move |_, _| json(status, body)).await;
        assert_eq!((seen.status, seen.body.as_str()), (status, body));
        assert_eq!(seen.asked.len(), attempts, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn exhaustion() {
    let layer = || RouteLayer::new(table());
    let by = |a: fn() -> Answer, b: fn() -> Answer| {
        move |provider: &str, _| if provider == "a" { a() } else { b() }
    };
    let unavailable: fn() -> Answer = || json(503, r#"{"error":{"code":"overloaded"}}"#);

    let seen = send(&layer(), request("m", true), by(|| limited(9), || limited(4))).await;
    assert_eq!((seen.status, seen.header("retry-after")), (429, "4"));
    assert!(seen.body.contains("rate_limit_exceeded"));
    let seen = send(&layer(), request("m", true), by(|| limited(4), || limited(9))).await;
    assert_eq!((seen.status, seen.header("retry-after")), (429, "4"), "the smallest one");

    let seen = send(&layer(), request("m", true), by(unavailable, || limited(9))).await;
    assert_eq!(seen.status, 502);
    assert!(seen.body.contains("a: 503 overloaded; b: 429 rate_limit_exceeded"), "{}", seen.body);

    let seen = send(&layer(), request("m", true), by(unavailable, || json(404, "gone"))).await;
    assert_eq!((seen.status, seen.body.as_str()), (404, "gone"));
    let seen = send(&layer(), request("m", true), by(|| json(404, "gone"), unavailable)).await;
    assert_eq!(seen.status, 502);
}

#[tokio::test(start_paused = true)]
async fn a_target_is_left_alone_until_its_wait_is_over() {
    let layer = RouteLayer::new(table());
    let script = |provider: &str, _| match provider {
        "a" => limited(30),
        _ => json(200, WHOLE),
    };
    let asked = async || send(&layer, request("m", false), script).await.asked;
    assert_eq!(asked().await, ["a/m", "b/m"]);
    assert_eq!(asked().await, ["b/m"]);
    let alone = send(&layer, request("a/m", false), script).await;
    assert_eq!((alone.status, alone.header("retry-after"), alone.asked.len()), (429, "30", 0));
    assert_eq!(alone.header("x-switchtower-attempts"), "0");
    assert!(alone.body.contains("a/m: rate limited, left alone for 30 s"), "{}", alone.body);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(asked().await, ["a/m", "b/m"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_which_nothing_can_be_used_says_why() {
    const BUSY: &str = r#"{"error":{"code":"busy"}}"#;
    fn open() -> Answer {
        let rejection = Rejection::new(Code::NoProvider, "circuit open").retry_after(SECOND * 3);
        rejection.into_response::<Full<Bytes>>().map(|body| body.map_err(Into::into).boxed_unsync())
    }
    let limited = || limited(30);
    for (a, b, status, code, wait) in [
        (limited as fn() -> Answer, limited as fn() -> Answer, 429, "RATE_LIMITED", "30"),
        (|| json(402, BUSY), || json(402, BUSY), 429, "QUOTA_EXHAUSTED", "60"),
        (limited, || json(402, BUSY), 429, "RATE_LIMITED", "30"),
        (limited, open, 503, "NO_PROVIDER", "3"),
        (open, open, 503, "NO_PROVIDER", "3"),
    ] {
        let layer = RouteLayer::new(table());
        let script = move |provider: &str, _| if provider == "a" { a() } else { b() };
        send(&layer, request("m", false), script).await;
        let seen = send(&layer, request("m", false), script).await;
        assert_eq!((seen.status, seen.header("retry-after")), (status, wait), "{}", seen.body);
        assert!(seen.body.contains(code), "{}", seen.body);
        assert_eq!(seen.header("x-switchtower-attempts"), "0");
        let kind = if status == 429 && code != "RATE_LIMITED" { "insufficient_quota" } else { "" };
        assert!(seen.body.contains(kind), "{}", seen.body);
    }
}

/// A stand-in for the retry layer: it records what it may do, and keeps two retries.
#[tokio::test(start_paused = true)]
async fn the_last_target_that_can_be_used_gets_its_retries() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let allowed = log.clone();
    let targets = service_fn(move |request: Request<Buffered>| {
        let target = request.extensions().get::<Target>().unwrap();
        let allowance = request.extensions().get::<Exchange>().unwrap().retry_allowance();
        allowed.lock().push((target.to_string(), allowance));
        std::future::ready(Ok::<_, Infallible>(match &*target.provider {
            "a" => {
                let mut answer = json(503, "{}");
                answer.extensions_mut().insert(RetriesLeft(2));
                answer
            }
            _ => {
                let rejection = Rejection::new(Code::NoProvider, "circuit open");
                let answer = rejection.into_response::<Full<Bytes>>();
                answer.map(|body| body.map_err(Into::into).boxed_unsync())
            }
        }))
    });
    let service = RouteLayer::new(table()).layer(targets);
    let response = service.oneshot(request("m", false)).await.unwrap();
    assert_eq!(response.status(), 502);
    let seen = std::mem::take(&mut *log.lock());
    assert_eq!(
        seen,
        [
            ("a/m".to_owned(), RetryAllowance::BeforeFailover),
            ("b/m".to_owned(), RetryAllowance::All),
            ("a/m".to_owned(), RetryAllowance::AtMost(1)),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_said_reaches_the_client() {
    let layer = RouteLayer::new(table());
    for (status, body, says) in [
        (
            500,
            r#"{"error":{"code":"boom","message":"out of memory"}}"#,
            "a: 500 boom: out of memory",
        ),
        (503, r#"{"error":{"message":"loading model"}}"#, "a: 503 loading model"),
        (503, "", "a: 503"),
        (503, r#"{"detail":"no GPU left"}"#, "a: 503 no GPU left"),
        (200, "<html>maintenance</html>", "a: the answer is HTML, not JSON"),
    ] {
        let seen = send(&layer, request("a/m", false), move |_, _| json(status, body)).await;
        assert_eq!(seen.status, 502);
        assert!(seen.body.contains(&format!("{says}\"")), "{}", seen.body);
    }
    let script = |_: &str, _| {
        let body = r#"{"error":{"message":"Incorrect key: sk-abc***xyz, see the docs."}}"#;
        answer(401, "application/json", &[Pause(20), Data(body)])
    };
    let seen = send(&layer, request("a/m", true), script).await;
    assert!(seen.body.contains("a: 401 Incorrect key: *** see the docs."), "{}", seen.body);
}

#[tokio::test(start_paused = true)]
async fn a_provider_without_quota_is_left_alone_with_all_its_models() {
    let layer = RouteLayer::new(table());
    let script = |provider: &str, _| match provider {
        "a" => json(402, "pay"),
        _ => json(200, WHOLE),
    };
    assert_eq!(send(&layer, request("m", false), script).await.asked, ["a/m", "b/m"]);
    assert_eq!(send(&layer, request("n", false), script).await.asked, ["b/n"]);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(send(&layer, request("n", false), script).await.asked, ["a/n", "b/n"]);
}

#[tokio::test(start_paused = true)]
async fn the_total_deadline_ends_the_attempts() {
    let layer = RouteLayer::new(table());
    let mut late = request("m", true);
    late.extensions_mut().insert(RequestDeadline(Instant::now() + Duration::from_secs(5)));
    let script = |_: &str, _| events(&[Pause(5), Late(Deadline::RequestDeadline)]);
    let seen = send(&layer, late, script).await;
    assert_eq!((seen.status, seen.asked.len()), (504, 1));
    assert!(seen.body.contains("DEADLINE_EXCEEDED") && seen.body.contains("a: total deadline"));
}

#[tokio::test(start_paused = true)]
async fn a_long_hold_lets_the_head_go_with_comments_and_failover_goes_on() {
    let alive = ": keep-alive\n";
    let seen = first(Commit::FirstToken, || events(&[Pause(40), Data(ERROR)])).await;
    assert_eq!((seen.status, seen.asked.len()), (200, 2));
    assert_eq!(seen.body, format!("{alive}{alive}{}", good()), "after 15 s and after 30 s");
    assert_eq!(seen.header("content-type"), "text/event-stream");
    assert_eq!(seen.header("x-switchtower-provider"), "", "nobody has answered yet");
    assert_eq!(seen.after, Duration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn behind_an_early_head_failure_is_an_error_event() {
    let layer = RouteLayer::new(table());
    type Scripted = fn() -> Answer;
    let ends: [(Scripted, &str); 4] = [
        (|| events(&[Pause(20), Cut]), "PROVIDER_ERROR"),
        (|| answer(400, "application/json", &[Pause(20), Data("{}")]), "INVALID_REQUEST"),
        (|| answer(429, "application/json", &[Pause(20), Data("{}")]), "RATE_LIMITED"),
        (|| answer(200, "application/json", &[Pause(20), Data(WHOLE)]), "PROVIDER_ERROR"),
    ];
    for (end, code) in ends {
        let seen = send(&layer, request("m", true), move |_, _| end()).await;
        assert_eq!(seen.status, 200);
        let last = seen.body.trim_start_matches(": keep-alive\n");
        assert!(last.starts_with(&format!("data: {{\"error\":{{\"code\":\"{code}\"")), "{last}");
        assert!(!seen.body.contains("[DONE]") && !seen.cut);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_answer_waits_without_comments() {
    let layer = RouteLayer::new(table());
    let script = |_: &str, _| answer(200, "application/json", &[Pause(100), Data(WHOLE)]);
    let seen = send(&layer, request("m", false), script).await;
    assert_eq!((seen.body.as_str(), seen.header("x-switchtower-provider")), (WHOLE, "a"));
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_capped() {
    let layer = RouteLayer::new(table()).commit(Commit::Complete).buffer_limit(10);
    let seen = send(&layer, request("a/m", true), |_, _| events(&[Data(DELTA), Cut])).await;
    assert_eq!((seen.status, seen.asked.len()), (200, 1), "it was committed");
    assert!(seen.body.starts_with(DELTA) && seen.body.contains("PROVIDER_ERROR"));
}

#[tokio::test(start_paused = true)]
async fn a_ready_answer_wins_against_the_hold() {
    let layer = RouteLayer::new(table()).max_head_delay(Duration::from_secs(5));
    let at = Instant::now() + Duration::from_secs(5);
    let targets = service_fn(move |_: Request<Buffered>| async move {
        sleep_until(at).await;
        Ok::<_, Infallible>(events(&[Data(DELTA), Data(FINISH)]))
    });
    let service = layer.layer(ObserveLayer::new().layer(targets));
    let response = service.oneshot(request("m", true)).await.unwrap();
    assert_eq!(response.headers()["x-switchtower-provider"], "a");
}

#[tokio::test(start_paused = true)]
async fn without_an_observer_any_event_is_content_and_the_head_tells_the_rest() {
    let targets = service_fn(async |request: Request<Buffered>| {
        Ok::<_, Infallible>(match &*request.extensions().get::<Target>().unwrap().provider {
            "a" => json(503, "busy"),
            _ => events(&[Data(ROLE), Data(FINISH)]),
        })
    });
    let service = RouteLayer::new(table()).commit(Commit::FirstToken).layer(targets);
    let response = service.oneshot(request("m", true)).await.unwrap();
    assert_eq!(response.headers()["x-switchtower-attempts"], "2");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, [ROLE, FINISH].concat());
}
