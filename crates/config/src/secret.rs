//! Keys, kept out of logs.

use std::fmt;

/// A provider's key. It prints as `***`; only [`Secret::expose`] gives the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, for the `Authorization` header and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A key without the blanks around it, which come with it from files and clipboards. A line break
/// stays, so that it is refused: what follows it may be another key.
pub fn trim_key(key: &str) -> &str {
    key.trim_matches(|c: char| c.is_whitespace() && !is_line_break(c))
}

fn is_line_break(c: char) -> bool {
    // The last three are Unicode's: next line, line and paragraph separator.
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a provider has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A key that fits into a header: visible ASCII and spaces, never empty.
    Present(Secret),
    /// No key: the provider is skipped.
    Missing {
        /// The variable that would supply it, when the file names one.
        env: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_around_a_key_are_cut_and_line_breaks_are_not() {
        for (text, key) in [
            ("sk-1", "sk-1"),
            ("  sk-1\t ", "sk-1"),
            ("\u{a0}sk-1\u{3000}", "sk-1"),
            ("sk 1", "sk 1"),
            (" sk-1 \n", "sk-1 \n"),
            ("\r\n sk-1", "\r\n sk-1"),
            (" sk-1\n sk-2 ", "sk-1\n sk-2"),
            (" \t", ""),
            ("", ""),
        ] {
            assert_eq!(trim_key(text), key, "{text:?}");
        }
    }
}
