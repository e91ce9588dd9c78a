//! W3C Trace Context, level 1: which trace a request belongs to.
//!
//! A valid `traceparent` is kept up: its trace id stands in the log, and goes to the provider with a
//! parent id of the gateway's own. Without a valid one a trace begins here.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// `00-<32 digits>-<16 digits>-<2 digits>`
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

/// A request's place in a trace. Displayed as `traceparent` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    parent: u64,
    flags: u8,
}

impl TraceContext {
    /// Reads a `traceparent`; of a later version, as much as this one knows. `None` when it is
    /// not valid.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let fields = bytes.get(..LENGTH)?;
        if [2, 35, 52].iter().any(|&at| fields[at] != b'-') {
            return None;
        }
        let version = hex(&fields[..2])?;
        let is_whole = bytes.len() == LENGTH;
        let may_go_on = version != 0 && bytes.get(LENGTH) == Some(&b'-');
        if version == 0xff || !(is_whole || may_go_on) {
            return None;
        }
        let trace = hex(&fields[3..35])?;
        let parent = u64::try_from(hex(&fields[36..52])?).ok()?;
        let flags = u8::try_from(hex(&fields[53..])?).ok()?;
        (trace != 0 && parent != 0).then_some(Self { trace, parent, flags })
    }

    /// A trace that begins here. It counts as sampled: the log has it.
    #[must_use]
    pub fn start() -> Self {
        let trace = fastrand::u128(1..);
        Self { trace, parent: fastrand::u64(1..), flags: SAMPLED }
    }

    /// The trace context for the provider: the same trace, with a fresh parent id. Flags that level
    /// 1 does not know are not passed on.
    #[must_use]
    pub fn child(self) -> Self {
        Self { parent: fastrand::u64(1..), flags: self.flags & SAMPLED, ..self }
    }

    /// Takes a request's trace up and puts the gateway into it; `tracestate` stays as it came,
    /// unless it belongs to a trace that is not taken up.
    pub(super) fn take_up(headers: &mut HeaderMap) -> Self {
        let mut lines = headers.get_all(TRACEPARENT).iter();
        let line = lines.next().filter(|_| lines.next().is_none());
        let came = line.and_then(|line| Self::parse(line.to_str().ok()?));
        if came.is_none() {
            headers.remove(TRACESTATE);
        }
        let own = came.map_or_else(Self::start, Self::child);
        headers.insert(TRACEPARENT, own.header());
        own
    }

    /// The same as it is displayed, without a formatter's detours: each request has one.
    fn header(self) -> HeaderValue {
        let mut text = *b"00-................................-................-..";
        write_hex(&mut text[3..35], self.trace);
        write_hex(&mut text[36..52], self.parent.into());
        write_hex(&mut text[53..], self.flags.into());
        HeaderValue::from_bytes(&text).expect("digits and dashes")
    }

    /// The trace's id; displayed as 32 digits.
    #[must_use]
    pub fn trace_id(self) -> impl fmt::Display + fmt::Debug {
        Hex(self.trace)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.parent, self.flags)
    }
}

#[derive(Debug)]
struct Hex(u128);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Fills the field with lower-case digits.
fn write_hex(field: &mut [u8], mut number: u128) {
    for digit in field.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % 16) as usize];
        number /= 16;
    }
}

/// Lower-case digits only, 32 at most.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_valid() {
        let good = TraceContext::parse(GOOD).unwrap();
        assert_eq!(good.to_string(), GOOD);
        assert_eq!(good.header(), GOOD);
        for later in ["01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-09", "01"] {
            let later = GOOD.replacen("00", &later[..2], 1);
            assert!(TraceContext::parse(&later).is_some());
            assert!(TraceContext::parse(&format!("{later}-what-comes")).is_some());
            assert!(TraceContext::parse(&format!("{later}.what-comes")).is_none());
        }
    }

    #[test]
    fn what_is_not() {
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333ä-01",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }

    fn taken_up(lines: &[(HeaderName, &str)]) -> (TraceContext, HeaderMap) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value.parse().unwrap());
        }
        (TraceContext::take_up(&mut headers), headers)
    }

    #[test]
    fn a_trace_goes_on_with_a_fresh_parent() {
        let came = GOOD.replace("-01", "-ff");
        let (own, headers) =
            taken_up(&[(TRACEPARENT, &came), (TRACESTATE, "a=1"), (TRACESTATE, "b=2")]);
        assert_eq!(own.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        let sent = headers[TRACEPARENT].to_str().unwrap();
        assert_eq!(sent, own.to_string());
        assert!(sent.ends_with("-01") && !sent.contains("b7ad6b7169203331"), "{sent}");
        assert!(headers.get_all(TRACESTATE).iter().eq(["a=1", "b=2"]));
    }

    #[test]
    fn a_trace_begins_where_none_can_go_on() {
        for lines in [
            vec![],
            vec![(TRACEPARENT, "00-1-2-01"), (TRACESTATE, "a=1")],
            vec![(TRACEPARENT, GOOD), (TRACEPARENT, GOOD), (TRACESTATE, "a=1")],
        ] {
            let (own, headers) = taken_up(&lines);
            assert_ne!(own.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
            assert!(headers.get_all(TRACEPARENT).iter().eq([&*own.to_string()]));
            assert!(!headers.contains_key(TRACESTATE));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace in 1..u128::MAX, parent in 1..u64::MAX, flags: u8) {
            let context = TraceContext { trace, parent, flags };
            prop_assert_eq!(TraceContext::parse(&context.to_string()), Some(context));
            let child = context.child();
            prop_assert_eq!((child.trace, child.flags), (trace, flags & 1));
        }

        #[test]
        fn what_is_read_is_what_was_written(text in "[0-9a-fA-F]{2}-[0-9a-fg]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{2}(-.*)?|.*") {
            if let Some(context) = TraceContext::parse(&text) {
                prop_assert_eq!(&context.to_string()[2..], &text[2..LENGTH]);
                prop_assert!(context.trace != 0 && context.parent != 0);
            }
        }
    }
}
