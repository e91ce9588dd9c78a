//! Which call a piece of one belongs to.

use serde_json::Value;

use super::{chunk, json::decoded, scan::JsonScan, surrogates::SurrogateJoiner};

/// The calls of an answer, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Upstream>,
    /// The one that the last piece belongs to.
    last: usize,
}

/// A call as the provider sends it.
#[derive(Debug, Default)]
pub(super) struct Upstream {
    index: Option<u64>,
    pub(super) id: String,
    pub(super) name: String,
    /// As the inside of a JSON string.
    pub(super) arguments: String,
    halves: SurrogateJoiner,
    scan: JsonScan,
    /// How much of the arguments has been handed on.
    pub(super) passed: usize,
    /// The output index of its item, once there is one.
    pub(super) item: Option<usize>,
}

impl Calls {
    /// Adds a piece, and gives the call it belongs to. `position` is where it stands among the
    /// pieces that came together; in a whole answer every piece is a call.
    pub(super) fn add(
        &mut self,
        piece: &chunk::ToolCallDelta<'_>,
        position: usize,
        whole: bool,
    ) -> usize {
        let arguments = piece.arguments();
        let found = if whole { None } else { self.find(piece, &arguments, position) };
        let at = found.unwrap_or_else(|| {
            self.calls.push(Upstream { index: piece.index.0, ..Upstream::default() });
            self.calls.len() - 1
        });
        self.last = at;
        let call = &mut self.calls[at];
        let is_by_id = !call.id.is_empty() && call.id == piece.id.0;
        let is_named = is_by_id || (!call.name.is_empty() && !piece.name().is_empty());
        if call.id.is_empty() {
            call.id.push_str(&piece.id.0);
        }
        call.add_name(piece.name());
        call.join(&arguments, is_named, is_by_id);
        at
    }

    fn find(
        &mut self,
        piece: &chunk::ToolCallDelta<'_>,
        arguments: &str,
        position: usize,
    ) -> Option<usize> {
        let (id, name, index) = (&*piece.id.0, piece.name(), piece.index.0);
        let agrees =
            |call: &Upstream| call.index.is_none() || index.is_none_or(|_| call.index == index);
        let mut known = self.calls.iter();
        let by_id = match id.is_empty() {
            true => None,
            false => known.clone().rposition(|call| call.id == id && agrees(call)),
        };
        let at = match (by_id, index) {
            (Some(at), _) => at,
            (None, Some(_)) => known.rposition(|call| call.index == index)?,
            (None, None) if !id.is_empty() && !name.is_empty() => return None,
            (None, None) if !name.is_empty() && position > 0 => return None,
            (None, None) => self.calls.len().checked_sub(1)?,
        };
        let is_twice = position > 0 && at == self.last;
        let call = &mut self.calls[at];
        // A provider that numbers nothing, or everything 0, begins anew with a name.
        let begins = !name.is_empty() && !call.name.is_empty();
        if !begins {
            return Some(at);
        }
        if by_id.is_none() && !id.is_empty() && !call.id.is_empty() {
            return None;
        }
        if is_blank(arguments) || !call.is_whole() {
            return Some(at);
        }
        let is_same = match (by_id, index.and(call.index)) {
            _ if name != call.name => false,
            // Both say that it is this one.
            (Some(_), Some(_)) if !is_twice => true,
            // Calls without an id or index are separate calls.
            (None, None) if call.id.is_empty() => false,
            _ => !is_twice && call.is_repeated_by(arguments),
        };
        is_same.then_some(at)
    }

    pub(super) fn get(&self, at: usize) -> &Upstream {
        &self.calls[at]
    }

    pub(super) fn get_mut(&mut self, at: usize) -> &mut Upstream {
        &mut self.calls[at]
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
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

    /// A piece of the arguments that says nothing but that, without escapes of code points.
    pub(super) fn add_arguments(&mut self, piece: &str) {
        match self.halves.is_pending() {
            true => self.join(piece, false, false),
            false => self.extend(piece, false, false),
        }
    }

    fn join(&mut self, piece: &str, is_named: bool, is_by_id: bool) {
        let piece = self.halves.join(piece);
        self.extend(&piece, is_named, is_by_id);
    }

    /// Adds a piece of the arguments, unless it repeats them: some providers sum up a call at its
    /// end. `is_named` says whether the piece identifies its call by name or id, and `is_by_id`
    /// whether by its id.
    fn extend(&mut self, piece: &str, is_named: bool, is_by_id: bool) {
        if self.is_placeholder() && !is_blank(piece) && !self.is_repeated_by(piece) {
            self.arguments.clear();
            self.scan = JsonScan::default();
        }
        // No other piece is JSON by itself.
        let begins = matches!(piece.as_bytes().first(), Some(b'{' | b'[' | b'\\' | b' '));
        let may_repeat = begins && (is_named || self.arguments.ends_with(['}', ']']));
        let new = match may_repeat && !self.arguments.is_empty() {
            true => self.unrepeated(piece, is_named, is_by_id),
            false => piece,
        };
        self.arguments.push_str(new);
    }

    /// The part of the piece that does not repeat earlier ones.
    fn unrepeated<'a>(&mut self, piece: &'a str, is_named: bool, is_by_id: bool) -> &'a str {
        if self.is_whole() {
            let is_repeated = match is_by_id {
                true => JsonScan::is_whole(piece),
                false => self.is_repeated_by(piece),
            };
            return if is_repeated { "" } else { piece };
        }
        // Summed up before it was whole.
        match piece.strip_prefix(&*self.arguments) {
            Some(new) if is_named && JsonScan::is_whole(piece) => new,
            _ => piece,
        }
    }

    /// Whether the piece is the same JSON as the arguments, perhaps encoded once more as a string.
    fn is_repeated_by(&self, piece: &str) -> bool {
        let read = |inside: &str| serde_json::from_str::<Value>(&decoded(inside)).ok();
        if !JsonScan::is_whole(piece) {
            return false;
        }
        let (Some(known), Some(piece)) = (read(&self.arguments), read(piece)) else { return false };
        let is_encoded =
            |text: &str| serde_json::from_str(text).is_ok_and(|piece: Value| piece == known);
        piece == known || piece.as_str().is_some_and(is_encoded)
    }

    /// Whether nothing is missing.
    fn is_whole(&mut self) -> bool {
        self.scan.read(&self.arguments)
    }

    /// No more of the arguments will come.
    pub(super) fn end(&mut self) {
        self.arguments.push_str(self.halves.end().unwrap_or_default());
    }

    /// Whether the arguments are `{}` as yet, with which some providers begin every call. It is only
    /// handed on at the end, when no other arguments have come.
    pub(super) fn is_placeholder(&self) -> bool {
        self.passed == 0 && self.arguments == "{}"
    }

    /// Whether there are no arguments but white space.
    pub(super) fn is_bare(&self) -> bool {
        is_blank(&self.arguments)
    }

    /// A call that says nothing at all.
    pub(super) fn is_blank(&self) -> bool {
        self.id.is_empty() && self.name.is_empty() && self.is_bare()
    }
}

fn is_blank(inside: &str) -> bool {
    !inside.starts_with(|c: char| c.is_ascii_graphic() && c != '\\')
        && decoded(inside).trim().is_empty()
}
