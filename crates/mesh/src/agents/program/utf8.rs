//! Text out of bytes that come in pieces.

/// Turns pieces into text; a character that is not whole yet is held back.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// At most three bytes.
    begun: Vec<u8>,
}

impl Decoder {
    /// The text of all that is whole. What is no UTF-8 becomes U+FFFD.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        let joined;
        let bytes = if self.begun.is_empty() {
            bytes
        } else {
            joined = [&*self.begun, bytes].concat();
            &joined
        };
        let whole = without_cut_end(bytes);
        let text = lossy(whole);
        self.begun = bytes[whole.len()..].to_owned();
        text
    }

    /// What is still held back, which will never be whole.
    pub(super) fn finish(self) -> String {
        lossy(&self.begun)
    }
}

pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Without a character at the end of which there may be more to come.
pub(super) fn without_cut_end(bytes: &[u8]) -> &[u8] {
    let last = bytes.len().saturating_sub(3);
    for start in (last..bytes.len()).rev() {
        let rest = &bytes[start..];
        if rest[0] & 0b1100_0000 == 0b1000_0000 {
            continue;
        }
        let is_cut = matches!(std::str::from_utf8(rest), Err(error) if error.error_len().is_none());
        return if is_cut { &bytes[..start] } else { bytes };
    }
    bytes
}

/// Without the rest of a character that has begun before.
pub(super) fn without_cut_start(bytes: &[u8]) -> &[u8] {
    let rest = bytes.iter().take(3).take_while(|&byte| byte & 0b1100_0000 == 0b1000_0000).count();
    &bytes[rest..]
}

/// Its start, of at most so many bytes.
pub(in crate::agents) fn start(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Its end, of at most so many bytes.
pub(super) fn end(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_character_comes_when_it_is_whole() {
        let mut decoder = Decoder::default();
        let euro = "€".as_bytes();
        assert_eq!(decoder.push(&[b'a', euro[0]]), "a");
        assert_eq!(decoder.push(&euro[1..2]), "");
        assert_eq!(decoder.push(&[euro[2], b'b', 0xff, 0xf0]), "€b\u{fffd}");
        assert_eq!(decoder.finish(), "\u{fffd}");
    }

    proptest! {
        #[test]
        fn pieces_come_to_the_same_as_the_whole(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..60),
                "\\PC{0,20}".prop_map(String::into_bytes),
            ],
            size in 1usize..9,
        ) {
            let mut decoder = Decoder::default();
            let mut text: String = bytes.chunks(size).map(|piece| decoder.push(piece)).collect();
            text.push_str(&decoder.finish());
            prop_assert_eq!(text, lossy(&bytes));
        }
    }
}
