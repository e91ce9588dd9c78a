//! `ObserveLayer` around a hyper client: what a streamed answer turned out to be.

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use switchtower_layers::{BoxError, Exchange, observe::ObserveLayer};
use switchtower_testkit::{Fault, Provider, Reply};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let provider = Provider::start(|request| match request.nth {
        0 => Reply::chat_stream(["Hel", "lo"]),
        _ => Reply::events().role().delta("Hel").cut(Fault::Reset),
    })
    .await?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let client = ServiceBuilder::new().layer(ObserveLayer::new()).service(client);

    for model in ["demo", "demo-cut"] {
        let ask = format!(
            r#"{{"model":"{model}","stream":true,"stream_options":{{"include_usage":true}},
                "messages":[{{"role":"user","content":"Hi"}}]}}"#
        );
        let exchange = Exchange::default();
        let request = Request::post(format!("{}/chat/completions", provider.base_url()))
            .header("authorization", "Bearer any")
            .header("content-type", "application/json")
            .extension(exchange.clone())
            .body(Full::from(ask))?;
        let response = client.clone().oneshot(request).await?;
        let read = response.into_body().collect().await;
        let record = exchange.record();
        println!("{model}: {:?}, {:?}", record.outcome(), record.finish);
        println!("  tokens: {:?}", record.usage.map(|usage| usage.total()));
        println!("  the reader saw {}", if read.is_ok() { "all of it" } else { "it break" });
    }
    Ok(())
}
