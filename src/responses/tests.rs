use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use switchtower_layers::responses::Seal;
use switchtower_layers::responses::store::{Bounds, Item, Store, Stored};
use tempfile::{TempDir, tempdir};

use super::{KeySeal, ResponseStore, SqliteStore};
use crate::config::{Config, Env};

fn item(id: &str, text: &str) -> Item {
    Item { id: id.into(), json: text.to_owned().into() }
}

fn stored(id: &str, created: u64, text: &str) -> Stored {
    Stored {
        id: id.into(),
        created,
        response: format!("response of {id}").into(),
        input: vec![item("shared", text), item(&format!("in_{id}"), "in")],
        output: vec![item(&format!("out_{id}"), "out")],
    }
}

fn store(home: &TempDir, bounds: Bounds) -> SqliteStore {
    SqliteStore::new(home.path(), bounds)
}

async fn put(store: &SqliteStore, owner: &str, stored: Stored) {
    store.put(owner, stored).await.unwrap();
}

async fn has(store: &SqliteStore, owner: &str, ids: &[&str], now: u64) -> Vec<bool> {
    let mut known = Vec::new();
    for id in ids {
        known.push(store.get(owner, id, now).await.unwrap().is_some());
    }
    known
}

/// Entries and bytes as the database counts them, and as they are.
fn totals(home: &TempDir) -> [(i64, i64); 2] {
    let database = rusqlite::Connection::open(home.path().join("responses.sqlite")).unwrap();
    let pair =
        |sql: &str| database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    [
        pair("SELECT entries, bytes FROM totals"),
        pair(
            "SELECT (SELECT count(*) FROM responses),
                (SELECT coalesce(sum(length(id) + length(json)), 0) FROM responses) +
                (SELECT coalesce(sum(length(id) + length(json)), 0) FROM items)",
        ),
    ]
}

#[tokio::test]
async fn it_survives_a_restart() {
    let home = tempdir().unwrap();
    let before = store(&home, Bounds::default());
    put(&before, "me", stored("a", 1, "text")).await;
    drop(before);
    let after = store(&home, Bounds::default());
    assert_eq!(after.get("me", "a", 2).await.unwrap(), Some(stored("a", 1, "text")));
}

#[tokio::test]
async fn it_makes_no_file_before_something_is_put() {
    let home = tempdir().unwrap();
    let store = store(&home, Bounds::default());
    assert_eq!(has(&store, "me", &["a"], 0).await, [false]);
    assert!(!store.delete("me", "a", 0).await.unwrap());
    assert_eq!(store.items("me", vec!["a".into()], 0).await.unwrap(), []);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    put(&store, "me", stored("a", 0, "text")).await;
    assert!(home.path().join("responses.sqlite").exists());
}

#[tokio::test]
async fn each_owner_finds_its_own() {
    let home = tempdir().unwrap();
    let store = store(&home, Bounds::default());
    put(&store, "me", stored("a", 0, "mine")).await;
    put(&store, "you", stored("a", 0, "yours")).await;
    let mine = store.get("me", "a", 0).await.unwrap().unwrap();
    assert_eq!(mine.input[0].json, "mine");
    let yours = store.items("you", vec!["shared".into(), "none".into()], 0).await.unwrap();
    assert_eq!(yours, [item("shared", "yours")]);
    assert!(!store.delete("them", "a", 0).await.unwrap());
    assert!(store.delete("me", "a", 0).await.unwrap());
    assert_eq!(has(&store, "you", &["a"], 0).await, [true]);
    assert_eq!(store.items("me", vec!["shared".into()], 0).await.unwrap(), []);
}

#[tokio::test]
async fn they_expire() {
    let home = tempdir().unwrap();
    let store = store(&home, Bounds { age: Duration::from_secs(10), ..Bounds::default() });
    put(&store, "me", stored("a", 100, "x")).await;
    put(&store, "me", stored("b", 105, "x")).await;
    assert_eq!(has(&store, "me", &["a", "b"], 109).await, [true, true]);
    assert_eq!(store.items("me", vec!["in_a".into()], 110).await.unwrap(), []);
    assert_eq!(has(&store, "me", &["a", "b"], 110).await, [false, true]);
    assert!(!store.delete("me", "b", 115).await.unwrap());
    drop(store);
    assert_eq!(totals(&home), [(0, 0); 2]);
}

