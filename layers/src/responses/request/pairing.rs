use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
};

use super::conversation::Output;

/// Which output belongs to which call.
///
/// An output goes to the oldest call with its id that has none yet, wherever both stand: providers
/// repeat ids from turn to turn.
#[derive(Debug, Default)]
pub(super) struct Pairing<'a> {
    unanswered: HashMap<Cow<'a, str>, VecDeque<ItemPosition>>,
    /// Outputs that came before their call, with the number of their item.
    early: HashMap<Cow<'a, str>, VecDeque<(usize, Output<'a>)>>,
}

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ItemPosition {
    pub(super) message: usize,
    pub(super) call: usize,
}

impl<'a> Pairing<'a> {
    /// The output for a call at this place, if it came already.
    pub(super) fn call(&mut self, id: &Cow<'a, str>, place: ItemPosition) -> Option<Output<'a>> {
        if let Some((_, output)) = self.early.get_mut(id).and_then(VecDeque::pop_front) {
            return Some(output);
        }
        self.unanswered.entry(id.clone()).or_default().push_back(place);
        None
    }

    /// The call that the output belongs to, with the output; one that came too early is kept.
    pub(super) fn output(
        &mut self,
        id: Cow<'a, str>,
        item: usize,
        output: Output<'a>,
    ) -> Option<(ItemPosition, Output<'a>)> {
        if let Some(place) = self.unanswered.get_mut(&id).and_then(VecDeque::pop_front) {
            return Some((place, output));
        }
        self.early.entry(id).or_default().push_back((item, output));
        None
    }

    /// The number of the first item that is an output without a call.
    pub(super) fn without_a_call(&self) -> Option<usize> {
        self.early.values().flatten().map(|(item, _)| *item).min()
    }
}
