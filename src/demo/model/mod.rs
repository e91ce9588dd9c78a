//! The demo provider's answers: which model was asked, what it says, and how fast it says it.
//!
//! The parts are pure: `ask` reads a request, `speech`, `calls` and `schema` make up an [`Answer`],
//! which knows its JSON. Only this file turns it into a [`Reply`] with times and faults.

mod answer;
mod ask;
mod calls;
mod schema;
mod text;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use serde_json::{Value, json};

use self::{
    answer::Answer,
    ask::{Ask, Refusal},
};
use super::{Fault, Received, Reply};
use switchtower_testkit::openai::{self, Stamp};

/// The models, the well-behaved one first.
const MODELS: [&str; 6] =
    ["demo", "demo-slow", "demo-429", "demo-500", "demo-cut", "demo-failover"];

/// After how many parts of an answer `demo-cut` breaks the connection.
const CUT: usize = 5;

/// How fast a model talks.
struct Pace {
    first: Duration,
    next: Duration,
}

/// Answers one request.
pub(super) fn answer(request: &Received) -> Reply {
    respond(request).unwrap_or_else(|refusal| refuse(&refusal))
}

fn refuse(refusal: &Refusal) -> Reply {
    Reply::status(refusal.status.as_u16(), &refusal.body)
}

fn respond(request: &Received) -> Result<Reply, Refusal> {
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if bearer.is_none_or(|key| key.trim().is_empty()) {
        return Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "You didn't provide an API key. You need to provide your API key in an Authorization \
             header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        ));
    }
    match (&request.method, request.path()) {
        (&Method::POST, "/v1/chat/completions") => chat(request),
        (&Method::GET, "/v1/models") => Ok(Reply::json(&json!({
            "object": "list",
            "data": MODELS.map(describe),
        }))),
        (&Method::GET, path) => match path.strip_prefix("/v1/models/") {
            Some(name) => Ok(Reply::json(&describe(known(name)?))),
            None => Err(unknown_url(request)),
        },
        _ => Err(unknown_url(request)),
    }
}

fn unknown_url(request: &Received) -> Refusal {
    let message = format!("Unknown request URL: {} {}.", request.method, request.path());
    Refusal::new(StatusCode::NOT_FOUND, &message).code("unknown_url")
}

fn describe(model: &str) -> Value {
    json!({"id": model, "object": "model", "created": 1_700_000_000, "owned_by": "switchtower"})
}

fn known(name: &str) -> Result<&'static str, Refusal> {
    MODELS.into_iter().find(|model| *model == name).ok_or_else(|| {
        let message = format!("The model `{name}` does not exist or you do not have access to it.");
        Refusal::new(StatusCode::NOT_FOUND, &message).code("model_not_found")
    })
}

fn chat(request: &Received) -> Result<Reply, Refusal> {
    let ask = Ask::parse(&request.body)?;
    let model = known(&ask.model)?;
    let stamp = stamp(model, request.nth);
    let answer = Answer::to(&ask, &stamp);
    let brisk = Pace { first: Duration::from_millis(30), next: Duration::from_millis(30) };
    let slow = Pace { first: Duration::from_secs(2), next: Duration::from_millis(300) };
    Ok(match model {
        "demo-429" => rate_limited(),
        "demo-500" => server_error(),
        "demo-failover" => overloaded(),
        "demo-slow" => deliver(&ask, &answer, &stamp, &slow),
        "demo-cut" if ask.stream => {
            let chunks = answer.chunks(&stamp, ask.include_usage);
            // At least the finish reason must be missing.
            let kept = CUT.min(answer.parts().saturating_sub(1));
            stream(&chunks[..=kept], &brisk).cut(Fault::Close)
        }
        "demo-cut" => {
            let body = answer.whole(&stamp);
            let half = body.to_string().len() / 2;
            Reply::json(&body).cut_after(half, Fault::Close)
        }
        _ => deliver(&ask, &answer, &stamp, &brisk),
    })
}

/// Ids differ between requests and between runs, so that no client takes two answers for one.
fn stamp(model: &str, nth: usize) -> Stamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let id = format!("chatcmpl-{:x}{nth:04x}", now.as_micros());
    Stamp { id, created: now.as_secs(), model: model.to_owned() }
}

fn deliver(ask: &Ask, answer: &Answer, stamp: &Stamp, pace: &Pace) -> Reply {
    if ask.stream {
        stream(&answer.chunks(stamp, ask.include_usage), pace).done()
    } else {
        Reply::json(&answer.whole(stamp)).after(pace.first)
    }
}

fn stream(chunks: &[Value], pace: &Pace) -> Reply {
    let mut reply = Reply::events();
    for (nth, chunk) in chunks.iter().enumerate() {
        let pause = if nth == 0 { pace.first } else { pace.next };
        reply = reply.pause(pause).event(chunk);
    }
    reply
}

fn rate_limited() -> Reply {
    let message = "Rate limit reached for demo-429 on requests per min (RPM): Limit 3, Used 3, \
                   Requested 1. Please try again in 2s.";
    Reply::status(429, &openai::error(message, "requests", None, Some("rate_limit_exceeded")))
        .header("retry-after", 2)
        .header("x-ratelimit-limit-requests", 3)
        .header("x-ratelimit-remaining-requests", 0)
        .header("x-ratelimit-reset-requests", "2s")
}

fn server_error() -> Reply {
    let message = "The server had an error while processing your request. Sorry about that!";
    Reply::status(500, &openai::error(message, "server_error", None, None))
}

/// The gateway's demo has a second provider, which knows this model by another name.
fn overloaded() -> Reply {
    let message = "The engine is currently overloaded, please try again later.";
    Reply::status(503, &openai::error(message, "server_error", None, None))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Uri, Version, header::AUTHORIZATION};

    use super::*;

    fn request(method: Method, path: &'static str, body: &Value) -> Received {
        Received {
            nth: 0,
            method,
            uri: Uri::from_static(path),
            version: Version::HTTP_11,
            headers: HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer k"))]),
            body: body.to_string().into(),
        }
    }

    fn ask(model: &str) -> Received {
        let messages = json!([{"role": "user", "content": "Hi"}]);
        let body = json!({"model": model, "messages": messages});
        request(Method::POST, "/v1/chat/completions", &body)
    }

    #[test]
    fn a_request_without_a_key_shows() {
        let mut keyless = ask("demo");
        keyless.headers.clear();
        assert_eq!(answer(&keyless).status, 401);
        keyless.headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer "));
        assert_eq!(answer(&keyless).status, 401);
    }

    #[test]
    fn each_model_has_its_status() {
        let statuses = MODELS.map(|model| answer(&ask(model)).status.as_u16());
        assert_eq!(statuses, [200, 200, 429, 500, 200, 503]);
        assert_eq!(answer(&ask("demo-429")).headers["retry-after"], "2");
        assert_eq!(answer(&ask("gpt-0")).status, 404);
    }

    #[test]
    fn unknown_paths_are_not_found() {
        for (method, path, status) in [
            (Method::GET, "/v1/models", 200),
            (Method::GET, "/v1/models/demo-cut", 200),
            (Method::GET, "/v1/models/gpt-0", 404),
            (Method::GET, "/v1/chat/completions", 404),
            (Method::POST, "/v1/embeddings", 404),
        ] {
            assert_eq!(answer(&request(method, path, &json!({}))).status, status, "{path}");
        }
    }
}
