use bytes::Bytes;

/// Writes JSON piece by piece; what is written `raw` must be JSON already.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(super) fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    /// A string.
    pub(super) fn text(&mut self, text: &str) {
        self.raw("\"");
        self.escaped(text);
        self.raw("\"");
    }

    /// Text inside of a string.
    pub(super) fn escaped(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) =
            rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\')
        {
            let (plain, special) = rest.split_at(at);
            self.raw(plain);
            self.escape(special.as_bytes()[0]);
            rest = &special[1..];
        }
        self.raw(rest);
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'"' => self.raw("\\\""),
            b'\\' => self.raw("\\\\"),
            b'\n' => self.raw("\\n"),
            b'\r' => self.raw("\\r"),
            b'\t' => self.raw("\\t"),
            _ => self.raw(&format!("\\u{byte:04x}")),
        }
    }

    /// What `write` writes for each element, with commas between.
    pub(super) fn list<T>(
        &mut self,
        elements: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (n, element) in elements.into_iter().enumerate() {
            if n > 0 {
                self.raw(",");
            }
            write(self, element);
        }
    }

    pub(super) fn finish(self) -> Bytes {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_string_is_read_back_as_it_was(text in any::<String>()) {
            let mut writer = Writer::with_capacity(0);
            writer.text(&text);
            prop_assert_eq!(serde_json::from_slice::<String>(&writer.finish()).unwrap(), text);
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        let text: String = (0..0x80_u8).map(char::from).collect();
        let mut writer = Writer::with_capacity(0);
        writer.text(&text);
        assert_eq!(serde_json::from_slice::<String>(&writer.finish()).unwrap(), text);
    }
}
