//! Errors in the words of their providers: which target takes over, which one is in cooldown, and
//! what stays the client's.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::failover::chain::{CHAT, ask, ask_with, gateway, question};
use crate::{
    recorded_response::Seen,
    support::{Gateway, Provider, Reply, always, post, provider},
};

/// How the second of two requests is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Both are asked again.
    AskedAgain,
    /// The first provider is passed over.
    PassedOver,
}
use Then::*;

/// Retries as they are by default, but for the waits.
const RETRIES: &str = "retry: {base_delay_ms: 1}";

fn says(status: u16, body: &str) -> Reply {
    let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
    Reply::new(status).content_type(kind).bytes(body.to_owned()).sized()
}

/// Two requests, plain and streamed: `b` answers both of them, and `a` is asked once by the first.
async fn takes_over(status: u16, body: &str, then: Then) {
    for stream in [false, true] {
        let good = if stream { Reply::chat_stream(["Yes"]) } else { Reply::chat("Yes") };
        let (a, b) = (always(says(status, body)).await, always(good).await);
        let gateway = gateway(&[&a, &b], RETRIES).await;
        let seen = ask(&gateway, stream).await;
        assert_eq!((seen.status.as_u16(), seen.target()), (200, "b/m".into()), "{body}");
        assert_eq!((seen.attempts(), a.received().len()), (2, 1), "{body}");
        let seen = ask(&gateway, stream).await;
        assert_eq!((seen.status.as_u16(), seen.target()), (200, "b/m".into()), "{body}");
        let asked = if then == PassedOver { 1 } else { 2 };
        assert_eq!(a.received().len(), asked, "{body}");
    }
}

/// FAULTS 1, and its neighbours.
#[tokio::test]
async fn a_prompt_that_is_too_long_for_one_provider() {
    for (status, body) in [
        (
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":21090,"n_ctx":8192}}"#,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 189936 + 32000 > 200000"}}"#,
        ),
        (
            400,
            r#"[{"error":{"code":400,"message":"The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).","status":"INVALID_ARGUMENT"}}]"#,
        ),
        (
            422,
            r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8192"}"#,
        ),
        (
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
        ),
        (
            500,
            r#"{"error":{"code":500,"message":"the request exceeds the available context size","type":"server_error"}}"#,
        ),
    ] {
        takes_over(status, body, AskedAgain).await;
    }
}

