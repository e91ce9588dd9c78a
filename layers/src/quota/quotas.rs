use std::{collections::HashMap, sync::Arc, time::SystemTime};

use http::Response;
use parking_lot::{Mutex, RwLock};
use tokio::{
    task::{AbortHandle, JoinSet},
    time::Instant,
};

use super::{
    QuotaSource, RateLimitHeaders, Snapshot, demand::Demand, refresh::refresh,
    snapshots::SnapshotTable,
};
use crate::{Code, Rejected, Rejection, Target, cooldowns::Cooldowns, rejection::whole_seconds};

/// Snapshots of remaining quota. A shared handle: give the same one to a rebuilt stack, and it
/// continues with them. A shared handle: give the same one to a stack that is built anew, and it
/// goes on where the old one was. Also the place to look at it.
///
/// When the last handle is dropped, the reads in the background end.
#[derive(Clone, Debug)]
pub struct Quotas(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    board: Arc<RwLock<SnapshotTable>>,
    asks: Arc<Demand>,
    /// The targets that said they had nothing left.
    used_up: Cooldowns,
    // They end when this is dropped, and hold no handle that could keep it.
    tasks: Mutex<JoinSet<()>>,
}

impl Quotas {
    /// Quotas with other names for some providers than their own. Of several names the first one
    /// that a source reports wins. Reports about a provider without any name are ignored.
    pub fn new<P, N>(names: impl IntoIterator<Item = (P, N)>) -> Self
    where
        P: Into<Box<str>>,
        N: IntoIterator<Item: Into<Arc<str>>>,
    {
        Self(Arc::new(Shared {
            board: Arc::new(RwLock::new(SnapshotTable::new(collect(names)))),
            asks: Arc::new(Demand::new(Instant::now())),
            used_up: Cooldowns::default(),
            tasks: Mutex::default(),
        }))
    }

    /// Other names from now on. What is known stays.
    pub fn set_names<P, N>(&self, names: impl IntoIterator<Item = (P, N)>)
    where
        P: Into<Box<str>>,
        N: IntoIterator<Item: Into<Arc<str>>>,
    {
        self.0.board.write().set_names(collect(names));
    }

    /// Reads this source in the background: at once, and then whenever its [ttl](QuotaSource::ttl)
    /// has expired while there are queries. Of several sources that report one name the first wins.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn watch(&self, source: impl QuotaSource) -> SourceHandle {
        self.start(source, false)
    }

    /// Reads this source like [`watch`](Self::watch), with precedence over all others.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn watch_first(&self, source: impl QuotaSource) -> SourceHandle {
        self.start(source, true)
    }

    fn start(&self, source: impl QuotaSource, first: bool) -> SourceHandle {
        let (board, asks) = (self.0.board.clone(), self.0.asks.clone());
        let number = board.write().add(first);
        let mut tasks = self.0.tasks.lock();
        // Those that were ended.
        while tasks.try_join_next().is_some() {}
        let task = tasks.spawn(refresh(source, number, board, asks));
        SourceHandle { number, task }
    }

    /// Stops reading one source, and removes its snapshots.
    pub fn unwatch(&self, watched: &SourceHandle) {
        watched.task.abort();
        self.0.board.write().remove(watched.number);
    }

    /// Forgets what the answers of other providers said, such as of those that are gone.
    pub fn retain(&self, keep: impl FnMut(&str) -> bool) {
        self.0.used_up.retain(keep);
    }

    /// Ends the reads, and waits until they are gone with all that they had begun. What is known
    /// stays.
    pub async fn stop(&self) {
        let mut tasks = std::mem::take(&mut *self.0.tasks.lock());
        tasks.shutdown().await;
    }

    /// All snapshots, sorted by name.
    pub fn list(&self) -> Vec<(Arc<str>, Arc<Snapshot>)> {
        self.0.asks.note();
        self.0.board.read().list()
    }

    /// The snapshot of a provider, by any of its names.
    pub fn of(&self, provider: &str) -> Option<Arc<Snapshot>> {
        self.0.asks.note();
        self.0.board.read().of(provider).cloned()
    }

    /// Whether a request may go to this target.
    pub(super) fn admit(&self, target: &Target) -> Result<(), Rejection> {
        self.0.asks.note();
        let used_up = &self.0.used_up;
        // Usually no limit is used up, and then the time is not needed.
        if !used_up.is_empty()
            && let Some(wait) = used_up.remaining(target, Instant::now())
        {
            let seconds = whole_seconds(wait);
            let message = format!("{target}: its limit is used up for another {seconds} s");
            return Err(Rejection::new(Code::RateLimited, message).retry_after(wait));
        }
        let board = self.0.board.read();
        let told = board.of(&target.provider);
        let Some(snapshot) = told.filter(|snapshot| !snapshot.available) else { return Ok(()) };
        let now = SystemTime::now();
        // Its reset may have come since it was read.
        if snapshot.is_available(now) { Ok(()) } else { Err(exhausted(target, snapshot, now)) }
    }

    /// An answer has come; what it says is left counts for the next request.
    pub(super) fn answered<B>(&self, target: &Target, response: &Response<B>) {
        if response.extensions().get::<Rejected>().is_some() {
            return;
        }
        let told = response.extensions().get::<RateLimitHeaders>().copied();
        let remaining = told.or_else(|| RateLimitHeaders::read(response.headers()));
        if let Some(wait) = remaining.and_then(|remaining| remaining.used_up()) {
            self.0.used_up.hold_target(target, wait, Instant::now());
        }
    }
}

fn collect<P, N>(names: impl IntoIterator<Item = (P, N)>) -> HashMap<Box<str>, Box<[Arc<str>]>>
where
    P: Into<Box<str>>,
    N: IntoIterator<Item: Into<Arc<str>>>,
{
    let names = names
        .into_iter()
        .map(|(provider, names)| (provider.into(), names.into_iter().map(Into::into).collect()));
    names.collect()
}

/// A source that is being read, for [`Quotas::unwatch`]. Dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct SourceHandle {
    number: u64,
    task: AbortHandle,
}

/// All providers go by their own names.
impl Default for Quotas {
    fn default() -> Self {
        Self::new([] as [(&str, [&str; 0]); 0])
    }
}

fn exhausted(target: &Target, snapshot: &Snapshot, now: SystemTime) -> Rejection {
    let message = format!("{}: {}", target.provider, snapshot.summary);
    let rejection = Rejection::new(Code::QuotaExhausted, message);
    let wait = snapshot.resets_at.and_then(|at| at.duration_since(now).ok());
    match wait {
        Some(wait) => rejection.retry_after(wait),
        None => rejection,
    }
}
