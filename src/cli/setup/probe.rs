//! Whether a provider takes a key.

use std::time::Duration;

use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use switchtower_layers::Buffered;
use tokio::time::timeout;

use crate::cli::client;
use crate::cli::output::Failure;

const ANSWER: Duration = Duration::from_secs(10);
/// More than any list of models that is read to its end.
const MOST_BYTES: usize = 4 << 20;

pub(super) enum Verdict {
    /// It takes it, and has these models if it says so.
    Taken(Vec<String>),
    Refused,
    /// It cannot be asked now, for this reason.
    Unknown(String),
}

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// Whether a key can be one at all.
pub(super) fn fits(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_graphic())
}

/// Asks at this path.
pub(super) fn ask(base_url: &str, path: &str, key: Option<&str>) -> Result<Verdict, Failure> {
    let url = format!("{base_url}{path}");
    let wrong = || Failure(format!("`{base_url}` is not a URL like https://api.deepseek.com/v1"));
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    if uri.authority().is_none() {
        return Err(wrong());
    }
    client::run(async {
        let asked = timeout(ANSWER, send(uri, key)).await;
        Ok(asked.unwrap_or_else(|_| Verdict::Unknown("it does not answer".to_owned())))
    })
}

async fn send(uri: Uri, key: Option<&str>) -> Verdict {
    let host = uri.host().unwrap_or_default().to_owned();
    let http = match client::http(&uri) {
        Ok(http) => http,
        Err(error) => return Verdict::Unknown(error.to_string()),
    };
    let mut request = Request::new(Buffered::default());
    *request.uri_mut() = uri;
    if let Some(key) = key {
        let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {key}")) else {
            return Verdict::Refused;
        };
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    let Ok(response) = http.request(request).await else {
        return Verdict::Unknown(format!("{host} cannot be reached"));
    };
    match response.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Verdict::Refused,
        status if !status.is_success() => return Verdict::Unknown(format!("{host} says {status}")),
        _ => {}
    }
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
    let list = body.ok().and_then(|body| serde_json::from_slice::<List>(&body.to_bytes()).ok());
    let models = list.map(|list| list.data.into_iter().map(|model| model.id)).into_iter().flatten();
    // They are shown, and what would steer the terminal is the name of no model.
    Verdict::Taken(models.filter(|model| !model.contains(char::is_control)).collect())
}
