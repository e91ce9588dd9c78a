//! Many at once, of whom half go away.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::budget::books::{Books, PROMPT, RESERVED, question};
use crate::{
    recorded_response::Seen,
    support::{CHAT, Events, Gate, Reply, post, provider, send},
};

const REQUESTS: u64 = 200;
/// So many fit at once.
const CAPACITY: u64 = 60;

/// What an answer turns out to take: much more than was reserved, or less.
const LARGE_USAGE: u64 = 30 + 120;
const SMALL_USAGE: u64 = 30 + 10;

/// The number that the client gave the request.
fn number(body: &[u8]) -> u64 {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    body["user"].as_str().and_then(|number| number.parse().ok()).expect("a number")
}

fn leaves(number: u64) -> bool {
    number.is_multiple_of(2)
}

/// Of the clients that stay, every other one uses more than it has reserved.
fn tokens(number: u64) -> u64 {
    if number % 4 == 1 { LARGE_USAGE } else { SMALL_USAGE }
}

#[tokio::test]
async fn the_budget_holds_when_half_of_the_clients_leave() {
    let gate = Gate::new();
    let held = gate.clone();
    let provider = provider(move |request| {
        let number = number(&request.body);
        let begun = Reply::events().role().delta("a").delta("b").delta("c");
        if leaves(number) {
            return begun.stall();
        }
        let output = usize::try_from(tokens(number) - 30).unwrap();
        begun.gate(&held).finish("stop").usage(30, output).done()
    })
    .await;
    let budget = CAPACITY * RESERVED;
    let books = Books::open(&provider, &format!("default: {{tokens_per_day: {budget}}}")).await;
    let addr = books.gateway.addr;

    let mut asking = JoinSet::new();
    for number in 0..REQUESTS {
        let mut ask = question(true);
        // In place of as many bytes of the prompt, to keep the estimate.
        let content = ask["messages"][0]["content"].as_str().unwrap().len();
        ask["user"] = format!("{number:03}").into();
        let extra = ask.to_string().len() - 100;
        ask["messages"][0]["content"] = "x".repeat(content - extra).into();
        let gate = gate.clone();
        asking.spawn(async move {
            let response = send(addr, post(CHAT, &ask)).await;
            if response.status() != 200 {
                return (number, Err(Seen::read(response).await));
            }
            let mut events = Events::new(response);
            events.next().await;
            events.next().await;
            if leaves(number) {
                drop(events);
            } else {
                gate.open_one();
                events.until_done().await;
            }
            (number, Ok(()))
        });
    }
    let answers = asking.join_all().await;
    let used = books.settled("tokens_per_day").await;

    let admitted: Vec<u64> =
        answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(number, _)| *number).collect();
    assert_eq!(provider.received().len(), admitted.len(), "who is refused is not sent on");
    let whole = admitted.iter().filter(|number| !leaves(**number));
    let paid: u64 = whole.clone().map(|number| tokens(*number)).sum();
    let left = admitted.iter().filter(|number| leaves(**number)).count() as u64;
    let over: u64 = whole.map(|number| tokens(*number).saturating_sub(RESERVED)).sum();
    // One to three pieces had passed when a client left.
    assert!((paid + left * (PROMPT + 1)..=paid + left * (PROMPT + 3)).contains(&used), "{used}");
    assert!(used <= budget + over, "{used} of {budget}, {over} over");
    assert!(over > 0 && left > 0, "{admitted:?}");
    assert!((CAPACITY..REQUESTS).contains(&(admitted.len() as u64)), "{admitted:?}");

    for seen in answers.into_iter().filter_map(|(_, answer)| answer.err()) {
        assert_eq!((seen.status.as_u16(), &seen.error()["code"]), (429, &json!("QUOTA_EXHAUSTED")));
        assert!(seen.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    }
}
