//! Whether a provider takes a key.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode, Uri};
use serde::Deserialize;
use tokio::time::timeout;

use crate::cli::client;
use crate::cli::output::Failure;
use crate::cli::reach::{self, Broken};
use crate::config::{Env, ProxyRoute, Secret};
use switchtower_platform::tls;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

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
        let asked = timeout(RESPONSE_TIMEOUT, send(uri, key)).await;
        Ok(asked.unwrap_or_else(|_| Verdict::Unknown("it does not answer".to_owned())))
    })
}

async fn send(uri: Uri, key: Option<&str>) -> Verdict {
    let host = uri.host().unwrap_or_default().to_owned();
    if key.is_some_and(|key| HeaderValue::try_from(key).is_err()) {
        return Verdict::Refused;
    }
    let env = Env::process().with_dotenv(Path::new(""));
    let route = match ProxyRoute::by_environment(&uri, &env) {
        Ok(route) => route,
        Err(error) => return Verdict::Unknown(error),
    };
    let is_tls = uri.scheme_str() == Some("https") || route.proxy().is_some();
    let tls = match tls::config(is_tls) {
        Ok(tls) => Arc::new(tls),
        Err(error) => return Verdict::Unknown(error.to_string()),
    };
    let key = key.map(Secret::new);
    // The limit above is the shorter one.
    let answer =
        match reach::get(&uri, key.as_ref(), route.proxy(), &tls, 2 * RESPONSE_TIMEOUT).await {
            Ok(answer) => answer,
            Err(Broken::Proxy(why)) => return Verdict::Unknown(why),
            Err(_) => return Verdict::Unknown(format!("{host} cannot be reached")),
        };
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Verdict::Refused,
        status if !status.is_success() => return Verdict::Unknown(format!("{host} says {status}")),
        _ => {}
    }
    let list = serde_json::from_slice::<List>(&answer.body).ok();
    let models = list.map(|list| list.data.into_iter().map(|model| model.id)).into_iter().flatten();
    // They are shown, and what would steer the terminal is the name of no model.
    Verdict::Taken(models.filter(|model| !model.contains(char::is_control)).collect())
}
