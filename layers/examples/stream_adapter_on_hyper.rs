//! `StreamAdapterLayer` around a hyper client: a provider that ignores `stream` answers in JSON, and
//! the reader gets the events that it asked for.

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use switchtower_layers::{BoxError, request::Streamed, stream_adapter::StreamAdapterLayer};
use switchtower_testkit::{Provider, Reply};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let provider = Provider::start(|_| Reply::chat("Hello!")).await?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let client = ServiceBuilder::new().layer(StreamAdapterLayer::new()).service(client);

    // The provider answers in JSON, whatever it is asked for.
    for (asked, streamed) in [("JSON", false), ("events", true)] {
        let ask = r#"{"model":"demo","messages":[{"role":"user","content":"Hi"}]}"#;
        let request = Request::post(format!("{}/chat/completions", provider.base_url()))
            .header("authorization", "Bearer any")
            .header("content-type", "application/json")
            .extension(Streamed(streamed))
            .body(Full::from(ask))?;
        let response = client.clone().oneshot(request).await?;
        println!("{asked}: {:?}", response.headers()["content-type"]);
        let body = response.into_body().collect().await?.to_bytes();
        println!("{}", String::from_utf8_lossy(&body).trim_end());
    }
    Ok(())
}
