use super::*;
use crate::tasks::state::Step;

fn open() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection
}

fn task(id: &str) -> Task {
    let spec = Submission { source: Some("me".into()), ..Submission::new("Do it") };
    let state = TaskState::new(&["a".into(), "b".into()], true, 7);
    Task { id: id.into(), spec, state, reason: "team".into(), created_at: 5 }
}

fn finished(id: &str, answer: &str) -> Task {
    let mut task = task(id);
    for step in [
        Step::Assigned,
        Step::Started("a".into()),
        Step::Started("b".into()),
        Step::Ended("a".into(), Ok(answer.into())),
        Step::Ended("b".into(), Err("no".into())),
    ] {
        task.state.apply(step, 9).unwrap();
    }
    task
}

fn listed(connection: &Connection, page: &Page) -> Vec<String> {
    list(connection, page).unwrap().into_iter().map(|task| task.id).collect()
}

fn page(limit: usize) -> Page {
    Page { limit, ..Page::default() }
}

#[test]
fn what_is_written_is_read_back() {
    let connection = open();
    let mut kept = task("1");
    kept.spec.timeout = Some(std::time::Duration::from_millis(1500));
    insert(&connection, &kept).unwrap();
    assert_eq!(load(&connection, "1").unwrap(), Some(kept.clone()));
    assert_eq!(load(&connection, "2").unwrap(), None);
    kept.state = finished("1", "yes").state;
    update(&connection, &kept).unwrap();
    assert_eq!(load(&connection, "1").unwrap(), Some(kept));
}

#[test]
fn pages_follow_one_another_newest_first() {
    let connection = open();
    for id in ["2", "1", "3", "5", "4"] {
        let task = if id == "3" { finished(id, "x") } else { task(id) };
        insert(&connection, &task).unwrap();
    }
    assert_eq!(listed(&connection, &page(2)), ["5", "4"]);
    let after = |id: &str, limit| Page { after: Some(id.into()), ..page(limit) };
    assert_eq!(listed(&connection, &after("4", 2)), ["3", "2"]);
    assert_eq!(listed(&connection, &after("2", 2)), ["1"]);
    assert_eq!(listed(&connection, &after("1", 2)), [""; 0]);
    let of = |status| Page { status: Some(status), ..page(9) };
    assert_eq!(listed(&connection, &of(TaskStatus::Completed)), ["3"]);
    assert_eq!(listed(&connection, &of(TaskStatus::Pending)), ["5", "4", "2", "1"]);
    let both = Page { status: Some(TaskStatus::Pending), ..after("4", 9) };
    assert_eq!(listed(&connection, &both), ["2", "1"]);
    assert_eq!(ids(&connection, TaskStatus::Pending).unwrap(), ["1", "2", "4", "5"]);
}

#[test]
fn a_page_of_large_tasks_is_shorter() {
    let connection = open();
    for id in ["1", "2", "3"] {
        insert(&connection, &finished(id, &"x".repeat(PAGE_BYTES / 2))).unwrap();
    }
    assert_eq!(listed(&connection, &page(3)), ["3", "2"]);
    insert(&connection, &finished("4", &"x".repeat(PAGE_BYTES))).unwrap();
    assert_eq!(listed(&connection, &page(3)), ["4"]);
}

#[test]
fn the_oldest_finished_ones_go() {
    let connection = open();
    insert(&connection, &task("0")).unwrap();
    for id in ["2", "3", "4", "1"] {
        insert(&connection, &finished(id, "x")).unwrap();
        prune(&connection, 2, id).unwrap();
    }
    assert_eq!(listed(&connection, &page(9)), ["4", "1", "0"], "not what has just finished");
}

#[test]
fn they_have_so_many_bytes_together() {
    let connection = open();
    for id in ["1", "2", "3", "4"] {
        insert(&connection, &finished(id, "x")).unwrap();
    }
    let size = KEPT_BYTES / 2;
    connection.execute("UPDATE tasks SET size = ?1", [size as i64]).unwrap();
    prune(&connection, 100, "4").unwrap();
    assert_eq!(ids(&connection, TaskStatus::Completed).unwrap(), ["3", "4"]);
}
