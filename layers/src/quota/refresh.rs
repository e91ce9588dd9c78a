use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio::time::{Instant, sleep, timeout};

use super::{QuotaSource, demand::Demand, snapshots::SnapshotTable};
use crate::BoxError;

/// Less often than this is often enough, whatever a source says.
const SHORTEST: Duration = Duration::from_secs(1);
/// How many ttl a snapshot outlives when reads fail.
const KEEP: u32 = 3;

/// Reads a source now, and then whenever its word is no longer good, for as long as somebody asks.
pub(super) async fn refresh(
    source: impl QuotaSource,
    place: u64,
    board: Arc<RwLock<SnapshotTable>>,
    asks: Arc<Demand>,
) {
    let ttl = source.ttl().max(SHORTEST);
    let keep = ttl.saturating_mul(KEEP);
    let mut failure = None;
    let _unless_it_panics = ForgetOnPanic { place, board: &board };
    loop {
        match read(&source).await {
            Ok(snapshots) => {
                board.write().read(place, snapshots, keep, Instant::now());
                if failure.take().is_some() {
                    tracing::info!(source = source.name(), "the quota can be read again");
                }
            }
            Err(error) => {
                board.write().forget(place, keep, Instant::now());
                let (name, why) = (source.name(), Some(error.to_string()));
                if failure == why {
                    tracing::debug!(source = name, why, "the quota still cannot be read");
                } else {
                    tracing::warn!(source = name, why, "the quota cannot be read");
                    failure = why;
                }
            }
        }
        sleep(ttl).await;
        asks.asked().await;
    }
}

/// What a source said must not stay for ever when it has panicked, for it is not read again.
struct ForgetOnPanic<'b> {
    place: u64,
    board: &'b RwLock<SnapshotTable>,
}

impl Drop for ForgetOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.board.write().remove(self.place);
        }
    }
}

async fn read(source: &impl QuotaSource) -> Result<Vec<(String, super::Snapshot)>, BoxError> {
    let limit = source.time_limit();
    match timeout(limit, source.read()).await {
        Ok(read) => read,
        Err(_) => Err(format!("it took longer than {limit:?}").into()),
    }
}
