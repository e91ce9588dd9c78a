//! What is counted, answer by answer.

use std::fs;

use serde_json::{Value, json};

use crate::budget::books::{Books, PROMPT, RESERVED, question};
use crate::support::{
    CHAT, EMBEDDINGS, Events, Fault, Gate, Gateway, Reply, always, client, client::post_bytes, get,
    post, provider, send, sse,
};

const BUDGETS: &str =
    "default: {requests_per_day: 100, tokens_per_day: 5000, usd_per_month: 0.5, usd_per_day: 0.4}";

/// Requests, tokens, nano-dollars.
async fn used(books: &Books) -> [u64; 3] {
    let standing = books.standing().await;
    for limit in ["requests_per_day", "tokens_per_day", "usd_per_day", "usd_per_month"] {
        assert_eq!(standing[limit]["reserved"].as_f64(), Some(0.0), "{limit}: {standing}");
    }
    let dollars = standing["usd_per_day"]["used"].as_f64().expect("a number");
    assert_eq!(standing["usd_per_month"]["used"].as_f64(), Some(dollars));
    let count = |limit: &str| standing[limit]["used"].as_u64().expect("a number");
    [count("requests_per_day"), count("tokens_per_day"), (dollars * 1e9).round() as u64]
}

fn stream() -> Reply {
    Reply::events().role().delta("Hi").delta(" there").finish("stop")
}

/// 9 and 3 tokens of a plain answer; 11 and 7 of a stream.
#[tokio::test]
async fn what_the_provider_says_was_used_is_used() {
    for (is_stream, reply, tokens) in
        [(false, Reply::chat("Hi"), [9, 3]), (true, stream().usage(11, 7).done(), [11, 7])]
    {
        let provider = always(reply).await;
        let books = Books::open(&provider, BUDGETS).await;
        let [input, output] = tokens;
        for n in 1..=3 {
            assert_eq!(books.ask(&question(is_stream)).await.status, 200);
            let expected = [n, n * (input + output), n * (input * 1000 + output * 4000)];
            assert_eq!(used(&books).await, expected);
        }
    }
}

#[tokio::test]
async fn what_is_under_way_is_reserved() {
    let gate = Gate::new();
    let provider = always(Reply::chat("Hi").when(&gate)).await;
    let books = Books::open(&provider, BUDGETS).await;
    let asking = tokio::spawn(send(books.gateway.addr, post(CHAT, &question(false))));
    provider.requested(1).await;
    assert_eq!(books.count("tokens_per_day").await, (0, RESERVED));
    let standing = books.standing().await;
    let [limit, used, reserved] =
        ["limit", "used", "reserved"].map(|name| standing["usd_per_day"][name].as_f64().unwrap());
    assert_eq!((limit, used, reserved), (0.4, 0.0, 0.000_225));
    gate.open();
    client::body(asking.await.unwrap()).await;
    assert_eq!(books.count("tokens_per_day").await, (12, 0));
}

#[tokio::test]
async fn errors_count_as_requests_and_rejections_as_nothing() {
    let provider = always(Reply::error(400, "bad")).await;
    let books = Books::open(&provider, BUDGETS).await;
    assert_eq!(books.ask(&question(false)).await.status, 400);
    assert_eq!(used(&books).await, [1, 0, 0]);
    let answer = send(books.gateway.addr, post_bytes(CHAT, "{")).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(provider.received().len(), 1);
    assert_eq!(used(&books).await, [1, 0, 0], "it was not sent");
}

#[tokio::test]
async fn a_stream_that_is_cut_counts_what_was_seen() {
    let cut = stream().cut(Fault::Reset);
    let told = Reply::events().role().delta("Hi").usage(40, 2).cut(Fault::Reset);
    // After the finish reason nothing is missing but the usage.
    let unfinished = Reply::events().role().delta("a").delta("b").delta("c").cut(Fault::Close);
    for (reply, tokens) in [(cut, PROMPT + 2), (unfinished, PROMPT + 3), (told, 42)] {
        let provider = always(reply).await;
        let books = Books::open(&provider, BUDGETS).await;
        assert_eq!(books.ask(&question(true)).await.status, 200);
        let [requests, used, _] = used(&books).await;
        assert_eq!((requests, used), (1, tokens));
    }
}

#[tokio::test]
async fn a_client_that_leaves_pays_what_it_has_seen() {
    let provider = always(stream().stall()).await;
    let books = Books::open(&provider, BUDGETS).await;
    let mut events = Events::new(send(books.gateway.addr, post(CHAT, &question(true))).await);
    for _ in 0..4 {
        events.next().await;
    }
    drop(events);
    assert_eq!(books.settled("tokens_per_day").await, PROMPT + 2);

    let waiting = always(Reply::chat("late").when(&Gate::new())).await;
    let books = Books::open(&waiting, BUDGETS).await;
    let asking = tokio::spawn(send(books.gateway.addr, post(CHAT, &question(false))));
    waiting.requested(1).await;
    asking.abort();
    waiting.disconnected(1).await;
    assert_eq!(books.settled("tokens_per_day").await, PROMPT);
}

