//! `QuotaGateLayer` in an axum app: a provider without credit is refused before it is called.

use axum::{Extension, Router, body::Body, extract::Request, routing::get};
use switchtower_layers::{
    Dialect, Target,
    quota::{Balance, QuotaGateLayer, QuotaSource, Quotas, Reading, Snapshot},
};
use tower::ServiceExt;

/// Where the balances come from: an endpoint, a command, a file. Here they do not change.
struct Accounts;

impl QuotaSource for Accounts {
    fn name(&self) -> &str {
        "accounts"
    }

    fn read(&self) -> Reading<'_> {
        let account = |name: &str, amount| {
            let balance = Balance { amount, currency: "USD".into() };
            let summary = format!("Balance: {balance}");
            (name.to_owned(), Snapshot::new(amount > 0.0, summary).balance(balance))
        };
        Box::pin(async move { Ok(vec![account("rich", 12.5), account("poor", 0.0)]) })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let quotas = Quotas::default();
    quotas.watch(Accounts);

    for provider in ["rich", "poor", "unknown"] {
        let app: Router = Router::new().route("/", get(async || "hello"));
        let target =
            Target { provider: provider.into(), model: "m".into(), dialect: Dialect::Chat };
        let app = app.layer(QuotaGateLayer::new(quotas.clone())).layer(Extension(target));

        // Until the first read is done, everything passes.
        while quotas.list().is_empty() {
            tokio::task::yield_now().await;
        }
        let request = Request::get("/").body(Body::empty()).expect("a request");
        let response = app.oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 10).await.expect("a body");
        println!("{provider}: {status} {}", String::from_utf8_lossy(&body));
    }
}
