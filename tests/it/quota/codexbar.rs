//! The gateway follows the command's report.

use serde_json::{Value, json};

use crate::quota::{
    chain::{answered_by, answers, ask, health, quota},
    fake::{Fake, prints},
};
use crate::support::{Reply, always};

const EACH_SECOND: &str = "{codexbar: {ttl_s: 1}}";

fn codex(credits: u32, secondary: u32) -> Value {
    let window = json!({"usedPercent": secondary, "windowMinutes": 10080, "resetsAt": "2099-01-01T00:00:00Z"});
    json!({
        "provider": "codex",
        "credits": {"remaining": credits},
        "usage": {"primary": {"usedPercent": 4, "windowMinutes": 300}, "secondary": window},
    })
}

#[tokio::test]
async fn exhausted_codex_is_passed_over_within_a_ttl_and_used_again() {
    let (openai, backup) = (always(Reply::chat("Yes")).await, always(Reply::chat("Yes")).await);
    let claude = json!({"provider": "claude", "usage": {"primary": {"usedPercent": 12.5}}});
    let fake = Fake::new(&prints(&json!([codex(3, 98), claude])));
    let gateway = fake.gateway(&openai, &backup, EACH_SECOND).await;
    assert_eq!(answers(gateway.addr).await, "openai");

    fake.prints(&json!([codex(0, 98), claude]));
    answered_by(gateway.addr, "backup").await;
    let summary = "Credits: 0, Secondary: 98%";
    assert_eq!(health(gateway.addr, "openai").await, (false, summary.into()));
    assert_eq!(health(gateway.addr, "backup").await, (true, "Local - always available".into()));
    let expected = json!({
        "openai": {"provider": "openai", "available": false, "usedPercent": 98.0, "summary": summary},
        "backup": {"provider": "backup", "available": true, "summary": "Local - always available"},
        "claude": {"provider": "claude", "available": true, "usedPercent": 12.5, "summary": "Primary: 12%"},
    });
    assert_eq!(quota(gateway.addr).await, expected);

    // The form for a single provider.
    fake.prints(&codex(0, 94));
    answered_by(gateway.addr, "openai").await;
    assert_eq!(health(gateway.addr, "openai").await, (true, "Credits: 0, Secondary: 94%".into()));
}

#[tokio::test]
async fn it_needs_no_setting_where_it_is_installed_and_can_be_switched_off() {
    let (openai, backup) = (always(Reply::chat("Yes")).await, always(Reply::chat("Yes")).await);
    let fake = Fake::new(&prints(&codex(0, 98)));
    let gateway = fake.gateway(&openai, &backup, "").await;
    answered_by(gateway.addr, "backup").await;
    let gateway = fake.gateway(&openai, &backup, "{codexbar: {enabled: false}}").await;
    assert_eq!(answers(gateway.addr).await, "openai");
    assert_eq!(fake.ids().len(), 1, "the first gateway's");
}

#[tokio::test]
async fn when_nobody_else_is_left_it_is_said_why() {
    let (openai, backup) = (always(Reply::chat("Yes")).await, always(Reply::chat("Yes")).await);
    let fake = Fake::new(&prints(
        &json!([codex(0, 98), {"provider": "b", "usage": {"primary": {"usedPercent": 100}}}]),
    ));
    let map = "{map: {openai: codex, backup: b}}";
    let gateway = fake.gateway(&openai, &backup, map).await;
    let seen = loop {
        let seen = ask(gateway.addr).await;
        if seen.status != 200 {
            break seen;
        }
    };
    assert_eq!((seen.status.as_u16(), &seen.error()["code"]), (429, &json!("QUOTA_EXHAUSTED")));
    for reason in ["openai: Credits: 0, Secondary: 98%", "backup: Primary: 100%"] {
        assert!(seen.text().contains(reason), "{}", seen.text());
    }
    assert!(seen.header("retry-after").parse::<u64>().is_ok_and(|wait| wait > 86_400));
}
