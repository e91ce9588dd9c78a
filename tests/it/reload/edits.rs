//! The ways in which a file changes.

use std::fs;

use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use crate::reload::house::{House, yaml};
use crate::support::{Binary, Reply, always};

#[tokio::test]
async fn a_file_that_is_saved_is_taken_up() {
    let (a, b) = (always(Reply::chat("A")).await, always(Reply::chat("B")).await);
    let mut house = House::start(&yaml(&[("a", &a)], &[])).await;
    let began = house.report().await;
    assert_eq!(
        (&began["origin"], &began["reloads"], &began["error"], &began["restart_needed"]),
        (&json!("gateway.yaml"), &json!(0), &Value::Null, &json!([]))
    );
    assert_eq!(house.answers().await, "a");
    house.write(&yaml(&[("b", &b)], &[]));
    let report = house.reloaded().await;
    assert!(report["loaded_at"].as_u64() > began["loaded_at"].as_u64());
    assert_eq!(house.answers().await, "b");
    let log = house.binary.log();
    assert!(
        log.contains("changed=models.providers.a (removed), models.providers.b (added)"),
        "{log}"
    );
    assert!(!log.contains("sk-"), "{log}");

    // As most editors do.
    let draft = house.binary.home_path().join(".gateway.yaml.swp");
    fs::write(&draft, yaml(&[("a", &a)], &[])).unwrap();
    fs::rename(&draft, house.file()).unwrap();
    house.reloaded().await;
    assert_eq!(house.answers().await, "a");
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_is_exchanged_is_taken_up() {
    use std::os::unix::fs::symlink;
    let (a, b) = (always(Reply::chat("A")).await, always(Reply::chat("B")).await);
    let home = tempfile::tempdir().unwrap();
    for (directory, text) in [("one", ""), ("two", &yaml(&[("b", &b)], &[]))] {
        fs::create_dir(home.path().join(directory)).unwrap();
        fs::write(home.path().join(directory).join("gateway.yaml"), text).unwrap();
    }
    symlink("one", home.path().join("..data")).unwrap();
    symlink("..data/gateway.yaml", home.path().join("gateway.yaml")).unwrap();
    let binary = Binary::start_in(home, &yaml(&[("a", &a)], &[]), &[]).await;
    let home = binary.home_path().to_owned();
    let mut house = House::of(binary);
    assert_eq!(house.answers().await, "a");
    symlink("two", home.join("..data_tmp")).unwrap();
    fs::rename(home.join("..data_tmp"), home.join("..data")).unwrap();
    house.reloaded().await;
    assert_eq!(house.answers().await, "b");
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_says_why() {
    let (a, b) = (always(Reply::chat("A")).await, always(Reply::chat("B")).await);
    let good = yaml(&[("a", &a)], &[]);
    let mut house = House::start(&good).await;
    house.write(&(yaml(&[("b", &b)], &[]) + "prot: 3000\n"));
    let report = house.refused().await;
    let message = report["error"]["message"].as_str().expect("a text");
    assert!(message.starts_with("gateway.yaml:5:1: unknown setting `prot`"), "{message}");
    assert!(message.contains("did you mean `port`?"), "{message}");
    assert!(report["error"]["at"].as_u64() >= report["loaded_at"].as_u64());
    assert_eq!(report["reloads"], 0);
    assert!(house.binary.log().contains("gateway.yaml:5:1: unknown setting"));
    assert_eq!(house.answers().await, "a");

    // Gone is broken, too.
    fs::remove_file(house.file()).unwrap();
    let is_gone = |report: &Value| {
        report["error"]["message"].as_str().is_some_and(|why| why.contains("cannot be read"))
    };
    house.until(is_gone).await;
    assert_eq!(house.answers().await, "a");

    house.write(&good);
    let report = house.reloaded().await;
    assert_eq!(report["error"], Value::Null);
    assert_eq!(house.answers().await, "a");
}

/// Some editors empty a file before they write it, and a signal may have it read in between.
#[tokio::test]
async fn a_file_that_is_still_empty_is_not_taken_up() {
    let a = always(Reply::chat("A")).await;
    let mut house = House::start(&yaml(&[("a", &a)], &[])).await;
    for nothing in ["", "\n \n"] {
        house.write(nothing);
        house.binary.signal("HUP").await;
        let report = house.refused().await;
        assert_eq!(report["error"]["message"], "gateway.yaml: is empty");
        assert_eq!(house.answers().await, "a");
        house.reload(&yaml(&[("a", &a)], &[])).await;
    }
}

#[tokio::test]
async fn what_only_shows_at_run_time_changes_nothing_either() {
    let (a, b) = (always(Reply::chat("A")).await, always(Reply::chat("B")).await);
    let house = House::start(&yaml(&[("a", &a)], &[])).await;
    let data = house.binary.home_path().join("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("ledger.sqlite"), "x".repeat(8192)).unwrap();
    house.write(&yaml(&[("b", &b)], &["budgets: {default: {requests_per_day: 1}}"]));
    house.binary.signal("HUP").await;
    let report = house.refused().await;
    let message = report["error"]["message"].as_str().expect("a text");
    assert!(message.starts_with("cannot keep the budgets in ./data/ledger.sqlite"), "{message}");
    for _ in 0..2 {
        assert_eq!(house.answers().await, "a");
    }
}

#[tokio::test]
async fn a_signal_reloads_at_once_also_when_nothing_has_changed() {
    let a = always(Reply::chat("A")).await;
    let text = yaml(&[("a", &a)], &[]);
    let mut house = House::start(&text).await;
    for _ in 0..3 {
        house.reload(&text).await;
    }
    assert!(house.binary.log().contains("changed=nothing"), "{}", house.binary.log());
    assert_eq!(house.answers().await, "a");
    // What a signal has had read is not read again for its date.
    sleep(Duration::from_millis(2500)).await;
    assert_eq!(house.report().await["reloads"], 3);
}

#[tokio::test]
async fn what_needs_a_restart_is_told_and_the_rest_applies() {
    let (a, b) = (always(Reply::chat("A")).await, always(Reply::chat("B")).await);
    let mut house = House::start(&yaml(&[("a", &a)], &[])).await;
    let fixed = "wsPort: 3999\ndataDir: ./elsewhere\n";
    house
        .reload(&(yaml(&[("b", &b)], &["budgets: {default: {requests_per_day: 9}}"]) + fixed))
        .await;
    assert_eq!(house.report().await["restart_needed"], json!(["wsPort", "dataDir"]));
    assert!(house.binary.log().contains("`wsPort` needs a restart to change"));
    assert_eq!(house.answers().await, "b");
    let home = house.binary.home_path();
    assert!(home.join("data/ledger.sqlite").exists() && !home.join("elsewhere").exists());
    house.reload(&yaml(&[("b", &b)], &[])).await;
    assert_eq!(house.report().await["restart_needed"], json!([]));
}

#[tokio::test]
async fn keys_may_come_from_a_file_beside_it_and_the_log_level_changes() {
    let a = always(Reply::chat("A")).await;
    let text = yaml(&[("a", &a)], &[]).replace("api_key: sk-a", "api_key_env: A_KEY");
    let mut house = House::start(&text).await;
    assert_eq!(house.ask().await.status, 503);
    fs::write(house.binary.home_path().join(".env"), "A_KEY=sk-from-file\n").unwrap();
    house.reloaded().await;
    assert_eq!(house.answers().await, "a");
    assert_eq!(a.received()[0].header("authorization"), Some("Bearer sk-from-file"));
    assert!(!house.binary.log().contains("committed"));
    house.reload(&(text + "logLevel: debug\n")).await;
    assert_eq!(house.answers().await, "a");
    let log = house.binary.log();
    assert!(log.contains("committed"), "{log}");
    assert!(!log.contains("sk-from-file"), "{log}");
}
