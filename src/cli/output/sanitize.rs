//! Texts of others, made fit for a terminal: what they say stays, what would steer it goes.

use unicode_width::UnicodeWidthChar;

/// The text without escape sequences and control characters, but with its newlines and tabs.
pub(in crate::cli) fn plain(text: &str) -> String {
    Plain::default().text(text)
}

/// The text on one line.
pub(in crate::cli) fn line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of the text on one line, at most so many columns wide.
pub(in crate::cli) fn start(text: &str, columns: usize) -> String {
    // Enough to fill the columns, so that a megabyte is not looked at for them.
    let head = text.char_indices().nth(columns * 8).map_or(text, |(end, _)| &text[..end]);
    let all = line(head);
    let mut width = 0;
    for (at, c) in all.char_indices() {
        width += c.width().unwrap_or(0);
        if width > columns {
            return format!("{}…", all[..at].trim_end());
        }
    }
    all
}

/// Takes a text in pieces, and knows when one of them ends in the middle of an escape sequence.
#[derive(Debug, Default)]
pub(in crate::cli) struct Plain(EscapeState);

#[derive(Clone, Copy, Debug, Default)]
enum EscapeState {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After `ESC [`, until a letter.
    Control,
    /// After `ESC ]` and the like, until BEL or `ESC \`.
    Command,
}

impl Plain {
    /// What a terminal may be shown of the next piece.
    pub(in crate::cli) fn text(&mut self, piece: &str) -> String {
        let mut shown = String::with_capacity(piece.len());
        for c in piece.chars() {
            self.0 = match (self.0, c) {
                // No sequence has one in it: whatever began before is over.
                (_, '\n' | '\t') => {
                    shown.push(c);
                    EscapeState::Text
                }
                (_, '\u{1b}') => EscapeState::Escape,
                (EscapeState::Text, '\u{9b}') | (EscapeState::Escape, '[') => EscapeState::Control,
                (EscapeState::Escape, ']' | 'P' | 'X' | '^' | '_') => EscapeState::Command,
                (EscapeState::Escape, ' '..='/') => EscapeState::Escape,
                (EscapeState::Control, ' '..='?') => EscapeState::Control,
                (EscapeState::Command, '\u{7}')
                | (EscapeState::Escape | EscapeState::Control, _) => EscapeState::Text,
                (EscapeState::Command, _) => EscapeState::Command,
                (EscapeState::Text, c) => {
                    if !c.is_control() {
                        shown.push(c);
                    }
                    EscapeState::Text
                }
            };
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_go_and_texts_stay() {
        assert_eq!(plain("a\u{1b}[1;31mred\u{1b}[0m\tb\r\n"), "ared\tb\n");
        assert_eq!(plain("\u{1b}]0;title\u{7}x\u{1b}]8;;http://a\u{1b}\\link"), "xlink");
        assert_eq!(plain("\u{1b}(Bplain\u{9b}2Jx\u{7}"), "plainx");
        assert_eq!(plain("\u{1b}]never ended\nshown"), "\nshown");
        assert_eq!(plain("é 代码 🦀"), "é 代码 🦀");
    }

    #[test]
    fn one_line_of_so_many_columns() {
        assert_eq!(line(" a\n\tb  c\u{1b}[0m "), "a b c");
        assert_eq!(start("short", 5), "short");
        assert_eq!(start("a long one", 6), "a long…");
        assert_eq!(start("代码审查", 5), "代码…");
        assert_eq!(start(&"word ".repeat(100_000), 4), "word…");
    }

    proptest! {
        #[test]
        fn nothing_steers_and_any_split_is_the_same(
            pieces in prop::collection::vec("[a\u{1b}\\[\\]\u{7}\u{9b}\\\\;0-9m\n\r]{0,4}", 0..12),
        ) {
            let whole = plain(&pieces.concat());
            prop_assert!(!whole.contains(|c: char| c.is_control() && c != '\n'));
            let mut split = Plain::default();
            let split: String = pieces.iter().map(|piece| split.text(piece)).collect();
            prop_assert_eq!(whole, split);
        }
    }
}
