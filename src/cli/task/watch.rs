//! Waits for the result of a task.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::interrupt::{Choice, Interrupts};
use super::interrupted;
use super::progress::Progress;
use super::terminal::Screen;
use crate::cli::client::{self, Client, Error, Event, Task, encode, follow};
use crate::cli::output::{Failure, plain, print};

/// Time after which an unreachable gateway is given up.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// Interval between two status queries where no event reports the status.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
const TICK: Duration = Duration::from_millis(100);

pub(super) struct Watch {
    client: Client,
    id: String,
    path: String,
    json: bool,
    progress: Progress,
    screen: Screen,
    /// Since when nothing is heard of the gateway.
    lost: Option<Instant>,
}

impl Watch {
    pub(super) fn new(client: Client, id: &str, json: bool) -> Self {
        let screen = Screen::new();
        let progress = Progress::new(screen.streams);
        let (id, path) = (plain(id), format!("/tasks/{}", encode(id)));
        Self { client, id, path, json, progress, screen, lost: None }
    }

    pub(super) async fn run(mut self, mut interrupts: Interrupts) -> Result<ExitCode, Failure> {
        let ended = self.wait(&mut interrupts).await;
        self.screen.clear();
        match ended? {
            Some(view) => self.end(&view),
            None => Ok(interrupted()),
        }
    }

    /// The task once it has ended, unless it is left alone before.
    async fn wait(&mut self, interrupts: &mut Interrupts) -> Result<Option<Value>, Failure> {
        if !self.json {
            self.screen.line(&format!("{} is accepted", self.id));
        }
        // From its first event on: it may have begun before anybody listens.
        let path = format!("/events?taskId={}", encode(&self.id));
        let mut events = follow(self.client.clone(), path, "0");
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let spins = self.screen.spins && !self.json;
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                _ = ticks.tick(), if spins => {
                    self.screen.tick(&self.progress.state());
                    continue;
                }
                () = interrupts.next() => {
                    self.screen.clear();
                    match Choice::ask(interrupts).await {
                        Choice::GoOn => continue,
                        Choice::Detach => {
                            let id = &self.id;
                            self.screen.line(&format!("it goes on; see it with: switchtower tasks {id}"));
                            return Ok(None);
                        }
                        Choice::Cancel => return self.cancel(interrupts).await,
                    }
                }
            };
            match event {
                Some(Ok(event)) => {
                    self.lost = None;
                    self.show(&event)?;
                    if is_last(&event) {
                        return self.ended().await.map(Some);
                    }
                }
                Some(Err(_)) => {
                    if let Some(view) = self.look().await? {
                        return Ok(Some(view));
                    }
                }
                None => return self.ended().await.map(Some),
            }
        }
    }

    fn show(&mut self, event: &Event) -> Result<(), Failure> {
        if self.json {
            return print(&format!("{event}\n"));
        }
        for piece in self.progress.event(event) {
            self.screen.show(&piece)?;
        }
        Ok(())
    }

    /// Queries the status, where events are missing; returns the task if it has ended.
    async fn look(&mut self) -> Result<Option<Value>, Failure> {
        match self.client.get(&self.path).await {
            Ok(view) => {
                self.lost = None;
                Ok(client::read::<Task>(&view)?.is_final().then_some(view))
            }
            Err(error) if error.is_final() => Err(error.into()),
            Err(_) if self.lost.get_or_insert_with(Instant::now).elapsed() < RECONNECT_TIMEOUT => {
                Ok(None)
            }
            Err(error) => Err(Failure(format!("{} is lost sight of: {error}", self.id))),
        }
    }

    /// The task, which has ended or is about to.
    async fn ended(&mut self) -> Result<Value, Failure> {
        loop {
            if let Some(view) = self.look().await? {
                return Ok(view);
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn cancel(&mut self, interrupts: &mut Interrupts) -> Result<Option<Value>, Failure> {
        self.screen.line(&format!("cancelling {}", self.id));
        let path = format!("{}/cancel", self.path);
        let body = json!({});
        let answer = tokio::select! {
            answer = self.client.post(&path, &body) => answer,
            () = interrupts.next() => return Ok(None),
        };
        match answer {
            Ok(view) => {
                if self.json {
                    print(&format!("{view}\n"))?;
                }
                self.screen.line("cancelled");
                Ok(None)
            }
            // It has ended meanwhile.
            Err(Error::Refused { status, .. }) if status == http::StatusCode::CONFLICT => {
                self.ended().await.map(Some)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Shows what came of it.
    fn end(&mut self, view: &Value) -> Result<ExitCode, Failure> {
        let task: Task = client::read(view)?;
        if self.json {
            print(&format!("{view}\n"))?;
        } else {
            for piece in self.progress.end(&task) {
                self.screen.show(&piece)?;
            }
        }
        match (task.status.as_str(), task.error) {
            ("completed", _) => Ok(ExitCode::SUCCESS),
            (_, Some(error)) => {
                Err(Failure(format!("{} ({})", plain(&error.message), plain(&error.code))))
            }
            (status, None) => Err(Failure(format!("{} is {}", self.id, plain(status)))),
        }
    }
}

/// Whether the task has ended with this.
fn is_last(event: &Event) -> bool {
    match event["type"].as_str() {
        Some("task.completed" | "task.failed" | "task.cancelled") => true,
        Some("task_status") => event["task"]["status"].as_str().is_some_and(client::is_final),
        _ => false,
    }
}
