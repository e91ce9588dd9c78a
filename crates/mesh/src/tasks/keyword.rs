//! Whether a text mentions a keyword.

/// Endings that English words take, so that `review` finds `reviews` but not `reviewable`.
const ENDINGS: [&str; 5] = ["s", "es", "d", "ed", "ing"];

/// A text to look for keywords in.
pub(super) struct Text(String);

impl Text {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// In scripts that separate words, a keyword is whole words, the last of which may have an
    /// English ending; in others (Chinese, Japanese, Korean, Thai ...) it is found anywhere. Case
    /// does not matter.
    pub(super) fn mentions(&self, keyword: &str) -> bool {
        let keyword = keyword.trim().to_lowercase();
        let (Some(first), Some(last)) = (keyword.chars().next(), keyword.chars().next_back())
        else {
            return false;
        };
        self.0.match_indices(&keyword).any(|(start, found)| {
            let (before, after) = (&self.0[..start], &self.0[start + found.len()..]);
            let begins = !is_of_word(first) || !before.chars().next_back().is_some_and(is_of_word);
            begins && (!is_of_word(last) || ends_word(last, after))
        })
    }
}

fn ends_word(last: char, after: &str) -> bool {
    let rest = &after[..after.find(|c| !is_of_word(c)).unwrap_or(after.len())];
    rest.is_empty() || last.is_ascii_alphabetic() && ENDINGS.contains(&rest)
}

/// Whether it is a letter or a digit of a script that separates words. Korean does, but its words
/// take particles that are written with them.
fn is_of_word(c: char) -> bool {
    let runs_on = matches!(u32::from(c),
        0x0E00..=0x0EFF // Thai, Lao
        | 0x1000..=0x109F | 0xA9E0..=0xA9FF | 0xAA60..=0xAA7F // Myanmar
        | 0x1100..=0x11FF | 0x3130..=0x318F | 0xA960..=0xA97F | 0xAC00..=0xD7FF // Hangul
        | 0x1780..=0x17FF // Khmer
        | 0x2E80..=0x312F | 0x31A0..=0x31FF // radicals, kana, Bopomofo
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF // ideographs
        | 0xFF66..=0xFFDC // halfwidth kana and Hangul
        | 0x1B000..=0x1B16F | 0x20000..=0x3FFFF);
    c.is_alphanumeric() && !runs_on
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mentions(text: &str, keyword: &str) -> bool {
        Text::new(text).mentions(keyword)
    }

    #[test]
    fn a_keyword_is_found_as_a_word() {
        let found = [
            ("Please REVIEW this", "review"),
            ("please review this", "Review"),
            ("code_review", "review"),
            ("two reviews", "review"),
            ("I am reviewing", "review"),
            ("reviewed, at last", "review"),
            ("the fixes", "fix"),
            ("a pull-request is open", "pull-request"),
            ("in C++ of course", "c++"),
            ("the (api)", "api"),
            ("Überprüfe das, bitte", "überprüfe"),
            ("ПРОВЕРЬ код", "проверь"),
            ("ΟΔΟΣ 5", "οδος"),
            ("请用review检查", "review"),
            ("请做代码审查，谢谢", "代码审查"),
            ("請幫我審查", "審查"),
            ("코드 리뷰를 해줘", "리뷰"),
            ("レビューしてください", "レビュー"),
            ("ช่วยตรวจสอบโค้ด", "ตรวจสอบ"),
            ("many  pull requests", "pull request"),
            ("preview and review", " review "),
        ];
        for (text, keyword) in found {
            assert!(mentions(text, keyword), "{keyword:?} in {text:?}");
        }
    }

    #[test]
    fn a_part_of_a_word_is_not_the_word() {
        let not_found = [
            ("a preview", "review"),
            ("reviewable", "review"),
            ("google it", "go"),
            ("cargo", "go"),
            ("version v20", "v2"),
            ("проверьте", "проверь"),
            ("审 查", "审查"),
            ("anything", ""),
            ("any thing", "  "),
        ];
        for (text, keyword) in not_found {
            assert!(!mentions(text, keyword), "{keyword:?} in {text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_found_in_itself_among_others(text in "\\PC*", keyword in "\\PC*\\p{L}\\PC*") {
            let among = format!("{} {} {}", text, keyword.to_lowercase(), text);
            prop_assert!(mentions(&among, &keyword));
        }

        #[test]
        fn nothing_panics(text in any::<String>(), keyword in any::<String>()) {
            mentions(&text, &keyword);
        }
    }
}
