//! `GET /metrics`, over a real socket.

use crate::support::*;

async fn scrape(gateway: &Gateway) -> Scrape {
    Scrape::parse(&text(gateway).await)
}

async fn text(gateway: &Gateway) -> String {
    let response = send(gateway.addr, get("/metrics")).await;
    assert_eq!(response.status(), 200);
    let content_type = &response.headers()["content-type"];
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    String::from_utf8(client::body(response).await.to_vec()).expect("text")
}

/// Providers by name, in order; all of them know the model `m`.
fn yaml(providers: &[(&str, &Provider)], settings: &str) -> String {
    let mut text = format!("models:\n  {settings}\n  providers:\n");
    for (name, provider) in providers {
        let base_url = provider.base_url();
        text += &format!("    {name}: {{base_url: '{base_url}', api_key: k, models: [m]}}\n");
    }
    text
}

const AT_A: &str = r#"gen_ai_provider_name="a""#;
const AT_B: &str = r#"gen_ai_provider_name="b""#;

#[tokio::test]
async fn a_failover_is_one_request_two_attempts_and_a_cause() {
    let a = always(Reply::error(429, "rate_limit_exceeded")).await;
    let stream = Reply::events()
        .delta("a")
        .pause(WRITE_INTERVAL)
        .delta("b")
        .finish("stop")
        .usage(7, 2)
        .done();
    let b = always(stream).await;
    let gateway = Gateway::start(&yaml(&[("a", &a), ("b", &b)], "commit: first_token")).await;
    let response = send(gateway.addr, post(CHAT, &ask_stream())).await;
    assert_eq!(response.status(), 200);
    client::body(response).await;

    let scrape = scrape(&gateway).await;
    let requests = |labels: &[&str]| scrape.sum("switchtower_requests_total", labels);
    assert_eq!(requests(&[r#"route="chat""#]), 1.);
    assert_eq!(requests(&[r#"route="chat""#, r#"status="2xx""#, r#"outcome="success""#]), 1.);
    let attempts = |labels: &[&str]| scrape.sum("switchtower_attempts_total", labels);
    assert_eq!(attempts(&[]), 2.);
    assert_eq!(attempts(&[AT_A, r#"outcome="neutral""#]), 1.);
    assert_eq!(attempts(&[AT_B, r#"outcome="success""#]), 1.);
    let failovers = |labels: &[&str]| scrape.sum("switchtower_failovers_total", labels);
    assert_eq!(failovers(&[]), 1.);
    assert_eq!(failovers(&[AT_A, r#"cause="rate_limited""#]), 1.);
    assert_eq!(scrape.sum("switchtower_retries_total", &[]), 0.);

    let model = r#"gen_ai_request_model="m""#;
    let at_b = [r#"gen_ai_operation_name="chat""#, AT_B, model];
    for (family, count) in [
        ("gen_ai_client_operation_duration_seconds_count", 1.),
        ("gen_ai_client_operation_time_to_first_chunk_seconds_count", 1.),
        ("gen_ai_client_token_usage_count", 2.),
        ("gen_ai_client_token_usage_sum", 9.),
        ("switchtower_upstream_connects_total", 1.),
    ] {
        let labels = if family.starts_with("gen_ai") { &at_b[..] } else { &[AT_B] };
        assert_eq!(scrape.sum(family, labels), count, "{family}");
    }
    let pauses = "gen_ai_client_operation_time_per_output_chunk_seconds";
    assert!(scrape.sum(&format!("{pauses}_count"), &at_b) >= 1.);
    assert!(scrape.sum(&format!("{pauses}_sum"), &at_b) > 0.);
    assert_eq!(scrape.sum("switchtower_request_time_to_first_token_seconds_count", &[]), 1.);
    // The scrape itself.
    assert_eq!(scrape.sum("switchtower_requests_in_flight", &[]), 1.);
    assert_eq!(scrape.sum("switchtower_streams_in_flight", &[]), 0.);
}

/// So that the two pieces do not come as one.
const WRITE_INTERVAL: std::time::Duration = std::time::Duration::from_millis(30);

#[tokio::test]
async fn rejections_are_counted_by_layer_wherever_they_stop() {
    let a = always(Reply::error(503, "busy")).await;
    let b = provider(|request| match request.nth {
        0 => Reply::error(500, "again"),
        _ => Reply::chat("a"),
    });
    let b = b.await;
    let settings = "retry: {max_retries: 1, base_delay_ms: 1, retryable_statuses: [500]}\n  \
                    circuit_breaker: {failure_threshold: 2}\n  \
                    rate_limit: {'/v1/embeddings': {rpm: 1}}";
    let gateway = Gateway::start(&yaml(&[("a", &a), ("b", &b)], settings)).await;
    for user in ["one", "two", "three"] {
        // The faults of a request that is sent again count once.
        let mut body = ask();
        body["user"] = user.into();
        client::body(send(gateway.addr, post(CHAT, &body)).await).await;
    }
    for _ in 0..2 {
        client::body(send(gateway.addr, post(EMBEDDINGS, &ask())).await).await;
    }
    client::body(send(gateway.addr, get("/v1/../x")).await).await;
    client::body(send(gateway.addr, get("/nowhere")).await).await;

    let scrape = scrape(&gateway).await;
    let rejections = |layer: &str, code: &str| {
        let labels = [format!("layer={layer:?}"), format!("code={code:?}")];
        scrape.sum("switchtower_rejections_total", &[&labels[0], &labels[1]])
    };
    assert_eq!(rejections("circuit_breaker", "NO_PROVIDER"), 2., "a chat and an embedding");
    assert_eq!(rejections("rate_limit", "RATE_LIMITED"), 1.);
    assert_eq!(rejections("guard", "INVALID_REQUEST"), 1.);
    assert_eq!(rejections("api", "NOT_FOUND"), 1.);
    assert_eq!(scrape.sum("switchtower_requests_total", &[r#"outcome="rejected""#]), 3.);
    assert_eq!(scrape.sum("switchtower_retries_total", &[AT_B]), 1.);
    let failovers = |cause: &str| {
        scrape.sum("switchtower_failovers_total", &[AT_A, &format!("cause={cause:?}")])
    };
    assert_eq!((failovers("unavailable"), failovers("rejected")), (2., 2.));
    let circuits =
        |at, state: &str| scrape.sum("switchtower_circuits", &[at, &format!("state={state:?}")]);
    assert_eq!([circuits(AT_A, "open"), circuits(AT_A, "closed")], [1., 0.]);
    assert_eq!([circuits(AT_B, "open"), circuits(AT_B, "closed")], [0., 1.]);
    assert_eq!(scrape.sum("switchtower_keys", &[r#"kind="circuit_breaker""#]), 2.);
    assert_eq!(scrape.sum("switchtower_keys", &[r#"kind="rate_limit""#]), 1.);
}

#[tokio::test]
async fn what_is_under_way_is_seen_and_what_is_given_up_is_cancelled() {
    let provider = always(Reply::events().delta("a").stall()).await;
    let gateway = Gateway::start(&yaml(&[("a", &provider)], "commit: headers")).await;
    let mut events = Events::new(send(gateway.addr, post(CHAT, &ask_stream())).await);
    events.next().await;
    let during = scrape(&gateway).await;
    assert_eq!(during.sum("switchtower_streams_in_flight", &[]), 1.);
    assert_eq!(during.sum("switchtower_requests_in_flight", &[]), 2.);
    assert_eq!(during.sum("switchtower_upstream_connections", &[AT_A]), 1.);
    drop(events);
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    loop {
        let after = scrape(&gateway).await;
        let cancelled = after.sum("switchtower_requests_total", &[r#"outcome="cancelled""#]);
        if cancelled == 1. && after.sum("switchtower_upstream_connections", &[AT_A]) == 0. {
            assert_eq!(after.sum("switchtower_streams_in_flight", &[]), 0.);
            assert_eq!(after.sum("switchtower_requests_in_flight", &[]), 1.);
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{after:?}");
    }
}

#[tokio::test]
async fn clients_do_not_decide_how_many_series_there_are() {
    let a = always(Reply::chat("a")).await;
    let gateway = Gateway::start(&yaml(&[("a", &a)], "commit: headers")).await;
    let ask_for = |model: &str| {
        let mut request = ask();
        request["model"] = model.into();
        post(CHAT, &request)
    };
    for model in ["m", "x0", "\"\\{}=,", "é"] {
        client::body(send(gateway.addr, ask_for(model)).await).await;
    }
    let before = scrape(&gateway).await.series.len();
    for n in 0..40 {
        client::body(send(gateway.addr, ask_for(&format!("x{n}"))).await).await;
        client::body(send(gateway.addr, get(&format!("/{n}/{n}"))).await).await;
    }
    let text = text(&gateway).await;
    let scrape = Scrape::parse(&text);
    let other = [AT_A, r#"gen_ai_request_model="other""#];
    assert_eq!(scrape.sum("switchtower_attempts_total", &other), 43.);
    // Paths that are none, and what this says of them.
    assert!(scrape.series.len() <= before + 60, "{} after {before}: {text}", scrape.series.len());
    assert!(!text.contains("x17"));
}

/// For Prometheus' own linter, by hand: `METRICS_TO=/tmp/metrics cargo test --test metrics`, and
/// then `promtool check metrics < /tmp/metrics`.
#[tokio::test]
async fn the_process_is_told() {
    let a = provider(|request| match request.nth {
        0 => Reply::error(503, "busy"),
        _ => Reply::events().delta("a").delta("b").finish("stop").usage(7, 2).done(),
    });
    let (a, b) = (a.await, always(Reply::chat("a")).await);
    let gateway = Gateway::start(&yaml(&[("a", &a), ("b", &b)], "commit: headers")).await;
    for _ in 0..2 {
        client::body(send(gateway.addr, post(CHAT, &ask_stream())).await).await;
    }
    let text = text(&gateway).await;
    let scrape = Scrape::parse(&text);
    assert_eq!(scrape.sum("switchtower_build_info", &[env!("CARGO_PKG_VERSION")]), 1.);
    assert!(scrape.sum("process_start_time_seconds", &[]) > 1.7e9);
    assert!(scrape.series.contains_key("switchtower_log_lines_dropped_total{}"));
    if cfg!(target_os = "linux") {
        assert!(scrape.sum("process_resident_memory_bytes", &[]) > 1e6);
        assert!(scrape.sum("process_open_fds", &[]) > 3.);
    }
    if let Some(path) = std::env::var_os("METRICS_TO") {
        std::fs::write(path, text).unwrap();
    }
}

#[test]
#[should_panic(expected = "twice")]
fn the_reader_is_strict() {
    Scrape::parse("# HELP a_total A.\n# TYPE a_total counter\na_total 1\na_total 2\n");
}
