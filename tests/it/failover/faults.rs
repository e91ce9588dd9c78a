//! What a provider may do to a request, and what DESIGN calls it.

use serde_json::{Value, json};

use crate::support::{Fault, Reply};

/// A way in which a provider answers.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) how: How,
    pub(crate) effect: Effect,
    /// The deadline that has to end it, and the only one that is short enough to.
    pub(crate) deadline: Option<&'static str>,
}

#[derive(Clone)]
pub(crate) enum How {
    /// Connection refused.
    Refused,
    /// Each connection ends so, before anything is read.
    Connection(Fault),
    Reply(Reply),
}

/// What DESIGN calls it.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// A whole answer, odd as it may look.
    Whole,
    /// The client's own error: it passes, and no other target is called.
    ClientError(u16),
    /// No answer. When it is the last one, the client gets this.
    Refusal(Last),
    /// A whole answer under 200 that is none.
    WrongShape,
    /// An event stream that breaks; `whole` is how much of it were whole and good events.
    Broken { whole: usize, content: bool, again: bool },
    /// A plain answer that breaks off.
    Cut { again: bool },
}

/// What an exhausted plan ends in when this was its last answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Last {
    AsItCame(u16),
    ProviderError,
}

const ONE_TRY: Effect = Effect::Refusal(Last::ProviderError);

fn row(name: &'static str, reply: Reply, effect: Effect) -> Row {
    Row { name, how: How::Reply(reply), effect, deadline: None }
}

impl Row {
    fn deadline(mut self, name: &'static str) -> Self {
        self.deadline = Some(name);
        self
    }
}

/// Everything that happens to streamed requests.
pub(crate) fn streamed() -> Vec<Row> {
    [no_head("headers_ms"), wrong_shapes(), before_content(), after_content(), whole(), statuses()]
        .concat()
}

/// Everything that happens to requests for one piece of JSON.
pub(crate) fn plain() -> Vec<Row> {
    [no_head("first_token_ms"), wrong_shapes(), halves(), whole_json(), statuses()].concat()
}

/// The answer never begins.
fn no_head(deadline: &'static str) -> Vec<Row> {
    let connection =
        |name, fault| Row { name, how: How::Connection(fault), effect: ONE_TRY, deadline: None };
    let reply = |name, fault| row(name, Reply::fault(fault), ONE_TRY);
    vec![
        Row { name: "refused", how: How::Refused, effect: ONE_TRY, deadline: None },
        connection("reset at once", Fault::Reset),
        connection("closed at once", Fault::Close),
        reply("reset before the head", Fault::Reset),
        reply("closed before the head", Fault::Close),
        reply("garbage", Fault::garbage()),
        reply("TLS on a plain port", Fault::tls()),
        reply("half a head", Fault::Raw("HTTP/1.1 200 OK\r\ncontent-le".into())),
        reply("silence", Fault::Silence).deadline(deadline),
    ]
}

/// 200, and then something else than an answer.
fn wrong_shapes() -> Vec<Row> {
    let half = Reply::chat("Hello").body();
    let half = half.slice(..half.len() / 2);
    let json = || Reply::new(200).content_type("application/json");
    vec![
        row("HTML", Reply::html("<!doctype html><h1>Sign in</h1>"), Effect::WrongShape),
        row("nothing, of no type", Reply::new(200).sized(), Effect::WrongShape),
        row("nothing, as JSON", json().sized(), Effect::WrongShape),
        row("nothing, in chunks", json(), Effect::WrongShape),
        row("a JSON error", Reply::json(&error("overloaded")), Effect::WrongShape),
        row("JSON without choices", Reply::json(&json!({"id": "x"})), Effect::WrongShape),
        row("half of the JSON", json().bytes(half), Effect::WrongShape),
        row("text", Reply::new(200).content_type("text/plain").bytes("OK"), Effect::WrongShape),
    ]
}

/// The stream breaks while nothing was said.
fn before_content() -> Vec<Row> {
    let broken = |name, good: Reply, break_it: fn(Reply) -> Reply, again| {
        let whole = good.body().len();
        row(name, break_it(good), Effect::Broken { whole, content: false, again })
    };
    let head = Reply::events;
    let role = || head().role();
    let waiting = || head().comment("wait").comment("wait");
    vec![
        broken("no event", head(), |reply| reply, true),
        broken("error first", head(), |reply| reply.error_event("overloaded"), true),
        broken("role, error", role(), |reply| reply.error_event("overloaded").done(), true),
        broken("named error", head(), |reply| reply.named_event("error", "{}"), true),
        broken("first event no JSON", head(), |reply| reply.event("<html>"), true),
        broken("the error alone", head(), |reply| reply.bytes(error("no").to_string()), true),
        broken("[DONE] alone", head(), Reply::done, true),
        broken("head, FIN", head(), |reply| reply.cut(Fault::Close), true),
        broken("role, RST", role(), |reply| reply.cut(Fault::Reset), true),
        broken("head, silence", head(), Reply::stall, false).deadline("first_token_ms"),
        broken("role, silence", role(), Reply::stall, false).deadline("first_token_ms"),
        broken("comments, silence", waiting(), Reply::stall, false).deadline("first_token_ms"),
    ]
}

