//! Which call a piece of one belongs to.

use serde::de::IgnoredAny;

use super::{chunk, json::decoded};

/// The calls of an answer, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Upstream>);

/// A call as the provider tells it.
#[derive(Debug, Default)]
pub(super) struct Upstream {
    index: Option<u64>,
    pub(super) id: String,
    pub(super) name: String,
    /// As the inside of a JSON string.
    pub(super) arguments: String,
    /// How much of the arguments has been handed on.
    pub(super) passed: usize,
    /// The output index of its item, once there is one.
    pub(super) item: Option<usize>,
}

impl Calls {
    /// Adds a piece, and gives the call it belongs to. `position` is where it stands among the
    /// pieces that came together; in a whole answer every piece is a call.
    pub(super) fn add(&mut self, piece: &chunk::Call<'_>, position: usize, whole: bool) -> usize {
        let arguments = piece.arguments();
        let at = match self.find(piece, &arguments, position) {
            Some(at) if !whole => at,
            _ => {
                self.0.push(Upstream { index: piece.index.0, ..Upstream::default() });
                self.0.len() - 1
            }
        };
        let call = &mut self.0[at];
        if call.id.is_empty() {
            call.id.push_str(&piece.id.0);
        }
        call.add_name(piece.name());
        call.arguments.push_str(&arguments);
        at
    }

    fn find(&self, piece: &chunk::Call<'_>, arguments: &str, position: usize) -> Option<usize> {
        let (id, name) = (&*piece.id.0, piece.name());
        let mut known = self.0.iter();
        let at = match piece.index.0 {
            Some(index) => known.rposition(|call| call.index == Some(index))?,
            None if !id.is_empty() && !name.is_empty() => known.rposition(|call| call.id == id)?,
            None if !name.is_empty() && position > 0 => return None,
            None => self.0.len().checked_sub(1)?,
        };
        let call = &self.0[at];
        // A provider that numbers nothing, or everything 0, begins anew with a name.
        let begins = !name.is_empty() && !call.name.is_empty();
        let differs = !id.is_empty() && !call.id.is_empty() && id != call.id;
        let is_next = begins && (differs || (!arguments.is_empty() && call.is_whole()));
        (!is_next).then_some(at)
    }

    pub(super) fn get(&self, at: usize) -> &Upstream {
        &self.0[at]
    }

    pub(super) fn get_mut(&mut self, at: usize) -> &mut Upstream {
        &mut self.0[at]
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Upstream {
    /// A name comes whole, again in every piece, or in pieces itself.
    fn add_name(&mut self, name: &str) {
        if self.item.is_some() {
            return;
        }
        if name.starts_with(&self.name) {
            self.name.clear();
        }
        self.name.push_str(name);
    }

    /// Whether nothing is missing. Long ones that do not end as an object does are not read: some
    /// providers repeat the name, and so ask, with every piece.
    fn is_whole(&self) -> bool {
        let end = self.arguments.trim_end_matches(|c: char| c == ' ' || "\\nrt".contains(c));
        let may_be = self.arguments.len() < 64 || end.ends_with('}');
        may_be && serde_json::from_str::<IgnoredAny>(&decoded(&self.arguments)).is_ok()
    }

    /// Whether there are no arguments but white space.
    pub(super) fn is_bare(&self) -> bool {
        !self.arguments.starts_with(|c: char| c.is_ascii_graphic() && c != '\\')
            && decoded(&self.arguments).trim().is_empty()
    }

    /// A call that says nothing at all.
    pub(super) fn is_blank(&self) -> bool {
        self.id.is_empty() && self.name.is_empty() && self.is_bare()
    }
}
