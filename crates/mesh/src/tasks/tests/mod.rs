//! The scheduler with agents that do as the task's text says, on paused time and a real database.

mod ends;
mod reconfigured;
mod restart;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::sleep;

use super::*;
use crate::agents::{Kind, Status};
use crate::events::Event;
use switchtower_config::{Rule, Strategy};

/// Time that a scripted agent takes to stop when it is asked to.
const GRACE: Duration = Duration::from_secs(2);

/// What agents do, and how many at a time.
#[derive(Default)]
struct Scripted {
    at_work: Mutex<usize>,
    most: Mutex<usize>,
    /// The texts, in the order in which they were begun.
    begun: Mutex<Vec<String>>,
    timeouts: Mutex<Vec<Option<Duration>>>,
}

/// Counts down however the agent ends.
struct AtWork(Arc<Scripted>);

impl Drop for AtWork {
    fn drop(&mut self) {
        *self.0.at_work.lock() -= 1;
    }
}

struct Crew(Arc<Scripted>);

impl Runner for Crew {
    fn agents(&self) -> Vec<Summary> {
        let agent = |id: &str| Summary {
            id: id.into(),
            name: id.into(),
            r#type: Kind::Process,
            capabilities: Vec::new(),
            status: Status::Online,
            last_seen: None,
        };
        ["a", "b", "c"].map(agent).into()
    }

    fn run(&self, work: Work) -> Running {
        let scripted = self.0.clone();
        Box::pin(async move {
            let at_work = {
                let mut now = scripted.at_work.lock();
                *now += 1;
                let mut most = scripted.most.lock();
                *most = (*most).max(*now);
                AtWork(scripted.clone())
            };
            scripted.begun.lock().push(work.text.clone());
            scripted.timeouts.lock().push(work.timeout);
            (work.progress)(Stream::Stdout, "so far".into());
            let words: Vec<&str> = work.text.split(' ').collect();
            let done = match &words[..] {
                ["hang", ..] => {
                    work.cancel.cancelled().await;
                    sleep(GRACE).await;
                    Err(Fault::Cancelled)
                }
                ["never", ..] => std::future::pending().await,
                ["panic", ..] => panic!("as it is scripted"),
                ["fail", ..] => Err(Fault::Failed("exit status 3".into())),
                ["only", one, ..] if *one != work.agent => Err(Fault::Failed("not me".into())),
                ["take", seconds, ..] => {
                    sleep(Duration::from_secs(seconds.parse().unwrap_or(1))).await;
                    Ok(work.text.clone())
                }
                _ => Ok(format!("{} did: {}", work.agent, work.text)),
            };
            drop(at_work);
            done.map(|text| Output { text })
        })
    }
}

/// A scheduler, with the calls of its agents and its events.
struct Bench {
    tasks: Tasks,
    crew: Arc<Scripted>,
    told: Arc<Mutex<Vec<Event>>>,
    data: TempDir,
}

fn small() -> Settings {
    Settings { slots: 2, caps: Caps::new(), queue: 3, output_limit: 100, keep: 50 }
}

impl Bench {
    async fn start(settings: Settings) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings).await
    }

    async fn start_in(data: TempDir, settings: Settings) -> Self {
        let bench = Self::new(data, settings);
        bench.tasks.start().await;
        bench
    }

    fn new(data: TempDir, settings: Settings) -> Self {
        let (crew, told) = (Arc::new(Scripted::default()), Arc::new(Mutex::new(Vec::new())));
        let hears = told.clone();
        let tell: Tell = Arc::new(move |event, _, _| hears.lock().push(event.clone()));
        let runner = Arc::new(Crew(crew.clone()));
        let (database, spaces) = beside(data.path());
        let tasks = Tasks::with(settings, routing(), database, runner, spaces, tell);
        Self { tasks, crew, told, data }
    }

    async fn submit(&self, text: &str) -> String {
        self.tasks.submit(Submission::new(text)).await.unwrap().task_id
    }

    async fn get(&self, id: &str) -> TaskView {
        self.tasks.get(id).await.unwrap().unwrap()
    }

    /// Waits until it is so far.
    async fn reaches(&self, id: &str, status: TaskStatus) -> TaskView {
        for _ in 0..1000 {
            let view = self.get(id).await;
            if view.status == status {
                return view;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("{id} is {:?}", self.get(id).await);
    }

    async fn ends(&self, id: &str) -> TaskView {
        for _ in 0..10_000 {
            let view = self.get(id).await;
            if view.status.is_final() {
                return view;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("{id} is {:?}", self.get(id).await);
    }

    /// The kinds of events of each task, in order.
    fn told(&self) -> BTreeMap<String, Vec<String>> {
        let mut by_task: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in self.told.lock().iter() {
            let event = serde_json::to_value(event).unwrap();
            let word = |field: &str| event[field].as_str().unwrap().to_owned();
            by_task.entry(word("task_id")).or_default().push(word("type"));
        }
        by_task
    }
}

fn routing() -> Routing {
    let team = Strategy::Broadcast(vec!["a".into(), "b".into(), "c".into()]);
    Routing { default_agent: None, rules: vec![rule("all", team)] }
}

fn rule(keyword: &str, strategy: Strategy) -> Rule {
    Rule { name: keyword.into(), keywords: vec![keyword.into()], strategy, priority: 0 }
}

fn beside(data: &Path) -> (Database, Spaces) {
    let database = Database::new(data);
    (database.clone(), Spaces::new(database, Events::new()))
}
