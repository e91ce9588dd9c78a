//! A client that is not ours, and strict: what it cannot read is an error.

use std::time::Duration;

use async_openai::{
    Client,
    config::OpenAIConfig,
    error::OpenAIError,
    types::responses::{
        CreateResponse, OutputItem, ResponseStreamEvent as Event, ResponseUsage, Status,
    },
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::responses::{
    desk::Desk,
    script::{answer, call, calls, messages, says},
};
use crate::support::{Fault, Provider, Reply, always, provider, soon};

fn client(desk: &Desk) -> Client<OpenAIConfig> {
    let base = format!("http://{}/v1", desk.addr());
    Client::with_config(OpenAIConfig::new().with_api_base(base).with_api_key("sk-of-the-client"))
}

fn request(input: &Value) -> CreateResponse {
    let ask = json!({
        "model": "m", "input": input, "include": ["reasoning.encrypted_content"],
        "tools": [
            {"type": "function", "name": "look", "strict": false, "parameters": {"type": "object", "properties": {}}},
            {"type": "custom", "name": "apply_patch", "format": {"type": "text"}},
        ],
    });
    serde_json::from_value(ask).expect("a request")
}

/// Thinks, speaks and calls both tools; then it is done.
async fn busy() -> Provider {
    provider(|request| match messages(&request).len() {
        1 => {
            let patch = call("call_2", "apply_patch", json!({"input": "*** Begin Patch"}));
            let mut message = calls(&[call("call_1", "look", json!({"at": "é"})), patch]);
            message["content"] = "I look.".into();
            message["reasoning_content"] = "Hm.".into();
            says(&request, message)
        }
        _ => says(&request, answer("Done.")),
    })
    .await
}

/// What was answered, as the next input.
fn with_outputs(output: &[OutputItem]) -> Value {
    let mut input = vec![json!({"type": "message", "role": "user", "content": "Go."})];
    input.extend(output.iter().map(|item| serde_json::to_value(item).expect("an item")));
    input.push(json!({"type": "function_call_output", "call_id": "call_1", "output": "seen"}));
    input.push(json!({"type": "custom_tool_call_output", "call_id": "call_2", "output": "ok"}));
    input.into()
}

fn check(output: &[OutputItem]) {
    let [
        OutputItem::Reasoning(thought),
        OutputItem::Message(_),
        OutputItem::FunctionCall(look),
        OutputItem::CustomToolCall(patch),
    ] = output
    else {
        panic!("{output:?}")
    };
    assert!(thought.encrypted_content.is_some());
    assert_eq!(
        (&*look.call_id, &*look.name, &*look.arguments),
        ("call_1", "look", r#"{"at":"é"}"#)
    );
    assert_eq!((&*patch.call_id, &*patch.input), ("call_2", "*** Begin Patch"));
}

fn tokens(usage: Option<ResponseUsage>) -> u32 {
    usage.expect("usage").total_tokens
}

#[tokio::test]
async fn it_asks_calls_and_comes_back() {
    let provider = busy().await;
    let desk = Desk::before(&provider).await;
    let client = client(&desk);
    let first = client.responses().create(request(&"Go.".into())).await.expect("a response");
    assert_eq!(first.status, Status::Completed);
    assert_eq!(first.output_text().as_deref(), Some("I look."));
    check(&first.output);
    assert_eq!(tokens(first.usage), 12);
    let second = request(&with_outputs(&first.output));
    let second = client.responses().create(second).await.expect("a response");
    assert_eq!(second.output_text().as_deref(), Some("Done."));
    let history = messages(&provider.received().pop().expect("a request"));
    assert_eq!(history.len(), 4);
    assert_eq!(history[1]["reasoning_content"], "Hm.");

    let stored = client.responses().retrieve(&first.id).await.expect("it is stored");
    check(&stored.output);
    let items = client.responses().list_input_items(&second.id).await.expect("they are stored");
    assert_eq!(items.data.len(), 7);
    assert!(client.responses().delete(&first.id).await.expect("it is there").deleted);
    let gone = client.responses().retrieve(&first.id).await;
    let Err(OpenAIError::ApiError(gone)) = gone else { panic!("{gone:?}") };
    assert_eq!(gone.api_error.code.as_deref(), Some("NOT_FOUND"));
}

/// All events, each of which it can read.
async fn events(desk: &Desk, request: CreateResponse) -> Vec<Event> {
    let client = client(desk);
    let mut stream = client.responses().create_stream(request).await.expect("a stream");
    let mut events = Vec::new();
    while let Some(event) = soon(stream.next()).await {
        events.push(event.expect("an event"));
    }
    events
}

#[tokio::test]
async fn it_reads_every_event_of_a_stream() {
    let provider = busy().await;
    let desk = Desk::before(&provider).await;
    let events = events(&desk, request(&"Go.".into())).await;
    let mut text = String::new();
    let (mut arguments, mut patch, mut thought) = (String::new(), String::new(), String::new());
    let mut done = Vec::new();
    for event in &events {
        match event {
            Event::ResponseOutputTextDelta(event) => text += &event.delta,
            Event::ResponseFunctionCallArgumentsDelta(event) => arguments += &event.delta,
            Event::ResponseCustomToolCallInputDelta(event) => patch += &event.delta,
            Event::ResponseReasoningSummaryTextDelta(event) => thought += &event.delta,
            Event::ResponseOutputItemDone(event) => done.push(event.item.clone()),
            _ => {}
        }
    }
    assert_eq!([text, arguments], ["I look.", r#"{"at":"é"}"#]);
    assert_eq!([patch, thought], ["*** Begin Patch", "Hm."]);
    check(&done);
    let Some(Event::ResponseCompleted(end)) = events.last() else { panic!("{events:?}") };
    assert_eq!(end.response.output, done);
    assert_eq!(tokens(end.response.usage.clone()), 12);
    let second = self::events(&desk, request(&with_outputs(&done))).await;
    assert!(matches!(second.last(), Some(Event::ResponseCompleted(_))));
}

/// Its reader takes a blank line behind a comment for an event without data.
#[tokio::test]
async fn it_reads_a_stream_that_begins_with_heartbeats() {
    let provider =
        provider(|request| says(&request, answer("Late.")).after(Duration::from_millis(1500)))
            .await;
    let desk = Desk::with(&[("chat", &provider)], "timeouts: {hold_ms: 20}").await;
    let events = events(&desk, request(&"Go.".into())).await;
    let heartbeats = events.iter().filter(|event| matches!(event, Event::ResponseInProgress(_)));
    assert!(heartbeats.count() >= 2);
    let Some(Event::ResponseCompleted(end)) = events.last() else { panic!("{events:?}") };
    let Event::ResponseCreated(begin) = &events[0] else { panic!("{events:?}") };
    assert_eq!(end.response.id, begin.response.id);
}

#[tokio::test]
async fn it_reads_a_refusal_and_what_was_cut_short() {
    let refusal = json!({"refusal": "No."});
    let provider = always(Reply::events().role().chunk(refusal).finish("stop").done()).await;
    let seen = events(&Desk::before(&provider).await, request(&"Go.".into())).await;
    assert!(seen.iter().any(|event| matches!(event, Event::ResponseRefusalDone(_))));
    let provider = always(Reply::events().role().delta("On").finish("length").done()).await;
    let seen = events(&Desk::before(&provider).await, request(&"Go.".into())).await;
    let Some(Event::ResponseIncomplete(end)) = seen.last() else { panic!("{seen:?}") };
    let details = end.response.incomplete_details.as_ref().expect("a reason");
    assert_eq!(details.reason, "max_output_tokens");
}

#[tokio::test]
async fn it_is_told_what_went_wrong() {
    let provider = always(Reply::events().role().delta("Hel").cut(Fault::Reset)).await;
    let desk = Desk::before(&provider).await;
    let seen = events(&desk, request(&"Go.".into())).await;
    let Some(Event::ResponseFailed(end)) = seen.last() else { panic!("{seen:?}") };
    assert_eq!(end.response.status, Status::Failed);
    let error = end.response.error.as_ref().expect("an error");
    assert!(error.message.contains("broke"), "{error:?}");

    let wrong = client(&desk).responses().create(request(&json!([]))).await;
    let Err(OpenAIError::ApiError(wrong)) = wrong else { panic!("{wrong:?}") };
    assert_eq!(wrong.api_error.param.as_deref(), Some("input"));
    assert_eq!(wrong.api_error.code.as_deref(), Some("INVALID_REQUEST"));

    let provider = always(Reply::error(400, "context_length_exceeded")).await;
    let long =
        client(&Desk::before(&provider).await).responses().create(request(&"Go.".into())).await;
    let Err(OpenAIError::ApiError(long)) = long else { panic!("{long:?}") };
    assert_eq!(long.api_error.code.as_deref(), Some("context_length_exceeded"));
}

#[tokio::test]
async fn it_waits_as_long_as_it_is_told_to() {
    let provider = provider(|request| match request.nth {
        0 => Reply::error(429, "rate_limit_exceeded").header("retry-after", 1),
        _ => says(&request, answer("Done.")),
    })
    .await;
    let desk = Desk::before(&provider).await;
    let asked = Instant::now();
    let response = client(&desk).responses().create(request(&"Go.".into())).await;
    assert_eq!(response.expect("a response").output_text().as_deref(), Some("Done."));
    assert!(asked.elapsed() >= Duration::from_secs(1) && provider.received().len() == 2);
}
