//! Texts of the demo model.

/// How much of somebody's words is quoted.
const QUOTED: usize = 80;

/// The answer to a question, or to none.
pub(super) fn answer(question: Option<&str>) -> String {
    let heard = match question.map(quote) {
        Some(quote) if !quote.is_empty() => format!("You said “{quote}”. "),
        _ => String::new(),
    };
    format!(
        "Hello! I am the demo model of Switchtower: no key, no network, only this gateway. {heard}\
         Your words went through every layer of the stack, and mine come back the same way. Offer \
         me a tool, or try demo-slow, demo-429, demo-500 and demo-cut."
    )
}

/// The answer once a tool was called.
pub(super) fn report(result: &str) -> String {
    format!("The tool answered “{}”. That is all I wanted to know, thank you.", quote(result))
}

/// Splits a text as models do: a word is a token, and the space before it belongs to it.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let space = if words.is_empty() { "" } else { " " };
        words.push(format!("{space}{word}"));
    }
    words
}

/// The start of a text, on one line.
fn quote(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_the_question_on_one_line() {
        assert!(answer(Some(" two\n  lines ")).contains("gateway. You said “two lines”. Your"));
        assert!(!answer(Some("  ")).contains("You said"));
        assert!(answer(None).contains("gateway. Your"));
    }

    #[test]
    fn long_quotes_end_between_characters() {
        let quote = quote(&"日".repeat(QUOTED + 1));
        assert_eq!(quote.chars().count(), QUOTED + 1);
        assert!(quote.ends_with("日…"));
        assert_eq!(super::quote(&"日".repeat(QUOTED)).chars().count(), QUOTED);
    }

    #[test]
    fn words_join_to_the_text() {
        let text = answer(Some("a  b"));
        let words = words(&text);
        assert_eq!(words.concat(), text);
        assert_eq!(words[0], "Hello!");
        assert_eq!(words[1], " I");
    }
}
