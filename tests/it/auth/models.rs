//! The models that a key may use.

use serde_json::json;

use crate::auth::house::*;
use crate::{
    recorded_response::Seen,
    support::{CHAT, EMBEDDINGS, Gateway, Provider, Reply, always, get, post},
};

/// Providers `a` and `b`; `a` has `real` and `other`, `b` calls `real-at-b` what clients call `real`.
async fn gateway(a: &Provider, b: &Provider, patterns: &str) -> Gateway {
    let yaml = format!(
        "models:\n  default_model: other\n  model_aliases: {{nick: real, half: other}}\n  \
         fallback_chain: [a, b]\n  providers:\n    \
         a: {{base_url: '{}', api_key: k, models: [real, other]}}\n    \
         b: {{base_url: '{}', api_key: k, models: [cheap], aliases: {{real: real-at-b}}}}\n{}",
        a.base_url(),
        b.base_url(),
        auth(&[entry("some", &format!("models: {patterns}")), entry("all", "")]),
    );
    Gateway::start(&yaml).await
}

async fn asked(gateway: &Gateway, name: &str, model: &str) -> Seen {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]});
    seen(gateway, by(name, post(CHAT, &body))).await
}

#[tokio::test]
async fn both_the_asked_and_the_sent_name_have_to_be_allowed() {
    let (a, b) = (always(Reply::chat("a")).await, always(Reply::chat("b")).await);
    let gateway = gateway(&a, &b, "[real, nick, half, '*-pro']").await;
    for (model, target) in [
        ("real", Some("a/real")),
        ("nick", Some("a/real")),
        ("a/real", Some("a/real")),
        ("a/nick", Some("a/real")),
        // Patterns without a `*` are prefixes, as in model_routing.
        ("realistic", Some("a/realistic")),
        ("x-pro", Some("a/x-pro")),
        ("b/real", Some("b/real-at-b")),
        // `a` would be sent `other`; `b` does not know the alias.
        ("half", Some("b/half")),
        ("a/half", None),
        ("other", None),
        ("a/other", None),
        ("cheap", None),
        ("b/cheap", None),
        ("b/real-at-a", Some("b/real-at-a")),
        ("a/", None),
    ] {
        let seen = asked(&gateway, "some", model).await;
        let Some(target) = target else {
            assert_eq!(outcome(&seen), (403, "FORBIDDEN".into()), "{model}");
            let error = seen.error();
            assert_eq!(error["param"], "model");
            assert!(error["message"].as_str().unwrap().contains(&format!("`{model}`")), "{error}");
            continue;
        };
        assert_eq!((seen.status.as_u16(), seen.target()), (200, target.to_owned()), "{model}");
        assert_eq!(asked(&gateway, "all", model).await.status, 200, "{model}");
    }
    // No name at all means the default, which is as little allowed as by its name.
    let body = json!({"messages": []});
    assert_eq!(seen(&gateway, by("some", post(CHAT, &body))).await.status, 403);
    let body = json!({"model": "other", "input": "x"});
    for path in [EMBEDDINGS, "/v1/responses", "/v1/audio/speech"] {
        assert_eq!(seen(&gateway, by("some", post(path, &body))).await.status, 403, "{path}");
    }
}

/// What a provider might read otherwise than the gateway does.
#[tokio::test]
async fn a_body_names_one_model_only() {
    let (a, b) = (always(Reply::chat("a")).await, always(Reply::chat("b")).await);
    let gateway = gateway(&a, &b, "[real]").await;
    for (fields, some, all) in [
        (r#""model":"real""#, 200, 200),
        (r#""model":"real","model":"other""#, 400, 400),
        (r#""model":"real","mod\u0065l":"other""#, 400, 400),
        (r#""model":"real","Model":"other""#, 400, 400),
        (r#""MODEL":"other""#, 400, 400),
        (r#""model":"real","models":["other"]"#, 403, 200),
        (r#""models":["other"],"model":"real""#, 403, 200),
    ] {
        for (name, expected) in [("some", some), ("all", all)] {
            let mut request = by(name, post(CHAT, &json!(null)));
            *request.body_mut() = format!(r#"{{"messages":[],{fields}}}"#).into();
            assert_eq!(seen(&gateway, request).await.status, expected, "{name}: {fields}");
        }
    }
}

/// A target further down the plan is as little allowed as the first.
#[tokio::test]
async fn failover_goes_to_allowed_models_only() {
    let a = always(Reply::error(500, "down")).await;
    let b = always(Reply::chat("b")).await;
    let gateway = gateway(&a, &b, "[nick, a-only, '*real']").await;
    assert_eq!(asked(&gateway, "all", "real").await.target(), "b/real-at-b");
    let seen = asked(&gateway, "some", "real").await;
    assert_eq!(outcome(&seen), (502, "PROVIDER_ERROR".into()));
    assert_eq!((seen.attempts(), b.received().len()), (1, 1));
}

#[tokio::test]
async fn only_those_are_listed() {
    let (a, b) = (always(Reply::chat("a")).await, always(Reply::chat("b")).await);
    let gateway = gateway(&a, &b, "[real, nick, half]").await;
    let listed = async |name| {
        let list = json(&seen(&gateway, by(name, get("/v1/models"))).await);
        let models = list["data"].as_array().expect("a list").clone();
        models.iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("some").await, ["real", "nick"]);
    assert_eq!(listed("all").await, ["real", "other", "cheap", "nick", "half"]);
    let one = async |name, model: &str| {
        seen(&gateway, by(name, get(&format!("/v1/models/{model}")))).await.status
    };
    assert_eq!(
        (one("some", "real").await.as_u16(), one("some", "other").await.as_u16()),
        (200, 404)
    );
    assert_eq!(one("all", "other").await, 200);
}
