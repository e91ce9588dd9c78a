//! What the database keeps when the process ends.

use std::{fs, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use crate::budget::books::{ask, config, question, standing};
use crate::support::{
    Binary, CHAT, Events, Gate, Reply, VERSIONS, always, post, provider, send, send_as,
};

const BUDGETS: &str = "default: {requests_per_month: 1000000, tokens_per_day: 90000000}";

fn used(standing: &Value, limit: &str) -> u64 {
    standing[limit]["used"].as_u64().unwrap_or(0)
}

/// Also what ends while it is stopping.
#[tokio::test]
async fn a_stop_loses_nothing() {
    let gate = Gate::new();
    let held = gate.clone();
    let provider = provider(move |request| match request.nth {
        5 => Reply::events().role().delta("a").gate(&held).finish("stop").usage(100, 7).done(),
        6 | 7 => Reply::events().role().delta("a").delta("b").stall(),
        _ => Reply::chat("Hi"),
    })
    .await;
    let yaml = config(&provider, BUDGETS) + "drain_ms: 2000\n";
    let mut gateway = Binary::start(&yaml, &[]).await;
    for _ in 0..5 {
        assert_eq!(ask(gateway.addr, &question(false)).await.status, 200);
    }
    let mut finishes = Events::new(send(gateway.addr, post(CHAT, &question(true))).await);
    finishes.next().await;
    finishes.next().await;
    let mut are_cut = Vec::new();
    for version in VERSIONS {
        let response = send_as(version, gateway.addr, post(CHAT, &question(true))).await;
        let mut events = Events::new(response);
        for _ in 0..3 {
            events.next().await;
        }
        are_cut.push(events);
    }
    gateway.signal("TERM").await;
    gateway.says("streams may finish").await;
    gate.open();
    finishes.until_done().await;
    for mut events in are_cut {
        events.until_broken().await;
    }
    assert_eq!(gateway.status().await, Some(0));

    for _ in 0..2 {
        let mut restarted = Binary::start_in(gateway.home(), &yaml, &[]).await;
        let standing = standing(restarted.addr).await;
        assert_eq!(used(&standing, "requests_per_month"), 8);
        assert_eq!(used(&standing, "tokens_per_day"), 5 * 12 + 107 + 2 * (25 + 2));
        assert_eq!(standing["tokens_per_day"]["reserved"], 0);
        restarted.signal("TERM").await;
        assert_eq!(restarted.status().await, Some(0));
        gateway = restarted;
    }
}

#[tokio::test]
async fn a_kill_loses_no_more_than_a_batch() {
    /// A batch is on disk within 100 ms; a busy machine may take its time.
    const BATCH: Duration = Duration::from_millis(600);
    let provider = always(Reply::chat("Hi")).await;
    let yaml = config(&provider, BUDGETS);
    let mut gateway = Binary::start(&yaml, &[]).await;
    let started = Instant::now();
    let mut answered = Vec::new();
    while started.elapsed() < 2 * BATCH {
        assert_eq!(ask(gateway.addr, &question(false)).await.status, 200);
        answered.push(Instant::now());
    }
    let killed = Instant::now();
    gateway.signal("KILL").await;
    assert_eq!(gateway.status().await, None);

    let restarted = Binary::start_in(gateway.home(), &yaml, &[]).await;
    let standing = standing(restarted.addr).await;
    let requests = used(&standing, "requests_per_month");
    let old = answered.iter().filter(|at| killed - **at > BATCH).count() as u64;
    let all = answered.len() as u64;
    assert!(old > 0 && (old..=all).contains(&requests), "{old} <= {requests} <= {all}");
    assert_eq!(used(&standing, "tokens_per_day"), 12 * requests, "all of a request or nothing");
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_said_at_the_start() {
    let provider = always(Reply::chat("Hi")).await;
    let yaml = config(&provider, BUDGETS);
    let mut gateway = Binary::start(&yaml, &[]).await;
    let error = Binary::fails_in(gateway.home_path(), &yaml).await;
    assert_eq!(
        error,
        "error: cannot keep the budgets in ./data/ledger.sqlite: another process has it open\n  \
         help: stop the other process, or give this one a `dataDir` of its own\n"
    );
    gateway.signal("TERM").await;
    assert_eq!(gateway.status().await, Some(0));
    let home = gateway.home();
    fs::write(home.path().join("data/ledger.sqlite"), "x".repeat(8192)).unwrap();
    let error = Binary::fails_in(home.path(), &yaml).await;
    assert!(error.contains("help: move the file away to begin with an empty one"), "{error}");
    // The database is not created without budgets.
    let without = yaml.replace("budgets: ", "rate_limit: {} #");
    let restarted = Binary::start_in(home, &without, &[]).await;
    assert_eq!(ask(restarted.addr, &question(false)).await.status, 200);
}
