use super::{
    ids::Ids,
    item::{Body, Item, Part, PartKind, Reasoning, Status},
    json::decoded,
};
use crate::{Target, responses::attachments::Pending};

/// Seals the text of reasoning items for the client that asked.
pub type Sealing = Box<dyn Fn(&str) -> String + Send + Sync>;

/// What hears of the items while they grow.
pub(super) trait Sink {
    fn added(&mut self, _at: usize, _item: &Item) {}
    fn part_added(&mut self, _item: &Item) {}
    /// The text has grown from here on, with these log probabilities.
    fn delta(&mut self, _item: &Item, _from: usize, _logprobs: &str) {}
    /// The last part is whole; of a call, its arguments.
    fn part_done(&mut self, _item: &Item) {}
    fn done(&mut self, _at: usize, _json: &[u8]) {}
}

/// For a plain response: there is no event stream.
impl Sink for () {}

/// The output items of one answer. An item's place is its output index.
///
/// All text is taken as the inside of a JSON string.
///
/// At most one reasoning or message item is open, and it is closed before anything of another
/// kind opens; calls stay open until the end, because their pieces may come in any order.
pub(super) struct Items {
    pub(super) ids: Ids,
    sealing: Sealing,
    /// Whether the client asked for sealed reasoning.
    seals_all: bool,
    /// What the provider attached and no item has yet: it is sealed into the next reasoning item,
    /// whether or not the client asked.
    pub(super) pending: Pending,
    items: Vec<Item>,
    /// The open reasoning or message item.
    current: Option<usize>,
}

impl Items {
    pub(super) fn new(ids: Ids, sealing: Sealing, seals_all: bool, target: Option<Target>) -> Self {
        let pending = Pending::from(target);
        Self { ids, sealing, seals_all, pending, items: Vec::new(), current: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Item> {
        self.items.iter()
    }

    pub(super) fn get(&self, at: usize) -> &Item {
        &self.items[at]
    }

    pub(super) fn get_mut(&mut self, at: usize) -> &mut Item {
        &mut self.items[at]
    }

    pub(super) fn reason(&mut self, text: &str, sink: &mut impl Sink) {
        let at = self.current(|body| matches!(body, Body::Reasoning(_))).unwrap_or_else(|| {
            let at = self.open("rs_", Body::Reasoning(Reasoning::default()), sink);
            sink.part_added(&self.items[at]);
            self.current = Some(at);
            at
        });
        self.append(at, text, "", sink);
    }

    pub(super) fn part(
        &mut self,
        kind: PartKind,
        text: &str,
        logprobs: &str,
        sink: &mut impl Sink,
    ) {
        let at = self.current(|body| matches!(body, Body::Message(_))).unwrap_or_else(|| {
            let at = self.open("msg_", Body::Message(Vec::new()), sink);
            self.current = Some(at);
            at
        });
        let item = &mut self.items[at];
        let last = item.last_part().map(|part| part.kind);
        if last.is_some_and(|last| last != kind) {
            sink.part_done(item);
        }
        let Body::Message(parts) = &mut item.body else { return };
        if last != Some(kind) {
            parts.push(Part::new(kind));
            sink.part_added(item);
        }
        self.append(at, text, logprobs, sink);
    }

    /// Makes a reasoning item for what is pending, unless there is nothing, or one is open.
    pub(super) fn carry(&mut self, sink: &mut impl Sink) {
        let is_open = self.current(|body| matches!(body, Body::Reasoning(_))).is_some();
        if !self.pending.is_empty() && !is_open {
            self.current = Some(self.open("rs_", Body::Reasoning(Reasoning::default()), sink));
        }
    }

    /// The same behind everything else, when the answer has ended.
    pub(super) fn carry_last(&mut self, sink: &mut impl Sink) {
        self.carry(sink);
        if let Some(at) = self.current.take() {
            self.close(at, Status::Completed, sink);
        }
    }

    fn current(&self, is_wanted: impl Fn(&Body) -> bool) -> Option<usize> {
        self.current.filter(|&at| is_wanted(&self.items[at].body))
    }

    /// Opens an item; a reasoning or message item that was open is whole by that.
    pub(super) fn open(&mut self, prefix: &'static str, body: Body, sink: &mut impl Sink) -> usize {
        if let Some(at) = self.current.take() {
            self.close(at, Status::Completed, sink);
        }
        let at = self.items.len();
        let item = Item::new(self.ids.next(prefix), at, body);
        sink.added(at, &item);
        self.items.push(item);
        at
    }

    pub(super) fn append(&mut self, at: usize, text: &str, logprobs: &str, sink: &mut impl Sink) {
        if text.is_empty() {
            return;
        }
        let item = &mut self.items[at];
        let from = item.append(text);
        if let Body::Message(parts) = &mut item.body
            && let Some(part) = parts.last_mut()
        {
            part.add_logprobs(logprobs);
        }
        sink.delta(item, from, logprobs);
    }

    /// Closes what is open; the last item gets this status.
    pub(super) fn close_all(&mut self, last: Status, sink: &mut impl Sink) {
        self.current = None;
        for at in 0..self.items.len() {
            let is_last = at + 1 == self.items.len();
            self.close(at, if is_last { last } else { Status::Completed }, sink);
        }
    }

    fn close(&mut self, at: usize, status: Status, sink: &mut impl Sink) {
        let (before, rest) = self.items.split_at_mut(at);
        let item = &mut rest[0];
        if item.done.is_some() {
            return;
        }
        // An empty one has no part.
        if !matches!(&item.body, Body::Reasoning(reasoning) if reasoning.text.is_empty()) {
            sink.part_done(item);
        }
        if let Body::Reasoning(reasoning) = &mut item.body
            && (self.seals_all || !self.pending.is_empty())
        {
            let text = str::from_utf8(&reasoning.text).unwrap_or_default();
            let behind = before.iter().any(|item| !matches!(item.body, Body::Reasoning(_)));
            reasoning.sealed = Some((self.sealing)(&self.pending.seal(decoded(text), behind)));
        }
        let mut json = Vec::with_capacity(item.text().len() + 256);
        item.write(status, &mut json);
        sink.done(at, &json);
        item.done = Some(json);
    }
}
