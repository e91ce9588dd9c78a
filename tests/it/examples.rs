//! Every example runs to its end and prints what it is there to show.

use std::{path::Path, process::Command};

fn run(example: &str) -> String {
    // A whole `cargo test` builds the examples beside the binary; `--test examples` alone does not.
    let bin = Path::new(env!("CARGO_BIN_EXE_switchtower"));
    let path = bin.with_file_name("examples").join(example);
    let output = Command::new(&path).output().unwrap_or_else(|error| {
        panic!("{}: {error}: run `cargo build --examples` first", path.display())
    });
    let (out, err) = (&output.stdout, &output.stderr);
    assert!(output.status.success(), "{example}: {}", String::from_utf8_lossy(err));
    String::from_utf8_lossy(out).into_owned()
}

#[test]
fn buffer_on_axum() {
    assert_eq!(run("buffer_on_axum"), "200: ping ping \n413: too large\n");
}

#[test]
fn route_on_axum() {
    let out = run("route_on_axum");
    assert!(out.contains("gpt-5.1: ollama/qwen3:14b got {\"model\":\"qwen3:14b\""), "{out}");
    assert!(out.contains("ollama/gemma3: ollama/gemma3 got"), "{out}");
}

#[test]
fn rate_limit_on_axum() {
    let out = run("rate_limit_on_axum");
    assert!(out.contains("a: 200, 0 left, retry after -"), "{out}");
    assert!(out.contains("a: 429, 0 left, retry after 30"), "{out}");
    assert!(out.contains("b: 200, 1 left") && out.contains("2 keys are held"), "{out}");
}

#[test]
fn quota_gate_on_axum() {
    let out = run("quota_gate_on_axum");
    assert!(out.contains("rich: 200 hello\n") && out.contains("unknown: 200 hello\n"), "{out}");
    assert!(out.contains("poor: 429 ") && out.contains("poor: Balance: $0.00"), "{out}");
}

#[test]
fn budget_on_axum() {
    let out = run("budget_on_axum");
    assert!(out.contains("a: 200: an answer") && out.contains("b: 200: an answer"), "{out}");
    assert!(out.contains("a: 429:") && out.contains("the budget of 1000 tokens per day"), "{out}");
    assert!(
        out.contains("600 tokens of 1000 tokens per day\n0.0012 USD of 50 USD per month"),
        "{out}"
    );
}

#[test]
fn stream_adapter_on_hyper() {
    let out = run("stream_adapter_on_hyper");
    assert!(out.starts_with("JSON: \"application/json\"\n{"), "{out}");
    assert!(out.contains("events: \"text/event-stream\"\ndata: {"), "{out}");
    assert!(out.ends_with("data: [DONE]\n"), "{out}");
}

#[test]
fn responses_on_axum() {
    let out = run("responses_on_axum");
    let first = r#""custom_tool_call" "apply_patch" "*** Begin Patch""#;
    assert!(out.starts_with(&format!("{first}\nevent: response.created\n")), "{out}");
    assert!(out.contains("event: response.custom_tool_call_input.delta\n"), "{out}");
    assert!(out.ends_with("event: response.completed\n"), "{out}");
}

#[test]
fn retry_on_axum() {
    let out = run("retry_on_axum");
    assert_eq!(out, "busy twice: 200 after 3 attempts\nout of credit: 429 after 1 attempt\n");
}

#[test]
fn observe_on_hyper() {
    let out = run("observe_on_hyper");
    assert!(out.contains("demo: Some(Success), Some(Stop)"), "{out}");
    assert!(out.contains("demo-cut: Some(Fault), None"), "{out}");
}

#[test]
fn circuit_breaker_on_hyper() {
    let out = run("circuit_breaker_on_hyper");
    assert!(out.contains("closed -> open: 3 faults in a row"), "{out}");
    assert!(out.contains("call 4: 503 Service Unavailable, refused"), "{out}");
    assert!(out.contains("demo/demo: circuit open, probe in 1 s"), "{out}");
    assert!(out.contains("call 5: 200 OK"), "{out}");
    assert!(out.contains("half-open -> closed: the probe succeeded"), "{out}");
}

#[test]
fn responses_store_on_axum() {
    let out = run("responses_store_on_axum");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[1].contains("3 items") && lines[2].contains("5 items"), "{out}");
    assert!(lines[3].contains("Which track?") && lines[4].contains("deleted"), "{out}");
    assert!(lines[5].starts_with("404: ") && lines[5].contains("previous_response_not_found"));
}

#[test]
fn full_stack_on_axum() {
    let out = run("full_stack_on_axum");
    assert!(out.contains("answered by \"demo\"") && out.contains("data: [DONE]"), "{out}");
}
