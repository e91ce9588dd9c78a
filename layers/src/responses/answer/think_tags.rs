//! Reasoning that stands in the text itself, between `<think>` and `</think>` at its start.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// A piece of content: reasoning or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Thought(&'a str),
    Text(&'a str),
}

/// Splits content into reasoning and text, for pieces that are cut anywhere.
///
/// White space before the first word is held back until that word comes, and dropped when none
/// does: models write a line break or two before they call a tool, which is no message.
#[derive(Debug, Default)]
pub(super) struct ThinkTags {
    state: TagState,
    /// What may be the beginning of a tag, and white space before the first word.
    held: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum TagState {
    #[default]
    Start,
    /// Between the tags; whether a word has come.
    Thought(bool),
    /// Behind the closing tag.
    After,
    Text,
}

impl ThinkTags {
    /// Whether this piece, the inside of a JSON string, is text and need not be read.
    pub(super) fn passes(&mut self, inside: &str) -> bool {
        let may_begin = |byte: &u8| byte.is_ascii_graphic() && *byte != b'<' && *byte != b'\\';
        let is_start = self.state == TagState::Start && self.held.is_empty();
        if is_start && inside.as_bytes().first().is_some_and(may_begin) {
            self.state = TagState::Text;
        }
        self.state == TagState::Text && self.held.is_empty()
    }

    /// Reads the next piece of content, and hands on what is decided.
    pub(super) fn feed(&mut self, text: &str, mut emit: impl FnMut(Piece<'_>)) {
        let is_blank = |text: &str| text.chars().all(char::is_whitespace);
        let holds_blanks = self.held.ends_with(char::is_whitespace);
        self.held.push_str(text);
        // Some models go on and on with it: what is held is not read again each time.
        if holds_blanks && is_blank(text) {
            return;
        }
        let held = std::mem::take(&mut self.held);
        let rest = self.read(&held, &mut emit);
        self.held = held[rest..].to_owned();
    }

    /// Gives where the undecided rest begins.
    fn read(&mut self, text: &str, emit: &mut impl FnMut(Piece<'_>)) -> usize {
        let mut at = 0;
        loop {
            let rest = &text[at..];
            let words = text.len() - rest.trim_start().len();
            match self.state {
                TagState::Start if text[words..].starts_with(OPEN) => {
                    at = words + OPEN.len();
                    self.state = TagState::Thought(false);
                }
                TagState::Start if OPEN.starts_with(&text[words..]) => return at,
                TagState::Start => self.state = TagState::Text,
                TagState::Thought(false) if words == text.len() => return at,
                TagState::Thought(false) => {
                    at = words;
                    // An empty thought is none.
                    self.state = TagState::Thought(true);
                }
                TagState::Thought(true) => {
                    let end = rest.find(CLOSE);
                    let thought = end.unwrap_or(rest.len() - beginning_of(CLOSE, rest));
                    if thought > 0 {
                        emit(Piece::Thought(&rest[..thought]));
                    }
                    at += thought;
                    if end.is_none() {
                        return at;
                    }
                    at += CLOSE.len();
                    self.state = TagState::After;
                }
                TagState::After if words == text.len() => return text.len(),
                TagState::After => {
                    at = words;
                    self.state = TagState::Text;
                }
                TagState::Text => {
                    if !rest.is_empty() {
                        emit(Piece::Text(rest));
                    }
                    return text.len();
                }
            }
        }
    }

    /// Something else comes, or the end: decides what was held back.
    pub(super) fn flush(&mut self, mut emit: impl FnMut(Piece<'_>)) {
        let held = std::mem::take(&mut self.held);
        if held.trim().is_empty() {
            return;
        }
        match self.state {
            TagState::Thought(_) => emit(Piece::Thought(&held)),
            _ => {
                self.state = TagState::Text;
                emit(Piece::Text(&held));
            }
        }
    }
}

/// How many bytes at the end of the text are a beginning of the tag.
fn beginning_of(tag: &str, text: &str) -> usize {
    let longest = text.len().min(tag.len() - 1);
    (1..=longest).rev().find(|&n| text.as_bytes().ends_with(&tag.as_bytes()[..n])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let (mut thought, mut text) = (String::new(), String::new());
        let mut emit = |piece: Piece<'_>| match piece {
            Piece::Thought(piece) => thought.push_str(piece),
            Piece::Text(piece) => text.push_str(piece),
        };
        let mut inline = ThinkTags::default();
        for piece in pieces {
            if inline.passes(piece) {
                emit(Piece::Text(piece));
            } else {
                inline.feed(piece, &mut emit);
            }
        }
        inline.flush(&mut emit);
        (thought, text)
    }

    #[test]
    fn only_a_tag_at_the_start_counts() {
        for (content, thought, text) in [
            ("<think>why</think>\n\nHi", "why", "Hi"),
            ("\n<think>\nwhy\n</think>Hi", "why\n", "Hi"),
            ("<think>\n\n</think>\n\nHi", "", "Hi"),
            ("<think></think>", "", ""),
            ("<think>cut of", "cut of", ""),
            ("<think>cut </thi", "cut </thi", ""),
            ("<think>a</think><think>b</think>", "a", "<think>b</think>"),
            ("<think>1 < 2</think>3", "1 < 2", "3"),
            ("Hi <think>no</think>", "", "Hi <think>no</think>"),
            ("<thinker>", "", "<thinker>"),
            ("<thi", "", "<thi"),
            ("  Hi", "", "  Hi"),
            ("\n\n", "", ""),
            ("", "", ""),
        ] {
            let expected = (thought.to_owned(), text.to_owned());
            assert_eq!(read([content]), expected, "{content}");
            let bytes = content.split_inclusive(|_| true);
            assert_eq!(read(bytes), expected, "{content}, by letters");
        }
    }

    #[test]
    fn endless_blanks_take_little_time() {
        for begin in ["", "<think>"] {
            let started = tokio::time::Instant::now();
            let blanks = std::iter::repeat_n("\n", 100_000);
            let (thought, text) = read([begin].into_iter().chain(blanks).chain(["a"]));
            assert_eq!((thought + &text).trim(), "a");
            // Read again for each of them, they take a hundred times as long.
            assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
        }
    }

    #[test]
    fn nothing_is_held_that_is_decided() {
        let mut inline = ThinkTags::default();
        let mut seen = Vec::new();
        for piece in ["<thi", "nk>", "a", "b</", "i>", "</think>", "\n", "c", "<think>"] {
            inline.feed(piece, |piece| {
                seen.push(match piece {
                    Piece::Thought(text) => format!("thought {text}"),
                    Piece::Text(text) => format!("text {text}"),
                });
            });
            seen.push("|".to_owned());
        }
        let expected = "| | thought a | thought b | thought </i> | | | text c | text <think> |";
        assert_eq!(seen.join(" "), expected);
    }

    proptest! {
        #[test]
        fn any_split_reads_the_same(
            parts in prop::collection::vec(
                prop::sample::select(vec!["<think>", "</think>", "<", "</", "é", " ", "\n", "a", "think>"]),
                0..12,
            ),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let text = parts.concat();
            let places: Vec<_> =
                (0..=text.len()).filter(|&at| text.is_char_boundary(at)).collect();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| places[cut.index(places.len())]).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]);
            prop_assert_eq!(read(pieces), read([&*text]));
        }
    }
}
