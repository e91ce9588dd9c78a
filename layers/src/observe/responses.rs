//! The Responses API: events and whole answers.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    chat::not_an_answer,
    error,
    event_summary::EventSummary,
    usage,
    wire::{NOT_JSON, Present, Read, Text},
};
use crate::{
    exchange::{Fault, Finish},
    json,
    sse::Event,
};

/// Reads one event and hands its news on.
///
/// # Errors
///
/// When it says that the answer is broken.
pub(super) fn read_event(
    event: Event<'_>,
    news: impl FnOnce(EventSummary<'_>),
) -> Result<Read, Fault> {
    let Ok(wire) = json::read::<Wire<'_>>(event.data) else {
        return match event.name {
            b"error" => Err(Fault::Upstream(error::read_body(event.data))),
            _ => Ok(Read::Malformed(NOT_JSON)),
        };
    };
    let kind = wire.kind.as_ref().map_or("", |kind| &kind.0);
    match kind {
        "error" => Err(Fault::Upstream(error::read_body(event.data))),
        "response.completed" | "response.incomplete" | "response.failed" => match wire.response {
            Some(response) => response.hand_on(news).map(|()| Read::Passes),
            None => Ok(Read::Malformed("a terminal event without its response")),
        },
        _ if wire.error.is_some() || event.name == b"error" => {
            Err(Fault::Upstream(error::read_body(event.data)))
        }
        _ => {
            let content = match kind {
                "response.output_item.done" => true,
                delta => delta.ends_with(".delta") && wire.delta.is_there(),
            };
            let response = wire.response.as_ref();
            let model = response.and_then(|response| response.model.as_ref());
            let id = response.and_then(|response| response.id.as_ref());
            news(EventSummary {
                content,
                model: model.map(|model| &*model.0),
                response_id: id.map(|id| &*id.0),
                sequence: wire.sequence_number,
                ..EventSummary::default()
            });
            Ok(Read::Passes)
        }
    }
}

/// Reads a whole answer and hands its news on.
pub(super) fn read_answer(bytes: &[u8], news: impl FnOnce(EventSummary<'_>)) -> Result<(), Fault> {
    let answer: Response<'_> = json::read(bytes).map_err(|_| not_an_answer(bytes))?;
    if answer.error.is_none() && !answer.output.is_there() && answer.status.is_none() {
        return Err(Fault::Malformed("the answer has no output".into()));
    }
    answer.hand_on(news)
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    delta: Present<'a>,
    sequence_number: Option<u64>,
    #[serde(borrow)]
    response: Option<Response<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow, default)]
    output: Present<'a>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    incomplete_details: Option<Incomplete<'a>>,
}

#[derive(Deserialize)]
struct Incomplete<'a> {
    #[serde(borrow)]
    reason: Option<Text<'a>>,
}

impl Response<'_> {
    fn hand_on(self, news: impl FnOnce(EventSummary<'_>)) -> Result<(), Fault> {
        let status = self.status.as_ref().map_or("", |status| &status.0);
        if let Some(error) = self.error {
            return Err(Fault::Upstream(error::read_field(error)));
        }
        let reason = self.incomplete_details.and_then(|details| details.reason);
        let finish = match (status, reason.as_ref().map(|reason| &*reason.0)) {
            ("failed", _) => return Err(Fault::Upstream(error::read_body(b"{}"))),
            ("queued" | "in_progress", _) => None,
            ("incomplete", Some("content_filter")) => Some(Finish::ContentFilter),
            ("incomplete", _) => Some(Finish::Length),
            _ => Some(Finish::Stop),
        };
        let bit = u64::from(finish.is_some());
        news(EventSummary {
            content: self.output.is_there(),
            started: 1,
            finished: bit,
            finish,
            usage: usage::read(self.usage),
            model: self.model.as_ref().map(|model| &*model.0),
            ..EventSummary::default()
        });
        Ok(())
    }
}
