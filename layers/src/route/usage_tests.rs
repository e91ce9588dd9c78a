//! Tests of which streams are asked for their usage, and which clients see it.

use std::convert::Infallible;

use http::Request;
use http_body_util::BodyExt;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::{
    failover_tests::{DELTA, Step::*, events},
    *,
};
use crate::{Buffered, observe::ObserveLayer};

const FINISH_ONLY: &str = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n";

#[tokio::test(start_paused = true)]
async fn usage_is_asked_for_where_it_is_taken_and_kept_from_who_did_not_ask() {
    let provider = |name: &str, takes| Provider::new(name).include_usage(takes).models([name]);
    let table = || {
        let table = RoutingTable::builder().provider(provider("takes", true));
        table.provider(provider("refuses", false)).build().unwrap()
    };
    let ask =
        |body: &str| Request::post("/v1/chat/completions").body(body.to_owned().into()).unwrap();
    let cases = [
        (true, r#"{"model":"takes","stream":true}"#, true, false),
        (
            true,
            r#"{"model":"takes","stream":true,"stream_options":{"include_usage":true}}"#,
            true,
            true,
        ),
        (true, r#"{"model":"takes"}"#, false, true),
        (true, r#"{"model":"refuses","stream":true}"#, false, true),
        (false, r#"{"model":"takes","stream":true}"#, false, true),
    ];
    for (on, body, asks, passes) in cases {
        let service = service_fn(move |request: Request<Buffered>| {
            let body = String::from_utf8(request.body().to_bytes().to_vec()).unwrap();
            assert_eq!(body.contains(r#""include_usage":true"#), asks, "{body}");
            let answer = events(&[Data(DELTA), Data(FINISH_ONLY), Data(USAGE)]);
            async { Ok::<_, Infallible>(answer) }
        });
        let layer = RouteLayer::new(table()).include_usage(on);
        let answer = layer.layer(ObserveLayer::new().layer(service)).oneshot(ask(body)).await;
        let text = answer.unwrap().into_body().collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&text).unwrap();
        assert_eq!(text.contains("prompt_tokens"), passes, "{body}: {text}");
    }
}
