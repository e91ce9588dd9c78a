//! A command that misbehaves changes nothing but a warning, and leaves nothing behind.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::quota::{
    chain::{answers, quota},
    fake::{Fake, children_of, is_running},
};
use crate::support::{Binary, Provider, Reply, always};

/// It starts something that goes on, and waits for it.
const HANGS: &str = "sleep 1000 & note $!\nwait\n";
const SHORT: &str = "{codexbar: {ttl_s: 1, timeout_s: 1}}";
/// For commands that end by themselves, on a machine that has much to do.
const LONG: &str = "{codexbar: {ttl_s: 1, timeout_s: 10}}";

async fn both() -> (Provider, Provider) {
    (always(Reply::chat("Yes")).await, always(Reply::chat("Yes")).await)
}

fn warnings(gateway: &Binary) -> Vec<String> {
    let log = gateway.log();
    log.lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect()
}

/// Waits for so many processes, while all requests are answered as if there was no command.
async fn ran(fake: &Fake, gateway: &Binary, processes: usize) -> Vec<u32> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while fake.ids().len() < processes {
        assert_eq!(answers(gateway.addr).await, "openai");
        assert!(Instant::now() < deadline, "{:?}", fake.ids());
        sleep(Duration::from_millis(50)).await;
    }
    fake.ids()
}

/// Waits until all of them are dead, and the gateway has collected its own.
async fn gone(ids: &[u32], gateway: Option<&Binary>) {
    let deadline = Instant::now() + Duration::from_secs(8);
    while ids.iter().any(|id| is_running(*id)) || gateway.is_some_and(|g| children_of(g.id()) > 0) {
        assert!(Instant::now() < deadline, "{ids:?} are still there");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn is_survived(settings: &str, does: &str, processes: usize, why: &str) {
    let (openai, backup) = both().await;
    let fake = Fake::new(does);
    let gateway = fake.gateway(&openai, &backup, settings).await;
    // Three runs.
    ran(&fake, &gateway, 3 * processes).await;
    fake.does("echo '[]'");
    let last = fake.ids().len();
    ran(&fake, &gateway, last + 1).await;
    gone(&fake.ids(), Some(&gateway)).await;
    let warnings = warnings(&gateway);
    assert!(warnings.len() == 1 && warnings[0].contains(why), "{warnings:?}");
    assert_eq!(quota(gateway.addr).await.as_object().map(serde_json::Map::len), Some(2));
}

#[tokio::test]
async fn one_that_hangs() {
    is_survived(SHORT, HANGS, 2, "it took longer than 1s").await;
}

#[tokio::test]
async fn one_that_lets_go_of_its_output_and_hangs() {
    let does = "exec >&-\nsleep 1000 & note $!\nwait\n";
    is_survived(SHORT, does, 2, "it took longer than 1s").await;
}

#[tokio::test]
async fn one_that_crashes() {
    let crashes = "echo '{\"provider\": \"codex\"'\nkill -SEGV $$\n";
    is_survived(LONG, crashes, 1, "it failed: signal: 11").await;
    is_survived(LONG, "exit 3\n", 1, "it failed: exit status: 3").await;
}

#[tokio::test]
async fn one_that_ends_before_what_it_has_started() {
    let does = "sleep 1000 > /dev/null & note $!\nexit 3\n";
    is_survived(LONG, does, 2, "it failed: exit status: 3").await;
}

#[tokio::test]
async fn one_that_prints_garbage() {
    is_survived(LONG, "echo '<html>oops'\n", 1, "it prints no JSON").await;
}

#[tokio::test]
async fn one_that_prints_without_end() {
    is_survived(LONG, "yes '{}' & note $!\nwait\n", 2, "it prints more than 4 MiB").await;
}

#[tokio::test]
async fn one_that_is_missing_is_said_once_and_is_no_warning() {
    let (openai, backup) = both().await;
    let fake = Fake::new("");
    let settings = "{codexbar: {command: no-such-command, ttl_s: 1}}";
    let gateway = fake.gateway(&openai, &backup, settings).await;
    let said = || gateway.log().matches("`no-such-command` is not there").count();
    let deadline = Instant::now() + Duration::from_secs(8);
    while said() == 0 {
        assert!(Instant::now() < deadline, "{}", gateway.log());
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_millis(2500)).await;
    assert_eq!(
        (said(), warnings(&gateway), answers(gateway.addr).await),
        (1, vec![], "openai".into())
    );
}

/// In the middle of a run, however it is stopped.
#[tokio::test]
async fn nothing_outlives_the_gateway() {
    let (openai, backup) = both().await;
    for signals in [&["TERM"][..], &["INT"], &["INT", "INT"]] {
        let fake = Fake::new(HANGS);
        let mut gateway = fake.gateway(&openai, &backup, "{codexbar: {timeout_s: 600}}").await;
        let ids = ran(&fake, &gateway, 2).await;
        assert!(ids.iter().all(|id| is_running(*id)), "{ids:?}");
        for signal in signals {
            gateway.signal(signal).await;
        }
        let status = gateway.status().await;
        assert!(matches!(status, Some(0 | 130)), "{signals:?}: {status:?}");
        gone(&ids, None).await;
    }
}
