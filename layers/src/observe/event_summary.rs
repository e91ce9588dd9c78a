use tokio::time::Instant;

use super::usage;
use crate::exchange::{Finish, Recorder, Usage};

/// What one event, or one JSON answer, says.
#[derive(Debug, Default)]
pub(super) struct EventSummary<'a> {
    pub(super) content: bool,
    /// One bit per choice that was seen.
    pub(super) started: u64,
    /// One bit per choice with a finish reason.
    pub(super) finished: u64,
    pub(super) finish: Option<Finish>,
    pub(super) usage: Option<Usage>,
    pub(super) model: Option<&'a str>,
    /// Of a Responses event.
    pub(super) response_id: Option<&'a str>,
    pub(super) sequence: Option<u64>,
}

/// What is already recorded, so that the exchange is only locked for something new.
#[derive(Debug, Default)]
pub(super) struct Progress {
    content: bool,
    pieces: u64,
    model: bool,
    usage: Usage,
    started: u64,
    finished: u64,
    /// A finish reason is recorded. Another choice that begins takes it back.
    is_noted: bool,
    response_id: Option<Box<str>>,
    sequence: u64,
}

impl Progress {
    /// Whether every choice that was begun has a finish reason, and there was one.
    pub(super) fn is_finished(&self) -> bool {
        self.finished != 0 && self.started & !self.finished == 0
    }

    /// Whether the provider has said what was used.
    pub(super) fn has_usage(&self) -> bool {
        self.usage != Usage::default()
    }

    /// The answer has ended.
    pub(super) fn ended(&self, recorder: &Recorder) {
        recorder.update(|record| record.pieces = self.pieces);
    }

    /// The stream broke: the layer that ends it for the client needs its position.
    pub(super) fn broken(&mut self, recorder: &Recorder) {
        let response = self.response_id.take().map(|id| (id, self.sequence));
        recorder.update(|record| {
            record.pieces = self.pieces;
            record.response = response.or(record.response.take());
        });
    }

    pub(super) fn note(&mut self, news: EventSummary<'_>, recorder: &Recorder) {
        self.pieces += u64::from(news.content);
        self.sequence = news.sequence.unwrap_or(self.sequence);
        if self.response_id.is_none() {
            self.response_id = news.response_id.map(Into::into);
        }
        self.started |= news.started;
        self.finished |= news.finished;
        let reopened = self.is_noted && !self.is_finished();
        let content = (news.content || news.finish.is_some()) && !self.content;
        let model = news.model.filter(|_| !self.model);
        let finish = news.finish.filter(|_| self.is_finished());
        let usage = news.usage.map(|news| usage::merge(self.usage, news));
        let usage = usage.filter(|usage| *usage != self.usage);
        let is_old = !content && model.is_none() && finish.is_none() && usage.is_none();
        if is_old && !reopened {
            return;
        }
        self.content |= content;
        self.model |= model.is_some();
        self.is_noted = self.is_finished();
        self.usage = usage.unwrap_or(self.usage);
        recorder.update(|record| {
            record.content |= content;
            if content {
                record.content_at.get_or_insert_with(Instant::now);
            }
            record.model = model.map(Into::into).or(record.model.take());
            record.finish = finish.or(record.finish.take().filter(|_| !reopened));
            record.usage = usage.or(record.usage);
        });
    }
}
