//! What the gateway logs, and what it never does. It is a process of its own, with its own log.

use std::fs;

use crate::support::{client::Outgoing, *};
use http::HeaderValue;
use serde_json::{Value, json};

/// In front of these, in order, which all know the model `m`.
async fn gateway(providers: &[&Provider], settings: &str, env: &[(&str, &str)]) -> Binary {
    let mut yaml = format!(
        "{settings}\nmodels:\n  retry: {{max_retries: 0}}\n  circuit_breaker: {{failure_threshold: 0}}\n  providers:\n"
    );
    for (provider, name) in providers.iter().zip(["a", "b"]) {
        let base_url = provider.base_url();
        yaml += &format!(
            "    {name}: {{base_url: '{base_url}', api_key: sk-{name}-{SECRET}, models: [m]}}\n"
        );
    }
    Binary::start(&yaml, env).await
}

const SECRET: &str = "a1b2c3d4e5";

/// The lines at the end of requests, once there are so many.
async fn ended(binary: &Binary, count: usize) -> Vec<Value> {
    let lines = || {
        let log = binary.log();
        let objects = log.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
        objects.filter(|line| line["message"] == "ended").collect::<Vec<_>>()
    };
    eventually(|| lines().len() >= count).await;
    lines()
}

fn with(mut request: Outgoing, headers: &[(&'static str, &'static str)]) -> Outgoing {
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    request
}

#[tokio::test]
async fn a_request_is_one_line_when_its_body_has_ended() {
    let a = always(Reply::error(429, "rate_limit_exceeded")).await;
    let b = always(Reply::events().delta("a").finish("stop").usage(7, 2).done()).await;
    let binary = gateway(&[&a, &b], "logFormat: json", &[]).await;
    let request = with(post(CHAT, &ask_stream()), &[("x-request-id", "r1")]);
    client::body(send(binary.addr, request).await).await;
    client::body(send(binary.addr, get("/v1/../x")).await).await;

    let lines = ended(&binary, 2).await;
    let line = &lines[0];
    let expected = json!({
        "status": 200, "outcome": "success", "model": "m", "plan": "a/m, b/m", "attempts": 2,
        "target": "b/m", "failures": "a/m: rate_limited", "failovers": 1, "input_tokens": 7,
        "output_tokens": 2, "level": "INFO",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&line[name], value, "{name} of {line}");
    }
    for name in ["ms", "head_ms", "first_token_ms", "commit_ms"] {
        assert!(line[name].as_u64().unwrap() <= line["ms"].as_u64().unwrap(), "{name} of {line}");
    }
    let span = &line["span"];
    assert_eq!((&span["method"], &span["path"]), (&json!("POST"), &json!(CHAT)));
    assert_eq!((&span["id"], span["trace"].as_str().unwrap().len()), (&json!("r1"), 32));

    let rejected = json!({
        "status": 400, "outcome": "rejected", "rejected_by": "guard", "code": "INVALID_REQUEST",
    });
    for (name, value) in rejected.as_object().unwrap() {
        assert_eq!(&lines[1][name], value, "{name} of {}", lines[1]);
    }
    assert!(lines[1].get("attempts").is_none());
}

#[tokio::test]
async fn what_was_cut_or_given_up_has_its_line_too() {
    let a = provider(|request| match request.nth {
        0 => Reply::events().delta("a").cut(Fault::Close),
        _ => Reply::events().delta("a").stall(),
    });
    let a = a.await;
    let binary = gateway(&[&a], "logFormat: json", &[]).await;
    client::body(send(binary.addr, post(CHAT, &ask_stream())).await).await;
    let mut events = Events::new(send(binary.addr, post(CHAT, &ask_stream())).await);
    events.next().await;
    drop(events);
    let lines = ended(&binary, 2).await;
    assert_eq!(
        lines.iter().map(|line| &line["outcome"]).collect::<Vec<_>>(),
        ["fault", "cancelled"]
    );
    assert!(lines.iter().all(|line| line["status"] == 200 && line["target"] == "a/m"), "{lines:?}");
}

