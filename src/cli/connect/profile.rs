//! A shell's profile: a marked block at its end.

use super::text::{gap, line_break, line_end, line_start};

/// How a shell sets a variable for the programs it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// bash, zsh, sh, ...
    Posix,
    /// fish.
    Fish,
}

const BEGIN: &str = "# >>> switchtower connect >>>";
const END: &str = "# <<< switchtower connect <<<";

/// The variables that OpenAI's SDKs, and the tools built on them, read the address from.
const VARIABLES: [&str; 2] = ["OPENAI_BASE_URL", "OPENAI_API_BASE"];

/// Whether the block is there.
pub(super) fn is_connected(text: &str) -> bool {
    matches!(block(text), Ok(Some(_)))
}

/// The text with the block, at its end unless it is there already.
///
/// # Errors
///
/// When only one of the block's two marks is left.
pub(super) fn connect(text: &str, url: &str, syntax: Syntax) -> Result<String, String> {
    let nl = line_break(text);
    let set = |name: &str| match syntax {
        Syntax::Posix => format!("export {name}='{url}'{nl}"),
        Syntax::Fish => format!("set -gx {name} '{url}'{nl}"),
    };
    let new = format!("{BEGIN}{nl}{}{END}{nl}", VARIABLES.map(set).concat());
    Ok(match block(text)? {
        Some((start, end)) => format!("{}{new}{}", &text[..start], &text[end..]),
        None => format!("{text}{}{new}", gap(text)),
    })
}

/// The text without the block, and without what was put between it and the `original`.
///
/// # Errors
///
/// When only one of the block's two marks is left.
pub(super) fn disconnect(text: &str, original: &str) -> Result<String, String> {
    let Some((start, end)) = block(text)? else { return Ok(text.to_owned()) };
    let (mut before, after) = (&text[..start], &text[end..]);
    let gap = gap(original);
    if let Some(kept) = before.strip_suffix(&gap) {
        // What follows now needs the line break that the end of the file did not.
        let end = if after.is_empty() || original.ends_with('\n') { 0 } else { gap.len() / 2 };
        before = &before[..kept.len() + end];
    }
    Ok(format!("{before}{after}"))
}

/// Where the block begins and ends, whole lines.
fn block(text: &str) -> Result<Option<(usize, usize)>, String> {
    let begin = text.find(BEGIN);
    let end = begin.and_then(|begin| text[begin..].find(END).map(|end| begin + end));
    match (begin, end) {
        (Some(begin), Some(end)) => Ok(Some((line_start(text, begin), line_end(text, end)))),
        (None, _) if !text.contains(END) => Ok(None),
        _ => Err(format!("one of the two lines `{BEGIN}` and `{END}` is gone; take out the other")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://127.0.0.1:3000/v1";
    const BLOCK: &str = "\
# >>> switchtower connect >>>
export OPENAI_BASE_URL='http://127.0.0.1:3000/v1'
export OPENAI_API_BASE='http://127.0.0.1:3000/v1'
# <<< switchtower connect <<<
";

    #[test]
    fn the_block_stands_at_the_end() {
        for (text, gap) in [("", ""), ("a=1\n", "\n"), ("a=1", "\n\n"), ("a=1\n\n", "\n")] {
            let connected = connect(text, URL, Syntax::Posix).unwrap();
            assert_eq!(connected, format!("{text}{gap}{BLOCK}"));
            assert!(is_connected(&connected) && !is_connected(text));
            assert_eq!(connect(&connected, URL, Syntax::Posix).unwrap(), connected);
            assert_eq!(disconnect(&connected, text).unwrap(), text);
        }
        let windows = connect("a=1\r\n", URL, Syntax::Posix).unwrap();
        assert_eq!(windows, format!("a=1\n\n{BLOCK}").replace('\n', "\r\n"));
        assert_eq!(disconnect(&windows, "a=1\r\n").unwrap(), "a=1\r\n");
    }

    #[test]
    fn fish_has_words_of_its_own() {
        let text = connect("", URL, Syntax::Fish).unwrap();
        assert!(text.contains("\nset -gx OPENAI_BASE_URL 'http://127.0.0.1:3000/v1'\n"), "{text}");
    }

    #[test]
    fn another_address_takes_its_place() {
        let text = connect("a=1\n", "http://old/v1", Syntax::Posix).unwrap() + "b=2\n";
        let moved = connect(&text, URL, Syntax::Posix).unwrap();
        assert_eq!(moved, format!("a=1\n\n{BLOCK}b=2\n"));
    }

    #[test]
    fn what_was_written_around_it_stays() {
        for (original, now, left) in [
            ("a=1\n", format!("a=2\n\n{BLOCK}b=3\n"), "a=2\nb=3\n"),
            ("a=1", format!("a=1\n\n{BLOCK}b=3\n"), "a=1\nb=3\n"),
            ("", format!("a=1\n{BLOCK}"), "a=1\n"),
            ("a=1\n", "a=1\n".to_owned(), "a=1\n"),
        ] {
            assert_eq!(disconnect(&now, original).unwrap(), left, "{now}");
        }
    }

    #[test]
    fn half_a_block_is_not_guessed_at() {
        for text in [BEGIN, END] {
            assert!(disconnect(text, "").unwrap_err().contains("is gone"));
            assert!(connect(text, URL, Syntax::Posix).unwrap_err().contains("is gone"));
        }
    }
}
