//! Cancellation: nothing waits for later bytes, and nothing goes on without a client.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::responses::{
    desk::{Desk, RESPONSES, question},
    told::{Told, kind},
};
use crate::support::{
    Events, Fault, Gate, Raw, Reply, VERSIONS, always, post, provider, send_as, soon,
};

/// Within which a provider has to hear that its client has gone.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

const STEPS: usize = 10;

/// Makes a chunk's delta with this text in it.
type Chunk = fn(&str) -> Value;

/// Kinds of chunks, and the deltas that they become.
fn kinds() -> [(Chunk, &'static str); 4] {
    let content: Chunk = |text| json!({"content": text});
    let refusal: Chunk = |text| json!({"refusal": text});
    let thought: Chunk = |text| json!({"reasoning_content": text});
    let call: Chunk = |text| match text {
        "first" => json!({"tool_calls": [
            {"index": 0, "id": "c", "function": {"name": "f", "arguments": text}},
        ]}),
        _ => json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}),
    };
    [
        (content, "response.output_text.delta"),
        (refusal, "response.refusal.delta"),
        (thought, "response.reasoning_summary_text.delta"),
        (call, "response.function_call_arguments.delta"),
    ]
}

/// The provider writes no chunk before the test has read what the one before it became.
#[tokio::test]
async fn each_delta_arrives_before_the_next_chunk_is_sent() {
    for (chunk, delta) in kinds() {
        let gate = Gate::new();
        let begun = Reply::events().role().chunk(chunk("first"));
        let steps = (0..STEPS).map(|step| step.to_string());
        let reply = steps.fold(begun, |reply, step| reply.gate(&gate).chunk(chunk(&step)));
        let provider = always(reply.gate(&gate).finish("stop").done()).await;
        let desk = Desk::before(&provider).await;
        for version in VERSIONS {
            let response = send_as(version, desk.addr(), post(RESPONSES, &question(true))).await;
            let mut events = Events::new(response);
            let mut read = Vec::new();
            for step in (0..=STEPS).map(|step| step.checked_sub(1)) {
                if step.is_some() {
                    gate.open_one();
                }
                loop {
                    let event = events.next().await;
                    let json = event.json();
                    read.push(event);
                    if kind(&json) == delta {
                        let text = step.map_or("first".into(), |step| step.to_string());
                        assert_eq!(json["delta"], text, "{version:?}");
                        break;
                    }
                    assert_eq!(step, None, "nothing stands between deltas: {json}");
                }
            }
            gate.open_one();
            let told = Told::rest(&mut events, read).await;
            assert_eq!(told.of(delta).count(), STEPS + 1);
        }
    }
}

#[tokio::test]
async fn who_leaves_in_mid_stream_ends_the_call() {
    let provider = always(Reply::events().role().delta("first").delta("second").stall()).await;
    let desk = Desk::before(&provider).await;
    for (nth, version) in VERSIONS.into_iter().enumerate() {
        let response = send_as(version, desk.addr(), post(RESPONSES, &question(true))).await;
        let mut events = Events::new(response);
        while kind(&events.next().await.json()) != "response.output_text.delta" {}
        assert_eq!(provider.aborted(), nth);
        drop(events);
        timeout(CANCEL_TIMEOUT, provider.disconnected(nth + 1)).await.expect("the call goes on");
    }
}

#[tokio::test]
async fn who_leaves_before_the_first_word_ends_the_call() {
    let provider = provider(|request| match request.json()["stream"] == true {
        true => Reply::events().role().comment("thinking").stall(),
        false => Reply::fault(Fault::Silence),
    })
    .await;
    let desk = Desk::before(&provider).await;
    for (nth, stream) in [true, false].into_iter().enumerate() {
        let mut raw = Raw::connect(desk.addr()).await;
        raw.post(RESPONSES, &question(stream).to_string()).await;
        soon(provider.requested(nth + 1)).await;
        let open = provider.connections();
        drop(raw);
        let closed = async {
            while provider.connections() == open {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(CANCEL_TIMEOUT, closed).await.expect("the call goes on");
    }
}
