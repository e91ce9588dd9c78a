/// A pattern in which `*` matches any characters; case-insensitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What stands between the `*`, in lower case and in order, without the empty ones.
    parts: Box<[Box<str>]>,
    /// The text has to begin with the first part.
    at_start: bool,
    /// The text has to end with the last part.
    at_end: bool,
}

impl Pattern {
    /// Has to match the whole of a text.
    pub(super) fn whole(pattern: &str) -> Self {
        let (at_start, at_end) = (!pattern.starts_with('*'), !pattern.ends_with('*'));
        Self { at_start, at_end, ..Self::anywhere(pattern) }
    }

    /// Has to match somewhere in a text.
    pub(super) fn anywhere(pattern: &str) -> Self {
        let parts = pattern.split('*').filter(|part| !part.is_empty());
        let parts = parts.map(|part| part.to_lowercase().into()).collect();
        Self { parts, at_start: false, at_end: false }
    }

    /// Whether it matches. `text` has to be in lower case.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (mut rest, mut parts) = (text, &*self.parts);
        if self.at_start
            && let Some((first, others)) = parts.split_first()
        {
            let Some(behind) = rest.strip_prefix(&**first) else { return false };
            (rest, parts) = (behind, others);
        }
        let last = match parts.split_last() {
            Some((last, others)) if self.at_end => {
                parts = others;
                Some(last)
            }
            // It has one part and no `*`, or is empty.
            None if self.at_end => return rest.is_empty(),
            _ => None,
        };
        for part in parts {
            let Some(at) = rest.find(&**part) else { return false };
            rest = &rest[at + part.len()..];
        }
        last.is_none_or(|last| rest.ends_with(&**last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_stand_for_anything_and_case_for_nothing() {
        for (pattern, text, whole, anywhere) in [
            ("", "", true, true),
            ("", "a", false, true),
            ("*", "a", true, true),
            ("Quota", "quota", true, true),
            ("quota", "no quota left", false, true),
            ("*quota*", "no quota left", true, true),
            ("no*left", "no quota left", true, true),
            ("no*left", "oh no, none is left here", false, true),
            ("left*no", "no quota left", false, false),
            ("a*a", "a", false, false),
            ("aa*aa", "aaa", false, false),
            ("a**b", "ab", true, true),
            ("Throttling.*", "throttling.ratequota", true, true),
            ("Throttling.*", "no throttling.x", false, true),
            ("*ÄÖ", "zäö", true, true),
        ] {
            assert_eq!(Pattern::whole(pattern).matches(text), whole, "{pattern} {text}");
            assert_eq!(Pattern::anywhere(pattern).matches(text), anywhere, "{pattern} {text}");
        }
    }

    /// Reference implementation: tries every length for each `*`.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            [c, rest @ ..] => text.first() == Some(c) && naive(rest, &text[1..]),
        }
    }

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(pattern in "[abé*]{0,8}", text in "[abé]{0,10}") {
            let whole = naive(&chars(&pattern), &chars(&text));
            prop_assert_eq!(Pattern::whole(&pattern).matches(&text), whole);
            let anywhere = naive(&chars(&format!("*{pattern}*")), &chars(&text));
            prop_assert_eq!(Pattern::anywhere(&pattern).matches(&text), anywhere);
        }

        #[test]
        fn a_text_matches_what_is_cut_out_of_it(
            text in "[a-z ]{1,40}",
            cuts in prop::collection::vec((0..40usize, 0..10usize), 0..4),
        ) {
            let mut pattern = chars(&text);
            for (at, length) in cuts {
                let at = at.min(pattern.len());
                let end = (at + length).min(pattern.len());
                pattern.splice(at..end, ['*']);
            }
            let pattern: String = pattern.into_iter().collect();
            prop_assert!(Pattern::whole(&pattern.to_uppercase()).matches(&text));
            let longer = ["before ", &text, " behind"].concat();
            prop_assert!(Pattern::anywhere(&pattern).matches(&longer));
        }

        #[test]
        fn any_pattern_and_text_are_matched_without_a_panic(pattern in "\\PC{0,30}", text in "\\PC{0,60}") {
            let _ = Pattern::whole(&pattern).matches(&text.to_lowercase());
            let _ = Pattern::anywhere(&pattern).matches(&text.to_lowercase());
        }
    }
}
