//! Custom tools travel as functions with one string parameter: this takes its value out of the
//! arguments while they arrive.

use memchr::memchr2;

use crate::responses::context::CUSTOM_PARAMETER;

/// An incremental reader of `{"input": "..."}`, over pieces that are cut anywhere. It passes over
/// white space and other members; an escape that JSON does not know stays as it is.
#[derive(Debug, Default)]
pub(super) struct Unwrap {
    state: InputState,
    escape: Escape,
    /// Whether the parameter has begun.
    found: bool,
}

#[derive(Debug, Default)]
enum InputState {
    /// Before the object.
    #[default]
    Start,
    /// In the object, before a key.
    Object,
    /// In a key, which is as yet this.
    Key(String),
    /// Behind a key; whether it is the parameter.
    Colon(bool),
    /// Before the value of the parameter.
    Value,
    /// In the parameter.
    Input,
    /// In another member's value, this deep in arrays and objects.
    Skip(u32),
    /// In a string of another member's value; whether the next character is escaped.
    SkipString(u32, bool),
    /// Behind the parameter, or in what cannot be read.
    Over,
}

#[derive(Debug, Default)]
enum Escape {
    #[default]
    None,
    Backslash,
    /// In `\u`: how many digits have come, and their value.
    Hex(u8, u32),
    /// Behind the first half of a pair.
    High(u32),
    HighBackslash(u32),
}

impl Unwrap {
    /// Reads the next piece of arguments and appends what it says of the input.
    pub(super) fn feed(&mut self, text: &str, input: &mut String) {
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            rest = match self.state {
                InputState::Over => return,
                InputState::Input => self.read_input(rest, next, input),
                _ => {
                    self.step(next);
                    &rest[next.len_utf8()..]
                }
            };
        }
    }

    /// The missing rest of the input at the end: all of it, for arguments that were not wrapped, or
    /// not under this name; and the replacement of half a character that was cut off.
    pub(super) fn fallback(&self, arguments: &str) -> Option<String> {
        if self.found {
            let is_half = matches!(self.escape, Escape::High(_) | Escape::HighBackslash(_));
            return is_half.then(|| String::from(char::REPLACEMENT_CHARACTER));
        }
        let trimmed = arguments.trim();
        if trimmed == "{}" {
            return Some(String::new());
        }
        serde_json::from_str(trimmed).ok().or_else(|| Some(arguments.to_owned()))
    }

    fn step(&mut self, next: char) {
        let is_space = matches!(next, ' ' | '\n' | '\r' | '\t');
        self.state = match (std::mem::take(&mut self.state), next) {
            (InputState::Key(key), '"') => InputState::Colon(key == CUSTOM_PARAMETER),
            (InputState::Key(mut key), _) => {
                // A longer key is another one: no need to keep it.
                if key.len() <= CUSTOM_PARAMETER.len() {
                    key.push(next);
                }
                InputState::Key(key)
            }
            (InputState::SkipString(depth, true), _) => InputState::SkipString(depth, false),
            (InputState::SkipString(depth, false), '\\') => InputState::SkipString(depth, true),
            (InputState::SkipString(depth, false), '"') => InputState::Skip(depth),
            (InputState::SkipString(depth, false), _) => InputState::SkipString(depth, false),
            (InputState::Skip(depth), '"') => InputState::SkipString(depth, false),
            (InputState::Skip(depth), '{' | '[') => InputState::Skip(depth + 1),
            (InputState::Skip(0), ',') => InputState::Object,
            (InputState::Skip(0), '}' | ']') => InputState::Over,
            (InputState::Skip(depth), '}' | ']') => InputState::Skip(depth - 1),
            (InputState::Skip(depth), _) => InputState::Skip(depth),
            (state, _) if is_space => state,
            (InputState::Start, '{') => InputState::Object,
            (InputState::Object, '"') => InputState::Key(String::new()),
            (InputState::Object, ',') => InputState::Object,
            (InputState::Colon(true), ':') => InputState::Value,
            (InputState::Colon(false), ':') => InputState::Skip(0),
            (InputState::Value, '"') => {
                self.found = true;
                InputState::Input
            }
            _ => InputState::Over,
        };
    }

    /// Reads on in the parameter and gives the rest.
    fn read_input<'a>(&mut self, rest: &'a str, next: char, input: &mut String) -> &'a str {
        let behind = &rest[next.len_utf8()..];
        match (std::mem::take(&mut self.escape), next) {
            (Escape::None, _) => {
                let end = memchr2(b'"', b'\\', rest.as_bytes()).unwrap_or(rest.len());
                input.push_str(&rest[..end]);
                let Some(found) = rest[end..].chars().next() else { return "" };
                match found {
                    '\\' => self.escape = Escape::Backslash,
                    _ => self.state = InputState::Over,
                }
                return &rest[end + 1..];
            }
            (Escape::Backslash, 'u') => self.escape = Escape::Hex(0, 0),
            (Escape::Backslash, _) => match unescaped(next) {
                Some(c) => input.push(c),
                None => input.extend(['\\', next]),
            },
            (Escape::Hex(digits, value), _) => {
                let (high, value) = (value & !0xffff, value & 0xffff);
                let Some(digit) = next.to_digit(16) else {
                    // Not an escape after all: what there was of it is lost in any reader.
                    self.end_pair(high, input);
                    input.push(char::REPLACEMENT_CHARACTER);
                    return rest;
                };
                let value = value << 4 | digit;
                if digits < 3 {
                    self.escape = Escape::Hex(digits + 1, high | value);
                } else {
                    self.end_unit(high >> 16, value, input);
                }
            }
            (Escape::High(high), '\\') => self.escape = Escape::HighBackslash(high),
            (Escape::HighBackslash(high), 'u') => self.escape = Escape::Hex(0, high << 16),
            (Escape::High(_), _) => {
                input.push(char::REPLACEMENT_CHARACTER);
                return rest;
            }
            (Escape::HighBackslash(_), _) => {
                input.push(char::REPLACEMENT_CHARACTER);
                self.escape = Escape::Backslash;
                return rest;
            }
        }
        behind
    }

    fn end_pair(&mut self, high: u32, input: &mut String) {
        if high != 0 {
            input.push(char::REPLACEMENT_CHARACTER);
        }
    }

    /// A `\u` escape is complete; `high` is the half of a pair that stood before it, or 0.
    fn end_unit(&mut self, high: u32, unit: u32, input: &mut String) {
        if high != 0 && (0xdc00..0xe000).contains(&unit) {
            let code = 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00);
            input.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            return;
        }
        self.end_pair(high, input);
        if (0xd800..0xdc00).contains(&unit) {
            self.escape = Escape::High(unit);
        } else {
            input.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
}

