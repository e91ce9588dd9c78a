use std::collections::HashMap;
use std::time::Duration;

use switchtower_layers::budget::{Changes, Record};
use tokio::sync::oneshot;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use super::{Client, store::Store};

/// Interval for which changes are gathered; with the time of a write they are on disk within 100
/// ms.
const BATCH_INTERVAL: Duration = Duration::from_millis(50);
/// Interval before a failed write is retried.
const WRITE_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What is not on disk yet, each account once.
type Pending = HashMap<Option<Client>, Option<Record>>;

/// Writes changes until `stop` fires or its sender is dropped; then writes the rest.
pub(super) async fn run(
    mut store: Store,
    changes: Changes<Client>,
    mut stop: oneshot::Receiver<()>,
) {
    let mut pending = Pending::new();
    let mut is_failing = false;
    loop {
        let stopped = tokio::select! {
            _ = &mut stop => true,
            () = wait(&changes, is_failing) => false,
        };
        pending.extend(changes.take().into_iter().map(|change| (change.key, change.record)));
        let (back, unwritten, result) = match write(store, pending).await {
            Ok(written) => written,
            Err(error) => {
                tracing::error!("the budgets are no longer kept: {error}");
                return;
            }
        };
        (store, pending) = (back, unwritten);
        match result {
            Ok(()) if is_failing => tracing::info!("the budgets are kept again"),
            Ok(()) => {}
            // Said once, not with each try.
            Err(error) if !is_failing || stopped => {
                let accounts = pending.len();
                tracing::error!(accounts, "cannot keep the budgets: {error}");
            }
            Err(_) => {}
        }
        is_failing = !pending.is_empty();
        if stopped {
            return;
        }
    }
}

async fn wait(changes: &Changes<Client>, is_failing: bool) {
    if is_failing {
        return sleep(WRITE_RETRY_INTERVAL).await;
    }
    changes.changed().await;
    sleep(BATCH_INTERVAL).await;
}

/// Gives back what could not be written.
async fn write(
    mut store: Store,
    pending: Pending,
) -> Result<(Store, Pending, rusqlite::Result<()>), JoinError> {
    let written = spawn_blocking(move || {
        let result = store.write(&pending);
        let unwritten = if result.is_ok() { Pending::new() } else { pending };
        (store, unwritten, result)
    });
    written.await
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use switchtower_layers::budget::{Ledger, Limit, Limits, Period, Spend};
    use tokio::{task::JoinHandle, time::Instant};

    use super::*;

    /// A database that takes no account with fewer than three requests.
    fn start(directory: &Path) -> (Ledger<Client>, oneshot::Sender<()>, JoinHandle<()>) {
        let (store, _) = Store::open(directory).unwrap_or_else(|error| panic!("{error}"));
        let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON accounts WHEN NEW.day_requests < 3
            BEGIN SELECT RAISE(ABORT, 'no'); END";
        store.0.execute_batch(trigger).unwrap();
        let ledger = Ledger::new(Limits::from([Limit::requests(100, Period::Day)]));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(store, ledger.changes(), stopped));
        (ledger, stop, task)
    }

    fn spend(ledger: &Ledger<Client>) {
        let (one, now) = (Spend { requests: 1, ..Spend::NOTHING }, ledger.now());
        ledger.reserve(Some(Client::from("a")), one, now).unwrap().settle(one, now);
    }

    fn kept(directory: &Path) -> Vec<u64> {
        let (_, accounts) = Store::open(directory).unwrap_or_else(|error| panic!("{error}"));
        accounts.iter().map(|(_, record)| record.day.spend.requests).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_written_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let (ledger, stop, task) = start(directory.path());
        spend(&ledger);
        sleep(BATCH_INTERVAL + WRITE_RETRY_INTERVAL * 3).await;
        spend(&ledger);
        spend(&ledger);
        sleep(WRITE_RETRY_INTERVAL * 2).await;
        stop.send(()).unwrap();
        task.await.unwrap();
        assert_eq!(kept(directory.path()), [3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_wait_for_what_cannot_be_written() {
        let directory = tempfile::tempdir().unwrap();
        let (ledger, stop, task) = start(directory.path());
        spend(&ledger);
        sleep(BATCH_INTERVAL * 2).await;
        let stopped = Instant::now();
        stop.send(()).unwrap();
        task.await.unwrap();
        assert!(stopped.elapsed() < WRITE_RETRY_INTERVAL);
        assert_eq!(kept(directory.path()), [0u64; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_changes_are_written_when_nobody_can_stop_it_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let (ledger, stop, task) = start(directory.path());
        (0..3).for_each(|_| spend(&ledger));
        drop(stop);
        task.await.unwrap();
        assert_eq!(kept(directory.path()), [3]);
    }
}
