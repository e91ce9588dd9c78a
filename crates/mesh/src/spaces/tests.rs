use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::events::{Filter, Frame};

struct Desk {
    spaces: Spaces,
    events: Events,
    home: TempDir,
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let events = Events::new();
        let spaces = Self::open(&home, &events);
        Self { spaces, events, home }
    }

    fn open(home: &TempDir, events: &Events) -> Spaces {
        Spaces::new(Database::new(home.path()), events.clone())
    }

    async fn space(&self) -> String {
        self.spaces.create(json!({})).await.unwrap().shared_space_id
    }

    async fn say(&self, space: &str, content: &str) -> u64 {
        self.spaces.add(space, said(content)).await.unwrap().id
    }

    async fn find(&self, space: &str, q: &str) -> Vec<u64> {
        let found = self.spaces.search(space, q.into(), 500).await.unwrap().unwrap();
        found.into_iter().map(|found| found.message.id).collect()
    }

    async fn write(&self, sql: &'static str) {
        let write = move |connection: &mut Connection| connection.execute_batch(sql);
        self.spaces.database.call(write).await.unwrap();
    }
}

fn said(content: &str) -> NewMessage {
    NewMessage {
        role: "user".into(),
        source: Some("cli".into()),
        task_id: None,
        content: content.into(),
        metadata: json!({"a": 1}),
    }
}

fn artifact(data: &[u8]) -> Artifact {
    Artifact { content_type: "text/plain".into(), data: data.into() }
}

#[tokio::test]
async fn a_space_counts_what_is_in_it_and_outlives_the_process() {
    let Desk { spaces, events, home } = Desk::new();
    let id = spaces.create(json!({"name": "重构"})).await.unwrap().shared_space_id;
    assert!(id.starts_with("space_") && id.len() == 6 + 32);
    let message = spaces.add(&id, said("one")).await.unwrap();
    let second = spaces.add(&id, said("two")).await.unwrap();
    spaces.put(&id, "a.txt".into(), artifact(b"abc")).await.unwrap();
    drop(spaces);

    let spaces = Desk::open(&home, &events);
    let space = spaces.get(&id).await.unwrap().unwrap();
    assert_eq!((space.message_count, space.artifact_count), (2, 1));
    assert_eq!(space.metadata, json!({"name": "重构"}));
    assert!(space.created_at > 0 && space.updated_at >= message.created_at);
    let page = |limit, after| spaces.messages(&id, limit, after);
    assert_eq!(page(10, 0).await.unwrap().unwrap(), [message.clone(), second.clone()]);
    assert_eq!(page(1, 0).await.unwrap().unwrap(), std::slice::from_ref(&message));
    assert_eq!(page(9, message.id).await.unwrap().unwrap(), std::slice::from_ref(&second));
    assert_eq!(page(9, u64::MAX).await.unwrap().unwrap(), []);
    assert_eq!(spaces.recent(&id, 1).await.unwrap(), std::slice::from_ref(&second));
    assert_eq!(spaces.recent(&id, 9).await.unwrap(), [message, second]);
    assert_eq!(spaces.recent("space_x", 9).await.unwrap(), []);
}

#[tokio::test]
async fn the_newest_space_comes_first() {
    let desk = Desk::new();
    let (a, b, c) = (desk.space().await, desk.space().await, desk.space().await);
    let list = async |limit, after: Option<&str>| {
        let list = desk.spaces.list(limit, after.map(Into::into)).await.unwrap();
        list.into_iter().map(|space| space.shared_space_id).collect::<Vec<_>>()
    };
    assert_eq!(list(2, None).await, [&*c, &*b]);
    assert_eq!(list(2, Some(&b)).await, [&*a]);
    assert_eq!(list(2, Some(&a)).await, [""; 0]);
}

#[tokio::test]
async fn a_deleted_space_is_gone_with_all_that_was_in_it() {
    let desk = Desk::new();
    let (id, other) = (desk.space().await, desk.space().await);
    desk.say(&id, "secret").await;
    let kept = desk.say(&other, "secret").await;
    desk.spaces.put(&id, "a".into(), artifact(b"a")).await.unwrap();
    assert!(desk.spaces.delete(&id).await.unwrap());
    assert!(!desk.spaces.delete(&id).await.unwrap() && !desk.spaces.exists(&id).await.unwrap());
    assert_eq!(desk.spaces.messages(&id, 9, 0).await.unwrap(), None);
    assert_eq!(desk.spaces.append(&id, said("x")).await.unwrap(), None);
    assert_eq!(desk.spaces.add(&id, said("x")).await, Err(Error::Refused(Refused::Unknown)));
    assert_eq!(desk.find(&other, "secret").await, [kept]);
    let count = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM artifacts) \
                 + (SELECT count(*) FROM messages_text('secret'))";
    let left = move |connection: &mut Connection| connection.query_row(count, [], |row| row.get(0));
    let left: u64 = desk.spaces.database.call(left).await.unwrap();
    assert_eq!(left, 2, "the other's message and its text");
}

