use std::fmt;

/// A pattern for the model name a client asked for: a plain one is a prefix, `*` makes it a glob
/// over the whole name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// Whether the name matches. Case counts.
    ///
    /// ```
    /// use switchtower_layers::route::Pattern;
    ///
    /// assert!(Pattern::from("gpt-").matches("gpt-5.1"));
    /// assert!(Pattern::from("*-mini").matches("o4-mini"));
    /// assert!(!Pattern::from("*-mini").matches("o4-mini-high"));
    /// ```
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let prefix = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(prefix) else { return false };
        let Some(suffix) = parts.next_back() else { return true };
        for part in parts {
            // The leftmost place leaves the most for the parts that follow.
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(suffix)
    }
}

impl From<&str> for Pattern {
    fn from(pattern: &str) -> Self {
        Self(pattern.into())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefixes_and_globs() {
        for (pattern, matching, other) in [
            ("gpt-", "gpt-5.1", "chatgpt-4"),
            ("gpt-*", "gpt-", "gpt"),
            ("*", "", "\u{0}never"),
            ("a*b*c", "a--b-b--c", "a--c--b"),
            ("*claude*", "anthropic/claude-5", "gemini"),
            ("a*a", "aa", "a"),
            ("o1", "o1-preview", "O1"),
            ("é*", "école", "ecole"),
        ] {
            assert!(Pattern::from(pattern).matches(matching), "{pattern} {matching}");
            if pattern != "*" {
                assert!(!Pattern::from(pattern).matches(other), "{pattern} {other}");
            }
        }
    }

    /// The definition of a glob, by recursion.
    fn reference(pattern: &str, name: &str) -> bool {
        match pattern.chars().next() {
            None => name.is_empty(),
            Some('*') => (0..=name.len())
                .filter(|&at| name.is_char_boundary(at))
                .any(|at| reference(&pattern[1..], &name[at..])),
            Some(c) => {
                name.strip_prefix(c).is_some_and(|rest| reference(&pattern[c.len_utf8()..], rest))
            }
        }
    }

    proptest! {
        #[test]
        fn a_glob_matches_by_its_definition(pattern in "[ab*]{0,6}", name in "[ab]{0,8}") {
            let expected = if pattern.contains('*') {
                reference(&pattern, &name)
            } else {
                name.starts_with(&pattern)
            };
            prop_assert_eq!(Pattern::from(pattern.as_str()).matches(&name), expected);
        }
    }
}