#[tokio::test]
async fn failover_pays_who_answered() {
    let answer = |request: &crate::support::Received| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if body["model"] == "m" { Reply::error(503, "busy") } else { Reply::chat("Hi") }
    };
    let provider = provider(move |request| answer(&request)).await;
    let home = tempfile::tempdir().unwrap();
    let yaml = format!(
        "dataDir: '{}'\nmodels:\n  retry: {{max_retries: 0}}\n  circuit_breaker: {{failure_threshold: 0}}\n  \
         providers:\n    a: {{base_url: \"{url}\", api_key: k, models: [m]}}\n    \
         b: {{base_url: \"{url}\", api_key: k, aliases: {{m: n}}}}\n  \
         prices: {{m: {{input_per_mtok: 1, output_per_mtok: 1}}, n: {{input_per_mtok: 2, output_per_mtok: 2}}}}\n  \
         budgets: {{{BUDGETS}}}\n",
        home.path().display(),
        url = provider.base_url()
    );
    let books = Books { gateway: Gateway::start(&yaml).await, home };
    let seen = books.ask(&question(false)).await;
    assert_eq!((seen.target(), seen.attempts()), ("b/n".into(), 2));
    assert_eq!(used(&books).await, [1, 12, 24_000]);
}

#[tokio::test]
async fn what_is_used_up_is_refused_until_the_next_period() {
    let provider = always(Reply::chat("Hi")).await;
    let books = Books::open(&provider, "default: {tokens_per_day: 80}").await;
    assert_eq!(books.ask(&question(false)).await.status, 200);
    let seen = books.ask(&question(false)).await;
    assert_eq!(seen.status, 429);
    assert_eq!(seen.error()["code"], "QUOTA_EXHAUSTED");
    let message = seen.error()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("the budget of 80 tokens per day is used up: 68 tokens left"),
        "{message}"
    );
    let wait: u64 = seen.header("retry-after").parse().unwrap();
    assert!((1..=24 * 60 * 60).contains(&wait), "{wait}");
    let resets_at = books.standing().await["tokens_per_day"]["resets_at"].as_u64().unwrap();
    assert_eq!(resets_at % (24 * 60 * 60 * 1000), 0, "midnight");

    let mut smaller = question(false);
    smaller["max_tokens"] = json!(10);
    assert_eq!(books.ask(&smaller).await.status, 200, "there is enough for it");
    let mut larger = question(false);
    larger["max_tokens"] = json!(100);
    let seen = books.ask(&larger).await;
    assert_eq!((seen.status.as_u16(), seen.header("retry-after")), (400, ""));
    let message = seen.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the budget of 80 tokens per day never has more"), "{message}");
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test]
async fn a_model_without_a_price_works_when_the_money_is_gone() {
    let provider = always(Reply::chat("Hi")).await;
    let books = Books::open(&provider, "default: {usd_per_day: 0.000226}").await;
    assert_eq!(books.ask(&question(false)).await.status, 200);
    assert_eq!(books.ask(&question(false)).await.status, 429);
    let mut free = question(false);
    free["model"] = json!("free");
    assert_eq!(books.ask(&free).await.status, 200);
}

#[tokio::test]
async fn only_calls_to_models_are_counted_and_embeddings_have_no_answer() {
    let embedded = json!({"data": [], "usage": {"prompt_tokens": 5, "total_tokens": 5}});
    let provider = always(Reply::json(&embedded)).await;
    let books = Books::open(&provider, BUDGETS).await;
    for path in ["/v1/models", "/health", "/model-gateway/budgets"] {
        assert_eq!(send(books.gateway.addr, get(path)).await.status(), 200);
    }
    assert_eq!(books.standing().await, Value::Null, "who has used nothing is not there");
    let ask = json!({"model": "m", "input": "some text"});
    let answer = send(books.gateway.addr, post(EMBEDDINGS, &ask)).await;
    assert_eq!(client::json(answer).await, embedded);
    let bytes = ask.to_string().len() as u64;
    assert_eq!(books.count("tokens_per_day").await, (bytes.div_ceil(4), 0));
}

#[cfg(unix)]
#[tokio::test]
async fn the_ledger_is_in_the_data_directory() {
    use std::os::unix::fs::PermissionsExt;
    let provider = always(Reply::chat("Hi")).await;
    let books = Books::open(&provider, BUDGETS).await;
    let file = fs::metadata(books.home.path().join("data/ledger.sqlite")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn without_budgets_nothing_is_counted_or_kept() {
    let provider = always(stream().done()).await;
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let settings = format!("dataDir: '{}'", data.display());
    let gateway = Gateway::with(&provider, &settings).await;
    let events =
        Events::new(send(gateway.addr, post(CHAT, &question(true))).await).until_done().await;
    assert_eq!(sse::text(&events), "Hi there");
    let budgets = client::json(send(gateway.addr, get("/model-gateway/budgets")).await).await;
    assert_eq!(budgets, json!({}));
    assert!(fs::metadata(data).is_err(), "there is no directory");
}
