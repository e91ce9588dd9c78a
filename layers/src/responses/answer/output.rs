use std::{borrow::Cow, sync::Arc};

use super::{
    calls::Calls,
    chunk::{self, Choice, Delta, ProviderError},
    ids::Ids,
    item::{Body, PartKind, Status, ToolCall},
    items::{Items, Sealing, Sink},
    json, objects,
    surrogates::SurrogateJoiner,
    think_tags::{Piece, ThinkTags},
};
use crate::{
    exchange::Fault,
    responses::{
        ResponseContext, ToolKind, ToolRef,
        attachments::{self, Attachments, Found},
    },
};

/// The output of one answer, from what a provider says.
pub(super) struct Output {
    context: Arc<ResponseContext>,
    items: Items,
    inline: ThinkTags,
    /// Of the text that was added to last.
    halves: SurrogateJoiner,
    halves_of: TextKind,
    calls: Calls,
    /// The call that was spoken of last.
    last_call: usize,
    /// What the provider attached.
    attachments: Attachments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextKind {
    Reasoning,
    Content,
    Refusal,
}

impl Output {
    pub(super) fn new(context: Arc<ResponseContext>, ids: Ids, sealing: Sealing) -> Self {
        let items = Items::new(ids, sealing, context.include_encrypted, context.target.clone());
        Self {
            context,
            items,
            inline: ThinkTags::default(),
            halves: SurrogateJoiner::default(),
            halves_of: TextKind::Content,
            calls: Calls::default(),
            last_call: 0,
            attachments: Attachments::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items that are done, as JSON, by output index.
    pub(super) fn done(&self) -> impl Iterator<Item = &[u8]> {
        self.items.iter().filter_map(|item| item.done.as_deref())
    }

    /// A piece of the answer, which stands in this JSON.
    pub(super) fn piece(&mut self, json: &[u8], choice: Choice<'_>, sink: &mut impl Sink) {
        let found = &mut self.attached(json);
        let logprobs = choice.logprobs();
        match (choice.delta, choice.message) {
            (Some(said), _) => self.say(said, found, &logprobs, false, sink),
            // Some repeat the whole message behind its pieces, and some send nothing else.
            (None, Some(said)) if self.items.is_empty() && self.calls.len() == 0 => {
                self.say(said, found, &logprobs, true, sink);
            }
            _ => {}
        }
    }

    /// A piece of text like the one before, without escapes of code points.
    pub(super) fn text(&mut self, told: ProviderError, text: &str, sink: &mut impl Sink) {
        match told {
            ProviderError::Reasoning if self.halves.is_pending() => self.reason(text, sink),
            ProviderError::Reasoning => self.add_reasoning(text, sink),
            ProviderError::Content if self.halves.is_pending() => self.content(text, "", sink),
            ProviderError::Content => self.add_content(text, "", sink),
            ProviderError::Arguments => {
                self.calls.get_mut(self.last_call).add_arguments(text);
                self.open(self.last_call, sink);
                self.pass_arguments(self.last_call, sink);
            }
        }
    }

    /// The whole answer, which stands in this JSON.
    pub(super) fn whole(&mut self, json: &[u8], choice: Choice<'_>) {
        let found = &mut self.attached(json);
        let logprobs = choice.logprobs();
        if let Some(said) = choice.message.or(choice.delta) {
            self.say(said, found, &logprobs, true, &mut ());
        }
    }

    /// What the provider attached in this JSON; what is the message's own is kept at once.
    fn attached<'a>(&mut self, json: &'a [u8]) -> Found<'a> {
        let mut found = attachments::find(json);
        if self.attachments.message(&mut found) {
            self.items.pending.message(&self.attachments.message);
        }
        found
    }

    fn say(
        &mut self,
        mut said: Delta<'_>,
        found: &mut Found<'_>,
        logprobs: &str,
        whole: bool,
        sink: &mut impl Sink,
    ) {
        self.reason(&said.reasoning(), sink);
        match said.parts() {
            None => self.content(said.content(), logprobs, sink),
            Some(parts) => {
                self.reason(&parts.thinking, sink);
                self.content(&parts.text, logprobs, sink);
                self.refuse(&parts.refusal, sink);
            }
        }
        self.refuse(said.refusal(), sink);
        for (position, call) in said.take_calls().iter().enumerate() {
            let at = self.call(call, position, whole, sink);
            if let Some(piece) = found.calls.get_mut(position) {
                self.attachments.call(at, piece);
            }
            self.open_begun(at, whole, sink);
        }
    }

