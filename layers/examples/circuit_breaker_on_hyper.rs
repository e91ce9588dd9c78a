//! `CircuitBreakerLayer` around a hyper client: a provider that fails is left alone, and used
//! again when a probe shows that it is well.

use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use switchtower_layers::{
    BoxError, Rejected, Target,
    circuit_breaker::{CircuitBreakerLayer, Handle, Settings},
};
use switchtower_testkit::{Provider, Reply};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let provider = Provider::start(|request| match request.nth {
        0..3 => Reply::error(503, "overloaded"),
        _ => Reply::chat_stream(["Well ", "again"]),
    })
    .await?;
    let handle = Handle::new();
    let mut transitions = handle.subscribe();
    let breaker = CircuitBreakerLayer::new(Settings::default().open_for(Duration::from_secs(1)));
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let client = ServiceBuilder::new().layer(breaker.handle(handle.clone())).service(client);

    let dialect = switchtower_layers::Dialect::Chat;
    let target = Target { provider: "demo".into(), model: "demo".into(), dialect };
    for call in 1..=5 {
        if call == 5 {
            // Until the probe is due.
            let wait = handle.status(&target).and_then(|status| status.remaining);
            tokio::time::sleep(wait.unwrap_or_default()).await;
        }
        let request = Request::post(format!("{}/chat/completions", provider.base_url()))
            .extension(target.clone())
            .body(Full::from(r#"{"model":"demo","stream":true}"#))?;
        let response = client.clone().oneshot(request).await?;
        let (status, refused) =
            (response.status(), response.extensions().get::<Rejected>().is_some());
        let body = response.into_body().collect().await?.to_bytes();
        println!("call {call}: {status}{}", if refused { ", refused" } else { "" });
        if refused {
            println!("  {}", String::from_utf8_lossy(&body));
        }
        while let Ok(transition) = transitions.try_recv() {
            println!("  {} -> {}: {}", transition.from, transition.to, transition.cause);
        }
    }
    Ok(())
}
