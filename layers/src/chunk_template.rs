//! Chunks that differ from the last one in nothing but a string.
//!
//! A stream is thousands of chunks that repeat the same envelope around a word or two. Once one
//! has been parsed, those behind it that begin and end with the same bytes, with a string's inside
//! in between, are the same JSON but for that string, and need no parser.

/// The last chunk, if it held nothing but a piece of text; `T` describes everything else in it.
#[derive(Debug)]
pub(crate) struct ChunkTemplate<T> {
    begin: Vec<u8>,
    end: Vec<u8>,
    told: Option<T>,
}

impl<T> Default for ChunkTemplate<T> {
    fn default() -> Self {
        Self { begin: Vec::new(), end: Vec::new(), told: None }
    }
}

impl<T: Copy> ChunkTemplate<T> {
    /// The text in a chunk that is like the last one.
    pub(crate) fn matches<'a>(&self, data: &'a [u8]) -> Option<(T, &'a str)> {
        let told = self.told?;
        let text = data.strip_prefix(&*self.begin)?.strip_suffix(&*self.end)?;
        is_inside(text).then(|| str::from_utf8(text).ok()).flatten().map(|text| (told, text))
    }

    /// Remembers a chunk that was parsed, if `told` gives its text: the inside of a string, lent
    /// from `data`.
    pub(crate) fn record(&mut self, data: &[u8], told: Option<(T, &str)>) {
        self.told = None;
        let Some((told, text)) = told else { return };
        let at = text.as_ptr().addr().wrapping_sub(data.as_ptr().addr());
        let Some((begin, rest)) = data.split_at_checked(at) else { return };
        if let Some(end) = rest.strip_prefix(text.as_bytes()) {
            self.begin.clear();
            self.begin.extend_from_slice(begin);
            self.end.clear();
            self.end.extend_from_slice(end);
            self.told = Some(told);
        }
    }

    /// Forgets it: the last chunk was of another kind.
    #[cfg(feature = "responses")]
    pub(crate) fn forget(&mut self) {
        self.told = None;
    }
}

/// Whether this is a JSON string's inside, not empty, and without escapes of code points.
fn is_inside(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        let is_good = match byte {
            b'\\' => bytes.next().is_some_and(|escaped| b"\"\\/bfnrt".contains(escaped)),
            b'"' | ..b' ' => false,
            _ => true,
        };
        if !is_good {
            return false;
        }
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_inside_of_a_string() {
        for (text, is_good) in [
            ("a", true),
            (r#"a\n\"\\"#, true),
            ("é\u{2028}", true),
            ("", false),
            ("a\"b", false),
            ("a\\", false),
            (r"\x", false),
            (r"\u00e9", false),
            ("a\nb", false),
        ] {
            assert_eq!(is_inside(text.as_bytes()), is_good, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_json(text in r#"[a"\\nu\n]{0,8}"#) {
            let parsed = serde_json::from_str::<String>(&format!("\"{text}\""));
            prop_assert!(!is_inside(text.as_bytes()) || parsed.is_ok());
        }
    }
}