/// The stream breaks in the middle.
fn after_content() -> Vec<Row> {
    let broken = |name, good: Reply, break_it: fn(Reply) -> Reply| {
        let whole = good.body().len();
        row(name, break_it(good), Effect::Broken { whole, content: true, again: true })
    };
    let middle = || Reply::events().role().delta("Hel").delta("lo");
    vec![
        broken("FIN", middle(), |reply| reply.cut(Fault::Close)),
        broken("RST", middle(), |reply| reply.cut(Fault::Reset)),
        broken("FIN in CRLF", middle().crlf(), |reply| reply.cut(Fault::Close)),
        broken("FIN in an event", middle(), |reply| {
            reply.bytes("data: {\"choices\":[").cut(Fault::Close)
        }),
        broken("FIN after a line", middle(), |reply| reply.bytes("data: {}\n").cut(Fault::Close)),
        broken("garbage for a chunk", middle(), |reply| reply.cut(Fault::garbage())),
        broken("no finish reason", middle(), |reply| reply),
        broken("no finish reason, [DONE]", middle(), Reply::done),
        broken("event no JSON", middle(), |reply| reply.event("{oops").finish("stop").done()),
        broken("error event", middle(), |reply| reply.error_event("overloaded").done()),
        broken("finish reason error", middle(), |reply| reply.finish("error").done()),
        broken("stall", middle(), Reply::stall).deadline("idle_ms"),
        broken("stall in an event", middle(), |reply| reply.bytes("data: {").stall())
            .deadline("idle_ms"),
    ]
}

/// Streams that look odd and are whole.
fn whole() -> Vec<Row> {
    let whole = |name, reply| row(name, reply, Effect::Whole);
    let stream = || Reply::chat_stream(["Hel", "lo"]);
    let finished = || Reply::events().role().delta("Hello").finish("stop");
    let lines = json!({"choices": [{"index": 0, "delta": {"content": "a\nb"}}]});
    let lines = serde_json::to_string_pretty(&lines).expect("JSON");
    vec![
        whole("whole", stream()),
        whole("no [DONE]", finished()),
        whole("no last blank line", stream().bytes("data: {}\n")),
        whole("CRLF", stream().crlf()),
        whole("byte by byte", stream().byte_by_byte()),
        whole("data of many lines", Reply::events().event(lines).finish("stop").done()),
        whole(
            "comments",
            Reply::events().comment("a").role().comment("b").delta("c").finish("stop").comment("d"),
        ),
        whole("1 MB in an event", Reply::chat_stream(["x".repeat(1 << 20)])),
        whole("FIN after all", stream().cut(Fault::Close)),
        whole("FIN behind the finish reason", finished().cut(Fault::Close)),
        whole("RST behind the finish reason", finished().cut(Fault::Reset)),
        whole("stall behind the finish reason", finished().stall()).deadline("idle_ms"),
        // The gateway need not wait for more than `[DONE]`.
        whole("stall after all", stream().stall()).deadline("idle_ms"),
        whole("usage", Reply::events().delta("a").finish("stop").usage(1, 1).done()),
    ]
}

/// Plain answers that break off.
fn halves() -> Vec<Row> {
    let half = |fault| Reply::chat("Hello").cut_after(100, fault);
    vec![
        row("FIN", half(Fault::Close), Effect::Cut { again: true }),
        row("RST", half(Fault::Reset), Effect::Cut { again: true }),
        row("FIN in chunks", half(Fault::Close).chunked(), Effect::Cut { again: true }),
        row("stall", half(Fault::Silence), Effect::Cut { again: false }).deadline("idle_ms"),
    ]
}

fn whole_json() -> Vec<Row> {
    let whole = |name, reply| row(name, reply, Effect::Whole);
    vec![
        whole("whole", Reply::chat("Hello")),
        whole("chunks", Reply::chat("Hello").chunked()),
        whole("byte by byte", Reply::chat("Hello").byte_by_byte()),
        whole("1 MB", Reply::chat(&"x".repeat(1 << 20))),
    ]
}

/// Every status of DESIGN's table.
fn statuses() -> Vec<Row> {
    let passes = |name, status| row(name, Reply::error(status, "bad"), Effect::ClientError(status));
    let refuses = |name, status, code| {
        let last = if status < 500 { Last::AsItCame(status) } else { Last::ProviderError };
        row(name, Reply::error(status, code), Effect::Refusal(last))
    };
    let limited = |name, reply: Reply| row(name, reply, Effect::Refusal(Last::AsItCame(429)));
    vec![
        passes("400", 400),
        refuses("400 context", 400, "context_length_exceeded"),
        refuses("400 model", 400, "model_not_found"),
        refuses("401", 401, "invalid_api_key"),
        refuses("402", 402, "insufficient_balance"),
        refuses("403", 403, "forbidden"),
        refuses("404", 404, "not_found"),
        refuses("408", 408, "busy"),
        refuses("409", 409, "busy"),
        refuses("413", 413, "too_large"),
        passes("422", 422),
        refuses("424", 424, "busy"),
        refuses("498", 498, "busy"),
        limited("429", Reply::error(429, "rate_limit_exceeded")),
        limited("429, wait", Reply::error(429, "rate_limit_exceeded").header("retry-after", 7)),
        limited("429 quota", Reply::error(429, "insufficient_quota")),
        refuses("500", 500, "oops"),
        refuses("501", 501, "oops"),
        refuses("502", 502, "oops"),
        refuses("503", 503, "oops"),
        refuses("504", 504, "oops"),
        refuses("529", 529, "overloaded_error"),
        row(
            "503 HTML",
            Reply::new(503).content_type("text/html").bytes("<h1>Busy</h1>").sized(),
            ONE_TRY,
        ),
        row(
            "403 HTML",
            Reply::new(403).content_type("text/html").bytes("<h1>Blocked</h1>").sized(),
            Effect::Refusal(Last::AsItCame(403)),
        ),
        row("302", Reply::new(302).header("location", "/login").sized(), ONE_TRY),
    ]
}

fn error(code: &str) -> Value {
    json!({"error": {"message": "No.", "type": "server_error", "code": code}})
}