#[tokio::test]
async fn words_are_found_whatever_their_script() {
    let desk = Desk::new();
    let id = desk.space().await;
    let chinese = desk.say(&id, "请重构解析器，并添加单元测试。Use serde_json 1.0!").await;
    let english = desk.say(&id, "The deployment of Café FOO-bar \"failed\"").await;
    let other = desk.space().await;
    desk.say(&other, "deployment 解析").await;
    for (q, expected) in [
        ("解析", &[chinese][..]),
        ("析", &[chinese]),
        ("单元测试", &[chinese]),
        ("单元 重构 serde", &[chinese]),
        ("测试use", &[chinese]),
        ("析解", &[]),
        ("serde_json", &[chinese]),
        ("deploy", &[english]),
        ("ploy", &[]),
        ("cafe", &[english]),
        ("foo-bar FAILED", &[english]),
        ("deployment 解析", &[]),
        ("AND", &[]),
        ("deploy OR 解析", &[]),
        ("text:deploy", &[]),
        ("\"", &[]),
        ("***", &[]),
        ("deploy*", &[english]),
        ("NOT(the", &[]),
        ("。", &[]),
    ] {
        assert_eq!(desk.find(&id, q).await, expected, "{q:?}");
    }
    let found = desk.spaces.search(&id, "测试".into(), 1).await.unwrap().unwrap();
    assert_eq!(found[0].snippet, "请重构解析器，并添加单元测试。Use serde_json 1.0!");
    assert_eq!(desk.spaces.search("space_x", "a".into(), 1).await.unwrap(), None);
}

#[tokio::test]
async fn the_best_comes_first() {
    let desk = Desk::new();
    let id = desk.space().await;
    let long = desk.say(&id, &format!("parser {}", "and other words ".repeat(50))).await;
    let best = desk.say(&id, "parser parser").await;
    let (older, newer) = (desk.say(&id, "a lexer").await, desk.say(&id, "a lexer").await);
    assert_eq!(desk.find(&id, "parser").await, [best, long]);
    assert_eq!(desk.find(&id, "lexer").await, [newer, older]);
}

