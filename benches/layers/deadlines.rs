use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use switchtower_layers::{
    Exchange,
    deadlines::{DeadlinesLayer, RequestDeadlineLayer, Settings},
    request::Streamed,
};
use tower::layer::util::Stack;
use tower_http::timeout::{ResponseBodyTimeoutLayer, TimeoutLayer};
use tower_resilience_timelimiter::TimeLimiterLayer;

use crate::{
    call::{self, NoOp},
    contest::{self, Contests},
    inputs::{answer, request, stream, stream_of, target, with},
};

const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) fn hold(contests: &mut Contests) {
    contests.hold("deadlines", |contest| {
        let ask = with(request(Bytes::new()), target("p"));
        // As a router or an observer has set it.
        let known = with(ask.clone(), Exchange::default());
        let answer = answer();
        contest.add("no-op", call::of(&NoOp, &answer, &ask));
        contest.add("layer", call::of(&DeadlinesLayer::default(), &answer, &known));
        contest.add("layer, no Exchange yet", call::of(&DeadlinesLayer::default(), &answer, &ask));
        let streamed = with(known.clone(), Streamed(true));
        let stream = stream_of(stream(1));
        contest.add("layer, a stream", call::of(&DeadlinesLayer::default(), &stream, &streamed));
        let off = DeadlinesLayer::new(Settings::OFF);
        contest.add("layer, all off", call::of(&off, &answer, &known));
        contest.add("total", call::of(&RequestDeadlineLayer::new(DEADLINE), &answer, &ask));
        let timer = || drop(std::hint::black_box(tokio::time::sleep(DEADLINE)));
        contest.add("a timer, not started", contest::work(timer));
        contest.add("tower", call::of(&tower::timeout::TimeoutLayer::new(DEADLINE), &answer, &ask));
        let head = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, DEADLINE);
        contest.add("tower-http, head", call::of(&head, &answer, &ask));
        let idle = Stack::new(head, ResponseBodyTimeoutLayer::new(DEADLINE));
        contest.add("tower-http, head and idle", call::of(&idle, &answer, &ask));
        let peer = TimeLimiterLayer::builder().timeout_duration(DEADLINE).build();
        contest.add("tower-resilience", call::of(&peer, &answer, &ask));
    });
}
