use std::time::{Duration, SystemTime};

#[cfg(any(feature = "observe", feature = "responses"))]
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::named_wait;
use crate::exchange::UpstreamError;

/// Maximum length kept of an error that is not JSON, in bytes.
const MAX_EXCERPT_LEN: usize = 1000;
/// Maximum length of JSON that is parsed, in bytes. Longer errors quote the request.
const MAX_JSON_LEN: usize = 1 << 20;
/// Maximum depth of nested objects that are searched.
const MAX_DEPTH: u32 = 5;
/// Length of a message that is searched, in bytes. What follows quotes the request.
const MAX_SEARCHED_LEN: usize = 4096;

/// The fields that a message may stand in.
const MESSAGES: [&str; 6] =
    ["message", "msg", "detail", "error_msg", "error_description", "Message"];

/// The label of an error that is a page, not JSON: what wrote it is seldom the provider itself.
pub(super) const PAGE: &str = "html";

impl UpstreamError {
    /// Reads the body of an error answer, in the shapes of all providers that are known: OpenAI's
    /// `{"error": {...}}`, an object alone, an array of them (Gemini), `{"detail": ...}`
    /// (FastAPI), `{"base_resp": ...}` (MiniMax), `{"__type": ...}` (Bedrock), one provider's error
    /// in another's (OpenRouter), or whatever text there is.
    ///
    /// ```
    /// use std::time::Duration;
    /// use switchtower_layers::exchange::UpstreamError;
    ///
    /// let error = UpstreamError::read(br#"{"error":{"code":"insufficient_quota"}}"#);
    /// assert_eq!(error.code.as_deref(), Some("insufficient_quota"));
    ///
    /// let error = UpstreamError::read(b"Please try again in 1.5s.");
    /// assert_eq!(error.retry_after, Some(Duration::from_millis(1500)));
    /// ```
    pub fn read(body: &[u8]) -> Self {
        read_body(body)
    }
}

/// Reads the value of an `error` field: an object, or a mere string.
#[cfg(any(feature = "observe", feature = "responses"))]
pub(crate) fn read_field(raw: &RawValue) -> UpstreamError {
    read_at(raw.get().as_bytes(), SystemTime::now)
}

/// Reads the body of an error answer.
pub(crate) fn read_body(bytes: &[u8]) -> UpstreamError {
    read_at(bytes, SystemTime::now)
}

/// Reads the body of an error answer. One that is no JSON and is labelled as a page is one.
#[cfg(feature = "observe")]
pub(crate) fn read_labelled(bytes: &[u8], is_page: bool) -> UpstreamError {
    let mut error = read_body(bytes);
    let is_json =
        bytes.trim_ascii_start().starts_with(b"{") || bytes.trim_ascii_start().starts_with(b"[");
    if is_page && !is_json && error.labels.is_empty() {
        error.labels.push(PAGE.into());
    }
    error
}

/// Whether a JSON answer that is none says in a provider's own way that it is an error, although
/// its status says otherwise.
#[cfg(feature = "observe")]
pub(crate) fn read_in_place_of_answer(bytes: &[u8]) -> Option<UpstreamError> {
    let Some(Value::Object(object)) = json(bytes) else { return None };
    let fails = |value: &Value| value["status_code"].as_i64().is_some_and(|code| code != 0);
    let says = |name: &&str| object.get(*name).is_some_and(Value::is_string);
    let is_error = object.get("base_resp").is_some_and(fails)
        || ["message", "msg", "detail", "error_msg"].iter().any(says);
    is_error.then(|| read_body(bytes))
}

fn read_at(bytes: &[u8], now: impl Fn() -> SystemTime) -> UpstreamError {
    let mut reader = Reader { error: UpstreamError::default(), now: &now };
    match json(bytes) {
        Some(value) => reader.value(&value, 0),
        None => reader.page_or_text(bytes),
    }
    reader.finish()
}

/// JSON in which texts that are not UTF-8 are mended.
fn json(bytes: &[u8]) -> Option<Value> {
    if bytes.len() > MAX_JSON_LEN {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
}

/// Collects what an error says. What comes first stays: objects are read from the inside out.
struct Reader<'a> {
    error: UpstreamError,
    now: &'a dyn Fn() -> SystemTime,
}