    fn reason(&mut self, piece: &str, sink: &mut impl Sink) {
        if !piece.is_empty() {
            let reasoning = self.join(TextKind::Reasoning, piece, sink);
            self.add_reasoning(&reasoning, sink);
        }
    }

    fn content(&mut self, piece: &str, logprobs: &str, sink: &mut impl Sink) {
        if !piece.is_empty() {
            let content = self.join(TextKind::Content, piece, sink);
            self.add_content(&content, logprobs, sink);
        }
    }

    fn refuse(&mut self, piece: &str, sink: &mut impl Sink) {
        if !piece.is_empty() {
            let refusal = self.join(TextKind::Refusal, piece, sink);
            self.add_refusal(&refusal, sink);
        }
    }

    /// The piece, with what the last one of its kind kept back. What another kind kept back is
    /// never completed.
    fn join<'a>(&mut self, kind: TextKind, piece: &'a str, sink: &mut impl Sink) -> Cow<'a, str> {
        if self.halves_of != kind {
            self.end_halves(sink);
            self.halves_of = kind;
        }
        self.halves.join(piece)
    }

    fn end_halves(&mut self, sink: &mut impl Sink) {
        let Some(end) = self.halves.end() else { return };
        match self.halves_of {
            TextKind::Reasoning => self.add_reasoning(end, sink),
            TextKind::Content => self.add_content(end, "", sink),
            TextKind::Refusal => self.add_refusal(end, sink),
        }
    }

    fn add_reasoning(&mut self, reasoning: &str, sink: &mut impl Sink) {
        if !reasoning.is_empty() {
            self.flush_inline(sink);
            self.items.reason(reasoning, sink);
        }
    }

    fn add_content(&mut self, content: &str, logprobs: &str, sink: &mut impl Sink) {
        let Self { inline, items, .. } = self;
        if content.is_empty() {
        } else if inline.passes(content) {
            items.part(PartKind::Text, content, logprobs, sink);
        } else {
            inline.feed(&json::decoded(content), |piece| tell(items, piece, logprobs, sink));
        }
    }

    fn add_refusal(&mut self, refusal: &str, sink: &mut impl Sink) {
        if !refusal.is_empty() {
            self.flush_inline(sink);
            self.items.part(PartKind::Refusal, refusal, "", sink);
        }
    }

    /// Decides on text that was kept back.
    fn flush(&mut self, sink: &mut impl Sink) {
        self.end_halves(sink);
        self.flush_inline(sink);
    }

    /// Decides on content that was held back.
    fn flush_inline(&mut self, sink: &mut impl Sink) {
        let Self { inline, items, .. } = self;
        inline.flush(|piece| tell(items, piece, "", sink));
    }

    fn call(
        &mut self,
        piece: &chunk::ToolCallDelta<'_>,
        position: usize,
        whole: bool,
        sink: &mut impl Sink,
    ) -> usize {
        let known = self.calls.len();
        let at = self.calls.add(piece, position, whole);
        // Where another call begins, no more of the name before it will come.
        for earlier in known.saturating_sub(1)..at {
            self.open(earlier, sink);
        }
        at
    }

    /// Opens the call of a piece when enough of it has come.
    fn open_begun(&mut self, at: usize, whole: bool, sink: &mut impl Sink) {
        let call = self.calls.get(at);
        if whole || !call.arguments.is_empty() || self.context.tools.is_settled(&call.name) {
            self.open(at, sink);
        }
        self.pass_arguments(at, sink);
        self.last_call = at;
    }

    /// Opens the call's item, unless it has one, has no name yet, or is of a kind that is only
    /// given whole.
    fn open(&mut self, at: usize, sink: &mut impl Sink) {
        let call = self.calls.get(at);
        if call.item.is_some() || call.name.is_empty() {
            return;
        }
        let called = self.context.tools.resolve(&call.name);
        if matches!(called.kind, ToolKind::Function | ToolKind::Custom) {
            self.open_as(at, called, Vec::new(), sink);
        }
    }

    fn open_as(&mut self, at: usize, called: ToolRef, object: Vec<u8>, sink: &mut impl Sink) {
        self.flush(sink);
        let prefix = match called.kind {
            ToolKind::Function => "fc_",
            ToolKind::Custom => "ctc_",
            ToolKind::LocalShell => "lsh_",
            ToolKind::ToolSearch => "tsc_",
        };
        let id = self.call_id(at);
        if let Some(fields) = self.attachments.calls.remove(&at) {
            self.items.pending.call(&id, fields);
        }
        self.items.carry(sink);
        let call = ToolCall::new(called, id, object);
        let item = self.items.open(prefix, Body::ToolCall(Box::new(call)), sink);
        self.calls.get_mut(at).item = Some(item);
        self.pass_arguments(at, sink);
    }

    /// The upstream's id, unless it gave none, or gave it to two calls.
    fn call_id(&mut self, at: usize) -> String {
        let id = &self.calls.get(at).id;
        let is_taken = self.items.iter().any(|item| match &item.body {
            Body::ToolCall(call) => call.call_id == *id,
            _ => false,
        });
        if id.is_empty() || is_taken {
            return self.items.ids.next("call_").to_string();
        }
        id.clone()
    }

    /// Hands on the arguments that have come since.
    fn pass_arguments(&mut self, at: usize, sink: &mut impl Sink) {
        let call = self.calls.get_mut(at);
        let Some(item) = call.item else { return };
        if call.is_placeholder() {
            return;
        }
        let from = std::mem::replace(&mut call.passed, call.arguments.len());
        let arguments = &call.arguments[from..];
        let Body::ToolCall(open) = &mut self.items.get_mut(item).body else { return };
        match open.called.kind {
            ToolKind::Function => self.items.append(item, arguments, "", sink),
            ToolKind::Custom => {
                let mut input = String::new();
                open.unwrap.feed(&json::decoded(arguments), &mut input);
                self.items.append(item, &json::escaped(&input), "", sink);
            }
            ToolKind::LocalShell | ToolKind::ToolSearch => {}
        }
    }

    /// The end of the answer: closes what is open, the last item with this status.
    ///
    /// # Errors
    ///
    /// When a call has no name, though the answer was not cut short.
    pub(super) fn end(&mut self, last: Status, sink: &mut impl Sink) -> Result<(), Fault> {
        self.flush(sink);
        for at in 0..self.calls.len() {
            let call = self.calls.get_mut(at);
            call.end();
            if call.name.is_empty() && !call.is_blank() && last != Status::Incomplete {
                return Err(Fault::Malformed("a tool call without a name".into()));
            }
            self.open(at, sink);
            self.pass_arguments(at, sink);
        }
        for at in 0..self.calls.len() {
            self.open_whole(at, sink);
            self.fill(at, sink);
        }
        self.items.close_all(last, sink);
        // What came behind the beginning of its call.
        for (at, fields) in std::mem::take(&mut self.attachments.calls) {
            let item = self.calls.get(at).item.map(|item| &self.items.get(item).body);
            if let Some(Body::ToolCall(call)) = item {
                let id = call.call_id.clone();
                self.items.pending.call(&id, fields);
            }
        }
        self.items.carry_last(sink);
        Ok(())
    }

    /// Opens a call that is only given whole. One whose arguments cannot be read goes back as a
    /// function call, so that the model hears of it.
    fn open_whole(&mut self, at: usize, sink: &mut impl Sink) {
        let call = self.calls.get(at);
        if call.item.is_some() || call.name.is_empty() {
            return;
        }
        let mut called = self.context.tools.resolve(&call.name);
        let object = match called.kind {
            ToolKind::LocalShell => objects::shell_action(&json::decoded(&call.arguments)),
            _ => Some(objects::search_arguments(&json::decoded(&call.arguments))),
        };
        if object.is_none() {
            called.kind = ToolKind::Function;
        }
        self.open_as(at, called, object.unwrap_or_default(), sink);
    }

    /// Adds what a call's arguments lack at the end.
    fn fill(&mut self, at: usize, sink: &mut impl Sink) {
        let call = self.calls.get(at);
        let Some(item) = call.item else { return };
        let Body::ToolCall(open) = &self.items.get(item).body else { return };
        let missing = match open.called.kind {
            ToolKind::Function if call.is_bare() || call.is_placeholder() => "{}".to_owned(),
            ToolKind::Custom => {
                open.unwrap.fallback(&json::decoded(&call.arguments)).unwrap_or_default()
            }
            _ => return,
        };
        self.items.append(item, &json::escaped(&missing), "", sink);
    }
}

fn tell(items: &mut Items, piece: Piece<'_>, logprobs: &str, sink: &mut impl Sink) {
    match piece {
        Piece::Thought(text) => items.reason(&json::escaped(text), sink),
        Piece::Text(text) => items.part(PartKind::Text, &json::escaped(text), logprobs, sink),
    }
}
