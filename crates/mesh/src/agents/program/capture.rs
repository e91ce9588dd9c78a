//! Captures the beginning and the end of long output.

use std::collections::VecDeque;

use super::utf8;

/// Room for the words that stand where something is left out.
const MARK: usize = 64;

/// The beginning and the end of bytes of any number, in so much memory and no more.
#[derive(Debug)]
pub(in crate::agents) struct Capture {
    head: Vec<u8>,
    head_limit: usize,
    tail: VecDeque<u8>,
    tail_limit: usize,
    /// How many bytes stood between them.
    left_out: u64,
}

impl Capture {
    /// As text at most `limit` bytes long: half of it the beginning, half of it the end.
    pub(in crate::agents) fn both_ends(limit: usize) -> Self {
        let room = limit.saturating_sub(MARK);
        Self::new(room / 2, room - room / 2)
    }

    /// As text at most `limit` bytes long, all of it the end.
    pub(in crate::agents) fn tail(limit: usize) -> Self {
        Self::new(0, limit.saturating_sub(MARK))
    }

    fn new(head_limit: usize, tail_limit: usize) -> Self {
        let (head, tail) = (Vec::new(), VecDeque::new());
        Self { head, head_limit, tail, tail_limit, left_out: 0 }
    }

    pub(in crate::agents) fn push(&mut self, bytes: &[u8]) {
        let room = self.head_limit - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        // What would push itself out again need not come in.
        let skipped = rest.len().saturating_sub(self.tail_limit);
        let rest = &rest[skipped..];
        let over = (self.tail.len() + rest.len()).saturating_sub(self.tail_limit);
        self.tail.drain(..over);
        self.tail.extend(rest);
        self.left_out += (skipped + over) as u64;
    }

    /// Its end, of at most so many bytes.
    pub(in crate::agents) fn end(&self, most: usize) -> String {
        utf8::end(&self.text(), most).to_owned()
    }

    /// As text, without the white space at its end. What is no UTF-8 becomes U+FFFD.
    pub(in crate::agents) fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.left_out == 0 {
            let whole = [&*self.head, &*tail].concat();
            let text = utf8::lossy(&whole);
            if text.len() <= self.head_limit + self.tail_limit + MARK {
                return text.trim_end().to_owned();
            }
        }
        // A character that was cut in two counts as left out.
        let head = utf8::lossy(utf8::without_cut_end(&self.head));
        let tail = utf8::lossy(utf8::without_cut_start(&tail));
        // U+FFFD is longer than the byte it replaces.
        let head = utf8::start(&head, self.head_limit);
        let tail = utf8::end(&tail, self.tail_limit);
        let mark = match self.left_out {
            0 => "[... some is left out ...]".to_owned(),
            count => format!("[... {count} bytes are left out ...]"),
        };
        let gap = if head.is_empty() { "" } else { "\n" };
        format!("{head}{gap}{mark}\n{}", tail.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(mut capture: Capture, bytes: &[u8]) -> String {
        capture.push(bytes);
        capture.text()
    }

    #[test]
    fn what_fits_is_kept_as_it_is() {
        assert_eq!(kept(Capture::both_ends(100), b"a b\n\n"), "a b");
        assert_eq!(kept(Capture::both_ends(100), "äöü".as_bytes()), "äöü");
        assert_eq!(kept(Capture::both_ends(100), b""), "");
        assert_eq!(kept(Capture::tail(100), b" why\n"), " why");
    }

    #[test]
    fn the_middle_is_left_out() {
        let text = kept(Capture::both_ends(MARK + 10), b"0123456789abcdefghij");
        assert_eq!(text, "01234\n[... 10 bytes are left out ...]\nfghij");
        let text = kept(Capture::tail(MARK + 4), b"0123456789");
        assert_eq!(text, "[... 6 bytes are left out ...]\n6789");
    }

    #[test]
    fn a_character_is_not_cut() {
        let text = kept(Capture::both_ends(MARK + 10), "ääääääääää".as_bytes());
        assert_eq!(text, "ää\n[... 10 bytes are left out ...]\nää");
    }

    proptest! {
        #[test]
        fn it_is_never_longer_and_pieces_do_not_matter(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..12),
            limit in MARK..300,
        ) {
            let mut capture = Capture::both_ends(limit);
            for piece in &pieces {
                capture.push(piece);
            }
            let whole = pieces.concat();
            prop_assert!(capture.text().len() <= limit);
            prop_assert_eq!(capture.text(), kept(Capture::both_ends(limit), &whole));
            if whole.len() * 3 <= limit - MARK {
                let all = String::from_utf8_lossy(&whole).trim_end().to_owned();
                prop_assert_eq!(capture.text(), all);
            }
        }
    }
}