impl Reader<'_> {
    fn value(&mut self, value: &Value, depth: u32) {
        match value {
            Value::Object(object) => self.object(object, depth),
            Value::Array(list) if list.first().is_some_and(Value::is_object) => {
                self.value(&list[0], depth);
            }
            Value::String(text) => self.message(text, depth),
            _ => {}
        }
    }

    fn object(&mut self, object: &Map<String, Value>, depth: u32) {
        if depth > MAX_DEPTH {
            return;
        }
        let get = |name: &str| object.get(name).filter(|value| !value.is_null());
        for inner in ["error", "errors"] {
            match get(inner) {
                // A word, beside which the message stands.
                Some(Value::String(word)) if MESSAGES.iter().any(|name| get(name).is_some()) => {
                    self.error.labels.push(word.as_str().into());
                }
                Some(inner) => self.value(inner, depth + 1),
                None => {}
            }
        }
        if let Some(Value::Object(answer)) = get("base_resp") {
            let code = answer.get("status_code").map(text);
            if let Some(code) = code.filter(|code| **code != *"0") {
                // Others use the same numbers for something else.
                self.error.labels.push(format!("base_resp.{code}").into());
                self.code(Some(code));
            }
            answer.get("status_msg").into_iter().for_each(|message| self.value(message, depth));
        }
        for name in ["code", "error_code", "errorCode", "__type"] {
            self.code(get(name).and_then(name_of));
        }
        for name in ["type", "error_type"] {
            // `error` says nothing.
            let kind = get(name).and_then(name_of).filter(|kind| **kind != *"error");
            match (&self.error.kind, kind) {
                (None, kind) => self.error.kind = kind,
                (Some(_), kind) => self.error.labels.extend(kind),
            }
        }
        for name in ["status", "reason", "http_code", "statusCode"] {
            self.error.labels.extend(get(name).and_then(name_of));
        }
        for name in MESSAGES {
            match get(name) {
                Some(Value::Array(list)) => self.set_message(validation(list)),
                Some(Value::Object(inner)) => self.object(inner, depth + 1),
                Some(message) => self.value(message, depth + 1),
                None => {}
            }
        }
        if let Some(Value::Array(details)) = get("details") {
            details.iter().filter_map(Value::as_object).for_each(|detail| self.detail(detail));
        }
        for name in ["innererror", "inner_error"] {
            get(name).into_iter().for_each(|inner| self.beside(inner, depth));
        }
        if let Some(Value::Object(metadata)) = get("metadata") {
            self.metadata(metadata, depth);
        }
        self.waits(object);
    }

    /// An item of Google's `details`.
    fn detail(&mut self, detail: &Map<String, Value>) {
        self.error.labels.extend(detail.get("reason").and_then(name_of));
        if let Some(Value::Array(violations)) = detail.get("violations") {
            let quotas = violations.iter().filter_map(|violation| name_of(&violation["quotaId"]));
            self.error.labels.extend(quotas);
        }
        self.waits(detail);
    }

    /// OpenRouter's: the error of the provider behind it, and that one's headers.
    fn metadata(&mut self, metadata: &Map<String, Value>, depth: u32) {
        if let Some(raw) = metadata.get("raw") {
            self.beside(raw, depth);
        }
        if metadata.contains_key("flagged_input") {
            self.error.labels.push("flagged_input".into());
        }
        if let Some(Value::Object(headers)) = metadata.get("headers") {
            self.waits(headers);
        }
        self.waits(metadata);
    }

    /// Another error, whose words come behind these.
    fn beside(&mut self, value: &Value, depth: u32) {
        let mut reader = Reader { error: UpstreamError::default(), now: self.now };
        match value {
            Value::String(text) if json(text.as_bytes()).is_none() => {
                reader.page_or_text(text.as_bytes());
            }
            value => reader.value(value, depth + 1),
        }
        let UpstreamError { code, kind, message, labels, retry_after, .. } = reader.error;
        self.error.labels.extend(code.into_iter().chain(kind).chain(labels));
        self.wait(retry_after);
        self.error.message = match (self.error.message.take(), message) {
            (Some(own), Some(inner)) if !own.contains(&*inner) => {
                Some(format!("{own}: {inner}").into())
            }
            (own, inner) => own.or(inner),
        };
    }

    fn page_or_text(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_EXCERPT_LEN)]);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.starts_with('<') {
            self.error.labels.push(PAGE.into());
        }
        if !text.is_empty() {
            self.set_message(text);
        }
    }

    fn code(&mut self, code: Option<Box<str>>) {
        match (&self.error.code, code) {
            (None, code) => self.error.code = code,
            (Some(own), Some(code)) if *own != code => self.error.labels.push(code),
            _ => {}
        }
    }

    /// A message, which may be another error as JSON.
    fn message(&mut self, message: &str, depth: u32) {
        let nested = message.trim_start().starts_with(['{', '[']) && depth < MAX_DEPTH;
        match nested.then(|| json(message.as_bytes())).flatten() {
            Some(value @ (Value::Object(_) | Value::Array(_))) => {
                self.value(&value, depth + 1);
                // It has the shape of no error.
                self.set_message(message);
            }
            _ => self.set_message(message),
        }
    }

    fn set_message(&mut self, message: impl Into<Box<str>>) {
        if self.error.message.is_none() {
            self.error.message = Some(message.into());
        }
    }

    /// The waits that an object's fields name.
    fn waits(&mut self, fields: &Map<String, Value>) {
        for (name, value) in fields {
            let name = name.to_ascii_lowercase().replace('-', "_");
            let wait = match &*name {
                "retry_after"
                | "retryafter"
                | "retry_after_seconds"
                | "retryafterseconds"
                | "retrydelay"
                | "retry_delay"
                | "resets_in_seconds"
                | "reset_in_seconds" => named_wait::in_field(value),
                "retry_after_ms" | "retryafterms" => {
                    named_wait::in_field(value).map(|wait| wait / 1000)
                }
                "x_ratelimit_reset" | "resets_at" => named_wait::until_field(value, self.now),
                _ => None,
            };
            self.wait(wait);
        }
    }

    fn wait(&mut self, wait: Option<Duration>) {
        self.error.retry_after = self.error.retry_after.max(wait);
    }

    fn finish(mut self) -> UpstreamError {
        let message = self.error.message.as_deref();
        let wait = message.and_then(|message| named_wait::in_text(beginning(message)));
        self.wait(wait);
        self.error
    }
}