#[tokio::test]
async fn the_oldest_leave_when_there_are_too_many() {
    let home = tempdir().unwrap();
    let store = store(&home, Bounds { entries: 2, ..Bounds::default() });
    for id in ["a", "b", "c"] {
        put(&store, "me", stored(id, 0, "x")).await;
    }
    assert_eq!(has(&store, "me", &["a", "b", "c"], 0).await, [false, true, true]);
    // One that is put again is new.
    put(&store, "me", stored("b", 0, "y")).await;
    put(&store, "you", stored("d", 0, "x")).await;
    assert_eq!(has(&store, "me", &["b", "c", "d"], 0).await, [true, false, false]);
    drop(store);
    let [counted, actual] = totals(&home);
    assert_eq!((counted, actual.0), (actual, 2));
}

#[tokio::test]
async fn the_oldest_leave_when_they_are_too_large() {
    let home = tempdir().unwrap();
    let store = store(&home, Bounds { bytes: 2500, ..Bounds::default() });
    for id in ["a", "b", "c"] {
        // Of one text there would be room for all three.
        put(&store, "me", stored(id, 0, &id.repeat(1000))).await;
    }
    assert_eq!(has(&store, "me", &["a", "b", "c"], 0).await, [false, true, true]);
    let refused = store.put("me", stored("d", 0, &"x".repeat(3000))).await;
    assert!(refused.unwrap_err().to_string().contains("do not fit"));
    assert_eq!(has(&store, "me", &["b", "c"], 0).await, [true, true]);
    drop(store);
    let [counted, actual] = totals(&home);
    assert!(counted == actual && counted.1 <= 2500, "{counted:?} {actual:?}");
}

#[tokio::test]
async fn what_responses_have_in_common_is_there_once_until_the_last_goes() {
    let home = tempdir().unwrap();
    let open = || store(&home, Bounds::default());
    let large = "x".repeat(100_000);
    for n in 0..20 {
        put(&open(), "me", stored(&n.to_string(), 0, &large)).await;
    }
    assert!(totals(&home)[0].1 < 110_000, "{:?}", totals(&home));
    for n in 0..20 {
        let kept = open().items("me", vec!["shared".into()], 0).await.unwrap();
        assert_eq!(kept, [item("shared", &large)]);
        assert!(open().delete("me", &n.to_string(), 0).await.unwrap());
    }
    assert_eq!(totals(&home), [(0, 0); 2]);
}

#[tokio::test]
async fn of_one_item_the_last_counts() {
    let home = tempdir().unwrap();
    let store = store(&home, Bounds::default());
    let shared = async || store.items("me", vec!["shared".into()], 0).await.unwrap();
    put(&store, "me", stored("a", 0, "first")).await;
    put(&store, "me", stored("b", 0, "second")).await;
    assert_eq!(shared().await, [item("shared", "second")]);
    put(&store, "me", stored("c", 0, "first")).await;
    assert_eq!(shared().await, [item("shared", "first")]);
}

