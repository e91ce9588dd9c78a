//! `BudgetLayer` in an axum app: so many tokens a day for each client, counted by what the answers
//! say that they used.

use axum::{Router, body::Body, extract::Request, response::Response, routing::post_service};
use http::{HeaderName, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use switchtower_layers::{
    Buffered,
    budget::{BudgetLayer, ByHeader, Ledger, Limit, Limits, Money, Period, Price, PriceList},
    buffer::BufferLayer,
    observe::ObserveLayer,
};
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// Replaces the client of a real provider.
async fn provider(_: http::Request<Buffered>) -> Result<Response, http::Error> {
    let answer = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":400,"completion_tokens":200}}"#;
    Response::builder().header(CONTENT_TYPE, "application/json").body(Body::from(answer))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let ledger = Ledger::new(Limits::from([
        Limit::tokens(1000, Period::Day),
        Limit::money(Money::from_dollars(50), Period::Month),
    ]));
    let price = Price::per_million(Money::from_dollars(1), Money::from_dollars(4));
    let by_key = ByHeader::new(HeaderName::from_static("x-api-key"));
    let models = ServiceBuilder::new()
        .layer(BufferLayer::new(64 << 20)) // a body to estimate by
        .layer(
            BudgetLayer::new(ledger.clone(), by_key).pricing(PriceList::from_iter([("m", price)])),
        )
        .layer(ObserveLayer::new()) // reads the usage
        .service(service_fn(async |request| Ok(provider(request).await.expect("a response"))));
    let app: Router = Router::new().route_service("/v1/chat/completions", post_service(models));

    for key in ["a", "a", "b"] {
        let ask = Body::from(r#"{"model":"m","max_tokens":500}"#);
        let request = Request::post("/v1/chat/completions").header("x-api-key", key).body(ask);
        let response = app.clone().oneshot(request.expect("a request")).await.expect("infallible");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let said = if status == 200 { "an answer".into() } else { String::from_utf8_lossy(&body) };
        println!("{key}: {status}: {said}");
    }
    let now = ledger.now();
    for standing in ledger.keys().iter().flat_map(|key| ledger.standing(key, now)) {
        println!("{standing}");
    }
}
