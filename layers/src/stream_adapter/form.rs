/// The form of an answer, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Events,
    Json,
    /// HTML, text, or nothing at all.
    Other,
}

/// The fields of an event stream (WHATWG HTML standard, 9.2.6).
const FIELDS: [&[u8]; 4] = [b"data:", b"event:", b"id:", b"retry:"];

/// The form of an answer that begins so; `None` when that takes more bytes.
pub(super) fn form(start: &[u8]) -> Option<Form> {
    let text = match start {
        [0xef, 0xbb, 0xbf, text @ ..] => text,
        [0xef] | [0xef, 0xbb] => return None,
        text => text,
    };
    let text = text.trim_ascii_start();
    match text.first()? {
        b'{' | b'[' => return Some(Form::Json),
        b':' => return Some(Form::Events),
        _ => {}
    }
    if FIELDS.iter().any(|field| text.starts_with(field)) {
        return Some(Form::Events);
    }
    let may_be_field = FIELDS.iter().any(|field| field.starts_with(text));
    (!may_be_field).then_some(Form::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_by_its_first_bytes() {
        for (start, expected) in [
            ("data: {}", Some(Form::Events)),
            ("\u{feff}\r\n\ndata:", Some(Form::Events)),
            (": OPENROUTER PROCESSING", Some(Form::Events)),
            ("event: response.created", Some(Form::Events)),
            ("id: 1", Some(Form::Events)),
            ("retry: 1000", Some(Form::Events)),
            ("{", Some(Form::Json)),
            ("  \n[", Some(Form::Json)),
            ("<html>", Some(Form::Other)),
            ("database is down", Some(Form::Other)),
            ("OK", Some(Form::Other)),
            ("", None),
            (" \n", None),
            ("dat", None),
            ("re", None),
        ] {
            assert_eq!(form(start.as_bytes()), expected, "{start:?}");
        }
        assert_eq!(form(b"\xef\xbb"), None);
    }

    #[test]
    fn what_is_known_stays_with_more_bytes() {
        for text in ["\u{feff} data: x", "event: y", "{\"a\":1}", "<html>", "dato: x", ": z"] {
            let whole = form(text.as_bytes());
            for end in 0..text.len() {
                let start = form(&text.as_bytes()[..end]);
                assert!(start.is_none() || start == whole, "{text:?} {end}");
            }
        }
    }
}