/// The part of a message that is searched for words and waits.
pub(super) fn beginning(message: &str) -> &str {
    let mut end = message.len().min(MAX_SEARCHED_LEN);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

/// A string as it is, anything else as its JSON.
fn text(value: &Value) -> Box<str> {
    value.as_str().map_or_else(|| value.to_string().into(), Into::into)
}

/// A code or the like: a string or a number. Bedrock's stands between a namespace and an address.
fn name_of(value: &Value) -> Option<Box<str>> {
    match value {
        Value::String(name) => {
            let name = name.rsplit('#').next().unwrap_or(name);
            let name = name.split(":http").next().unwrap_or(name).trim();
            (!name.is_empty()).then(|| name.into())
        }
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// FastAPI's list of what is wrong with a request, without what it quotes of it.
fn validation(list: &[Value]) -> String {
    let items = list.iter().map(|item| match item["msg"].as_str() {
        Some(message) => match item["loc"].as_array() {
            Some(place) => {
                let place: Vec<_> = place.iter().map(text).collect();
                format!("{}: {message}", place.join("."))
            }
            None => message.to_owned(),
        },
        None => item.to_string(),
    });
    let items: Vec<_> = items.collect();
    if items.len() == list.iter().filter(|item| item["msg"].is_string()).count() {
        items.join("; ")
    } else {
        Value::from(list).to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn error(body: &str) -> UpstreamError {
        let now = || UNIX_EPOCH + Duration::from_secs(1_764_875_700);
        read_at(body.as_bytes(), now)
    }

    #[test]
    fn every_shape_of_error_body() {
        for (body, says) in [
            (r#"{"error":{"message":"no","type":"t","code":"c"}}"#, "c: no"),
            (r#"{"error":{"message":"no","type":"t","param":null,"code":null}}"#, "t: no"),
            (r#"{"error":{"code":429,"message":"slow"}}"#, "429: slow"),
            (r#"{"error":"just text"}"#, "just text"),
            (r#"{"code":"bad argument","error":"in xAI's way"}"#, "bad argument: in xAI's way"),
            (r#"{"status":404,"error":"Not Found","message":"no such path"}"#, "no such path"),
            (r#"[{"error":{"code":400,"message":"gemini"}}]"#, "400: gemini"),
            (r#"{"type":"error","error":{"type":"t","message":"anthropic"}}"#, "t: anthropic"),
            (
                r#"{"object":"error","message":"vllm","type":"BadRequestError"}"#,
                "BadRequestError: vllm",
            ),
            (
                r#"{"__type":"com.amazon.coral#ThrottlingException","Message":"aws"}"#,
                "ThrottlingException: aws",
            ),
            (r#"{"base_resp":{"status_code":1008,"status_msg":"minimax"}}"#, "1008: minimax"),
            (r#"{"detail":"fastapi"}"#, "fastapi"),
            (r#"{"detail":{"error":{"message":"nested"}}}"#, "nested"),
            (r#"{"detail":[{"loc":["a"]}]}"#, r#"[{"loc":["a"]}]"#),
            (
                r#"{"detail":[{"loc":["body","n"],"msg":"too small","input":"insufficient balance"}]}"#,
                "body.n: too small",
            ),
            (r#"{"errors":[{"code":7,"message":"cloudflare"}]}"#, "7: cloudflare"),
            (r#"{"message":"bare","type":"t"}"#, "t: bare"),
            (
                r#"{"error":{"code":400,"message":"{\"error\":{\"message\":\"inner\"}}"}}"#,
                "400: inner",
            ),
            (r#"{"error":{"message":"{\"a\":1}"}}"#, r#"{"a":1}"#),
            ("<html>Bad Gateway</html>", "<html>Bad Gateway</html>"),
            ("", "an error without a message"),
            ("{}", "an error without a message"),
            ("\u{feff}{\"message\":\"mark\"}", "mark"),
        ] {
            assert_eq!(error(body).to_string(), says, "{body}");
        }
        assert_eq!(read_body(&[b'x'; 10_000]).message.unwrap().len(), MAX_EXCERPT_LEN);
        let broken = read_body(b"{\"error\":{\"code\":\"c\",\"message\":\"\xff\"}}");
        assert_eq!(broken.to_string(), "c: \u{fffd}");
        let deep = format!("{}1{}", "{\"error\":".repeat(90), "}".repeat(90));
        assert_eq!(error(&deep), UpstreamError::default());
    }

    #[test]
    fn what_else_it_says() {
        for (body, labels) in [
            (
                r#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
                &["INVALID_ARGUMENT", "API_KEY_INVALID"][..],
            ),
            (
                r#"{"error":{"code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
                &["ResponsibleAIPolicyViolation"],
            ),
            (r#"{"base_resp":{"status_code":1008,"status_msg":"m"}}"#, &["base_resp.1008"]),
            (r#"{"error":{"code":429,"type":"a"},"code":"b","type":"c"}"#, &["b", "c"]),
            ("<p>", &[PAGE]),
        ] {
            let labels: Vec<Box<str>> = labels.iter().map(|&label| label.into()).collect();
            assert_eq!(error(body).labels, labels, "{body}");
        }
    }

    #[test]
    fn one_providers_error_in_anothers() {
        let raw = r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"{\"error\":{\"code\":\"slow\",\"message\":\"Please try again in 3s\"}}","headers":{"X-RateLimit-Reset":"1764875760000"}}}}"#;
        let inner = error(raw);
        assert_eq!(inner.to_string(), "429: Provider returned error: Please try again in 3s");
        assert_eq!(inner.labels, ["slow".into()]);
        assert_eq!(inner.retry_after, Some(Duration::from_secs(60)), "the longest");
        let text = r#"{"error":{"message":"Provider returned error","metadata":{"raw":"m is rate-limited"}}}"#;
        assert_eq!(error(text).to_string(), "Provider returned error: m is rate-limited");
    }

    #[test]
    fn waits() {
        for (body, seconds) in [
            (
                r#"{"error":{"details":[{"@type":"x/google.rpc.RetryInfo","retryDelay":"34s"}]}}"#,
                Some(34),
            ),
            (r#"{"error":{"message":"m","retry_after":7}}"#, Some(7)),
            (r#"{"error":{"message":"m"},"retry_after":"7"}"#, Some(7)),
            (r#"{"error":{"message":"m","metadata":{"retry_after_seconds":7}}}"#, Some(7)),
            (r#"{"retryAfterMs":7000}"#, Some(7)),
            (
                r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":70,"resets_at":1764875720}}"#,
                Some(70),
            ),
            (
                r#"{"error":{"message":"Please try again in 7s. Or retry after 9 seconds."}}"#,
                Some(9),
            ),
            ("Please retry after 9 seconds.", Some(9)),
            (r#"{"error":{"message":"m"}}"#, None),
        ] {
            assert_eq!(error(body).retry_after.map(|wait| wait.as_secs()), seconds, "{body}");
        }
    }
}
