use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::exchange::UpstreamError;

/// How much of an error that is not JSON is kept, in bytes.
const EXCERPT: usize = 200;

impl UpstreamError {
    /// Reads the body of an error answer, as far as it can be read: `{"error": ...}`, the object
    /// alone, `{"detail": ...}`, or whatever text there is.
    ///
    /// ```
    /// use switchtower_layers::exchange::UpstreamError;
    ///
    /// let error = UpstreamError::read(br#"{"error":{"code":"insufficient_quota"}}"#);
    /// assert_eq!(error.code.as_deref(), Some("insufficient_quota"));
    /// ```
    pub fn read(body: &[u8]) -> Self {
        read_body(body)
    }
}

/// Reads the value of an `error` field: an object, or a mere string.
pub(crate) fn read_field(raw: &RawValue) -> UpstreamError {
    if let Ok(message) = serde_json::from_str::<Cow<'_, str>>(raw.get()) {
        return UpstreamError { message: Some(message.into()), ..UpstreamError::default() };
    }
    serde_json::from_str::<Wire<'_>>(raw.get()).map(Wire::into_error).unwrap_or_default()
}

/// Reads the body of an error answer: `{"error": ...}`, the object alone, `{"detail": ...}`, an
/// array of one, or whatever text there is.
pub(crate) fn read_body(bytes: &[u8]) -> UpstreamError {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    // A struct would read the array as its fields, so the array comes first.
    let body = serde_json::from_slice::<[Body<'_>; 1]>(bytes).map(|[body]| body);
    let body = body.or_else(|_| serde_json::from_slice::<Body<'_>>(bytes));
    if let Some(error) = body.ok().and_then(|body| body.error) {
        return read_field(error);
    }
    if let Ok(wire) = serde_json::from_slice::<Wire<'_>>(bytes) {
        return wire.into_error();
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(EXCERPT)]);
    let text = text.trim();
    UpstreamError { message: (!text.is_empty()).then(|| text.into()), ..UpstreamError::default() }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

impl Wire<'_> {
    fn into_error(self) -> UpstreamError {
        UpstreamError {
            code: self.code.map(text),
            kind: self.kind.map(text),
            message: self.message.or(self.detail).map(text),
        }
    }
}

/// A string as it is, anything else as its JSON.
fn text(raw: &RawValue) -> Box<str> {
    serde_json::from_str::<Cow<'_, str>>(raw.get()).map_or_else(|_| raw.get().into(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_body() {
        for (body, says) in [
            (r#"{"error":{"message":"no","type":"t","code":"c"}}"#, "c: no"),
            (r#"{"error":{"message":"no","type":"t","param":null,"code":null}}"#, "t: no"),
            (r#"{"error":{"code":429,"message":"slow"}}"#, "429: slow"),
            (r#"{"error":"just text"}"#, "just text"),
            (r#"[{"error":{"code":400,"message":"gemini"}}]"#, "400: gemini"),
            (r#"{"detail":"fastapi"}"#, "fastapi"),
            (r#"{"detail":[{"loc":["a"]}]}"#, r#"[{"loc":["a"]}]"#),
            (r#"{"message":"bare","type":"t"}"#, "t: bare"),
            ("<html>Bad Gateway</html>", "<html>Bad Gateway</html>"),
            ("", "an error without a message"),
            ("{}", "an error without a message"),
        ] {
            assert_eq!(read_body(body.as_bytes()).to_string(), says, "{body}");
        }
        assert_eq!(read_body(&[b'x'; 10_000]).message.unwrap().len(), EXCERPT);
    }
}
