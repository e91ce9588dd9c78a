//! JSON, written by hand into a buffer.

/// Appends pieces of JSON.
pub(super) trait Put {
    /// What is JSON already.
    fn put(&mut self, json: &str) -> &mut Self;

    /// What is JSON already, as bytes.
    fn bytes(&mut self, json: &[u8]) -> &mut Self;

    /// A number.
    fn number(&mut self, number: u64) -> &mut Self;

    /// Text as the inside of a string: escaped, without the quotes.
    fn escaped(&mut self, text: &str) -> &mut Self;

    /// A string.
    fn string(&mut self, text: &str) -> &mut Self {
        self.put("\"").escaped(text).put("\"")
    }
}

impl Put for Vec<u8> {
    fn put(&mut self, json: &str) -> &mut Self {
        self.extend_from_slice(json.as_bytes());
        self
    }

    fn bytes(&mut self, json: &[u8]) -> &mut Self {
        self.extend_from_slice(json);
        self
    }

    fn number(&mut self, mut number: u64) -> &mut Self {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.bytes(&digits[at..])
    }

    fn escaped(&mut self, text: &str) -> &mut Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let bytes = text.as_bytes();
        let mut from = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.extend_from_slice(&bytes[from..at]);
            from = at + 1;
            match byte {
                b'"' | b'\\' => self.extend_from_slice(&[b'\\', byte]),
                b'\n' => self.extend_from_slice(b"\\n"),
                b'\r' => self.extend_from_slice(b"\\r"),
                b'\t' => self.extend_from_slice(b"\\t"),
                _ => {
                    let [high, low] = [byte >> 4, byte & 15].map(|half| HEX[usize::from(half)]);
                    self.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
                }
            }
        }
        self.bytes(&bytes[from..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in any::<String>(), number: u64) {
            let mut out = Vec::new();
            out.put("[").string(&text).put(",").number(number).put("]");
            let read: (String, u64) = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read, (text, number));
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        let text: String = (0..0x80u8).map(char::from).collect();
        let mut out = Vec::new();
        out.string(&text);
        assert!(out.iter().all(|&byte| byte >= b' '));
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}