/// Clients choose ids, and may give all items the same one.
#[tokio::test]
async fn items_of_one_id_take_little_time() {
    let home = tempdir().unwrap();
    let store = store(&home, Bounds::default());
    let input = (0..30_000).map(|n| item("same", &n.to_string())).collect::<Vec<_>>();
    let started = tokio::time::Instant::now();
    for id in ["a", "b"] {
        put(&store, "me", Stored { input: input.clone(), ..stored(id, 0, "x") }).await;
    }
    assert_eq!(store.get("me", "b", 0).await.unwrap().unwrap().input, input);
    let found = store.items("me", vec!["same".into()], 0).await.unwrap();
    assert_eq!(found.len(), 1);
    // Looked for among all the others, they take a hundred times as long.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once() {
    let home = tempdir().unwrap();
    let store = store(&home, Bounds { entries: 50, ..Bounds::default() });
    let tasks: Vec<_> = (0..40)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..5 {
                    let id = format!("{task}_{n}");
                    put(&store, &format!("owner {}", task % 3), stored(&id, 0, "x")).await;
                    if n % 2 == 0 {
                        store.delete(&format!("owner {}", task % 3), &id, 0).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    drop(store);
    let [counted, actual] = totals(&home);
    assert!(counted == actual && (1..=50).contains(&counted.0), "{counted:?} {actual:?}");
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_tried_again() {
    let home = tempdir().unwrap();
    let directory = home.path().join("data");
    fs::write(&directory, "in the way").unwrap();
    let store = SqliteStore::new(&directory, Bounds::default());
    let error = store.put("me", stored("a", 0, "x")).await.unwrap_err().to_string();
    assert!(error.contains("cannot keep the responses in") && error.contains("help: "), "{error}");
    fs::remove_file(&directory).unwrap();
    put(&store, "me", stored("a", 0, "x")).await;
    assert_eq!(has(&store, "me", &["a"], 0).await, [true]);
}

fn config(home: &Path, more: &str) -> Config {
    let text = format!("dataDir: '{}'\n{more}", home.display());
    Config::from_yaml("gateway.yaml", &text, &Env::empty()).unwrap()
}

#[tokio::test]
async fn the_configuration_says_which_store_and_how_much() {
    for (settings, makes_a_file) in [
        ("responses: {max_entries: 1}", true),
        ("responses: {store: memory, max_entries: 1}", false),
    ] {
        let home = tempdir().unwrap();
        let store: Arc<dyn Store> = ResponseStore::new(&config(home.path(), settings)).store();
        for id in ["a", "b"] {
            store.put("me", stored(id, 0, "x")).await.unwrap();
        }
        assert!(store.get("me", "a", 0).await.unwrap().is_none());
        let age = 30 * 24 * 60 * 60;
        assert!(store.get("me", "b", age - 1).await.unwrap().is_some());
        assert!(store.get("me", "b", age).await.unwrap().is_none());
        assert_eq!(home.path().join("responses.sqlite").exists(), makes_a_file);
    }
}

#[test]
fn the_key_is_made_once_and_kept() {
    let home = tempdir().unwrap();
    let config = config(&home.path().join("data"), "");
    let open = || super::seal(&config).unwrap();
    let file = home.path().join("data/seal.key");
    assert_eq!(open().open("me", "st1.AAAA"), None);
    assert!(open().is_ours("st1.AAAA") && !open().is_ours("gAAAA"));
    assert!(!file.exists(), "nothing was sealed yet");

    let sealed = open().seal("me", "text");
    assert_eq!(open().open("me", &sealed).as_deref(), Some("text"));
    assert_eq!(open().open("you", &sealed), None);
    let key = fs::read(&file).unwrap();
    assert_eq!(key.len(), 32);
    open().seal("me", "more");
    assert_eq!(fs::read(&file).unwrap(), key);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn the_key_is_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempdir().unwrap();
    let config = config(&home.path().join("data"), "");
    super::seal(&config).unwrap().seal("me", "text");
    let file = home.path().join("data/seal.key");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&config.data_dir), mode(&file)), (0o700, 0o600));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    super::seal(&config).unwrap();
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn two_that_begin_together_seal_by_one_key() {
    let home = tempdir().unwrap();
    let open = || KeySeal::open(home.path()).unwrap();
    let (one, two) = (open(), open());
    let sealed = one.seal("me", "text");
    two.seal("me", "text");
    assert_eq!(two.open("me", &sealed).as_deref(), Some("text"));
}

#[test]
fn what_is_no_key_is_refused_with_what_to_do() {
    for wrong in [&b""[..], &[1; 31], &[1; 33]] {
        let home = tempdir().unwrap();
        fs::write(home.path().join("seal.key"), wrong).unwrap();
        let error = KeySeal::open(home.path()).unwrap_err().to_string();
        let error = error.replace(&home.path().display().to_string(), "DIR");
        assert_eq!(
            error,
            "cannot use the key in DIR/seal.key: it is not 32 bytes long\n  \
             help: restore it, or remove it: reasoning that clients still have is then forgotten"
        );
    }
    let home = tempdir().unwrap();
    fs::create_dir(home.path().join("seal.key")).unwrap();
    let error = KeySeal::open(home.path()).unwrap_err().to_string();
    assert!(error.contains("help: let this user read and write there"), "{error}");
}

#[test]
fn without_a_place_for_the_key_sealing_goes_on() {
    let home = tempdir().unwrap();
    fs::write(home.path().join("data"), "in the way").unwrap();
    let seal = super::seal::unopened(&home.path().join("data"));
    let sealed = seal.seal("me", "text");
    assert_eq!(seal.open("me", &sealed).as_deref(), Some("text"));
}