/// FAULTS 2 and 14, and their neighbours.
#[tokio::test]
async fn an_account_that_is_empty_by_whatever_name() {
    for (status, body) in [
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access this API. Please go to Plans & Billing to purchase credits."}}"#,
        ),
        (
            429,
            r#"{"error":{"type":"exceeded_current_quota_error","message":"Your account is suspended due to insufficient balance, please recharge your account"}}"#,
        ),
        (
            400,
            r#"{"code":"Arrearage","message":"Access denied, please make sure your account is in good standing.","request_id":"r"}"#,
        ),
        (
            403,
            r#"{"code":"x","error":"Your team t has either used all available credits or reached its monthly spending limit."}"#,
        ),
        (
            412,
            r#"{"error":{"message":"Account a is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.","code":"PRECONDITION_FAILED","type":"error"}}"#,
        ),
        (429, r#"{"error":{"code":"1113","message":"您的账户已欠费，请充值后重试。"}}"#),
        (500, r#"{"error":{"message":"insufficient balance","type":"api_error"}}"#),
        (
            200,
            r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota."}}"#,
        ),
        (
            200,
            r#"{"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
        ),
    ] {
        takes_over(status, body, PassedOver).await;
    }
}

/// FAULTS 3, and its neighbours.
#[tokio::test]
async fn a_key_or_an_account_that_is_refused() {
    for (status, body) in [
        (
            400,
            r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
        ),
        (
            400,
            r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***."}"#,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}"#,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#,
        ),
        (400, r#"{"error":{"message":"foo/bar is not a valid model ID","code":400}}"#),
        (451, ""),
    ] {
        takes_over(status, body, AskedAgain).await;
    }
}

/// FAULTS 4, and its neighbours.
#[tokio::test]
async fn the_providers_own_limits_and_what_stands_before_it() {
    for (status, body) in [
        (
            413,
            r#"{"error":{"message":"Request too large for model `m` on tokens per minute (TPM): Limit 8000, Requested 20449, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}"#,
        ),
        (
            400,
            r#"{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Too many requests, please wait before trying again."}"#,
        ),
        (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
        (400, "<html><body>cloudflare</body></html>"),
        (407, ""),
        (400, " <!-- a proxy --> Blocked by the company's policy"),
        (
            400,
            r#"{"error":{"message":"Selected model is at capacity. Please try a different model."}}"#,
        ),
    ] {
        takes_over(status, body, AskedAgain).await;
    }
}

/// A client's mistake is returned as it came after one attempt, and no other target is called.
#[tokio::test]
async fn the_clients_own_mistakes_stay() {
    for (status, body) in [
        (
            400,
            r#"{"error":{"message":"Invalid type for 'messages': expected an array of objects, but got a string instead.","type":"invalid_request_error","param":"messages","code":"invalid_type"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"max_tokens is too large: 100000. This model supports at most 16384 completion tokens","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid schema for function 'lookup'","type":"invalid_request_error","code":"invalid_function_parameters"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","messages"],"msg":"Field required","input":{"model":"my credit balance is too low"}}]}"#,
        ),
        (400, r#"{"message":"invalid request: all elements in messages must have a role"}"#),
        (400, ""),
    ] {
        let (a, b) = (always(says(status, body)).await, always(Reply::chat("Yes")).await);
        let gateway = gateway(&[&a, &b], RETRIES).await;
        let seen = ask(&gateway, false).await;
        assert_eq!((seen.status.as_u16(), seen.attempts()), (status, 1), "{body}");
        assert_eq!(seen.body, body);
        assert_eq!((a.received().len(), b.received().len()), (1, 0), "{body}");
    }
}

/// Of a single provider the client gets its error as it came, if the status is a client's.
#[tokio::test]
async fn with_nobody_else_the_error_comes_as_it_is() {
    for (status, body) in [
        (
            413,
            r#"{"error":{"message":"Request too large for model `m` on tokens per minute (TPM)","code":"rate_limit_exceeded"}}"#,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
        ),
        (
            400,
            r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
        ),
        (451, r#"{"error":{"message":"not here"}}"#),
        (403, "<html>Blocked</html>"),
    ] {
        let a = always(says(status, body)).await;
        let seen = ask(&gateway(&[&a], RETRIES).await, false).await;
        assert_eq!((seen.status.as_u16(), seen.attempts()), (status, 1), "{body}");
        assert_eq!(seen.body, body);
    }
    for (status, body) in
        [(407, "<html>Who are you?</html>"), (500, r#"{"error":{"code":"insufficient_balance"}}"#)]
    {
        let a = always(says(status, body)).await;
        let seen = ask(&gateway(&[&a], RETRIES).await, false).await;
        assert_eq!((seen.status.as_u16(), seen.attempts()), (502, 1), "{body}");
        assert_eq!(seen.error()["code"], "PROVIDER_ERROR");
    }
}

/// 408, 409, 424, 498 and 529 are asked again like a 503, and then the next one is.
#[tokio::test]
async fn overload_is_retried() {
    for status in [408, 409, 424, 498, 529, 503] {
        let a = provider(move |request| match request.nth {
            0 => Reply::error(status, "busy"),
            _ => Reply::chat("Yes"),
        });
        let a = a.await;
        let seen = ask(&gateway(&[&a], RETRIES).await, false).await;
        assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), (200, 2, "a/m".into()));
    }
}

/// A wait that the body names holds the target back as Retry-After does, and is passed on to the
/// client.
#[tokio::test]
async fn a_wait_in_the_body_counts_as_retry_after() {
    let retry_info = json!({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]}});
    let words = |text: &str| json!({"error": {"message": text, "code": "rate_limit_exceeded"}});
    for (body, wait) in [
        (json!([retry_info.clone()]), "34"),
        (retry_info, "34"),
        (words("Rate limit reached. Please try again in 6m0s."), "360"),
        (words("Please retry after 29 seconds."), "29"),
        (json!({"error": {"message": "m", "retry_after": 25}}), "25"),
        (json!({"message": "m", "retry_after": 25.5}), "26"),
    ] {
        let limited = || says(429, &body.to_string());
        let (a, b) = (always(limited()).await, always(Reply::chat("Yes")).await);
        let both = gateway(&[&a, &b], RETRIES).await;
        let started = Instant::now();
        for attempts in [2, 1] {
            let seen = ask(&both, false).await;
            assert_eq!((seen.attempts(), seen.target()), (attempts, "b/m".into()), "{body}");
        }
        assert!(started.elapsed() < Duration::from_secs(5), "it was not waited for");
        assert_eq!(a.received().len(), 1, "{body}");

        let a = always(limited()).await;
        let seen = ask(&gateway(&[&a], RETRIES).await, false).await;
        assert_eq!((seen.status.as_u16(), seen.header("retry-after")), (429, wait), "{body}");
        assert_eq!(seen.body, body.to_string());
        // The longest one that is known.
        let a = always(limited().header("retry-after", 7)).await;
        let seen = ask(&gateway(&[&a], RETRIES).await, false).await;
        assert_eq!(seen.header("retry-after"), wait, "{body}");
    }
}

/// A wait that fits is waited for at the same target.
#[tokio::test]
async fn a_short_wait_in_the_body_is_waited_for() {
    let text = "Rate limit reached. Please try again in 250ms.";
    let a = provider(move |request| match request.nth {
        0 => Reply::status(429, &json!({"error": {"message": text}})),
        _ => Reply::chat("Yes"),
    });
    let a = a.await;
    let gateway = gateway(&[&a], RETRIES).await;
    let started = Instant::now();
    let seen = ask(&gateway, false).await;
    assert!(started.elapsed() >= Duration::from_millis(250));
    assert_eq!((seen.status.as_u16(), seen.attempts()), (200, 2));
}

/// OpenRouter's errors under a 200 are what they say they are, in JSON and in a stream.
#[tokio::test]
async fn errors_under_a_success_hold_the_target_back() {
    let error = json!({"error": {"code": 429, "message": "Provider returned error",
        "metadata": {"raw": "m is rate-limited upstream. Please retry in 34s."}}});
    for stream in [false, true] {
        let limited = match stream {
            true => Reply::events().role().event(&error),
            false => Reply::json(&error),
        };
        let good = if stream { Reply::chat_stream(["Yes"]) } else { Reply::chat("Yes") };
        let (a, b) = (always(limited).await, always(good).await);
        let gateway = gateway(&[&a, &b], RETRIES).await;
        for attempts in [2, 1] {
            let seen = ask(&gateway, stream).await;
            assert_eq!((seen.attempts(), seen.target()), (attempts, "b/m".into()), "{stream}");
        }
        assert_eq!(a.received().len(), 1);
    }
}

/// Providers `a` and `b` that list `m`, of which `a` has rules of its own.
async fn with_rules(a: &Provider, b: &Provider, rules: &str) -> Gateway {
    Gateway::start(&format!(
        "models:\n  {RETRIES}\n  providers:\n    \
         a: {{base_url: \"{}\", api_key: k, models: [m], errors: [{rules}]}}\n    \
         b: {{base_url: \"{}\", api_key: k, models: [m]}}\n",
        a.base_url(),
        b.base_url()
    ))
    .await
}

async fn asked(gateway: &Gateway, body: &Value) -> Seen {
    ask_with(gateway, post(CHAT, body)).await
}

#[tokio::test]
async fn a_provider_may_have_rules_of_its_own() {
    let error =
        || says(400, r#"{"error":{"code":"E-17","message":"All tokens of May are used up"}}"#);
    for (rule, attempts, asked_first) in [
        ("{status: 400, message: \"tokens of * used up\", means: exhausted}", 2, 1),
        ("{code: e-17, means: exhausted}", 2, 1),
        ("{code: \"E-*\", message: all, means: refused}", 2, 2),
        ("{status: 400, means: unknown_model}", 2, 2),
        ("{code: E-1, means: exhausted}", 1, 2),
        ("{status: 422, means: exhausted}", 1, 2),
        ("{message: \"*used up\", means: client_error}, {code: E-17, means: exhausted}", 1, 2),
    ] {
        let (a, b) = (always(error()).await, always(Reply::chat("Yes")).await);
        let gateway = with_rules(&a, &b, rule).await;
        for _ in 0..2 {
            asked(&gateway, &question(false)).await;
        }
        assert_eq!(a.received().len(), asked_first, "{rule}");
        assert_eq!(b.received().len(), 2 * (attempts - 1), "{rule}");
    }
    // The rules of `a` are not those of `b`, and come before the built-in ones.
    let limit = || says(429, r#"{"error":{"code":"insufficient_quota","message":"All used up"}}"#);
    let (a, b) = (always(limit()).await, always(limit()).await);
    let gateway = with_rules(&a, &b, "{code: insufficient_quota, means: client_error}").await;
    let seen = asked(&gateway, &question(false)).await;
    assert_eq!((seen.status.as_u16(), a.received().len(), b.received().len()), (429, 1, 0));
    let of_b = json!({"model": "b/m", "messages": []});
    for _ in 0..2 {
        asked(&gateway, &of_b).await;
    }
    assert_eq!(b.received().len(), 1);
}

/// A 500 that is the client's mistake by a rule of the provider's is returned after one attempt.
#[tokio::test]
async fn a_rule_may_make_a_500_the_clients() {
    let a = always(Reply::error(500, "bad_template")).await;
    let b = always(Reply::chat("Yes")).await;
    let gateway =
        with_rules(&a, &b, "{status: 500, code: bad_template, means: client_error}").await;
    let seen = asked(&gateway, &question(false)).await;
    assert_eq!((seen.status.as_u16(), seen.attempts()), (500, 1));
    assert_eq!((a.received().len(), b.received().len()), (1, 0));
}

/// Responses clients get `b`'s answer for a's error, too.
#[tokio::test]
async fn over_the_responses_api() {
    let error = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access this API."}}"#;
    let (a, b) = (always(says(400, error)).await, always(Reply::chat("Yes")).await);
    let gateway = gateway(&[&a, &b], RETRIES).await;
    for attempts in [2, 1] {
        let request = post("/v1/responses", &json!({"model": "m", "input": "Hi"}));
        let seen = ask_with(&gateway, request).await;
        assert_eq!((seen.status.as_u16(), seen.attempts()), (200, attempts));
        assert_eq!(seen.target(), "b/m");
    }
}
