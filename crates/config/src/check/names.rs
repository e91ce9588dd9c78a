//! Checks of names: not empty, printable, given once.

use std::collections::HashMap;

use serde_saphyr::Spanned;

use super::Checker;
use crate::error::SourcePosition;
use crate::raw::Text;
use crate::suggest;

impl Checker<'_> {
    /// A name that can stand in a header and a log line; `what` is its role.
    fn name(&mut self, what: &str, name: &Text) -> bool {
        let wrong = match name.value.as_str() {
            "" => "is empty",
            text if text.trim() != text => "begins or ends with a space",
            text if text.contains(char::is_control) => "contains a control character",
            _ => return true,
        };
        self.wrong(name, format!("this {what} {wrong}"));
        false
    }

    /// A name, checked, without its place.
    pub(super) fn named(&mut self, what: &str, name: Text) -> String {
        self.name(what, &name);
        name.value
    }

    /// A list of names; one that is given twice is odd, but the second changes nothing.
    pub(super) fn list(&mut self, what: &str, list: Option<Vec<Text>>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in list.unwrap_or_default() {
            self.name(what, &name);
            let line = name.referenced.line();
            if names.contains(&name.value) {
                self.warnings.push(format!("line {line} lists the {what} `{}` twice", name.value));
            } else {
                names.push(name.value);
            }
        }
        names
    }

    /// Reports every name after the first of its kind.
    pub(super) fn unique<'t>(&mut self, what: &str, names: impl IntoIterator<Item = &'t Text>) {
        let mut first: HashMap<&str, &Text> = HashMap::new();
        for name in names {
            if let Some(first) = first.get(name.value.as_str()) {
                let line = first.referenced.line();
                self.wrong(name, format!("the {what} `{}` is given twice", name.value))
                    .help(format!("the first is on line {line}"));
            } else {
                first.insert(&name.value, name);
            }
        }
    }

    /// A reference to something that has to exist.
    pub(super) fn exists<'t>(
        &mut self,
        what: &str,
        name: &Text,
        known: impl IntoIterator<Item = &'t str> + Clone,
    ) {
        if known.clone().into_iter().all(|known| known != name.value) {
            self.wrong(name, format!("there is no {what} `{}`", name.value)).help(suggest::help(
                &name.value,
                known,
                &format!("the {what}s are"),
            ));
        }
    }

    /// A setting that has two spellings, of which one may be used.
    pub(super) fn either<T>(
        &mut self,
        (name, value): (&str, Option<Spanned<T>>),
        (twin_name, twin): (&str, Option<Spanned<T>>),
    ) -> Option<Spanned<T>> {
        if let (Some(value), Some(twin)) = (&value, &twin) {
            let (one, two) = (SourcePosition::of(value), SourcePosition::of(twin));
            let line = |place: Option<SourcePosition>| place.map(|place| place.line);
            let (first, second) = if line(one) <= line(two) { (one, two) } else { (two, one) };
            let message = format!("`{name}` and `{twin_name}` are the same setting, given twice");
            self.wrong_at(second, message)
                .help(line(first).map(|line| format!("the first is on line {line}")));
        }
        value.or(twin)
    }
}
