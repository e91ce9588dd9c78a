//! Reads a provider's balance endpoint.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::ACCEPT};
use http_body_util::{BodyExt, Limited};
use switchtower_layers::{
    BoxError, Buffered, Dialect, Target,
    classify::TransportError,
    quota::{QuotaSource, Reading, Snapshot},
};
use tower::ServiceExt;

use super::{deepseek, openrouter};
use crate::{
    config::Probe,
    upstream::{AtRoot, Upstream, UpstreamBody},
};

/// No balance takes more bytes than this.
const MAX_BYTES: usize = 64 << 10;

/// Asks a provider, with its own key, over the gateway's own connections.
pub(super) struct BalanceProbe {
    target: Target,
    probe: Probe,
    upstream: Upstream,
}

impl BalanceProbe {
    pub(super) fn new(provider: &str, probe: Probe, upstream: Upstream) -> Self {
        let target =
            Target { provider: provider.into(), model: "".into(), dialect: Dialect::default() };
        Self { target, probe, upstream }
    }

    async fn snapshot(&self) -> Result<Snapshot, BoxError> {
        match self.probe {
            Probe::Openrouter => {
                let response = self.get("/credits", false).await?;
                openrouter::read(&whole(response).await?)
            }
            _ => {
                // The endpoint is documented at the root; a base URL may end in /v1 all the same.
                let path = "/user/balance";
                let mut response = self.get(path, false).await?;
                if response.status() == StatusCode::NOT_FOUND {
                    response = self.get(path, true).await?;
                }
                deepseek::read(&whole(response).await?)
            }
        }
    }

    async fn get(&self, path: &str, at_root: bool) -> Result<Response<UpstreamBody>, BoxError> {
        let mut request = Request::get(path)
            .header(ACCEPT, "application/json")
            .extension(self.target.clone())
            .body(Buffered::default())?;
        if at_root {
            request.extensions_mut().insert(AtRoot);
        }
        let Ok(response) = self.upstream.clone().oneshot(request).await;
        match response.extensions().get::<TransportError>() {
            Some(error) => Err(error.to_string().into()),
            None => Ok(response),
        }
    }
}

async fn whole(response: Response<UpstreamBody>) -> Result<Bytes, BoxError> {
    let status = response.status();
    if !status.is_success() {
        return Err(format!("it answers {status}").into());
    }
    Ok(Limited::new(response.into_body(), MAX_BYTES).collect().await?.to_bytes())
}

impl QuotaSource for BalanceProbe {
    fn name(&self) -> &str {
        &self.target.provider
    }

    /// Balances change slowly, and providers limit how often they may be asked for.
    fn ttl(&self) -> Duration {
        Duration::from_secs(300)
    }

    fn read(&self) -> Reading<'_> {
        Box::pin(async {
            let snapshot = self.snapshot().await?;
            Ok(vec![(self.target.provider.to_string(), snapshot)])
        })
    }
}