#[tokio::test]
async fn listeners_hear_of_what_is_new() {
    let desk = Desk::new();
    let id = desk.space().await;
    let filter = Filter { task: None, space: Some(id.clone()) };
    let mut stream = desk.events.subscribe(filter, None).unwrap().into_stream(None, Vec::new());
    let message = desk.say(&id, "hi").await;
    desk.spaces.append("space_x", said("nothing")).await.unwrap();
    desk.spaces.put(&id, "a".into(), artifact(b"a")).await.unwrap();
    assert_eq!(desk.spaces.remove(&id, "b".into()).await.unwrap(), Some(false));
    assert_eq!(desk.spaces.remove(&id, "a".into()).await.unwrap(), Some(true));
    assert_eq!(desk.spaces.remove("space_x", "a".into()).await.unwrap(), None);
    desk.spaces.delete(&id).await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..6 {
        let json = |frame: Frame| serde_json::from_slice::<Value>(&frame.json()).unwrap();
        let event = json(stream.next().await.unwrap());
        if event["type"] == "context.updated" {
            assert_eq!(event["space_id"], *id);
            heard.push((event["message_id"].clone(), event["artifact"].clone()));
        }
    }
    let artifact = (Value::Null, json!("a"));
    let expected = [(json!(message), Value::Null), artifact.clone(), artifact, Default::default()];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn an_artifact_comes_back_byte_for_byte() {
    let desk = Desk::new();
    let id = desk.space().await;
    let first = Artifact { content_type: "image/png".into(), data: (0..=255).collect() };
    let (view, is_new) = desk.spaces.put(&id, "图.png".into(), first.clone()).await.unwrap();
    assert!(is_new && view.size == 256);
    assert_eq!(desk.spaces.artifacts(&id).await.unwrap(), Some(vec![view]));
    let get = |name: &str| desk.spaces.artifact(&id, name.into());
    assert_eq!(get("图.png").await.unwrap(), Some(Some(first)));
    assert_eq!(get("x").await.unwrap(), Some(None));
    let put = desk.spaces.put(&id, "图.png".into(), artifact(b"")).await.unwrap();
    assert!(!put.1);
    assert_eq!(get("图.png").await.unwrap(), Some(Some(artifact(b""))));
    assert_eq!(desk.spaces.get(&id).await.unwrap().unwrap().artifact_count, 1);
}

#[tokio::test]
async fn there_is_so_much_room_and_no_more() {
    let desk = Desk::new();
    let id = desk.space().await;
    let large = |error| matches!(error, Error::Refused(Refused::TooLarge(_)));
    let full = |error| matches!(error, Error::Refused(Refused::Full(_)));
    let huge = "字".repeat(limits::CONTENT / 3 + 1);
    assert!(large(desk.spaces.add(&id, said(&huge)).await.unwrap_err()));
    let number = desk.spaces.append(&id, said(&huge)).await.unwrap().unwrap();
    let kept = desk.spaces.recent(&id, 1).await.unwrap().remove(0);
    assert!(kept.id == number && kept.content.len() <= limits::CONTENT);
    assert!(kept.content.ends_with("字\n[cut]"));
    let metadata = json!({"x": "x".repeat(limits::METADATA)});
    assert!(large(desk.spaces.create(metadata).await.unwrap_err()));
    let big = artifact(&vec![0; limits::ARTIFACT + 1]);
    assert!(large(desk.spaces.put(&id, "a".into(), big).await.unwrap_err()));

    desk.write("UPDATE spaces SET messages = 100000, artifacts = 256").await;
    assert!(full(desk.spaces.add(&id, said("x")).await.unwrap_err()));
    assert_eq!(desk.spaces.append(&id, said("x")).await.unwrap(), None);
    assert!(full(desk.spaces.put(&id, "a".into(), artifact(b"a")).await.unwrap_err()));

    desk.write("UPDATE spaces SET messages = 0, artifacts = 0, bytes = 2147483648 - 20").await;
    desk.spaces.put(&id, "a".into(), artifact(&[0; 20])).await.unwrap();
    assert!(full(desk.spaces.add(&id, said("x")).await.unwrap_err()));
    assert!(full(desk.spaces.create(json!({})).await.unwrap_err()));
    assert!(full(desk.spaces.put(&id, "a".into(), artifact(&[0; 21])).await.unwrap_err()));
    desk.spaces.put(&id, "a".into(), artifact(&[0; 10])).await.unwrap();
    desk.spaces.remove(&id, "a".into()).await.unwrap();
    desk.say(&id, "x").await;
}

#[tokio::test]
async fn a_list_of_long_messages_ends_early() {
    let desk = Desk::new();
    let id = desk.space().await;
    let long = "x".repeat(limits::CONTENT - 100);
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(desk.say(&id, &long).await);
    }
    let page = desk.spaces.messages(&id, 500, 0).await.unwrap().unwrap();
    let rest = desk.spaces.messages(&id, 500, page[page.len() - 1].id).await.unwrap().unwrap();
    assert_eq!((page.len(), rest.len()), (8, 2));
    let recent = desk.spaces.recent(&id, 500).await.unwrap();
    assert_eq!(recent.iter().map(|message| message.id).collect::<Vec<_>>(), ids[2..]);
}

/// Chinese with rare characters and Japanese, between words and marks.
const TEXT: &str = "([一-龥𠀀-𠀿ぁ-んァ-ヶ々]{2,6}|[a-z0-9]{1,8}|[ ,.。、!\"'*():\\n-]{1,2}){1,12}";

/// One database for all cases, as each would take a while to make its own.
fn each_case<S: Strategy>(strategy: S, check: &impl AsyncFn(&Desk, S::Value)) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let desk = Desk::new();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) };
    let case = |value| {
        runtime.block_on(check(&desk, value));
        Ok(())
    };
    TestRunner::new(config).run(&strategy, case).unwrap();
}

#[test]
fn any_part_of_a_run_and_any_word_is_found() {
    each_case((TEXT, 0_usize..40, 2_usize..5), &async |desk, (text, from, len)| {
        let id = desk.space().await;
        let message = desk.say(&id, &format!("x{text}")).await;
        let rest = text.chars().skip(from).skip_while(|c| !fts_terms::is_run_on(*c));
        let run: String = rest.take_while(|c| fts_terms::is_run_on(*c)).take(len).collect();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).skip(1);
        for q in words.chain([&*run]).filter(|q| !q.is_empty()) {
            assert_eq!(desk.find(&id, q).await, [message], "{q:?} in {text:?}");
        }
    });
}

#[test]
fn no_query_is_an_error() {
    let syntax = "[\"*^:(){}+ aAND\\-NOTOR\\x00]{1,256}";
    each_case((any::<String>(), ".{1,256}", syntax), &async |desk, (text, q, syntax)| {
        let id = desk.space().await;
        desk.say(&id, &text).await;
        for q in [q, syntax, text] {
            let q: String = q.chars().take(256).collect();
            desk.find(&id, &q).await;
        }
        desk.find(&id, &"a ".repeat(128)).await;
    });
}
