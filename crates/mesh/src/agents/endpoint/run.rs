//! Runs one task at one endpoint.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::client::causes;
use super::{Client, parse};
use crate::agents::program::{Capture, start};
use crate::agents::{Fault, Output};

/// Where the answer may be in a JSON object, the first that is there counts.
const ANSWERS: [&str; 5] = ["result", "output", "message", "response", "text"];
/// Maximum length of an error response that is reported, in bytes.
const WHY: usize = 4 << 10;

/// What an endpoint is to do.
pub(in crate::agents) struct Order {
    pub(in crate::agents) task: String,
    pub(in crate::agents) text: String,
    /// The directory that the task names, for an agent that can do something with it.
    pub(in crate::agents) cwd: Option<PathBuf>,
    pub(in crate::agents) timeout: Duration,
    /// Of its answer, so many bytes are kept.
    pub(in crate::agents) output_limit: usize,
    /// Ends it early, if one of them does.
    pub(in crate::agents) cancel: [CancellationToken; 2],
}

/// Asks it, and reads its answer to the end.
pub(in crate::agents) async fn run(
    client: &Client,
    endpoint: &Uri,
    order: Order,
) -> Result<Output, Fault> {
    let [cancel, end] = &order.cancel;
    let asking = timeout(order.timeout, ask(client, endpoint, &order));
    tokio::select! {
        answer = asking => match answer {
            Ok(answer) => answer.map(|text| Output { text }).map_err(Fault::Failed),
            Err(_) => {
                let seconds = order.timeout.as_secs_f64();
                Err(Fault::Failed(format!("no answer within {seconds} s from {endpoint}")))
            }
        },
        () = cancel.cancelled() => Err(Fault::Cancelled),
        () = end.cancelled() => Err(Fault::Cancelled),
    }
}

async fn ask(client: &Client, endpoint: &Uri, order: &Order) -> Result<String, String> {
    // A connection to an address, not a name, is made without looking it up.
    parse(&endpoint.to_string(), client.allow_remote)?;
    let mut body = json!({"message": order.text, "task_id": order.task});
    if let Some(cwd) = order.cwd.as_ref().and_then(|cwd| cwd.to_str()) {
        body["cwd"] = cwd.into();
    }
    let request = Request::post(endpoint.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(Full::new(Bytes::from(body.to_string())))
        .map_err(|error| error.to_string())?;
    let response = client.send(request).await;
    let response = response.map_err(|error| format!("{endpoint} does not answer: {error}"))?;
    let status = response.status();
    if status.is_redirection() {
        let place = response.headers().get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
        let place = String::from_utf8_lossy(place).into_owned();
        let place = if place.is_empty() { "elsewhere" } else { start(&place, WHY) };
        return Err(format!("{endpoint} redirects ({status}) to {place}, which is not followed"));
    }
    let text = read(response, order.output_limit).await;
    let text = text.map_err(|error| format!("the answer of {endpoint} broke off: {error}"))?;
    if !status.is_success() {
        let why = answer(text);
        let why = if why.is_empty() { String::new() } else { format!(": {}", start(&why, WHY)) };
        return Err(format!("{endpoint} answered {status}{why}"));
    }
    Ok(answer(text))
}

/// The whole body is read, and as much of it kept as is allowed.
async fn read(response: Response<Incoming>, limit: usize) -> Result<String, String> {
    let mut body = response.into_body();
    let mut kept = Capture::both_ends(limit);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| causes(&error))?.into_data() {
            kept.push(&data);
        }
    }
    Ok(kept.text())
}

/// The text that is meant.
fn answer(text: String) -> String {
    let Ok(Value::Object(object)) = serde_json::from_str(&text) else { return text };
    let meant = ANSWERS.iter().find_map(|name| object.get(*name)?.as_str());
    meant.map(|meant| meant.trim_end().to_owned()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_a_text_or_in_a_field() {
        for (body, expected) in [
            ("plain", "plain"),
            (r#"{"message": "m", "result": "r\n"}"#, "r"),
            (r#"{"result": {"a": 1}, "text": "t"}"#, "t"),
            (r#"{"other": 1}"#, r#"{"other": 1}"#),
            (r#"["a"]"#, r#"["a"]"#),
            (r#""quoted""#, r#""quoted""#),
            ("{broken", "{broken"),
        ] {
            assert_eq!(answer(body.to_owned()), expected);
        }
    }
}
