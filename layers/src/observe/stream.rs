use super::{
    chat,
    data::{DataKind, error_in_list},
    error,
    event_summary::{EventSummary, Progress},
    layer::ErrorPolicy,
    responses,
    wire::{NOT_JSON, Read},
};
use crate::{
    Dialect,
    chunk_template::ChunkTemplate,
    exchange::{Fault, Recorder},
    sse::Event,
};

/// Whether an event goes to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passes,
    Dropped,
    /// The end of the stream: passes as `data: [DONE]`, however it was spelled.
    Done,
}

/// Reads the events of one stream and decides which of them pass.
///
/// Clients parse the data of every event as JSON, except for `[DONE]`. Heartbeats that are events
/// are therefore dropped; another spelling of `[DONE]` behind the finish reason becomes `[DONE]`,
/// once, and as late as the usage may still come.
pub(super) struct StreamReader {
    dialect: Dialect,
    familiar: ChunkTemplate<()>,
    progress: Progress,
    /// `[DONE]` has passed.
    done: bool,
    /// Another spelling of it has come.
    odd_done: bool,
    /// The chunk with the usage is not for the client.
    withhold_usage: bool,
}

impl StreamReader {
    pub(super) fn new(dialect: Dialect, withhold_usage: bool) -> Self {
        Self {
            dialect,
            familiar: ChunkTemplate::default(),
            progress: Progress::default(),
            done: false,
            odd_done: false,
            withhold_usage,
        }
    }

    /// Reads an event.
    ///
    /// # Errors
    ///
    /// When it breaks the stream.
    pub(super) fn read(
        &mut self,
        event: Event<'_>,
        recorder: &Recorder,
        errors: &ErrorPolicy,
    ) -> Result<Verdict, Fault> {
        if self.done {
            return Ok(self.read_behind(event, recorder));
        }
        if let [b'{', ..] = event.data {
            return self.object(event, recorder, errors);
        }
        if !event.has_data {
            return Ok(Verdict::Dropped);
        }
        let kind = DataKind::of(event);
        match kind {
            DataKind::Object => return self.object(event, recorder, errors),
            _ if event.name == b"error" => {
                return Err(Fault::Upstream(error::read_body(event.data)));
            }
            // Passed on, it would make half an answer look whole.
            DataKind::Done if !self.is_finished() => return Err(Fault::Unfinished),
            DataKind::Markup if !self.is_finished() => {
                return errors.malformed(NOT_JSON, recorder).map(|()| Verdict::Dropped);
            }
            _ => {}
        }
        if let Some(error) = error_in_list(event.data) {
            return Err(Fault::Upstream(error));
        }
        if !self.is_finished() {
            return Ok(Verdict::Dropped);
        }
        Ok(self.end(kind))
    }

    /// Reads an event behind the end of the answer, where nothing can break it any more. Of an
    /// object only the usage counts.
    pub(super) fn read_behind(&mut self, event: Event<'_>, recorder: &Recorder) -> Verdict {
        let kind = DataKind::of(event);
        if kind != DataKind::Object {
            return self.end(kind);
        }
        let Self { dialect, familiar, progress, withhold_usage, .. } = self;
        let news = |news: EventSummary<'_>| {
            progress.note(EventSummary { usage: news.usage, ..EventSummary::default() }, recorder);
        };
        let read = match dialect {
            Dialect::Chat => chat::read_event(event, familiar, news),
            Dialect::Responses => responses::read_event(event, news),
        };
        match read {
            Ok(Read::Malformed(_)) => Verdict::Dropped,
            Ok(Read::UsageOnly) if *withhold_usage => Verdict::Dropped,
            _ => Verdict::Passes,
        }
    }

    /// What is no object, behind the finish reason.
    fn end(&mut self, kind: DataKind) -> Verdict {
        let is_end = match kind {
            DataKind::Done => true,
            DataKind::OddDone => {
                self.odd_done = true;
                self.progress.has_usage()
            }
            _ => false,
        };
        if !is_end || self.done {
            return Verdict::Dropped;
        }
        self.done = true;
        Verdict::Done
    }

    fn object(
        &mut self,
        event: Event<'_>,
        recorder: &Recorder,
        errors: &ErrorPolicy,
    ) -> Result<Verdict, Fault> {
        let Self { dialect, familiar, progress, .. } = self;
        let news = |news: EventSummary<'_>| progress.note(news, recorder);
        let read = match dialect {
            Dialect::Chat => chat::read_event(event, familiar, news),
            Dialect::Responses => responses::read_event(event, news),
        };
        match read? {
            Read::UsageOnly if self.withhold_usage => Ok(Verdict::Dropped),
            Read::Passes | Read::UsageOnly => Ok(Verdict::Passes),
            Read::Malformed(what) => errors.malformed(what, recorder).map(|()| Verdict::Dropped),
        }
    }

    /// Whether every choice has its finish reason.
    pub(super) fn is_finished(&self) -> bool {
        self.progress.is_finished()
    }

    /// Whether the stream ended in another spelling of `[DONE]` that was not passed on to the
    /// client.
    pub(super) fn owes_done(&self) -> bool {
        self.odd_done && !self.done
    }

    pub(super) fn ended(&self, recorder: &Recorder) {
        self.progress.ended(recorder);
    }

    pub(super) fn broken(&mut self, recorder: &Recorder) {
        self.progress.broken(recorder);
    }
}
