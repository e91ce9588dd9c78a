use std::{fmt, sync::Arc};

use super::{
    chunk::{Chunk, ProviderError},
    ending::Ending,
    events::{Events, head},
    failure::Failure,
    ids::{Id, Ids},
    item::Status,
    items::Sealing,
    json::Put,
    non_chunk,
    output::Output,
    resource::{Resource, ResponseState},
    usage::Usage,
};
use crate::{
    chunk_template::ChunkTemplate, classify::error, exchange::Fault, responses::ResponseContext,
};

/// Turns the events of a Chat Completions stream into those of a Responses stream, one at a time:
/// an upstream event in, the bytes of the events that follow from it out.
///
/// It has no clock and does no I/O. Its driver calls [`chunk`](Self::chunk) for each upstream
/// event, and [`finish`](Self::finish) when the stream has ended or said so
/// ([`is_end`](Self::is_end)), or [`fail`](Self::fail) when it broke. However it is driven, what
/// comes out is grammatical: one terminal event, sequence numbers without gaps, and `data: [DONE]`
/// at the end. After that it writes nothing more.
///
/// A failed response leaves open items open: they are in no `output`, and no
/// `response.output_item.done` hands half a call to a client that would execute it. (The Open
/// Responses specification allows an incomplete item in an incomplete response only.)
pub struct StreamTranslator {
    id: Id,
    resource: Resource,
    output: Output,
    familiar: ChunkTemplate<ProviderError>,
    sequence: u64,
    stage: Stage,
    ending: Option<Ending>,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Fresh,
    Started,
    Over,
}

impl StreamTranslator {
    /// A machine for one answer to what was asked, which began at `now` (Unix seconds). `sealing`
    /// is only used when the client asked for sealed reasoning.
    pub fn new(context: Arc<ResponseContext>, mut ids: Ids, now: u64, sealing: Sealing) -> Self {
        let id = ids.next("resp_");
        Self {
            id,
            resource: Resource::new(&context, &id, now),
            output: Output::new(context, ids, sealing),
            familiar: ChunkTemplate::default(),
            sequence: 0,
            stage: Stage::Fresh,
            ending: None,
            usage: None,
        }
    }

    /// The id of the response.
    pub fn response_id(&self) -> String {
        self.id.to_string()
    }

    /// Whether the terminal event has been written.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Writes `response.created` and `response.in_progress`, unless that was done.
    pub fn start(&mut self, out: &mut Vec<u8>) {
        if self.stage == Stage::Fresh {
            self.stage = Stage::Started;
            self.whole(head!("response.created"), ResponseState::InProgress, out);
            self.whole(head!("response.in_progress"), ResponseState::InProgress, out);
        }
    }

    /// Writes a repeated `response.in_progress`, for clients whose idle timers ignore comments. A
    /// stream that has not begun begins with it.
    pub fn heartbeat(&mut self, out: &mut Vec<u8>) {
        match self.stage {
            Stage::Fresh => self.start(out),
            Stage::Started => {
                self.whole(head!("response.in_progress"), ResponseState::InProgress, out);
            }
            Stage::Over => {}
        }
    }

    /// Whether the data of an upstream event, in whatever spelling, says that the stream has ended.
    pub fn is_end(&self, data: &[u8]) -> bool {
        !non_chunk::is_object(data)
            && (non_chunk::is_done(data) || (self.ending.is_some() && non_chunk::is_end(data)))
    }

    /// Reads one upstream event's data and writes the events that follow from it: none for
    /// heartbeats, which are no JSON objects.
    ///
    /// # Errors
    ///
    /// When the event is an error, or an object that is no chunk. The stream is to be ended with [`fail`](Self::fail) then.
    pub fn chunk(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.stage == Stage::Over {
            return Ok(());
        }
        if let Some((told, text)) = self.familiar.matches(data) {
            self.output.text(told, text, &mut Events { out, sequence: &mut self.sequence });
            return Ok(());
        }
        if !non_chunk::is_object(data) {
            return non_chunk::error_in_array(data).map_or(Ok(()), Err);
        }
        self.familiar.forget();
        let chunk = Chunk::read(data)
            .map_err(|_| Fault::Malformed("an event is not JSON of the expected shape".into()))?;
        self.start(out);
        if let Some(raw) = chunk.error {
            return Err(Fault::Upstream(error::read_field(raw)));
        }
        self.usage = Usage::merged(self.usage, chunk.usage());
        let Some(choice) = chunk.into_choice() else { return Ok(()) };
        if let Some(raw) = choice.error {
            return Err(Fault::Upstream(error::read_field(raw)));
        }
        let ending = Ending::from_reasons(&choice.finish_reason.0, &choice.native_finish_reason.0);
        self.familiar.record(data, choice.only_text());
        self.output.piece(data, choice, &mut Events { out, sequence: &mut self.sequence });
        self.ending = ending?.or(self.ending);
        Ok(())
    }

    /// The upstream has ended, at `now` (Unix seconds): writes the terminal event, which is
    /// `response.failed` when no finish reason came.
    pub fn finish(&mut self, now: u64, out: &mut Vec<u8>) {
        if self.stage == Stage::Over {
            return;
        }
        self.start(out);
        let Some(ending) = self.ending else {
            return self.fail(&Failure::from(&Fault::Unfinished), out);
        };
        let (head, last) = match ending {
            Ending::Completed => (head!("response.completed"), Status::Completed),
            Ending::Incomplete(_) => (head!("response.incomplete"), Status::Incomplete),
        };
        let mut events = Events { out, sequence: &mut self.sequence };
        match self.output.end(last, &mut events) {
            Ok(()) => self.terminal(head, ResponseState::Ended(ending, now), out),
            Err(fault) => self.fail(&Failure::from(&fault), out),
        }
    }

    /// The answer broke: writes `response.failed`, whose output is what was done by then.
    pub fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        if self.stage != Stage::Over {
            self.start(out);
            self.terminal(head!("response.failed"), ResponseState::Failed(failure), out);
        }
    }

    fn terminal(&mut self, head: &'static str, standing: ResponseState<'_>, out: &mut Vec<u8>) {
        self.whole(head, standing, out);
        out.put("data: [DONE]\n\n");
        self.stage = Stage::Over;
    }

    /// An event with the whole response.
    fn whole(&mut self, head: &'static str, standing: ResponseState<'_>, out: &mut Vec<u8>) {
        let mut events = Events { out, sequence: &mut self.sequence };
        events.begin(head);
        events.out.put(",\"response\":");
        // In the beginning there is nothing yet, and a heartbeat only repeats the beginning.
        let known = !matches!(standing, ResponseState::InProgress);
        let output = self.output.done().filter(|_| known);
        self.resource.write(standing, output, self.usage.as_ref().filter(|_| known), events.out);
        events.end();
    }
}

impl fmt::Debug for StreamTranslator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamTranslator")
            .field("response_id", &self.response_id())
            .field("stage", &self.stage)
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}
