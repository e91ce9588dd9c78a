use std::{borrow::Cow, collections::HashMap};

use crate::responses::context::{ToolKind, ToolMap, ToolRef};

pub(super) const LOCAL_SHELL: &str = "local_shell";
pub(super) const TOOL_SEARCH: &str = "tool_search";

pub(super) const KINDS: [ToolKind; 4] =
    [ToolKind::Function, ToolKind::Custom, ToolKind::LocalShell, ToolKind::ToolSearch];

/// Maximum length of a function name, in bytes; providers refuse longer ones.
const MAX_NAME_LEN: usize = 64;

/// The names under which tools are sent, each for one tool.
///
/// A tool's name is `name` or `namespace__name`, with `_` for what providers do not take. One that
/// is too long is cut and ends in a checksum of the whole. When another tool has the name already,
/// `_2`, `_3` ... is added. The same tools in the same order always get the same names, so that a
/// provider's prompt cache holds.
#[derive(Debug, Default)]
pub(super) struct Names {
    sent: HashMap<Box<str>, ToolRef>,
    /// The tools whose name has a number.
    numbered: HashMap<ToolRef, Box<str>>,
    /// The number to try next, by what stands before it.
    next: HashMap<Box<str>, u64>,
}

impl Names {
    /// The name for a declared tool.
    pub(super) fn declare(&mut self, called: &ToolRef) -> Box<str> {
        let base = base(called.namespace.as_deref(), &called.name);
        match self.sent.get(&*base) {
            Some(other) if other == called => base.into(),
            Some(_) => self.number(&base, called),
            None => {
                let base: Box<str> = base.into();
                self.sent.insert(base.clone(), called.clone());
                base
            }
        }
    }

    /// The name for a call in the history, whether its tool is still declared or not, and whatever
    /// kind of tool it was.
    pub(super) fn of_call<'n>(
        &mut self,
        kind: ToolKind,
        namespace: Option<&str>,
        name: &'n str,
    ) -> Cow<'n, str> {
        // Also when a client sends back the name of the function instead of its tool.
        if namespace.is_none() && self.sent.contains_key(name) {
            return Cow::Borrowed(name);
        }
        let base = base(namespace, name);
        let known = self
            .sent
            .get(&*base)
            .filter(|called| &*called.name == name && called.namespace.as_deref() == namespace);
        if known.is_some() {
            return Cow::Owned(base);
        }
        let of_kind =
            |kind| ToolRef { kind, name: name.into(), namespace: namespace.map(Box::from) };
        let numbered = KINDS.iter().find_map(|kind| self.numbered.get(&of_kind(*kind)));
        let sent = numbered.cloned().unwrap_or_else(|| self.declare(&of_kind(kind)));
        Cow::Owned(sent.into())
    }

    pub(super) fn into_map(self) -> ToolMap {
        ToolMap(self.sent)
    }

    /// The name of a tool whose name would be another's.
    fn number(&mut self, base: &str, called: &ToolRef) -> Box<str> {
        if let Some(name) = self.numbered.get(called) {
            return name.clone();
        }
        let number = self.next.entry(base.into()).or_insert(2);
        let mut name = numbered(base, *number);
        while self.sent.contains_key(&*name) {
            *number += 1;
            name = numbered(base, *number);
        }
        let name: Box<str> = name.into();
        self.sent.insert(name.clone(), called.clone());
        self.numbered.insert(called.clone(), name.clone());
        name
    }
}

/// Whether providers take the name as it is.
pub(super) fn is_plain(name: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len()) && name.chars().all(is_taken)
}

fn is_taken(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-')
}

fn base(namespace: Option<&str>, name: &str) -> String {
    let whole = namespace
        .map_or(Cow::Borrowed(name), |namespace| Cow::Owned(format!("{namespace}__{name}")));
    if is_plain(&whole) {
        return whole.into_owned();
    }
    if whole.is_empty() {
        return "tool".into();
    }
    let mut base: String =
        whole.chars().map(|char| if is_taken(char) { char } else { '_' }).collect();
    if base.len() > MAX_NAME_LEN {
        base.truncate(MAX_NAME_LEN - 9);
        base.push_str(&format!("_{:08x}", checksum(&whole)));
    }
    base
}

fn numbered(base: &str, number: u64) -> String {
    let suffix = format!("_{number}");
    // Names are ASCII here.
    let kept = base.len().min(MAX_NAME_LEN - suffix.len());
    format!("{}{suffix}", &base[..kept])
}

/// FNV-1a: the same in every build, unlike the standard library's hashes.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn function(namespace: Option<&str>, name: &str) -> ToolRef {
        ToolRef { kind: ToolKind::Function, name: name.into(), namespace: namespace.map(Box::from) }
    }

    #[test]
    fn names_are_what_providers_take() {
        let mut names = Names::default();
        let mut of =
            |namespace, name: &str| names.declare(&function(namespace, name)).into_string();
        assert_eq!(of(None, "exec_command"), "exec_command");
        assert_eq!(of(Some("mcp__fs"), "read"), "mcp__fs__read");
        assert_eq!(of(Some("mcp__git"), "read"), "mcp__git__read");
        assert_eq!(of(None, "a.b/c é"), "a_b_c__");
        assert_eq!(of(None, "a.b.c é"), "a_b_c___2");
        assert_eq!(of(None, ""), "tool");
        let long = of(None, &"x".repeat(65));
        assert_eq!((long.len(), &long[..56]), (64, &*format!("{}_", "x".repeat(55))));
        assert_ne!(of(None, &"x".repeat(66)), long);
        assert_eq!(of(None, &"x".repeat(65)), long);
    }

    #[test]
    fn a_number_keeps_the_length() {
        assert_eq!(numbered(&"x".repeat(64), 10), format!("{}_10", "x".repeat(61)));
    }

    #[test]
    fn calls_are_named_like_their_tools() {
        let mut names = Names::default();
        names.declare(&ToolRef { kind: ToolKind::Custom, ..function(None, "apply_patch") });
        names.declare(&function(Some("a"), "b"));
        let mut of =
            |namespace, name| names.of_call(ToolKind::Function, namespace, name).into_owned();
        assert_eq!(of(None, "apply_patch"), "apply_patch", "whatever it was called as");
        assert_eq!(of(Some("a"), "b"), "a__b");
        assert_eq!(of(None, "a__b"), "a__b");
        assert_eq!(of(Some("a__b"), "c"), "a__b__c");
        assert_eq!(of(Some("a"), "b__c"), "a__b__c_2");
        assert_eq!(of(None, "gone"), "gone");
    }

    proptest! {
        #[test]
        fn every_tool_has_a_name_of_its_own(
            tools in prop::collection::vec((prop::option::of("[a.]{0,3}(x{40})?"), "[a._]{0,4}(y{40})?"), 0..20)
        ) {
            let mut names = Names::default();
            let tools: Vec<_> = tools.iter().map(|(ns, name)| function(ns.as_deref(), name)).collect();
            let sent: Vec<_> = tools.iter().map(|tool| names.declare(tool)).collect();
            for (tool, sent) in tools.iter().zip(&sent) {
                prop_assert!(is_plain(sent), "{}", sent);
                prop_assert_eq!(&names.declare(tool), sent);
                let call = names.of_call(tool.kind, tool.namespace.as_deref(), &tool.name).into_owned();
                // Without a namespace a name may be one that was sent.
                prop_assert!(tool.namespace.is_none() || call == **sent);
            }
            let map = names.into_map();
            for (tool, sent) in tools.iter().zip(&sent) {
                prop_assert_eq!(&map.resolve(sent), tool);
            }
        }
    }
}