/// The character for this JSON escape.
fn unescaped(escaped: char) -> Option<char> {
    Some(match escaped {
        '"' | '\\' | '/' => escaped,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unwrap<'a>(pieces: impl IntoIterator<Item = &'a str>) -> String {
        let (mut unwrap, mut input, mut all) = (Unwrap::default(), String::new(), String::new());
        for piece in pieces {
            all.push_str(piece);
            unwrap.feed(piece, &mut input);
        }
        match unwrap.fallback(&all) {
            Some(missing) => input + &missing,
            None => input,
        }
    }

    fn by_letters(text: &str) -> String {
        unwrap(text.split_inclusive(|_| true))
    }

    #[test]
    fn whatever_the_model_wrote() {
        for (arguments, input) in [
            (r#"{"input":"*** Begin\n+ \"é\" \/ \u00e9"}"#, "*** Begin\n+ \"é\" / é"),
            (r#" { "input" : "a" } "#, "a"),
            (r#"{"input":""}"#, ""),
            (r#"{"why":"{\"input\":\"no\"}","n":[1,{"input":"no"},"]"],"input":"yes"}"#, "yes"),
            (r#"{"input":"first","input":"second"}"#, "first"),
            (r#"{"inputs":"no","input":"yes"}"#, "yes"),
            (r#"{"input":"\ud83d\ude00"}"#, "😀"),
            (r#"{"input":"\ud83d!"}"#, "\u{fffd}!"),
            (r#"{"input":"\ud83d\n"}"#, "\u{fffd}\n"),
            (r#"{"input":"\ud83d\u0041"}"#, "\u{fffd}A"),
            (r#"{"input":"\ud83d\ud83d\ude00"}"#, "\u{fffd}😀"),
            (r#"{"input":"\ude00"}"#, "\u{fffd}"),
            (r#"{"input":"\u12x"}"#, "\u{fffd}x"),
            (r#"{"input":"\d+"}"#, r"\d+"),
            ("{\"input\":\"a\nb\"}", "a\nb"),
            (r#"{"input":"cut of"#, "cut of"),
            (r#"{"input":"cut \u00"#, "cut "),
            (r#"{"input":"cut \ud83d"#, "cut \u{fffd}"),
            (r#"{"input":"cut \ud83d\"#, "cut \u{fffd}"),
            (r#"{"input":"a"} and more"#, "a"),
            ("*** Begin Patch", "*** Begin Patch"),
            (r#""a\nb""#, "a\nb"),
            (r#"{"patch":"a"}"#, r#"{"patch":"a"}"#),
            (r#"{"input":7}"#, r#"{"input":7}"#),
            (r#"{"input"#, r#"{"input"#),
            ("{}", ""),
            ("", ""),
        ] {
            assert_eq!(unwrap([arguments]), input, "{arguments}");
            assert_eq!(by_letters(arguments), input, "{arguments}, by letters");
        }
    }

    #[test]
    fn every_piece_leaves_at_once() {
        let (mut unwrap, mut seen) = (Unwrap::default(), Vec::new());
        for piece in ["{\"in", "put\": \"a", "b\\", "nc\\ud83d", "\\ude", "00", "d\"", "}"] {
            let mut input = String::new();
            unwrap.feed(piece, &mut input);
            seen.push(input);
        }
        assert_eq!(seen, ["", "a", "b", "\nc", "", "😀", "d", ""]);
    }

    proptest! {
        #[test]
        fn any_split_gives_what_was_wrapped(
            input in any::<String>(),
            other in any::<String>(),
            ascii: bool,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut json = serde_json::json!({"a": other, "input": input}).to_string();
            if ascii {
                json = json.chars().fold(String::new(), |mut text, c| {
                    match c.is_ascii() {
                        true => text.push(c),
                        false => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                            text.push_str(&format!("\\u{unit:04x}"));
                        }),
                    }
                    text
                });
            }
            let places: Vec<_> =
                (0..=json.len()).filter(|&at| json.is_char_boundary(at)).collect();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| places[cut.index(places.len())]).collect();
            cuts.extend([0, json.len()]);
            cuts.sort_unstable();
            prop_assert_eq!(unwrap(cuts.windows(2).map(|cut| &json[cut[0]..cut[1]])), input);
        }

        #[test]
        fn nothing_breaks_it(text in r#"[{}\[\]"\\:,uinpt0d8ce ]{0,40}"#) {
            prop_assert_eq!(unwrap([&*text]), by_letters(&text));
        }
    }
}