/// Clients cannot inject log lines.
#[tokio::test]
async fn a_request_cannot_forge_lines() {
    let a = always(Reply::chat("a")).await;
    let binary = gateway(&[&a], "", &[]).await;
    for (path, id) in [("/\u{9b}31m", "i"), ("/é\u{85}x", "i\ti"), ("/x", "i\" level=\"ERROR")] {
        let mut raw = Raw::connect(binary.addr).await;
        raw.write(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nx-request-id: {id}\r\n\r\n"))
            .await;
        assert_eq!(raw.response().await.unwrap().status, 404);
    }
    for model in ["m\n2026-01-01 ERROR forged", "m\u{1b}[31mred", "m\u{9b}31mred"] {
        let request = json!({"model": model, "messages": []});
        assert_eq!(send(binary.addr, post(CHAT, &request)).await.status(), 400);
    }
    eventually(|| binary.log().matches(": ended ").count() >= 6).await;
    let log = binary.log();
    assert!(!log.contains(|c: char| c.is_control() && c != '\n'), "{log:?}");
    assert!(log.lines().all(|line| line.starts_with("20") && !line.contains(" forged")), "{log}");
    assert!(!log.contains(" level=\"ERROR"), "{log}");
}

#[tokio::test]
async fn a_trace_goes_through() {
    let a = always(Reply::chat("a")).await;
    let binary = gateway(&[&a], "log_format: json", &[]).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let headers = [
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("tracestate", "congo=t61rcWkgMzE"),
    ];
    client::body(send(binary.addr, with(post(CHAT, &ask()), &headers)).await).await;
    let broken = [("traceparent", "00-nonsense"), ("tracestate", "congo=t61rcWkgMzE")];
    client::body(send(binary.addr, with(post(CHAT, &ask()), &broken)).await).await;

    let lines = ended(&binary, 2).await;
    let sent: Vec<_> = a.received().into_iter().map(|request| request.headers).collect();
    let parent = sent[0]["traceparent"].to_str().unwrap();
    assert!(parent.starts_with(&format!("00-{trace}-")) && parent.ends_with("-01"), "{parent}");
    assert!(!parent.contains("b7ad6b7169203331"), "the parent is the gateway");
    assert_eq!(sent[0]["tracestate"], "congo=t61rcWkgMzE");
    assert_eq!(lines[0]["span"]["trace"], trace);
    let begun = lines[1]["span"]["trace"].as_str().unwrap();
    assert!(sent[1]["traceparent"].to_str().unwrap().contains(begun));
    assert!(!sent[1].contains_key("tracestate"));
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_there_when_a_directory_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let a = always(Reply::chat("a")).await;
    let mut binary = gateway(&[&a], "logDir: ./logs", &[]).await;
    client::body(send(binary.addr, post(CHAT, &ask())).await).await;
    binary.signal("TERM").await;
    assert_eq!(binary.status().await, Some(0));
    let directory = binary.home_path().join("logs");
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    assert_eq!(mode(&file.path()), 0o600);
    assert_eq!(file.file_name().len(), "switchtower.2026-11-22.log".len());
    let text = fs::read_to_string(file.path()).unwrap();
    assert_eq!(text, binary.log(), "the same as on standard error");
    let line = text.lines().find(|line| line.contains(": ended status=200")).expect(&text);
    assert!(line.contains("INFO request{method=POST path=\"/v1/chat/completions\""), "{line}");

    let home = tempfile::tempdir().unwrap();
    let said = Binary::fails_in(home.path(), "logDir: gateway.yaml/logs").await;
    assert!(said.contains("cannot write log files to gateway.yaml/logs: "), "{said}");
}

#[tokio::test]
async fn prompts_and_answers_are_logged_only_when_that_is_wanted() {
    let a = always(Reply::chat("an answer nobody reads")).await;
    let request = json!({"model": "m", "messages": [{"role": "user", "content": "a prompt"}]});
    for (settings, is_wanted) in [("", false), ("log_bodies: true", true)] {
        let binary = gateway(&[&a], settings, &[("RUST_LOG", "trace")]).await;
        client::body(send(binary.addr, post(CHAT, &request)).await).await;
        eventually(|| binary.log().contains(": ended status=200")).await;
        let log = binary.log();
        for words in ["a prompt", "an answer nobody reads", "prompts and answers are logged"] {
            assert_eq!(log.contains(words), is_wanted, "{words}: {log}");
        }
    }
}

/// An error that quotes the key, in one of many ways.
fn quoting(request: &Received) -> Reply {
    let key = request.headers["authorization"].to_str().expect("text").to_owned();
    let message = format!("Incorrect API key provided: {key}. Is it yours?");
    let error = json!({"error": {"message": message, "code": key, "type": null, "param": null}});
    let event = || Reply::events().event(&error);
    match request.nth % 12 {
        0 => Reply::status(401, &error),
        1 => Reply::status(400, &error),
        2 => Reply::status(500, &error),
        3 => Reply::status(429, &error),
        4 => Reply::status(404, &error).byte_by_byte(),
        5 => Reply::status(401, &error).header("www-authenticate", format!("Bearer {key}")),
        6 => Reply::new(502).content_type("text/plain").bytes(message),
        7 => Reply::json(&error),
        8 => Reply::json(&json!({"choices": message})),
        9 => event(),
        10 => Reply::events().delta("a").event(&error),
        _ => Reply::events().delta("a").cut(Fault::Reset),
    }
}

#[tokio::test]
async fn no_key_is_told_whatever_providers_say() {
    const CLIENTS: &str = "client-key-f6g7h8i9j0";
    for format in ["text", "json"] {
        let (a, b) = (provider(|request| quoting(&request)), provider(|request| quoting(&request)));
        let (a, b) = (a.await, b.await);
        let settings = format!("logFormat: {format}\nlogDir: ./logs");
        let binary = gateway(&[&a, &b], &settings, &[("RUST_LOG", "trace")]).await;
        let mut told = String::new();
        for n in 0..36 {
            let (path, mut request) = match n % 3 {
                0 => (CHAT, ask()),
                1 => (EMBEDDINGS, ask()),
                _ => ("/v1/responses", json!({"model": "m", "input": "Hi"})),
            };
            request["stream"] = (n % 2 == 0).into();
            let mut request = post(path, &request);
            let credential = HeaderValue::from_static("Bearer client-key-f6g7h8i9j0");
            request.headers_mut().insert("authorization", credential.clone());
            request.headers_mut().insert("x-api-key", credential);
            let version = if n % 4 == 0 { VERSIONS[1] } else { VERSIONS[0] };
            let response = send_as(version, binary.addr, request).await;
            told += &format!("{:?}\n", response.headers());
            let is_success = response.status().is_success();
            if let Ok(body) = http_body_util::BodyExt::collect(response.into_body()).await {
                // What a provider answers well is passed on as it is, whatever it says.
                if !is_success || path != EMBEDDINGS {
                    told += &String::from_utf8_lossy(&body.to_bytes());
                }
            }
        }
        for path in ["/metrics", "/model-gateway/stats", "/model-gateway/health/all"] {
            let body = client::body(send(binary.addr, get(path)).await).await;
            told += &String::from_utf8_lossy(&body);
        }
        let log = binary.log();
        assert!(log.len() > 10_000, "it is at level trace");
        assert!(told.contains("***") && log.contains("***"), "they did quote: {told}");
        let files = fs::read_dir(binary.home_path().join("logs")).unwrap();
        let files = files.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        for text in [told, log].into_iter().chain(files) {
            for secret in [SECRET, CLIENTS] {
                let line = text.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "{format}");
            }
        }
        assert!(a.received().len() + b.received().len() > 36, "both were asked");
    }
}
