//! Kills processes left behind by an agent run, also after `kill -9` of the gateway.

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::program::marked;
use super::records;
use crate::database::Database;
use switchtower_platform::process::Group;

/// One run, until nothing of it is left.
pub(super) struct RunRecord {
    database: Database,
    /// Its row, if it could be written.
    row: Option<i64>,
    marks: Vec<String>,
    is_cleared: bool,
    /// Shutdown waits for this token.
    token: Option<TaskTrackerToken>,
}

impl RunRecord {
    /// Written down before there is anything.
    pub(super) async fn begin(
        database: &Database,
        task: &str,
        agent: &str,
        token: TaskTrackerToken,
    ) -> Self {
        let row = match records::begin(database, task, agent).await {
            Ok(row) => Some(row),
            Err(error) => {
                tracing::warn!("a run is not written down: {error}");
                None
            }
        };
        let (database, marks) = (database.clone(), marked(task, agent));
        Self { database, row, marks, is_cleared: false, token: Some(token) }
    }

    /// Says which process leads the others.
    pub(super) async fn led_by(&self, group: &Group) {
        #[cfg(target_os = "linux")]
        if let (Some(row), Some(leader)) = (self.row, group.id())
            && let Some(started) = switchtower_platform::process::linux::start_time(leader)
            && let Err(error) = records::led_by(&self.database, row, leader, started).await
        {
            tracing::warn!("a run's process is not written down: {error}");
        }
        #[cfg(not(target_os = "linux"))]
        let _ = group;
    }

    /// Kills what is left, in whatever group it is, and forgets the run.
    pub(super) async fn clear(&mut self) {
        clear(self.database.clone(), self.row, self.marks.clone()).await;
        self.is_cleared = true;
    }
}

impl Drop for RunRecord {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.is_cleared {
            let clear = clear(self.database.clone(), self.row, std::mem::take(&mut self.marks));
            let token = self.token.take();
            runtime.spawn(async move {
                clear.await;
                drop(token);
            });
        }
    }
}

async fn clear(database: Database, row: Option<i64>, marks: Vec<String>) {
    sweep(vec![marks]).await;
    if let Some(row) = row
        && let Err(error) = records::end(&database, row).await
    {
        tracing::warn!("a run is not forgotten: {error}");
    }
}

/// Kills what a process has left that was killed itself.
pub(super) async fn take_up(database: &Database) {
    let runs = match records::runs(database).await {
        Ok(runs) => runs,
        Err(error) => {
            tracing::error!("what was running is not known: {error}");
            return;
        }
    };
    if runs.is_empty() {
        return;
    }
    tracing::info!("{} runs of the last process are ended", runs.len());
    #[cfg(target_os = "linux")]
    for (leader, started) in runs.iter().filter_map(|run| run.leader) {
        switchtower_platform::process::linux::kill_group(leader, started);
    }
    sweep(runs.iter().map(|run| marked(&run.task, &run.agent)).collect()).await;
    if let Err(error) = records::forget_runs(database).await {
        tracing::warn!("the runs of the last process are not forgotten: {error}");
    }
}

/// Kills all processes of these runs. Only Linux shows which those are.
async fn sweep(runs: Vec<Vec<String>>) {
    #[cfg(target_os = "linux")]
    {
        let work = move || {
            runs.iter().for_each(|marks| switchtower_platform::process::linux::kill_marked(marks));
        };
        let _ = tokio::task::spawn_blocking(work).await;
    }
    #[cfg(not(target_os = "linux"))]
    drop(runs);
}
