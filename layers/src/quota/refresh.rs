use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio::time::{Instant, sleep, timeout};

use super::{QuotaSource, demand::Demand, snapshots::SnapshotTable};
use crate::BoxError;

/// Minimum interval between two reads of a source, whatever `ttl` it states.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// Number of `ttl` periods for which a snapshot is used while reads fail.
const MAX_AGE_TTLS: u32 = 3;

/// Reads a source now, and then whenever its word is no longer good, for as long as somebody asks.
pub(super) async fn refresh(
    source: impl QuotaSource,
    place: u64,
    board: Arc<RwLock<SnapshotTable>>,
    asks: Arc<Demand>,
) {
    let ttl = source.ttl().max(MIN_INTERVAL);
    let keep = ttl.saturating_mul(MAX_AGE_TTLS);
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
