//! Words as they are looked for. Scripts that put no spaces between words are searched character by
//! character, so that each part of a text in them is found.

/// Characters around what was found.
const BEFORE: usize = 40;
const AFTER: usize = 120;

/// Whether words of its script are not set apart: Chinese, Japanese, Korean (whose words are, but
/// with all that is tacked to them), Thai, Lao, Burmese, Khmer.
pub(super) fn is_run_on(c: char) -> bool {
    matches!(c,
        '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1100}'..='\u{11FF}'
        | '\u{1780}'..='\u{17FF}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}'
        | '\u{3040}'..='\u{318F}' | '\u{31A0}'..='\u{31BF}' | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{A960}'..='\u{A97F}'
        | '\u{AC00}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9F}'
        | '\u{20000}'..='\u{3FFFF}')
}

/// The text for the index: each character of such a script is a word.
pub(super) fn segment(text: &str) -> String {
    let mut segmented = String::with_capacity(text.len() + text.len() / 2);
    for c in text.chars() {
        if is_run_on(c) {
            segmented.extend([' ', c, ' ']);
        } else {
            segmented.push(c);
        }
    }
    segmented
}

fn terms(q: &str) -> impl Iterator<Item = &str> {
    // Control characters would end the query that SQLite reads.
    let terms = q.split(|c: char| c.is_whitespace() || c.is_control());
    terms.filter(|term| term.contains(char::is_alphanumeric))
}

/// The full-text query: all terms, each of which is a phrase whose last word may go on. None of what
/// is looked for is read as syntax. `None` when there is no word in it.
pub(super) fn query(q: &str) -> Option<String> {
    let phrases: Vec<String> = terms(q)
        .map(|term| {
            let phrase = segment(term).replace('"', " ");
            let last = term.chars().rfind(|c| c.is_alphanumeric());
            let goes_on = last.is_some_and(|last| !is_run_on(last));
            format!("\"{phrase}\"{}", if goes_on { " *" } else { "" })
        })
        .collect();
    (!phrases.is_empty()).then(|| phrases.join(" "))
}

/// What is around the first place where a term is found, else the beginning; on one line.
pub(super) fn snippet(content: &str, q: &str) -> String {
    let folded = fold(content);
    let places = terms(q).filter_map(|term| find(&folded, &fold(term)));
    let at = places.min().unwrap_or(0);
    // It is a boundary: what was folded is as long as it was.
    let (before, after) = content.split_at(at);
    let start = before.char_indices().rev().take(BEFORE).last().map_or(at, |(at, _)| at);
    let end = after.char_indices().nth(AFTER).map_or(content.len(), |(end, _)| at + end);
    let words: Vec<&str> = content[start..end].split_whitespace().collect();
    let dots = |is_cut: bool| if is_cut { "…" } else { "" };
    format!("{}{}{}", dots(start > 0), words.join(" "), dots(end < content.len()))
}

/// Where it begins a word, else where it is at all.
fn find(text: &str, term: &str) -> Option<usize> {
    let begins = |&(at, _): &(usize, &str)| {
        term.starts_with(is_run_on) || !text[..at].ends_with(char::is_alphanumeric)
    };
    let place = text.match_indices(term).find(begins).map(|(at, _)| at);
    place.or_else(|| text.find(term))
}

/// In lower case, as far as that does not move anything.
fn fold(text: &str) -> String {
    let lower = |c: char| {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(lower), None) if lower.len_utf8() == c.len_utf8() => lower,
            _ => c,
        }
    };
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_such_scripts_are_taken_apart() {
        assert_eq!(segment("用API吧 ok"), " 用 API 吧  ok");
        assert_eq!(query("用户API"), Some("\" 用  户 API\" *".into()));
        assert_eq!(
            query("重构 the \"parser\""),
            Some("\" 重  构 \" \"the\" * \" parser \" *".into())
        );
        assert_eq!(query("a\0b"), Some("\"a\" * \"b\" *".into()));
        assert_eq!(query(" \"*\" -- \u{0} () ，。"), None);
    }

    #[test]
    fn snippets_can_be_read() {
        let long = format!("{}重构解析器 {}", "很".repeat(100), "字".repeat(300));
        let found = snippet(&long, "解析");
        assert!(
            found.starts_with("…很") && found.contains("重构解析器 字") && found.ends_with("字…")
        );
        assert_eq!(found.chars().count(), 2 + BEFORE + AFTER);
        assert_eq!(snippet("Concatenate the\n\n  CATS", "cat"), "Concatenate the CATS");
        assert_eq!(snippet("one", "nothing"), "one");
        assert_eq!(snippet("", "x"), "");
        let late = format!("{} concat Cat", "x ".repeat(100));
        assert!(snippet(&late, "CAT").ends_with("concat Cat"));
        assert!(snippet("İİİ needle", "needle").contains("needle"));
    }

    proptest! {
        #[test]
        fn any_text_and_any_query_will_do(content in any::<String>(), q in any::<String>()) {
            let snippet = snippet(&content, &q);
            prop_assert!(snippet.chars().count() <= BEFORE + AFTER + 2);
            prop_assert_eq!(segment(&content).replace(' ', ""), content.replace(' ', ""));
            prop_assert!(query(&q).is_none_or(|query| query.matches('"').count() % 2 == 0));
        }
    }
}
